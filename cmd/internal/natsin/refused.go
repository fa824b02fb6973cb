package natsin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore/seal"
)

// Refused is something that was refused after its publisher had been told that it is stored.
type Refused struct {
	Number     uint64           `json:"-"` // in the stream
	Index      uint64           `json:"index"`
	ReceivedAt temporal.Instant `json:"receivedAt"`
	Source     string           `json:"source,omitempty"` // of an event, as far as it can be read
	ID         string           `json:"id,omitempty"`     // likewise; both without a NIK
	Code       event.Code       `json:"code"`
	Field      string           `json:"field,omitempty"`
	Detail     string           `json:"detail,omitempty"`

	// Message is what to take in again: one event in structured mode where that was the refused
	// thing, else the message as it came. Of PackUnreadable, the payload is the sealed pack, and
	// there is no publisher.
	Message Message `json:"-"`
}

func refusedMessage(m Message, index uint64, receipt event.Receipt) Refused {
	return Refused{
		Index: index, ReceivedAt: m.ReceivedAt, Message: m,
		Source: event.MaskNIK(receipt.Source), ID: event.MaskNIK(receipt.ID),
		Code: receipt.Refusal.Code, Field: receipt.Refusal.Field, Detail: receipt.Refusal.Detail,
	}
}

// ErrNoSuch is returned for a number under which nothing refused is stored.
var ErrNoSuch = errors.New("nothing refused has this number")

// Refusals is the stream of what was refused.
type Refusals struct {
	conn   *nats.Conn
	sealer *seal.Sealer

	// freeSpace tells how many bytes the disk has left; nil where nobody knows.
	freeSpace func() (uint64, error)
}

// NewRefusals returns the refusals, over a connection to where streams are kept. There need be no
// stream: then nothing is refused.
func NewRefusals(conn *nats.Conn, sealer *seal.Sealer) *Refusals {
	return &Refusals{conn: conn, sealer: sealer}
}

// packOf names a pack by what it holds, which no other pack has.
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
// reason, leaves each refusal once, as long as nobody has dropped it in between.
func (r *Refusals) put(ctx context.Context, pack string, refused []Refused) error {
	if len(refused) == 0 {
		return nil
	}
	publisher := refused[0].Message.Publisher
	if publisher == "" {
		publisher = noPublisher
	}
	subject := subjectRefused + publisher + "." + pack
	there := map[uint64]bool{}
	for number := uint64(1); ; number++ {
		entry, err := r.next(ctx, number, subject)
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
			if err := r.store(ctx, step); err != nil {
				return err
			}
			step, size = nil, 0
		}
		step, size = append(step, &nats.Msg{Subject: subject, Data: sealed}), size+len(sealed)
	}
	return r.store(ctx, step)
}

// Headers of JetStream's atomic batches.
const (
	headerBatch         = "Nats-Batch-Id"
	headerBatchSequence = "Nats-Batch-Sequence"
	headerBatchCommit   = "Nats-Batch-Commit"
)

// store stores messages all or none, with one fsync.
func (r *Refusals) store(ctx context.Context, step []*nats.Msg) error {
	if len(step) == 0 {
		return nil
	}
	if r.freeSpace != nil {
		if free, err := r.freeSpace(); err != nil || free < freeSpaceMin {
			return errors.Join(err, fmt.Errorf("store what is refused: %w", errDiskFull))
		}
	}
	if len(step) > 1 {
		id := rand.Text()
		for i, m := range step {
			m.Header = nats.Header{
				headerBatch: {id}, headerBatchSequence: {strconv.Itoa(i + 1)},
			}
		}
		for _, m := range step[:len(step)-1] {
			if err := r.conn.PublishMsg(m); err != nil {
				return fmt.Errorf("store message: %w", err)
			}
		}
		step[len(step)-1].Header.Set(headerBatchCommit, "1")
	}
	_, err := publish(ctx, r.conn, step[len(step)-1])
	return err
}

// append appends the entry as it is sealed: its description in JSON, its message as in a pack.
func (e *Refused) append(dst []byte) []byte {
	description, _ := json.Marshal(e) // texts and numbers always encode
	return appendMessage(appendText(dst, description), &e.Message)
}

