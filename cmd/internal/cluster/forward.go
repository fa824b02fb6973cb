package cluster

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/nats-io/nats.go"

	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
)

const (
	// subjectWriter begins the subject on which a ledger takes what others forward to it; its ID
	// follows, so that nothing reaches a ledger that does not write any more in the place of
	// another.
	subjectWriter = "cakupan.writer."

	// What is forwarded is sealed for one of these: it may hold a NIK, and whoever could write it
	// could speak for every publisher.
	purposeForward = "cakupan.forward"
	purposeAnswer  = "cakupan.forwarded"

	// forwardEventsMax and forwardBytesMax bound what is forwarded at once, unless it is atomic. So
	// a part stays far below the largest message of a server, and one batch does not hold up those
	// of other ledgers for long.
	forwardEventsMax = 1_000
	forwardBytesMax  = 256 << 10

	// forwardedInWork bounds what others have forwarded and is not answered yet. As many again wait
	// in the client library; who sends what comes beyond has no answer.
	forwardedInWork = 256

	// submitMax is how long a ledger of a cluster tries to have events taken in: longer than a new
	// leader and a new writer take together. answerMax is how long it waits for one answer.
	submitMax = 20 * time.Second
	// An answer that is lost costs that much, and then the events are sent again.
	answerMax = 8 * time.Second

	// Between two attempts it pauses, twice as long each time, until it hears of another writer.
	submitPauseFirst = 10 * time.Millisecond
	submitPauseMax   = 500 * time.Millisecond
)

// errNotInTime is returned for events of which nobody has told in time what became of them.
var errNotInTime = problem.New(problem.LogUnavailable, "the log did not say in time whether it"+
	" took the events: send the same ones again, what is there already will be a duplicate")

// forwarded is a part of a batch on its way to the ledger that writes. What a publisher may do was
// found out where he logged in; the scope comes with the events, and the seal vouches for it. The
// encoding skips fields that the other side does not know, so that ledgers of two versions can
// stand side by side. Where that would be wrong, the events stand in another field: a ledger that
// does not know it finds none, and appends nothing. Nothing of it is stored.
type forwarded struct {
	Raw                          [][]byte
	KeepRecorded, DryRun, Atomic bool
	Scope                        *event.Scope
	Publisher                    string
	Seen                         *intake.Seen
	Corrects                     [][]byte // in the place of Raw, where Seen is set
}

// events returns what is forwarded.
func (f *forwarded) events() [][]byte {
	if len(f.Corrects) > 0 {
		return f.Corrects
	}
	return f.Raw
}

// forwardAnswer is the answer: receipts, or why there are none. Its fields are those of
// [problem.Error], whose cause stays in the log of the ledger that had it.
type forwardAnswer struct {
	Receipts []event.Receipt
	Failed   bool
	Code     problem.Code
	Field    string
	Detail   string
	Retry    int
	Refused  bool
	Whole    bool
}

// Submit has events taken in by the ledger that writes, which may be this one, and may be another
// one a moment later: events that were sent to two of them are appended once, as those are that any
// publisher sends twice. What it returns is what [Ledger.Submit] promises. It ends after submitMax
// at the latest, or with ctx; then it is not known what is in the log.
func (r *Roles) Submit(ctx context.Context, raw [][]byte, opts intake.Options,
) (receipts []event.Receipt, err error) {
	asked := ctx
	ctx, cancel := context.WithTimeout(ctx, submitMax)
	defer cancel()
	for pause := submitPauseFirst; ; {
		now := r.present()
		got, err := r.submitTo(ctx, now, raw[len(receipts):], opts)
		if errors.Is(err, context.DeadlineExceeded) && asked.Err() == nil {
			err = errNotInTime
		}
		receipts = append(receipts, got...)
		switch {
		case err == nil && len(receipts) == len(raw):
			return receipts, nil
		case err == nil:
			pause = submitPauseFirst
			continue
		// Only what another writer, or the same one later, could do better is tried again.
		case problem.From(err).Code != problem.LogUnavailable:
			return nil, err
		}
		select {
		case <-now.changed:
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, err
		}
		pause = min(2*pause, submitPauseMax)
	}
}

// submitTo has the first of the events taken in, or all of them. There may be fewer receipts than
// events, and then the caller goes on behind them.
func (r *Roles) submitTo(ctx context.Context, now roleNow, raw [][]byte, opts intake.Options,
) ([]event.Receipt, error) {
	switch {
	case now.writing:
		return r.ledger.SubmitHere(ctx, raw, opts)
	case now.holder.ID == "":
		return nil, ErrStandsBy
	}
	if !opts.Atomic {
		raw = firstPart(raw)
	}
	ctx, cancel := context.WithTimeout(ctx, answerMax)
	defer cancel()
	go func() { // another writer will not be this one's answer
		select {
		case <-now.changed:
			cancel()
		case <-ctx.Done():
		}
	}()
	f := forwarded{
		Raw: raw, KeepRecorded: opts.KeepRecorded, DryRun: opts.DryRun, Atomic: opts.Atomic,
		Scope: opts.Scope, Publisher: opts.Publisher, Seen: opts.Seen,
	}
	if f.Seen != nil {
		f.Raw, f.Corrects = nil, raw
	}
	return r.forward(ctx, now.holder.ID, f)
}

// firstPart returns the events that are forwarded at once. That is one event at least, however
// large.
func firstPart(raw [][]byte) [][]byte {
	size := 0
	for n := range raw {
		if size += len(raw[n]); n > 0 && (n == forwardEventsMax || size > forwardBytesMax) {
			return raw[:n]
		}
	}
	return raw
}

