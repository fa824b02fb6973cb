package folder

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"

	"cakupan/cmd/internal/natsin"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/durable"
	"cakupan/eventstore/inspect"
	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/lookups"
	"cakupan/eventstore/natsd"
)

// RestFile says what the streams held that no frame of the log speaks of, when the ledger was last
// at rest. Nothing is ever answered from it: it is there to notice that one of them was lost, or is
// an older copy. Without it, or with a damaged one, nothing is compared and it is written anew.
const RestFile = "streams.json"

// restFormat is the format of that file. A file of another one is of no use, and no fault.
const restFormat = 1

// rest is the content of RestFile. It holds numbers and digests, nothing of what the messages say.
type rest struct {
	Format int    `json:"format"`
	Ledger string `json:"ledger"`
	// AtRest says that nobody has opened the ledger since: all must be there as it was. Else only
	// what is never removed is known to be there still.
	AtRest bool `json:"atRest"`
	// Events is where the log ended; 0: not known. A log that has gone on says that another
	// program, which knows nothing of this file, was at work since.
	Events eventstore.Sequence `json:"events,omitempty"`
	// Exact says that messages were counted without those that were removed. Older programs did
	// not, and left out streams without a message.
	Exact   bool             `json:"exact,omitempty"`
	Streams map[string]holds `json:"streams"`
	// Numbers is how far each stream has numbered its messages at least, while the ledger runs and
	// after: a number is never given again, also where its message was removed. Older programs left
	// it out.
	Numbers map[string]uint64 `json:"numbers,omitempty"`
}

// holds is what the files of a stream hold. A stream without a message is the zero value, as is one
// that is not there.
type holds struct {
	Messages uint64 `json:"messages"`
	// Last is the number of the last one; 0: there is none, or beside messages it is not known.
	Last uint64 `json:"last"`
	// Digest is over all messages, in their order: as many of another ledger are others. An older
	// program has noted none, and it is not compared.
	Digest string `json:"digest,omitempty"`
	// One of the messages, where only that is known, by the SHA-256 of its data in hexadecimal.
	Number uint64 `json:"number,omitempty"`
	Sum    string `json:"sum,omitempty"`
}

// Must is what a stream must hold at a stop, as far as the ledger knows: so many messages at least,
// and one of them, by its number and the SHA-256 of its data in hexadecimal; 0: none is known.
type Must struct {
	Messages uint64
	Number   uint64
	Sum      string
}

// same tells whether files hold what was noted of them. The digest says all but what of it was
// removed; without one there are at least so many.
func (h holds) same(noted holds, exact bool) bool {
	switch {
	case noted.Sum != "" && h.Sum != noted.Sum:
		return false
	case noted.Digest != "":
		return h.Digest == noted.Digest && h.Last == noted.Last &&
			(!exact || h.Messages == noted.Messages)
	case noted == holds{}:
		return h.Messages == 0
	}
	return h.Messages >= noted.Messages && (noted.Last == 0 || h.Last == noted.Last)
}

// restStreams are the streams that are looked at, and whether they only grow. The log names how far
// vault and register were.
var restStreams = map[string]bool{
	lookups.StreamName: true, natsin.StreamIntake: false, natsin.StreamRefused: false,
}

