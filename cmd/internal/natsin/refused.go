package natsin

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/cmd/internal/intake"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore/cloudevents"
	log "cakupan/eventstore/jetstream"
	"cakupan/eventstore/jetstream/copies"
	"cakupan/eventstore/seal"
)

// Kept is something refused, as it is kept. Its Original is empty: see [Kept.Shown].
type Kept struct {
	intake.Refused

	// Index is the place in its pack, so that a pack that comes twice leaves it once.
	Index uint64

	// Message is what to take in again: one event in structured mode where that was the refused
	// thing, else the message as it came. Of PackUnreadable, the payload is the sealed pack, and
	// there is no publisher.
	Message Message
}

// keep returns what is kept of a refusal of a message. Source and id are masked, as they are shown;
// the message itself is stored sealed, whole.
func keep(m Message, index uint64, receipt event.Receipt) Kept {
	why := receipt.Why()
	return Kept{Index: index, Message: m, Refused: intake.Refused{
		Publisher: m.Publisher, ReceivedAt: intake.Time(m.ReceivedAt),
		Source: event.MaskNIK(receipt.Source), ID: event.MaskNIK(receipt.ID),
		Code: why.Code, Field: why.Field, Detail: why.Detail,
	}}
}

// Shown returns it with its original, a NIK masked wherever it stands. Whatever was sent, it is
// valid UTF-8.
func (k *Kept) Shown() intake.Refused {
	shown := k.Refused
	if k.Code == PackUnreadable {
		return shown
	}
	var text strings.Builder
	for _, f := range k.Message.Header {
		if len(k.Message.Header) > 1 || f.Name != contentType {
			_, _ = fmt.Fprintf(&text, "%s: %s\n", f.Name, f.Value) // a builder takes everything
		}
	}
	_, _ = text.Write(k.Message.Payload)
	masked := cloudevents.MaskNIK([]byte(text.String()))
	shown.Original = strings.ToValidUTF8(string(masked), "\ufffd")
	return shown
}

// ErrNoSuch is returned for a number under which nothing refused is stored.
var ErrNoSuch = errors.New("nothing refused has this number")

// Refusals is the stream of what was refused. All methods may be called at the same time. The
// connection is the caller's.
type Refusals struct {
	conn   *nats.Conn
	sealer *seal.Sealer
	stream *log.Passing

	// freeSpace tells how many bytes the disk has left; nil where nobody knows.
	freeSpace func() (uint64, error)

	// quota bounds what is kept of each publisher; nil: nothing does.
	quota *Quota

	fault func(point string) // as that of Options
}

// NewRefusals returns the refusals, over a connection to where streams are kept. There need be no
// stream: then nothing is refused. Without a quota, nothing bounds what is kept. What servers of a
// cluster lack of their copies is noted in the book; nil: nowhere.
func NewRefusals(
	conn *nats.Conn, sealer *seal.Sealer, quota *Quota, lacking *copies.Book,
) *Refusals {
	return &Refusals{
		conn: conn, sealer: sealer, quota: quota, fault: func(string) {},
		stream: log.NewPassing(conn, StreamRefused, lacking).Prove(Opens(sealer, StreamRefused)),
	}
}

// Opens returns what tells whether a message of one of the streams can be opened.
func Opens(sealer *seal.Sealer, stream string) func(sealed []byte) bool {
	return func(sealed []byte) bool {
		_, err := sealer.Open(sealed, stream) // what it is sealed for is its stream's name
		return err == nil
	}
}

// packOf names a pack by what it holds, which no other pack has. Eight bytes: two packs of one
// publisher that share them would have to come by chance. A seal differs each time, also for the
// same messages.
func packOf(sealed []byte) string {
	sum := sha256.Sum256(sealed)
	return hex.EncodeToString(sum[:8])
}

// noPublisher stands in subjects for a publisher who is not known.
const noPublisher = "-"

