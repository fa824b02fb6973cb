package ledger

import (
	"context"
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
	"cakupan/eventstore"
	"cakupan/eventstore/durable"
	"cakupan/eventstore/inspect"
	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/lookups"
	"cakupan/eventstore/natsd"
)

// restFile says what the streams held that no frame of the log speaks of, when the ledger was last
// at rest. Nothing is ever answered from it: it is there to notice that one of them was lost, or is
// an older copy. Without it, or with a damaged one, nothing is compared and it is written anew.
const restFile = "streams.json"

// restFormat is the format of that file. A file of another one is of no use, and no fault.
const restFormat = 1

// rest is the content of restFile. It holds numbers and digests, nothing of what the messages say.
type rest struct {
	Format int    `json:"format"`
	Ledger string `json:"ledger"`
	// AtRest says that nobody has opened the ledger since: all must be there as it was. Else only
	// what is never removed is known to be there still.
	AtRest bool `json:"atRest"`
	// Events is where the log ended; 0: not known. A log that has gone on says that another
	// program, which knows nothing of this file, was at work since.
	Events  eventstore.Sequence `json:"events,omitempty"`
	Streams map[string]holds    `json:"streams"`
}

// holds is what the files of a stream hold. A stream without a message is the zero value, as is one
// that is not there.
type holds struct {
	Messages uint64 `json:"messages"`
	Last     uint64 `json:"last"` // number of the last one; 0: there is none
	// Digest is over all messages, in their order: as many of another ledger are others. An older
	// program has noted none, and it is not compared.
	Digest string `json:"digest,omitempty"`
}

// same tells whether files hold what was noted of them. All of it must be equal.
func (h holds) same(noted holds) bool {
	if noted.Digest == "" {
		h.Digest = ""
	}
	return h == noted
}

// restStreams are the streams that are looked at, and whether they only grow. The log names how far
// vault and register were.
var restStreams = map[string]bool{
	lookups.StreamName: true, natsin.StreamIntake: false, natsin.StreamRefused: false,
}

// checkRest compares the streams with what they held, before the server opens them: it cuts off
// what it cannot read. The first difference refuses the start, and nothing is changed by then: the
// files can be put back as they are.
func (l *Ledger) checkRest() error {
	was, known := l.readRest()
	if !known {
		return nil
	}
	for name, grows := range restStreams {
		had, noted := was.Streams[name]
		if !noted || !was.AtRest && !grows {
			continue
		}
		upTo := uint64(math.MaxUint64)
		if grows {
			upTo = had.Last // what another program has added is there as well
		}
		has, whole, err := l.holdsNow(name, upTo)
		if err != nil {
			return err
		}
		// Of its configuration, where it cannot be read, the server knows more.
		if !whole || has.same(had) {
			continue
		}
		if !grows && l.hasGoneOn(was) {
			l.opts.Log.Warn("an older cakupan was at work here: what streams hold is noted anew",
				slog.String("stream", name))
			continue
		}
		return l.restLost(name, had, has)
	}
	return nil
}

