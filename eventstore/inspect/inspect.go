// Package inspect says what a file on disk is, whose, how far it goes and whether it is whole, and
// reads files without trusting them: without a lock, without writing, whatever their bytes are.
//
// The packages that write files have a function each that returns a [Report] about one of theirs.
// It is for people who look at a folder that they do not trust, and for verify. No ledger answers
// from what is read here.
package inspect

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
)

// State says what can be told about a file's bytes. Its values are part of what --json prints.
type State string

// The states, the best first.
const (
	// Whole: every byte that counts is covered by a checksum, and all of them hold.
	Whole State = "whole"
	// Unproven: the structure is as it must be, but no checksum covers all of the content.
	Unproven State = "unproven"
	// Unknown: nothing that this program writes.
	Unknown State = "unknown"
	// Newer: of a format that this program does not know, and therefore does not judge.
	Newer State = "newer"
	// Foreign: whole or not, it belongs to another ledger than what it lies beside.
	Foreign State = "foreign"
	// Damaged: it is not what was written, or not all of it.
	Damaged State = "damaged"
)

// NoChecksum is the note of a file whose content could change without being noticed.
const NoChecksum = "not covered by a checksum"

// Report is what can be told about one file, or about one folder that is one thing. It belongs to
// one goroutine.
type Report struct {
	// As the user would name it.
	Path string `json:"path"`
	// In words; the part before the first colon says to which part of a ledger it belongs.
	Kind   string `json:"kind"`
	Ledger string `json:"ledger,omitempty"` // whose it is, where it says so
	// As the file has it; empty where it has none, or could not be read so far.
	Format string `json:"format,omitempty"`
	// Of a file; 0 of a folder, unless its package fills it in.
	Bytes int64 `json:"bytes"`
	// First and Last are the sequences of events that the file covers; 0: none, or it has none.
	First   uint64 `json:"first,omitempty"`
	Last    uint64 `json:"last,omitempty"`
	Entries uint64 `json:"entries"` // what that is, the kind tells: messages, workers, members
	// Never better than what any finding says.
	State State `json:"state"`
	// Findings say what is wrong, Notes what else is worth knowing.
	Findings []string `json:"findings,omitempty"`
	Notes    []string `json:"notes,omitempty"`
}

// New returns a report of a kind of file, which is whole until something is found. The error is of
// the file system, and names the path.
func New(path, kind string) (Report, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Report{}, fmt.Errorf("inspect: %w", err)
	}
	r := Report{Path: path, Kind: kind, State: Whole}
	if info.Mode().IsRegular() {
		r.Bytes = info.Size()
	}
	return r, nil
}

// findingsMax bounds what is told of one file. The first of them say enough; a file of noise would
// have as many as pages.
const findingsMax = 20

// Found notes something wrong, and that the file is therefore in the state, unless it is in a worse
// one. What is said beyond the first findingsMax is dropped, the state is not.
func (r *Report) Found(state State, format string, args ...any) {
	r.Lower(state)
	if len(r.Findings) < findingsMax {
		r.Findings = append(r.Findings, fmt.Sprintf(format, args...))
	}
}

// Note notes something that is not wrong.
func (r *Report) Note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// Unproven notes that no checksum covers something.
func (r *Report) Unproven(what string) {
	r.Lower(Unproven)
	r.Note("%s: %s", what, NoChecksum)
}

// Lower sets the state, unless the present one is worse.
func (r *Report) Lower(state State) {
	if state.Worse(r.State) {
		r.State = state
	}
}

// Worse tells whether the state says more against a file than another one.
func (s State) Worse(than State) bool { return s.rank() > than.rank() }

// rank returns the place among the states, the best first; -1 for the zero value, which anything is
// worse than.
func (s State) rank() int {
	return slices.Index([]State{Whole, Unproven, Unknown, Newer, Foreign, Damaged}, s)
}

// attempts is how often a file is read that changes meanwhile.
const attempts = 5

// Steady inspects what another process may be writing to: where something is found and the size or
// the time of one of the files has changed meanwhile, it inspects again. What is found twice is
// there; what is another thing each time is the end of the file, half written. files names what
// inspect reads; the error is one of either. Nothing is locked: a writer is not held up, and none
// is waited for.
func Steady(inspect func() (Report, error), files func() ([]string, error)) (Report, error) {
	var found []string
	for attempt := 1; ; attempt++ {
		before, err := stamps(files)
		if err != nil {
			return Report{}, err
		}
		r, err := inspect()
		// Nothing wrong was found, or the same as before.
		if err != nil || !r.State.Worse(Unproven) || slices.Equal(found, r.Findings) {
			return r, err
		}
		// Nothing has changed meanwhile: what was found is not of somebody who writes.
		after, err := stamps(files)
		if err != nil || before == after {
			return r, err
		}
		if found = r.Findings; attempt == attempts {
			r.State, r.Findings = Unproven, nil
			r.Note("it was written to while it was read: inspect it again when less goes on")
			return r, nil
		}
	}
}

// stamps returns sizes and times of files as a text. Two are equal where nobody has written in
// between, as far as the file system's clock tells.
func stamps(files func() ([]string, error)) (text string, err error) {
	paths, err := files()
	if err != nil {
		return "", fmt.Errorf("inspect: %w", err)
	}
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil { // one that has gone meanwhile is a change too
			text += fmt.Sprintln(path, info.Size(), info.ModTime().UnixNano())
		}
	}
	return text, nil
}

// Bolt takes the error of reading a bbolt file into the report, and returns what is none of the
// file's. Nil is no error, and stays so.
func (r *Report) Bolt(err error) error {
	switch {
	case errors.Is(err, ErrBolt):
		r.Found(Damaged, "%s", err)
	case errors.Is(err, ErrChanging):
		r.Lower(Unproven)
		r.Note("it is written to faster than it can be read: inspect it again when less goes on")
	default:
		return err
	}
	return nil
}

// Known takes the format of a file into the report: whether it is one of those that the program
// reads, of which the last is the newest. Nothing else is to be judged of what is not. known must
// have one at least. Formats are numbers; anything else, and a number below the newest that is not
// among them, is damage.
func (r *Report) Known(format string, known ...string) bool {
	r.Format = format
	if slices.Contains(known, format) {
		return true
	}
	newest := known[len(known)-1]
	number, err := strconv.ParseUint(format, 10, 32)
	if highest, _ := strconv.ParseUint(newest, 10, 32); err == nil && number > highest {
		r.Found(Newer, "it has format %s, this program knows up to %s: use a newer cakupan",
			format, newest)
	} else {
		r.Found(Damaged, "it has format %.20q, which there never was", format)
	}
	return false
}
