package register

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// FileBytesMax bounds an access.json: it was read whole.
const FileBytesMax = 16 << 20

// partBytes is about how much of a file is taken over at once: far below what a message may hold.
const partBytes = 256 << 10

// ParseFile reads an access.json, in which the register was kept before it was a history. It
// refuses whatever was not written there. The error wraps [ErrNewerFormat] or [ErrDamaged]. Members
// are in the order of their names.
func ParseFile(raw []byte) ([]Member, error) {
	var head struct {
		Format int `json:"format"`
	}
	err := json.Unmarshal(raw, &head)
	switch {
	// The format is looked at by itself: a newer file may have members that the strict reading
	// below would call damage.
	case err == nil && head.Format > 1:
		return nil, fmt.Errorf("%w (format %d, known up to 1)", ErrNewerFormat, head.Format)
	case err == nil && head.Format != 1:
		err = fmt.Errorf("format %d", head.Format)
	}
	var doc struct {
		Format  int   `json:"format"`
		Members []row `json:"members"`
	}
	if err == nil {
		decoder := json.NewDecoder(bytes.NewReader(raw))
		decoder.DisallowUnknownFields()
		if err = decoder.Decode(&doc); err == nil && decoder.More() {
			err = errors.New("more than one value")
		}
	}
	if err == nil && len(doc.Members) > MembersMax {
		err = fmt.Errorf("more than %d members", MembersMax)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	members := make([]Member, len(doc.Members))
	secrets := make(map[Digest]bool, len(members))
	for i := range doc.Members {
		if members[i], err = doc.Members[i].member(); err != nil {
			return nil, fmt.Errorf("%w: member %d: %w", ErrDamaged, i+1, err)
		}
		// Two members with one secret could not be told apart by it, and members out of order not
		// be found.
		if secrets[members[i].Secret] || i > 0 && members[i-1].Name >= members[i].Name {
			return nil, damaged("member %d stands there twice, or out of order", i+1)
		}
		secrets[members[i].Secret] = true
	}
	return members, nil
}

// TakeOver returns the changes that take the members of a file over. They are the same for the same
// file, moment and account, so that who is interrupted goes on where it was. A file without members
// is one change without members, so that it counts as taken over.
func TakeOver(raw []byte, at time.Time, by string) ([]Change, error) {
	members, err := ParseFile(raw)
	if err != nil {
		return nil, err
	}
	var parts [][]Member
	// A part ends with the member by which it has got larger than partBytes, or with the last.
	for size, from, i := 0, 0, 0; i < len(members) || i == 0; i++ {
		if i < len(members) {
			text, err := json.Marshal(rowOf(&members[i]))
			if err != nil {
				return nil, fmt.Errorf("take register over: %w", err)
			}
			size += len(text)
		}
		if i >= len(members)-1 || size > partBytes {
			parts = append(parts, members[from:min(i+1, len(members))])
			size, from = 0, i+1
		}
	}
	changes := make([]Change, len(parts))
	for i, part := range parts {
		changes[i] = Change{
			Kind: TakenOver, At: at, By: by, Members: part,
			File: &File{Digest: DigestOf(raw), Part: i + 1, Parts: len(parts)},
		}
	}
	return changes, nil
}
