package natsin

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/eventstore"
	log "cakupan/eventstore/jetstream"
)

// The streams, their subjects, and the one consumer. natsd lists them in its permissions.
const (
	StreamIntake  = "CAKUPAN_INTAKE"
	StreamRefused = "CAKUPAN_REFUSED"

	subjectPacks    = "cakupan.sealed.intake"
	subjectRefused  = "cakupan.sealed.refused." // then publisher and pack
	subjectDelivery = "cakupan.delivery."       // then who takes the packs

	consumerName = "intake"
)

// What is sealed is sealed for its stream.
const (
	purposePack    = StreamIntake
	purposeRefused = StreamRefused
)

const (
	// requestMax bounds one request to JetStream's API.
	requestMax = 10 * time.Second
	// takeOverPause is how long an error of the server's own is waited for.
	takeOverPause = 100 * time.Millisecond
)

func streamConfigs(replicas int) []jetstream.StreamConfig {
	common := jetstream.StreamConfig{
		Discard: jetstream.DiscardNew, MaxMsgs: -1, MaxBytes: -1, MaxMsgSize: -1,
		Storage: jetstream.FileStorage, Replicas: replicas, Retention: jetstream.LimitsPolicy,
		// The least there is: no message has an id, and at each start the server reads all
		// messages that are as young as this.
		Duplicates: 100 * time.Millisecond,
	}
	intake, refused := common, common
	intake.Name, intake.Subjects = StreamIntake, []string{subjectPacks}
	intake.Description = "what publishers sent, sealed, until the log has taken it"
	// Not a work queue: to remove each pack by itself costs the server another flush. See sweep.
	intake.DenyDelete = true
	refused.Name, refused.Subjects = StreamRefused, []string{subjectRefused + ">"}
	refused.Description = "what the ledger refused of it, sealed: see cakupan refused"
	refused.DenyPurge, refused.AllowAtomicPublish = true, true
	return []jetstream.StreamConfig{intake, refused}
}

// makeStreams makes the streams where there are none. One that is there must be as safe.
func makeStreams(
	ctx context.Context, conn *nats.Conn, js jetstream.JetStream, replicas int,
) error {
	for _, config := range streamConfigs(log.Replicas(conn, replicas)) {
		is, err := makeStream(ctx, js, config)
		if err != nil {
			return fmt.Errorf("make stream %s: %w", config.Name, err)
		}
		if why := unsafe(is, config); why != "" {
			return fmt.Errorf("%w: stream %s %s", eventstore.ErrUnsafe, config.Name, why)
		}
		if err := log.Replicate(ctx, conn, is, replicas); err != nil {
			return fmt.Errorf("make stream %s: %w", config.Name, err)
		}
	}
	return nil
}

// makeStream makes a stream where there is none, and returns what is set of the one that is there.
func makeStream(ctx context.Context, js jetstream.JetStream, config jetstream.StreamConfig,
) (is jetstream.StreamConfig, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestMax)
	defer cancel()
	stream, err := js.Stream(ctx, config.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		stream, err = js.CreateStream(ctx, config)
	}
	if err != nil {
		return is, err
	}
	return stream.CachedInfo().Config, nil
}

// unsafe says in which way a stream does not keep what it takes as well as the one wanted; empty:
// in none.
func unsafe(is, want jetstream.StreamConfig) string {
	switch {
	case len(is.Subjects) != 1 || is.Subjects[0] != want.Subjects[0]:
		return "takes messages from elsewhere: another program made it"
	case is.Storage != want.Storage:
		return "is not kept in files (storage is not file)"
	case is.Retention != want.Retention:
		return "removes messages when they are consumed (retention is not limits)"
	case is.Discard != want.Discard:
		return "removes its oldest messages when it is full (discard is not new)"
	case is.MaxAge != 0 || is.AllowMsgTTL:
		return "removes messages by age (max_age is set)"
	case is.MaxMsgsPerSubject > 0:
		return "removes messages by number (max_msgs_per_subject is set)"
	case is.NoAck || is.PersistMode == jetstream.AsyncPersistMode:
		return "acknowledges before it stores (no_ack or persist_mode async)"
	case is.DenyPurge != want.DenyPurge:
		return "lets itself be purged, or not (deny_purge is not as it was made)"
	}
	return ""
}