// hasGoneOn tells whether the log has more than when the note was written. It reads the log: it is
// asked where something is not as it was noted, and by nobody else. Then what was taken in or
// dropped since was done by that program, and is no loss.
func (l *Ledger) hasGoneOn(was rest) bool {
	var last eventstore.Sequence
	_, err := natsd.InspectStream(l.streamFolder(jetstream.StreamDefault),
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
func (l *Ledger) restLost(name string, had, has holds) error {
	stream := l.streamFolder(name)
	return problem.New(problem.StreamLost, fmt.Sprintf("the stream %s is damaged or an older copy:"+
		" %s says it had %d messages up to number %d, and these files have %d up to number %d that"+
		" can be read, or others: put back the newest copy of %s. To go on without what is"+
		" lost, delete %s",
		name, l.folder.path(restFile), had.Messages, had.Last, has.Messages, has.Last,
		stream, l.folder.path(restFile)))
}

// streamFolder is where the embedded server keeps a stream, in its account for all.
func (l *Ledger) streamFolder(name string) string {
	return l.folder.path(natsFolder, "jetstream", "$G", "streams", name)
}

// holdsNow reads what the files of a stream hold, up to a message. It is not whole where its
// configuration cannot be read. It reads the files without the server, which must not have them
// open for writing. Numbers of messages are the server's, and have gaps where some were removed.
func (l *Ledger) holdsNow(name string, upTo uint64) (has holds, whole bool, err error) {
	dir := l.streamFolder(name)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return has, true, nil
	}
	if !natsd.IsStream(dir) {
		_, err := os.Stat(filepath.Join(dir, "msgs"))
		return has, errors.Is(err, fs.ErrNotExist), nil
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
				head := binary.BigEndian.AppendUint64(nil, m.Sequence)
				head = binary.BigEndian.AppendUint64(head, uint64(len(m.Subject)))
				for _, part := range [][]byte{head, []byte(m.Subject), m.Data} {
					_, _ = sum.Write(part) // never fails: see hash.Hash
				}
			}
		})
	if err != nil {
		return has, false, folderError(l.folder.dir, err)
	}
	has.Messages = report.Entries - min(report.Entries, later)
	if has.Last > 0 {
		has.Digest = hex.EncodeToString(sum.Sum(nil))
	}
	return has, whole, nil
}

// readRest reads the note. known is false where there is none that can be used.
func (l *Ledger) readRest() (was rest, known bool) {
	raw, err := os.ReadFile(l.folder.path(restFile))
	if err == nil {
		err = json.Unmarshal(raw, &was)
	}
	if err == nil && (was.Format != restFormat || was.Ledger != l.folder.meta.Identity.Ledger) {
		err = errors.New("it is of another format or ledger")
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.opts.Log.Warn("note of what the streams held is of no use: it is written anew",
			slog.String("file", l.folder.path(restFile)), slog.Any("error", err))
	}
	return was, err == nil
}

// leaveRest notes that the ledger is at rest no more: from now on a crash may come. It is written
// before this run can store a message of its own.
func (l *Ledger) leaveRest() {
	if was, known := l.readRest(); known && was.AtRest {
		was.AtRest = false
		l.writeRest(was)
	}
}

// noteRest notes what the streams hold once the server has ended.
//
// If we crash before it is written, the next start compares what only grows, and no more. events is
// where the log ended, 0 where that is not known. A ledger that never had such a stream gets no
// file.
func (l *Ledger) noteRest(events eventstore.Sequence) {
	now := rest{
		Format: restFormat, Ledger: l.folder.meta.Identity.Ledger, AtRest: true, Events: events,
		Streams: map[string]holds{},
	}
	for name := range restStreams {
		has, whole, err := l.holdsNow(name, math.MaxUint64)
		if err != nil || !whole {
			l.opts.Log.Warn("what a stream holds cannot be noted", slog.String("stream", name),
				slog.Any("error", err))
			return
		}
		if has != (holds{}) {
			now.Streams[name] = has
		}
	}
	if _, known := l.readRest(); known || len(now.Streams) > 0 {
		l.writeRest(now)
	}
}

// endOfLog returns where the log ends, 0 where that cannot be told now. It is bounded: Close does
// not wait for a server that hangs.
func (l *Ledger) endOfLog() eventstore.Sequence {
	if l.log == nil {
		return 0
	}
	ctx, stop := context.WithTimeout(context.Background(), noteMax)
	defer stop()
	_, tail, err := l.log.Last(ctx)
	if err != nil {
		return 0
	}
	return tail.Sequence
}

// writeRest writes the note. That it cannot, because the folder may only be read or the disk is
// full, is told and no more.
func (l *Ledger) writeRest(r rest) {
	raw, err := json.Marshal(r)
	if err == nil {
		err = durable.WriteFile(l.folder.path(restFile), append(raw, '\n'), privateFiles)
	}
	if err != nil {
		l.opts.Log.Warn("what the streams hold cannot be noted", slog.Any("error", err))
	}
}
