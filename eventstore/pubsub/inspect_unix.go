//go:build unix

package pubsub

import (
	"fmt"
	"io"
	"os"
	"strings"

	"cakupan/domain/event"
	"cakupan/eventstore/inspect"
)

// kindPosition is what the file of a position is; see [Inspect].
const kindPosition = "pubsub: position of a group in a topic"

// IsPosition tells whether a file of this name is one that [Inspect] knows.
func IsPosition(name string) bool {
	return strings.HasSuffix(name, positionSuffix) && strings.Contains(name, "@")
}

// Inspect says what can be told about the file of a position. It has two lines, of which a crash
// spoils at most the older one; with the newer one spoilt, events are delivered once more.
func Inspect(path string) (inspect.Report, error) {
	return inspect.Steady(
		func() (inspect.Report, error) { return inspectPosition(path) },
		func() ([]string, error) { return []string{path}, nil },
	)
}

func inspectPosition(path string) (inspect.Report, error) {
	r, err := inspect.New(path, kindPosition)
	if err != nil {
		return r, err
	}
	file, err := os.Open(path)
	if err != nil {
		return r, fmt.Errorf("inspect: %w", err)
	}
	content, err := io.ReadAll(io.LimitReader(file, 2*lineBytes+1))
	if closed := file.Close(); err != nil || closed != nil {
		return r, fmt.Errorf("inspect: %w", err)
	}
	r.Format = "1"
	if len(content) != 2*lineBytes {
		r.Found(inspect.Damaged, "it has not two lines of %d bytes", lineBytes)
	}
	var latest positionLine
	for i := range min(2, len(content)/lineBytes) {
		line := content[i*lineBytes : (i+1)*lineBytes]
		p, ok := readLine(line)
		// Spaces after the checksum are covered by nothing, and there is nothing else to be.
		if again, err := appendLine(nil, p.key(), p.Handled); !ok || err != nil ||
			string(again) != string(line) {
			r.Found(inspect.Damaged, "the checksum of line %d differs", i+1)
			continue
		}
		if r.Entries++; r.Entries == 2 && p.key() != latest.key() {
			r.Found(inspect.Damaged, "its lines are of two positions")
		}
		if latest.Ledger == "" || p.Handled > latest.Handled {
			latest = p
		}
	}
	r.Ledger, r.Last = event.MaskNIK(latest.Ledger), uint64(latest.Handled)
	if r.Entries > 0 {
		r.Note("group %.60q, topic %.60q", event.MaskNIK(latest.Group), event.MaskNIK(latest.Topic))
	}
	return r, nil
}

func (p *positionLine) key() PositionKey { return PositionKey{p.Ledger, p.Group, p.Topic} }