// readRefused reads what append wrote.
func readRefused(plain []byte) (e Refused, err error) {
	r := packReader{rest: plain}
	description := r.text()
	e.Message = r.message()
	if r.failed || len(r.rest) > 0 {
		return e, fmt.Errorf("read what was refused: %w", errPack)
	}
	if err := json.Unmarshal(description, &e); err != nil {
		return e, fmt.Errorf("read what was refused: %w", err)
	}
	return e, nil
}

// Next returns the first one with at least the given number; ErrNoSuch when there is none.
func (r *Refusals) Next(ctx context.Context, number uint64) (Refused, error) {
	return r.next(ctx, number, subjectRefused+">")
}

func (r *Refusals) next(ctx context.Context, number uint64, subject string) (Refused, error) {
	return r.get(ctx, map[string]any{"seq": number, "next_by_subj": subject})
}

// Get returns the one with the number; ErrNoSuch when there is none.
func (r *Refusals) Get(ctx context.Context, number uint64) (Refused, error) {
	if number == 0 {
		return Refused{}, ErrNoSuch
	}
	return r.get(ctx, map[string]any{"seq": number})
}

// Error codes of JetStream that mean that there is no such message.
const (
	codeNoMessage = 10037
	codeNoStream  = 10059
	codeNoSuchSeq = 10043
)

func (r *Refusals) get(ctx context.Context, query map[string]any) (Refused, error) {
	var answer struct {
		Message struct {
			Number uint64 `json:"seq"`
			Data   []byte `json:"data"`
		} `json:"message"`
	}
	err := r.ask(ctx, "$JS.API.STREAM.MSG.GET."+StreamRefused, query, &answer)
	if err != nil {
		return Refused{}, err
	}
	e := Refused{Number: answer.Message.Number}
	plain, err := r.sealer.Open(answer.Message.Data, purposeRefused)
	if err == nil {
		e, err = readRefused(plain)
	}
	if err != nil { // shown as what it is, so that it can be dropped
		e = Refused{Code: PackUnreadable, Detail: "what was refused cannot be read: " + err.Error()}
	}
	e.Number = answer.Message.Number
	return e, nil
}

// Drop removes the one with the number for ever; ErrNoSuch when there is none.
func (r *Refusals) Drop(ctx context.Context, number uint64) error {
	// JetStream has no code of its own for a message that is not there.
	if _, err := r.Get(ctx, number); err != nil {
		return err
	}
	var answer struct{}
	return r.ask(ctx, "$JS.API.STREAM.MSG.DELETE."+StreamRefused,
		map[string]any{"seq": number}, &answer)
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

// Retry takes one in again, under what its publisher may report now, and returns the receipts.
// What is appended or was there already is removed; what is refused for another reason than before
// is kept under a new number with that reason.
//
// If we crash in between, it may be there under both numbers.
func (r *Refusals) Retry(ctx context.Context, ledger Ledger, number uint64,
) ([]event.Receipt, error) {
	e, err := r.Get(ctx, number)
	if err != nil {
		return nil, err
	}
	messages := []Message{e.Message}
	if e.Message.Publisher == "" {
		s := &Server{opts: Options{Sealer: r.sealer}}
		messages, err = s.openPack(e.Message.Payload)
		if err != nil {
			return []event.Receipt{{Status: event.Refused, Refusal: &event.Refusal{
				Code: PackUnreadable, Detail: e.Detail,
			}}}, nil
		}
	}
	s := &Server{ledger: ledger}
	settled, err := s.settle(ctx, messages)
	if err != nil {
		return nil, err
	}
	var receipts []event.Receipt
	again := "retry-" + strconv.FormatUint(number, 10) // instead of a pack
	for i := range settled {
		receipts = append(receipts, settled[i].receipts...)
		if refused := settled[i].refused; len(settled) == 1 && len(refused) == 1 &&
			len(receipts) == 1 && refused[0].Code == e.Code && refused[0].Detail == e.Detail {
			return receipts, nil
		}
		if err := r.put(ctx, again, settled[i].refused); err != nil {
			return nil, err
		}
	}
	return receipts, r.Drop(ctx, number)
}