// takeOverPacks makes the consumer of the packs anew: what was delivered and not acknowledged
// before a crash is delivered again at once, instead of after ackWait. Of several ledgers on one
// cluster, the one that was started last takes the packs.
//
// The server may still be writing the state of the consumer that was removed when it makes the one
// of the same name, and then one of them finds its file gone: such an error is gone a moment later.
//
// A server that cannot read what it knows of the consumer makes none of that name: forget removes
// its files, and all packs that are there are delivered again, which changes nothing. It may be
// nil.
func takeOverPacks(ctx context.Context, js jetstream.JetStream, forget func() error,
) (consumer jetstream.PushConsumer, err error) {
	for range 2 {
		consumer, err = takeOverWithin(ctx, js)
		failed := isServersOwn(err) || errors.Is(err, context.DeadlineExceeded)
		if !failed || forget == nil || ctx.Err() != nil {
			return consumer, err
		}
		if err := forget(); err != nil {
			return nil, fmt.Errorf("take over packs: %w", err)
		}
	}
	return consumer, err
}

// takeOverWithin waits for a server whose error may be gone in a moment.
func takeOverWithin(ctx context.Context, js jetstream.JetStream) (jetstream.PushConsumer, error) {
	ctx, cancel := context.WithTimeout(ctx, requestMax)
	defer cancel()
	for {
		consumer, err := makeConsumer(ctx, js)
		if !isServersOwn(err) {
			return consumer, err
		}
		select {
		case <-time.After(takeOverPause):
		case <-ctx.Done():
			return nil, err
		}
	}
}

// isServersOwn tells whether an error is the server's own, and none of who has asked.
func isServersOwn(err error) bool {
	var failed *jetstream.APIError
	return errors.As(err, &failed) && failed.Code >= http.StatusInternalServerError
}

func makeConsumer(ctx context.Context, js jetstream.JetStream) (jetstream.PushConsumer, error) {
	before, err := js.PushConsumer(ctx, StreamIntake, consumerName)
	if err == nil {
		if _, _, err = sweep(ctx, js, before, 0); err == nil {
			err = js.DeleteConsumer(ctx, StreamIntake, consumerName)
		}
	}
	if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return nil, fmt.Errorf("take over packs: %w", err)
	}
	consumer, err := js.CreatePushConsumer(ctx, StreamIntake, jetstream.ConsumerConfig{
		Durable:        consumerName,
		DeliverSubject: subjectDelivery + rand.Text(), // who took them before hears no more
		DeliverGroup:   queueGroup,
		AckPolicy:      jetstream.AckExplicitPolicy,
		AckWait:        ackWait,
		MaxAckPending:  packsDelivered,
		MaxDeliver:     -1,
	})
	if err != nil {
		return nil, fmt.Errorf("take over packs: %w", err)
	}
	return consumer, nil
}

// sweep removes the packs that the consumer has acknowledged without a gap, but for those up to
// swept, which are gone already. It returns up to where they are gone now, and whether more have
// been delivered.
func sweep(
	ctx context.Context, js jetstream.JetStream, of jetstream.PushConsumer, swept uint64,
) (upTo uint64, more bool, err error) {
	info, err := of.Info(ctx)
	if err != nil {
		return swept, true, fmt.Errorf("look up settled packs: %w", err)
	}
	more = info.NumAckPending > 0
	if info.AckFloor.Stream <= swept {
		return swept, more, nil
	}
	stream, err := js.Stream(ctx, StreamIntake)
	if err == nil {
		err = stream.Purge(ctx, jetstream.WithPurgeSequence(info.AckFloor.Stream+1))
	}
	if err != nil {
		return swept, true, fmt.Errorf("remove settled packs: %w", err)
	}
	return info.AckFloor.Stream, more, nil
}

// Waiting returns how many packs the log has not taken yet.
func Waiting(ctx context.Context, js jetstream.JetStream) (uint64, error) {
	consumer, err := js.PushConsumer(ctx, StreamIntake, consumerName)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return 0, nil
	case err == nil:
		info := consumer.CachedInfo()
		return info.NumPending + uint64(max(info.NumAckPending, 0)), nil
	case !errors.Is(err, jetstream.ErrConsumerNotFound):
		return 0, fmt.Errorf("look up packs that wait: %w", err)
	}
	stream, err := js.Stream(ctx, StreamIntake)
	if err != nil {
		return 0, fmt.Errorf("look up packs that wait: %w", err)
	}
	return stream.CachedInfo().State.Msgs, nil
}

// MakeStreams makes the streams for who restores what was in them.
func MakeStreams(ctx context.Context, conn *nats.Conn, replicas int) error {
	js, err := jetstream.New(conn)
	if err != nil {
		return err
	}
	return makeStreams(ctx, conn, js, replicas)
}
