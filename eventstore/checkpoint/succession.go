package checkpoint

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// ErrSuccession is returned for what does not prove that one key came in the place of another.
var ErrSuccession = errors.New("no succession of keys")

const (
	// successionSuffix ends the first line of a succession, behind the origin of its ledger: no
	// checkpoint has such a line.
	successionSuffix = " succession v1"

	// SuccessionsMax is how many bytes of successions are read: more than a hundred of them.
	SuccessionsMax = 64 << 10
)

// Succession says that a key of a ledger signs in the place of another one. Both have signed it:
// the old one names whom it trusts, the new one that what the old one signed was its ledger's.
type Succession struct{ Old, New string }

// Succeed returns the note of a succession.
func Succeed(old, successor *Signer) ([]byte, error) {
	text := old.Origin() + successionSuffix + "\n" + old.Key() + "\n" + successor.Key() + "\n"
	signed, err := note.Sign(&note.Note{Text: text}, old.signer, successor.signer)
	if err != nil {
		return nil, fmt.Errorf("sign succession: %w", err)
	}
	return signed, nil
}

// AppendSuccession appends a note to those before it: an empty line is between them.
func AppendSuccession(all, signed []byte) []byte {
	if len(all) > 0 {
		all = append(all, '\n')
	}
	return append(all, signed...)
}

// ParseSuccessions reads the successions of a ledger, in their order, each checked with both its
// keys: that the first of them is the ledger's, who reads must know.
func ParseSuccessions(text []byte) (all []Succession, err error) {
	if len(text) == 0 {
		return nil, nil
	}
	if len(text) > SuccessionsMax {
		return nil, fmt.Errorf("%w: %d bytes", ErrSuccession, len(text))
	}
	parts := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n\n")
	if len(parts)%2 != 0 {
		return nil, fmt.Errorf("%w: half a note", ErrSuccession)
	}
	for i := 0; i < len(parts); i += 2 {
		one, err := parseSuccession(parts[i] + "\n\n" + parts[i+1] + "\n")
		if err != nil {
			return nil, err
		}
		if n := len(all); n > 0 && all[n-1].New != one.Old {
			return nil, fmt.Errorf("%w: it does not go on from the one before", ErrSuccession)
		}
		all = append(all, one)
	}
	return all, nil
}

// parseSuccession reads one note.
func parseSuccession(signed string) (one Succession, err error) {
	lines := strings.Split(signed, "\n")
	if len(lines) < 3 {
		return one, fmt.Errorf("%w: too short", ErrSuccession)
	}
	one = Succession{Old: lines[1], New: lines[2]}
	old, err := Verifier(one.Old)
	if err != nil {
		return one, fmt.Errorf("%w: %w", ErrSuccession, err)
	}
	successor, err := Verifier(one.New)
	if err != nil {
		return one, fmt.Errorf("%w: %w", ErrSuccession, err)
	}
	title := old.Name() + successionSuffix
	if want := title + "\n" + one.Old + "\n" + one.New + "\n"; successor.Name() != old.Name() ||
		!strings.HasPrefix(signed, want+"\n") {
		return one, fmt.Errorf("%w: it says something else", ErrSuccession)
	}
	for _, v := range []note.Verifier{old, successor} {
		if _, err := OpenText([]byte(signed), v); err != nil {
			return one, fmt.Errorf("%w: %w", ErrSuccession, err)
		}
	}
	return one, nil
}

// Successors returns a key and those that came in its place, in their order.
func Successors(key string, all []Succession) []string {
	keys := []string{key}
	for _, one := range all {
		if one.Old == keys[len(keys)-1] {
			keys = append(keys, one.New)
		}
	}
	return keys
}

// Predecessors returns those keys in whose place a key came, the oldest first.
func Predecessors(key string, all []Succession) (keys []string) {
	for i := range all {
		keys = append(keys, all[i].Old)
		if all[i].New == key {
			return keys
		}
	}
	return nil // they are of other keys
}

// OpenAny opens a checkpoint that one of the keys has signed, and says which.
func OpenAny(signed []byte, keys ...string) (tree tlog.Tree, by string, err error) {
	err = ErrUnsigned
	for _, key := range keys {
		var v note.Verifier
		if v, err = Verifier(key); err != nil {
			return tree, "", err
		}
		if tree, err = Open(signed, v); !errors.Is(err, ErrUnsigned) {
			return tree, key, err
		}
	}
	return tree, "", err
}

// OpenAfter opens a checkpoint that a key has signed, or one that came in its place, as successions
// prove.
func OpenAfter(signed []byte, key string, successions []byte,
) (tree tlog.Tree, by string, err error) {
	all, err := ParseSuccessions(successions)
	if err != nil {
		return tree, "", err
	}
	return OpenAny(signed, Successors(key, all)...)
}
