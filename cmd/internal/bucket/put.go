package bucket

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/cmd/internal/small"
	"cakupan/eventstore/natsd"
	"cakupan/projections/coverage"
)

// dimensions returns all dimensions.
func dimensions() (all []coverage.Dimension) {
	for _, name := range coverage.DimensionNames() {
		d, _ := coverage.ParseDimension(name)
		all = append(all, d)
	}
	return all
}

// sent is a value on its way.
type sent struct {
	key     string
	figures string
	ack     jetstream.PubAckFuture
}

// put puts what differs of the answers of a frame.
func (b *bucket) put(ctx context.Context, frame []byte) error {
	var answers []coverage.Answer
	if err := json.Unmarshal(frame, &answers); err != nil {
		return fmt.Errorf("read answers: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, requestMax)
	defer cancel()
	var all []sent
	for i := range answers {
		by := answers[i].By
		answers[i].By = nil
		some, err := b.send(&answers[i], answers[i].Region)
		all = append(all, some...)
		for _, d := range dimensions() {
			if err != nil {
				return err
			}
			answers[i].By = by.Only(d)
			some, err = b.send(&answers[i], answers[i].Region+".by."+d.String())
			all = append(all, some...)
		}
		if err != nil {
			return err
		}
	}
	return b.awaitAll(ctx, all)
}

// putState puts how the ledger is. Nothing is put while nothing is known about that.
func (b *bucket) putState(ctx context.Context, status []byte) error {
	if len(status) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, requestMax)
	defer cancel()
	all, err := b.sendText(KeyState, status, status)
	if err != nil {
		return err
	}
	return b.awaitAll(ctx, all)
}

func (b *bucket) awaitAll(ctx context.Context, all []sent) error {
	for _, s := range all {
		if err := b.await(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// send sends an answer if it differs from what was put last under the key.
func (b *bucket) send(answer *coverage.Answer, key string) ([]sent, error) {
	whole, err := b.encode(answer)
	known := answer.Known
	answer.Known = coverage.Known{}
	figures, also := b.encode(answer)
	answer.Known = known
	if err := errors.Join(err, also); err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	return b.sendText(key, whole, figures)
}

// sendText sends a value if what tells it from others differs from that of what was put last under
// the key. Nobody else may have put a value since: a ledger that has just lost its role must not
// put an old one over a new one.
func (b *bucket) sendText(key string, whole, figures []byte) ([]sent, error) {
	was, found := b.values[key]
	if found && was.figures == string(figures) {
		return nil, nil
	}
	opts := []jetstream.PublishOpt{jetstream.WithStallWait(requestMax)}
	if found {
		opts = append(opts, jetstream.WithExpectLastSequencePerSubject(was.revision))
	}
	ack, err := b.js.PublishMsgAsync(&nats.Msg{Subject: prefix + key, Data: whole}, opts...)
	if err != nil {
		return nil, fmt.Errorf("put %s: %w", key, err)
	}
	return []sent{{key, string(figures), ack}}, nil
}

// encode returns an answer as GET /v1/coverage gives it to a dashboard.
func (b *bucket) encode(answer *coverage.Answer) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	shown := any(answer)
	if b.hides {
		shown = small.HideAnswer(*answer)
	}
	err := encoder.Encode(shown)
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), err
}

// await waits until a value is stored.
func (b *bucket) await(ctx context.Context, s sent) error {
	select {
	case ack := <-s.ack.Ok():
		// What was sent is stored one after the other, unless somebody else's value came between.
		if ack.Sequence != b.last+1 {
			return errMoved
		}
		b.last++
		b.values[s.key] = value{s.figures, ack.Sequence}
		return nil
	case err := <-s.ack.Err():
		var refused *jetstream.APIError
		if errors.As(err, &refused) &&
			refused.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence {
			return errMoved
		}
		return fmt.Errorf("put %s into bucket %s: %w", s.key, natsd.Bucket, err)
	case <-ctx.Done():
		return fmt.Errorf("put %s into bucket %s: %w", s.key, natsd.Bucket, ctx.Err())
	}
}