// The bounds of what is stored in one step.
const (
	stepEventsMax = 500
	stepBytesMax  = 8 << 20
)

// put stores what was refused of a pack, which is all of one publisher, and returns when it is
// durable. What of it is there already is not stored again: a pack that comes twice, for whatever
// reason, leaves each refusal once, as long as nobody has dropped it in between. If we crash
// between two steps, the pack comes again, and those that are there are left out.
func (r *Refusals) put(ctx context.Context, pack string, refused []Kept) error {
	if len(refused) == 0 {
		return nil
	}
	publisher := refused[0].Message.Publisher
	if publisher == "" {
		publisher = noPublisher
	}
	if share := r.quota.of(publisher); share != nil {
		share.mu.Lock()
		defer share.mu.Unlock()
	}
	subject := subjectRefused + publisher + "." + pack
	there := map[uint64]bool{}
	for number := uint64(1); ; number++ {
		entry, err := r.nextOf(ctx, number, subject)
		if errors.Is(err, ErrNoSuch) {
			break
		}
		if err != nil {
			return err
		}
		there[entry.Index], number = true, entry.Number
	}
	var step []*nats.Msg
	size := 0
	for i := range refused {
		if there[refused[i].Index] {
			continue
		}
		sealed, err := r.sealer.Seal(nil, refused[i].append(nil), purposeRefused)
		if err != nil {
			return err
		}
		if len(step) == stepEventsMax || size+len(sealed) > stepBytesMax && len(step) > 0 {
			if err := r.storeOf(ctx, publisher, step); err != nil {
				return err
			}
			step, size = nil, 0
		}
		m := &nats.Msg{Subject: subject, Data: sealed, Header: outlined(&refused[i])}
		step, size = append(step, m), size+len(sealed)
	}
	return r.storeOf(ctx, publisher, step)
}

// Headers of JetStream's atomic batches.
const (
	headerBatch         = "Nats-Batch-Id"
	headerBatchSequence = "Nats-Batch-Sequence"
	headerBatchCommit   = "Nats-Batch-Commit"
)

// storeOf stores messages of one publisher, within his share, which the caller holds. Numbers of a
// step follow one another, as it is stored all at once.
func (r *Refusals) storeOf(ctx context.Context, publisher string, step []*nats.Msg) error {
	if len(step) == 0 {
		return nil
	}
	share := r.quota.of(publisher)
	if share == nil {
		_, err := r.store(ctx, step)
		return err
	}
	if err := share.makeRoom(ctx, r, publisher, step); err != nil {
		return fmt.Errorf("make room for what is refused: %w", err)
	}
	last, err := r.store(ctx, step)
	if err != nil {
		share.counted = false // it may be there all the same
		return err
	}
	for i, m := range step {
		share.add(last-uint64(len(step)-1-i), len(m.Data))
	}
	return nil
}

// store stores messages all or none, with one fsync, and returns the number of the last. After an
// error they may be there all the same. What is left of a step that was not committed the server
// drops.
func (r *Refusals) store(ctx context.Context, step []*nats.Msg) (last uint64, err error) {
	err = r.quota.tallied().change(func() (more int, err error) {
		if last, err = r.send(ctx, step); err == nil {
			r.quota.tallied().saw(markOf(last, step[len(step)-1].Data))
		}
		return len(step), err
	})
	return last, err
}

// send is store, for who keeps the tally.
func (r *Refusals) send(ctx context.Context, step []*nats.Msg) (last uint64, err error) {
	if r.freeSpace != nil {
		if free, err := r.freeSpace(); err != nil || free < freeSpaceMin {
			return 0, errors.Join(err, fmt.Errorf("store what is refused: %w", errDiskFull))
		}
	}
	if len(step) > 1 {
		id := rand.Text()
		for i, m := range step {
			m.Header.Set(headerBatch, id)
			m.Header.Set(headerBatchSequence, strconv.Itoa(i+1))
		}
		for _, m := range step[:len(step)-1] {
			if err := r.conn.PublishMsg(m); err != nil {
				return 0, fmt.Errorf("store message: %w", err)
			}
		}
		step[len(step)-1].Header.Set(headerBatchCommit, "1")
	}
	return publish(ctx, r.conn, step[len(step)-1])
}