// forward sends events to a ledger and returns what it answers. An error of the other ledger comes
// back as that ledger would have given it. Where nobody answers it is [problem.LogUnavailable], and
// the events may be in the log.
func (r *Roles) forward(ctx context.Context, to string, f forwarded) ([]event.Receipt, error) {
	sealed, err := r.pack(&f, purposeForward)
	if err != nil {
		return nil, err
	}
	// Only an atomic batch can be so large: it cannot be sent in parts.
	if int64(len(sealed)) > r.conn.MaxPayload() {
		return nil, problem.New(problem.BodyTooLarge, fmt.Sprintf("this ledger stands by, and the"+
			" batch does not fit one message to the one that writes (%d bytes of %d): send it to"+
			" %s, or less at once", len(sealed), r.conn.MaxPayload(), r.present().holder.URL))
	}
	reply, err := r.conn.RequestWithContext(ctx, subjectWriter+to, sealed)
	if err != nil {
		return nil, problem.Wrap(problem.LogUnavailable, "the ledger that writes does not answer:"+
			" send the same events again, what is there already will be a duplicate", err)
	}
	var answer forwardAnswer
	if err := r.unpack(reply.Data, purposeAnswer, &answer); err != nil {
		return nil, fmt.Errorf("read answer of the ledger that writes: %w", err)
	}
	if answer.Failed {
		return nil, &problem.Error{
			Code: answer.Code, Field: answer.Field, Detail: answer.Detail, Retry: answer.Retry,
			Refused: answer.Refused, Whole: answer.Whole,
		}
	}
	switch sent := len(f.events()); {
	case f.Seen != nil && len(answer.Receipts) == 0:
		return nil, problem.New(problem.LogUnavailable, "the ledger that writes is of an older"+
			" version, and does not compare a list with what was seen of it: nothing was"+
			" appended; start it with this version, then send again")
	case len(answer.Receipts) != sent:
		return nil, fmt.Errorf("%d receipts for %d forwarded events", len(answer.Receipts), sent)
	}
	return answer.Receipts, nil
}

// listen begins to take what others forward. The subject has this process's ID in it, which nobody
// else ever has. The subscription ends with the connection.
func (r *Roles) listen() error {
	room := make(chan struct{}, forwardedInWork)
	sub, err := r.conn.Subscribe(subjectWriter+r.me.ID, func(m *nats.Msg) {
		// This holds up the subscription, not the sender: what is too much stays with the client
		// library.
		room <- struct{}{}
		go func() {
			defer func() { <-room }()
			r.take(m)
		}()
	})
	if err != nil {
		return fmt.Errorf("listen to other ledgers: %w", err)
	}
	return sub.SetPendingLimits(forwardedInWork, 64<<20)
}

// take takes in what another ledger has forwarded. It is not forwarded again: whoever sent it hears
// who writes by himself. Whatever happens, an answer is tried: silence costs the other ledger
// answerMax.
func (r *Roles) take(m *nats.Msg) {
	ctx, cancel := context.WithTimeout(context.Background(), answerMax)
	defer cancel()
	var f forwarded
	err := error(ErrStandsBy)
	var answer forwardAnswer
	if r.present().writing {
		if err = r.unpack(m.Data, purposeForward, &f); err == nil {
			answer.Receipts, err = r.ledger.SubmitHere(ctx, f.events(), intake.Options{
				KeepRecorded: f.KeepRecorded, DryRun: f.DryRun, Atomic: f.Atomic, Scope: f.Scope,
				Publisher: f.Publisher, Seen: f.Seen,
			})
		}
	}
	if err != nil && ctx.Err() != nil {
		err = errNotInTime
	}
	if e := problem.From(err); e != nil {
		if e.Code == problem.Internal {
			r.cluster.Logger.Error("forwarded events failed",
				slog.Any("cause", errors.Unwrap(e)))
		}
		answer = forwardAnswer{
			Failed: true, Code: e.Code, Field: e.Field, Detail: e.Detail, Retry: e.Retry,
			Refused: e.Refused, Whole: e.Whole,
		}
	}
	sealed, err := r.pack(&answer, purposeAnswer)
	if err == nil {
		err = m.Respond(sealed)
	}
	if err != nil {
		r.cluster.Logger.Warn("forwarded events cannot be answered", slog.Any("error", err))
	}
}

// pack makes a sealed message of a value. Two ledgers of one log have the same keys: who has others
// can neither read it nor be heard. The purpose keeps an answer from passing for a request.
func (r *Roles) pack(value any, purpose string) ([]byte, error) {
	var plain bytes.Buffer
	if err := gob.NewEncoder(&plain).Encode(value); err != nil {
		return nil, fmt.Errorf("pack what is forwarded: %w", err)
	}
	return r.sealer.Seal(nil, s2.Encode(nil, plain.Bytes()), purpose)
}

// unpack reads a sealed message. It fails for what another key has sealed, for another purpose, and
// for what was changed on the way.
func (r *Roles) unpack(sealed []byte, purpose string, value any) error {
	packed, err := r.sealer.Open(sealed, purpose)
	if err == nil {
		packed, err = s2.Decode(nil, packed)
	}
	if err == nil {
		err = gob.NewDecoder(bytes.NewReader(packed)).Decode(value)
	}
	if err != nil {
		return problem.Wrap(problem.FolderKeyLost, "what another ledger of this log has sealed"+
			" cannot be opened: give all of them the same keys", err)
	}
	return nil
}
