package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"cakupan/eventstore/checkpoint"
	"cakupan/projections/coverage"
)

// Statement is what a ledger signs of a figure. It is the second line of a note, in JSON; the first
// line says whose and what, in a form that no checkpoint has. Its bytes are signed as they stand,
// so the order and the names of its fields are part of the format.
type Statement struct {
	// Size is how many events of the log were known, Root that of the tree over them.
	Size int64 `json:"size"`
	// In JSON it is base64, 32 bytes.
	Root []byte `json:"root"`
	// Extent says which of them are of the region: all of these, and no others.
	Extent Extent `json:"extent"`
	// Rules is the version of the rules that the figure was counted by. A program of other rules
	// cannot count it again, and says so.
	Rules string `json:"rules"`
	// By name, as it was asked for.
	Indicator string          `json:"indicator"`
	Answer    coverage.Answer `json:"answer"`
}

// titleSuffix ends the first line of a statement, behind the origin of its ledger. Its version
// changes when what is signed means something else.
const titleSuffix = " figure v1"

// Text returns the lines to be signed. ledger is the name of the identity. The same statement
// always has the same text.
func (s *Statement) Text(ledger string) (string, error) {
	line, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("encode statement: %w", err)
	}
	return checkpoint.Origin(ledger) + titleSuffix + "\n" + string(line) + "\n", nil
}

// errStatement is of a note that says something else. Its signature may be true all the same: a key
// also signs checkpoints.
var errStatement = errors.New("it is no statement about a figure")

// parseStatement reads the lines of a ledger's statement. text must have been found signed before;
// it is believed no further than that. origin is that of the key which has signed. A member that is
// not known is refused: it could change what the others mean.
func parseStatement(text, origin string) (s Statement, err error) {
	title, line, _ := strings.Cut(text, "\n")
	if title != origin+titleSuffix {
		return s, errStatement
	}
	decoder := json.NewDecoder(bytes.NewReader([]byte(line)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&s); err != nil {
		return s, fmt.Errorf("%w: %w", errStatement, err)
	}
	return s, nil
}