// description is what is said of something refused where it is stored, in JSON.
type description struct {
	Index      uint64           `json:"index"`
	ReceivedAt temporal.Instant `json:"receivedAt"`
	Source     string           `json:"source,omitempty"`
	ID         string           `json:"id,omitempty"`
	Code       event.Code       `json:"code"`
	Field      string           `json:"field,omitempty"`
	Detail     string           `json:"detail,omitempty"`
}

// append appends it as it is sealed: its description, then its message as in a pack.
func (k *Kept) append(dst []byte) []byte {
	text, _ := json.Marshal(description{ // texts and numbers always encode
		Index: k.Index, ReceivedAt: temporal.Instant(k.ReceivedAt), Source: k.Source, ID: k.ID,
		Code: k.Code, Field: k.Field, Detail: k.Detail,
	})
	return appendMessage(appendText(dst, text), &k.Message)
}

// readKept reads what append wrote. Bytes behind its end are an error too.
func readKept(plain []byte) (k Kept, err error) {
	r := packReader{rest: plain}
	text := r.text()
	k.Message = r.message()
	if r.failed || len(r.rest) > 0 {
		return k, fmt.Errorf("read what was refused: %w", errPack)
	}
	var d description
	if err := json.Unmarshal(text, &d); err != nil {
		return k, fmt.Errorf("read what was refused: %w", err)
	}
	k.Index = d.Index
	k.Refused = intake.Refused{
		Publisher: k.Message.Publisher, ReceivedAt: intake.Time(d.ReceivedAt),
		Source: d.Source, ID: d.ID, Code: d.Code, Field: d.Field, Detail: d.Detail,
	}
	return k, nil
}

// Next returns the first one with at least the given number; ErrNoSuch when there is none.
func (r *Refusals) Next(ctx context.Context, number uint64) (Kept, error) {
	found, err := r.stream.Next(ctx, number)
	return r.read(found.Stored, err)
}

// nextOf returns the first one of a subject, also where the server that leads has lost it: so a
// pack that comes twice is not refused twice.
func (r *Refusals) nextOf(ctx context.Context, number uint64, subject string) (Kept, error) {
	m, err := r.stream.NextOf(ctx, number, subject)
	return r.read(m, err)
}

// Get returns the one with the number; ErrNoSuch when there is none. One that cannot be opened is
// returned as PackUnreadable, with no error.
func (r *Refusals) Get(ctx context.Context, number uint64) (Kept, error) {
	if number == 0 {
		return Kept{}, ErrNoSuch
	}
	found, err := r.stream.Get(ctx, number)
	return r.read(found.Stored, err)
}

// Error codes of JetStream that mean that there is no such message.
const (
	codeNoMessage = 10037
	codeNoStream  = 10059
	codeNoSuchSeq = 10043
)

// fetch returns what is stored as it is, sealed; ErrNoSuch when there is none.
func (r *Refusals) fetch(ctx context.Context, query map[string]any) (log.Stored, error) {
	var answer struct {
		Message log.Stored `json:"message"`
	}
	err := r.ask(ctx, "$JS.API.STREAM.MSG.GET."+StreamRefused, query, &answer)
	return answer.Message, err
}

// read opens what was found.
func (r *Refusals) read(m log.Stored, err error) (Kept, error) {
	switch {
	case errors.Is(err, log.ErrNoMessage):
		return Kept{}, ErrNoSuch
	case err != nil:
		return Kept{}, err
	}
	var k Kept
	plain, err := r.sealer.Open(m.Data, purposeRefused)
	if err == nil {
		k, err = readKept(plain)
	}
	if err != nil { // shown as what it is, so that it can be dropped
		k = Kept{}
		k.Code, k.Detail = PackUnreadable, "what was refused cannot be read: "+err.Error()
	}
	k.Number = m.Number
	return k, nil
}

