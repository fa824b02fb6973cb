// Package backup is the file of a backup: what a ledger holds that cannot be derived, as its
// streams have it, with the positions up to which it goes, and checksums over all of it. The keys
// are not in it. FORMAT.md has the format.
//
// A file is whole or an increment, which begins where another file ends and names it. [Open] checks
// a whole file with the increments that follow it, as one ledger, and yields what is to be
// restored.
//
// What goes into a file, and in which order, is decided by who reads the streams; what becomes of
// it again, by who restores. Here is only the file. Both are commands of the ledger's operator, and
// verify reads files, too.
package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"cakupan/domain/temporal"
	"cakupan/eventstore"
)

// FormatVersion is the version of the format that this program writes, and the highest it reads.
//
// Version 1 had no look-ups, and a program that writes it would leave them out of an increment.
const FormatVersion = 2

var (
	// ErrDamaged is wrapped when a file is not what was written, or does not fit together.
	ErrDamaged = errors.New("backup is damaged")
	// ErrChain is wrapped when a file does not go on from the one before it.
	ErrChain = errors.New("backup does not go on from the one before it")
)

// Position is up to where a backup goes. Positions of a running ledger are taken together, so that
// vault and register have all that the events need. Same compares two.
type Position struct {
	// 0: there is none yet.
	Events eventstore.Sequence `json:"events"` // the last one
	// Frame is the SHA-256 of the frame of the log with the last event, in hexadecimal; "" without
	// events. A frame carries the root over all events before it, so no other history has it.
	Frame    string `json:"frame,omitempty"`
	Vault    uint64 `json:"vault"`    // the number of the vault's last record
	Register uint64 `json:"register"` // likewise
	// Lookups is that of the look-ups; 0 too in a file of format 1, which has none of them.
	Lookups uint64 `json:"lookups,omitempty"`
	// Sums tell the last records from those of another history.
	Sums Sums `json:"sums,omitzero"`
}

// Sums are the SHA-256 of the last record of each stream of records, in hexadecimal; "" where there
// is none, or an older program made the file.
type Sums struct {
	Vault    string `json:"vault,omitempty"`
	Register string `json:"register,omitempty"`
	Lookups  string `json:"lookups,omitempty"`
}

// Same tells whether two positions are of the same history. Sums are compared where both have them.
func (p *Position) Same(other Position) bool {
	known := func(mine, theirs string) string {
		if mine == "" {
			return ""
		}
		return theirs
	}
	mine, theirs := p.Sums, other.Sums
	this := *p
	this.Sums = Sums{
		Vault: known(theirs.Vault, mine.Vault), Register: known(theirs.Register, mine.Register),
		Lookups: known(theirs.Lookups, mine.Lookups),
	}
	other.Sums = Sums{
		Vault: known(mine.Vault, theirs.Vault), Register: known(mine.Register, theirs.Register),
		Lookups: known(mine.Lookups, theirs.Lookups),
	}
	return this == other
}

// Since names the backup that an increment goes on from. Both must fit: the file proves its bytes,
// the position what they come to.
type Since struct {
	File string `json:"file"` // the SHA-256 of its end: see End
	Position
}

// Head is how a backup begins. What it says is believed only when the end confirms all bytes before
// it.
type Head struct {
	// Set by the writer.
	Format  int              `json:"format"`
	Ledger  string           `json:"ledger"`
	Created temporal.Instant `json:"created"` // the ledger, as in its identity
	// By the clock of the machine that made it; nothing is decided by it.
	TakenAt temporal.Instant `json:"takenAt"`
	Since   *Since           `json:"since,omitempty"` // of an increment
}

// Identity is that of the ledger.
func (h *Head) Identity() eventstore.Identity {
	return eventstore.Identity{Ledger: h.Ledger, Created: h.Created}
}

// Section is what a backup holds of one stream. A stream may have none in an increment: nothing was
// added to it then.
type Section struct {
	Stream   string `json:"stream"`
	Messages uint64 `json:"messages"`
	Bytes    uint64 `json:"bytes"` // of the messages
}

// End is how a backup ends. It is the last block, so that a file that is cut off has none and is
// never taken for whole.
type End struct {
	Position
	// In the order in which they were written.
	Sections []Section `json:"sections"`
	// SHA256 is that of all bytes before the last block, in hexadecimal. It names the file.
	SHA256 string `json:"sha256"`
}

// Message is one message of a stream. The header is not among it: no stream of a ledger needs one
// to be read.
type Message struct {
	Stream, Subject string
	Data            []byte
}

// FrameSum returns what Position.Frame is of a frame. raw is the frame as it is stored.
func FrameSum(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}