// CheckRest compares the streams with what they held, before the server opens them: it cuts off
// what it cannot read. The first difference refuses the start, and nothing is changed by then: the
// files can be put back as they are.
func (f *Folder) CheckRest() error {
	was, known := f.readRest()
	if !known {
		return nil
	}
	for name := range restStreams {
		err := f.checkHolds(name, &was)
		if err == nil {
			err = f.checkNumber(name, was.Numbers[name])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkHolds compares a stream with what was noted that it held.
func (f *Folder) checkHolds(name string, was *rest) error {
	had, noted := was.Streams[name]
	grows := restStreams[name]
	if !noted || !was.AtRest && !grows {
		return nil
	}
	upTo := uint64(math.MaxUint64)
	if grows {
		upTo = had.Last // what another program has added is there as well
	}
	has, whole, err := f.holdsNow(name, upTo, had.Number)
	if err != nil {
		return err
	}
	// Of its configuration, where it cannot be read, the server knows more.
	if !whole || has.same(had, was.Exact) {
		return nil
	}
	if !grows && f.hasGoneOn(was) {
		f.Logger.Warn("an older cakupan was at work here: what streams hold is noted anew",
			slog.String("stream", name))
		return nil
	}
	return f.restLost(name, had, has)
}

// hasGoneOn tells whether the log has more than when the note was written. It reads the log: it is
// asked where something is not as it was noted, and by nobody else. Then what was taken in or
// dropped since was done by that program, and is no loss.
func (f *Folder) hasGoneOn(was *rest) bool {
	var last eventstore.Sequence
	_, err := natsd.InspectStream(f.StreamFolder(jetstream.StreamDefault),
		func(natsd.StoredStream, *inspect.Report) func(natsd.StoredMessage) {
			last = 0
			return func(m natsd.StoredMessage) {
				if frame, err := eventstore.ParseFrame(m.Data); err == nil {
					last = max(last, frame.Last())
				}
			}
		})
	return err == nil && was.Events > 0 && last > was.Events
}

// restLost says what is missing.
func (f *Folder) restLost(name string, had, has holds) error {
	stream := f.StreamFolder(name)
	upTo := ""
	if had.Last > 0 {
		upTo = fmt.Sprintf(" up to number %d", had.Last)
	}
	return problem.New(problem.StreamLost, fmt.Sprintf("the stream %s is damaged or an older copy:"+
		" %s says it had %d messages%s, and these files have %d up to number %d that can be read,"+
		" or others: put back the newest copy of %s. To go on without what is lost, delete %s",
		name, f.Path(RestFile), had.Messages, upTo, has.Messages, has.Last,
		stream, f.Path(RestFile)))
}

// StreamFolder is where the embedded server keeps a stream, in its account for all.
func (f *Folder) StreamFolder(name string) string {
	return f.Path(NATS, "jetstream", "$G", "streams", name)
}

// holdsNow reads what the files of a stream hold, up to a message, and one of them. It is not whole
// where its configuration cannot be read beside messages. It reads the files without the server,
// which must not have them open for writing. Numbers of messages are the server's, and have gaps
// where some were removed.
func (f *Folder) holdsNow(name string, upTo, one uint64) (has holds, whole bool, err error) {
	dir := f.StreamFolder(name)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return has, true, nil
	}
	if !natsd.IsStream(dir) {
		return has, !hasBlocks(dir), nil
	}
	var sum hash.Hash
	later := uint64(0)
	report, err := natsd.InspectStream(dir,
		func(_ natsd.StoredStream, _ *inspect.Report) func(natsd.StoredMessage) {
			has, whole, later, sum = holds{}, true, 0, sha256.New()
			return func(m natsd.StoredMessage) {
				if m.Sequence > upTo {
					later++
					return
				}
				has.Last = m.Sequence
				if m.Sequence == one {
					own := sha256.Sum256(m.Data)
					has.Number, has.Sum = one, hex.EncodeToString(own[:])
				}
				head := binary.BigEndian.AppendUint64(nil, m.Sequence)
				head = binary.BigEndian.AppendUint64(head, uint64(len(m.Subject)))
				for _, part := range [][]byte{head, []byte(m.Subject), m.Data} {
					_, _ = sum.Write(part) // never fails: see hash.Hash
				}
			}
		})
	if err != nil {
		return has, false, Error(f.Dir, err)
	}
	has.Messages = report.Entries - min(report.Entries, later)
	if has.Last > 0 {
		has.Digest = hex.EncodeToString(sum.Sum(nil))
	}
	return has, whole, nil
}

// hasBlocks tells whether there are messages in the folder of a stream.
func hasBlocks(dir string) bool {
	blocks, _ := fs.Glob(os.DirFS(dir), "msgs/*.blk") // fails for bad patterns only
	return len(blocks) > 0
}

// errOtherRest is returned for a note that is damaged, or of another format or ledger.
var errOtherRest = errors.New("it is damaged, or of another format or ledger")

// loadRest reads the note. The error wraps errOtherRest, or is of the file system.
func (f *Folder) loadRest() (was rest, err error) {
	raw, err := os.ReadFile(f.Path(RestFile))
	if err != nil {
		return rest{}, err
	}
	if err := json.Unmarshal(raw, &was); err != nil {
		return rest{}, fmt.Errorf("%w: %w", errOtherRest, err)
	}
	if was.Format != restFormat || was.Ledger != f.Meta.Identity.Ledger {
		return rest{}, errOtherRest
	}
	return was, nil
}

// readRest is loadRest for whoever goes on without a note. known is false where there is none that
// can be used.
func (f *Folder) readRest() (was rest, known bool) {
	was, err := f.loadRest()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.Logger.Warn("note of what the streams held is of no use: it is written anew",
			slog.String("file", f.Path(RestFile)), slog.Any("error", err))
	}
	return was, err == nil
}

// LeaveRest notes that the ledger is at rest no more: from now on a crash may come. It is written
// before this run can store a message of its own. Where it cannot be, as on a full disk, the note
// goes: it would call everything a loss that is stored from now on.
func (f *Folder) LeaveRest() error {
	was, known := f.readRest()
	if !known || !was.AtRest {
		return nil
	}
	was.AtRest = false
	err := f.writeRest(was)
	if err == nil {
		return nil
	}
	f.Logger.Warn("what the streams hold cannot be noted", slog.Any("error", err))
	if err := os.Remove(f.Path(RestFile)); err != nil {
		return fmt.Errorf("begin to serve: %w", err)
	}
	return nil
}

// NoteRest notes what the streams hold once the server has ended. must is how many messages of each
// there are at least, as the ledger knew while it ran. Where files have less, or what only grows
// has lost what was noted of it before, what ought to be there is noted, and the next start is
// refused.
//
// If we crash before it is written, the next start compares what only grows, and no more. events is
// where the log ended, 0 where that is not known. A ledger that never had such a stream gets no
// file, nor does a folder that was emptied.
func (f *Folder) NoteRest(events eventstore.Sequence, must map[string]Must) {
	if _, err := os.Stat(f.Path(IdentityFile)); errors.Is(err, fs.ErrNotExist) {
		return
	}
	now := rest{
		Format: restFormat, Ledger: f.Meta.Identity.Ledger, AtRest: true, Events: events,
		Exact: true, Streams: map[string]holds{},
	}
	was, known := f.readRest()
	now.Numbers = was.Numbers
	some := false
	for name := range restStreams {
		is, err := f.holdsAtStop(name, must[name], &was)
		if err != nil {
			f.Logger.Warn("what a stream holds cannot be noted", slog.String("stream", name),
				slog.Any("error", err))
			return
		}
		now.Streams[name], some = is, some || is != holds{}
		now.Numbers = mostOf(now.Numbers, map[string]uint64{name: is.Last})
	}
	if !known && !some {
		return
	}
	if err := f.writeRest(now); err != nil {
		f.Logger.Warn("what the streams hold cannot be noted", slog.Any("error", err))
	}
}

// holdsAtStop returns what is to be noted of a stream: what its files hold, or what they should.
// had was noted of it before.
func (f *Folder) holdsAtStop(name string, must Must, was *rest) (holds, error) {
	grows, had := restStreams[name], was.Streams[name]
	if grows {
		has, whole, err := f.holdsNow(name, had.Last, had.Number)
		if err == nil && whole && !has.same(had, was.Exact) {
			f.Logger.Error("a stream was damaged while the ledger ran",
				slog.Any("error", f.restLost(name, had, has)))
			return had, nil
		}
	}
	has, whole, err := f.holdsNow(name, math.MaxUint64, must.Number)
	if err == nil && !whole {
		err = errors.New("its configuration cannot be read")
	}
	if err != nil || has.Messages >= must.Messages && has.Sum == must.Sum {
		has.Number, has.Sum = 0, "" // the digest has it
		return has, err
	}
	had = holds{Messages: must.Messages, Number: must.Number, Sum: must.Sum}
	if grows {
		had.Last = must.Messages // none was removed
	}
	f.Logger.Error("a stream was damaged while the ledger ran",
		slog.Any("error", f.restLost(name, had, has)))
	return had, nil
}

// writeRest writes the note.
func (f *Folder) writeRest(r rest) error {
	raw, err := json.Marshal(r)
	if err == nil {
		err = durable.WriteFile(f.Path(RestFile), append(raw, '\n'), FileMode)
	}
	return err
}

// LastWritten returns when a file of the log was last written, 0 where there are none here. What
// was imported keeps its record times, which may be years old. By the clock of the machine as it
// was then, which may have been wrong too: the later of the two counts.
func (f *Folder) LastWritten() (last temporal.Instant) {
	blocks, _ := fs.Glob(os.DirFS(f.Path(NATS)), "jetstream/*/streams/*/msgs/*.blk")
	for _, block := range blocks {
		if info, err := os.Stat(filepath.Join(f.Path(NATS), block)); err == nil {
			last = max(last, temporal.Instant(info.ModTime().UnixNano()))
		}
	}
	return last
}