// Drop removes the one with the number for ever; ErrNoSuch when there is none.
func (r *Refusals) Drop(ctx context.Context, number uint64) error {
	if number == 0 {
		return ErrNoSuch
	}
	m, err := r.stream.Get(ctx, number)
	switch {
	case errors.Is(err, log.ErrNoMessage):
		return ErrNoSuch
	case err != nil:
		return err
	}
	err = r.remove(ctx, number, true)
	if m.Elsewhere && (err == nil || errors.Is(err, ErrNoSuch)) {
		err = r.awaitGone(ctx, number) // who leads has not had it before either
	}
	if err != nil {
		return err
	}
	r.quota.gone(publisherOf(m.Subject), number)
	return nil
}

// goneLook is how often it is looked whether others have removed one that who leads had lost.
const goneLook = 50 * time.Millisecond

// awaitGone waits until nobody has one any more.
func (r *Refusals) awaitGone(ctx context.Context, number uint64) error {
	ctx, cancel := context.WithTimeout(ctx, requestMax)
	defer cancel()
	for {
		_, err := r.stream.Get(ctx, number)
		switch {
		case errors.Is(err, log.ErrNoMessage):
			return nil
		case err != nil:
			return err
		}
		select {
		case <-time.After(goneLook):
		case <-ctx.Done():
			return fmt.Errorf("drop %d, which another server has still: %w", number, ctx.Err())
		}
	}
}

// remove removes one that was there a moment ago; ErrNoSuch when somebody else has removed it. With
// erase its bytes are overwritten at once, for which the server writes the whole file that it is
// in anew, some megabytes: for one that somebody wants to be gone. Otherwise they go when half of
// the file is empty; until then they are there, sealed.
func (r *Refusals) remove(ctx context.Context, number uint64, erase bool) (err error) {
	none := error(nil)
	r.quota.tallied().forget(number)
	err = r.quota.tallied().change(func() (more int, err error) {
		if err = r.delete(ctx, number, erase); errors.Is(err, ErrNoSuch) {
			none = err
			return 0, nil
		}
		return -1, err
	})
	return cmp.Or(err, none)
}

// delete is remove, for who keeps the tally.
func (r *Refusals) delete(ctx context.Context, number uint64, erase bool) error {
	var answer struct{}
	err := r.ask(ctx, "$JS.API.STREAM.MSG.DELETE."+StreamRefused,
		map[string]any{"seq": number, "no_erase": !erase}, &answer)
	if err == nil || errors.Is(err, ErrNoSuch) {
		return err
	}
	// JetStream has no code of its own for a message that is not there.
	if _, look := r.fetch(ctx, map[string]any{"seq": number}); errors.Is(look, ErrNoSuch) {
		return ErrNoSuch
	}
	return err
}

// ask sends a request to JetStream's API.
func (r *Refusals) ask(ctx context.Context, subject string, query, answer any) error {
	body, err := json.Marshal(query)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, requestMax)
	defer cancel()
	reply, err := r.conn.RequestWithContext(ctx, subject, body)
	if err != nil {
		return fmt.Errorf("ask for what was refused: %w", err)
	}
	var failed struct {
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(reply.Data, &failed); err != nil {
		return fmt.Errorf("ask for what was refused: %w", err)
	}
	if failed.Error == nil {
		return json.Unmarshal(reply.Data, answer)
	}
	switch failed.Error.ErrorCode {
	case codeNoMessage, codeNoStream, codeNoSuchSeq:
		return ErrNoSuch
	}
	return fmt.Errorf("ask for what was refused: %w", failed.Error)
}
