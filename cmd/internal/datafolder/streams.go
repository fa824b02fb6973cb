package datafolder

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"cakupan/eventstore"
	"cakupan/eventstore/inspect"
	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/natsd"
	"cakupan/eventstore/packs"
	"cakupan/eventstore/seal"
)

// What a stream can be.
const (
	kindLog     = "log: JetStream stream "
	kindRecords = "records: JetStream stream "
	kindPacked  = "sealed messages: JetStream stream "
)

// sealedSubjects begins the subjects of what is stored sealed. What waits and what was refused is
// stored under them.
const sealedSubjects = "cakupan.sealed."

// inspectStream inspects the folder of a stream, and its messages: those of the log are frames,
// those of others are sealed. Which of them it is says what it was made with, its metadata, and not
// its name, which anybody could give. No server is asked, and none is started: the files are read
// as they are.
func inspectStream(dir string) (inspect.Report, error) {
	// What can be told only after the last message.
	end := func(*inspect.Report) {}
	r, err := natsd.InspectStream(dir, func(s natsd.StoredStream, r *inspect.Report,
	) func(natsd.StoredMessage) {
		if packs.IsStream(s.Metadata) {
			r.Kind = kindRecords + s.Name
			records := newRecords(s, r)
			end = records.end
			return records.take
		}
		identity, err := jetstream.IdentityOf(s.Metadata)
		switch {
		case err == nil:
			r.Kind, r.Ledger = kindLog+s.Name, identity.Ledger
			r.Format = strconv.Itoa(jetstream.FormatVersion)
			return (&frames{report: r}).take
		case errors.Is(err, eventstore.ErrNewerFormat):
			r.Kind = kindLog + s.Name
			r.Found(inspect.Newer, "%s", err)
			return func(natsd.StoredMessage) {}
		case len(s.Subjects) == 1 && strings.HasPrefix(s.Subjects[0], sealedSubjects):
			r.Kind, r.Format = kindPacked+s.Name, "1"
			r.Note("what is sealed only its key can open")
			return (&sealedMessages{report: r}).take
		}
		// Another program's stream in a ledger's folder, or one whose metadata is gone: nothing in
		// it is looked at.
		r.Found(inspect.Damaged, "no stream of a ledger: %s", err)
		return func(natsd.StoredMessage) {}
	})
	if err == nil {
		end(&r)
	}
	return r, err
}

// frames looks at the messages of the log. It keeps how far it is in the report.
type frames struct {
	report *inspect.Report
}

// take reads the next frame. The roots in the frames are for `cakupan verify` to recompute. One
// that cannot be read is noted, and the next goes on: it shows how much is missing by where it
// begins.
func (f *frames) take(m natsd.StoredMessage) {
	r := f.report
	frame, err := eventstore.ParseFrame(m.Data)
	if err != nil {
		foundFrame(r, fmt.Sprintf("message %d", m.Sequence), err)
		return
	}
	// Events are numbered without a hole: contract, the word sequence.
	if first := uint64(frame.First()); first != r.Last+1 {
		r.Found(inspect.Damaged, "message %d begins with event %d, after event %d",
			m.Sequence, first, r.Last)
	}
	if r.First == 0 {
		r.First = uint64(frame.First())
	}
	r.Last = uint64(frame.Last())
}

// sealedMessages looks at messages that are sealed.
type sealedMessages struct {
	report *inspect.Report
	// Those that were told already, by how their SHA-256 begins; nil before the first.
	keys map[string]bool
}

// take reads the head of the next message: with which key it was sealed. It is not opened.
func (s *sealedMessages) take(m natsd.StoredMessage) {
	key, err := seal.KeyOf(m.Data)
	if err != nil {
		foundSealed(s.report, fmt.Sprintf("message %d", m.Sequence), err)
		return
	}
	if name := fmt.Sprintf("%x", key); !s.keys[name] {
		if s.keys == nil {
			s.keys = map[string]bool{}
		}
		s.keys[name] = true
		s.report.Note("sealed with the key whose SHA-256 begins with %s", name)
	}
}

// foundSealed notes why bytes are not sealed ones. what names the bytes, for people.
func foundSealed(r *inspect.Report, what string, err error) {
	if errors.Is(err, seal.ErrNewerFormat) {
		r.Found(inspect.Newer, "%s is of a newer format", what)
		return
	}
	r.Found(inspect.Damaged, "%s: %s", what, err)
}

// inspectFrame reads a frame that was copied into a file of its own. Somebody may have cut it out
// of a stream to look at it. Whether it is of any log is not known: its own checksum is all there
// is. Entries are its events.
func inspectFrame(path string) (inspect.Report, error) {
	r, err := inspect.New(path, kindFrame)
	if err != nil {
		return r, err
	}
	// Before it is read into memory.
	if r.Bytes > eventstore.FrameBytesMax {
		r.Found(inspect.Damaged, "it has more than %d bytes", eventstore.FrameBytesMax)
		return r, nil
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return r, err
	}
	frame, err := eventstore.ParseFrame(raw)
	if err != nil {
		foundFrame(&r, "it", err)
		return r, nil
	}
	r.Format, r.Entries = strconv.Itoa(int(raw[2])), uint64(frame.Count())
	r.First, r.Last = uint64(frame.First()), uint64(frame.Last())
	return r, nil
}

// foundFrame notes why a frame cannot be read.
func foundFrame(r *inspect.Report, what string, err error) {
	if errors.Is(err, eventstore.ErrNewerFormat) {
		r.Found(inspect.Newer, "%s is of a newer format", what)
		return
	}
	r.Found(inspect.Damaged, "%s: %s", what, err)
}

// inspectSealed reads the head of sealed bytes that were copied into a file of their own.
func inspectSealed(path string) (inspect.Report, error) {
	r, err := inspect.New(path, kindSealed)
	if err != nil {
		return r, err
	}
	head, err := readHead(path)
	if err != nil {
		return r, err
	}
	key, err := seal.KeyOf(head)
	if err != nil {
		foundSealed(&r, "it", err)
		return r, nil
	}
	r.Format = "1"
	r.Note("sealed with the key whose SHA-256 begins with %x", key)
	r.Lower(inspect.Unproven)
	r.Note("only the key can tell whether it is whole")
	return r, nil
}
