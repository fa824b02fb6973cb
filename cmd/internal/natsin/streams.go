package natsin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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
)

// streamConfigs are the streams as this program makes them. Both refuse what is new when they are
// full, rather than lose what they have, and neither removes anything by age: what of the refusals
// is too old this program removes itself; see expire.
func streamConfigs(replicas int) []jetstream.StreamConfig {
	common := jetstream.StreamConfig{
		Discard: jetstream.DiscardNew, MaxMsgs: -1, MaxBytes: -1, MaxMsgSize: -1,
		Storage: jetstream.FileStorage, Replicas: replicas, Retention: jetstream.LimitsPolicy,
		// The least there is: no message has an id, and at each start the server reads all
		// messages that are as young as this.
		Duplicates: 100 * time.Millisecond,
		// So that each server can be asked for its own copy; see package copies.
		AllowDirect: replicas > 1,
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

// makeStreams makes the streams where there are none. One that is there must be as safe. It may be
// called when all is there. Of several ledgers that start at once one may get an error that is gone
// at the next attempt.
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
// What is there is not changed: an operator may have set it otherwise, and unsafe says whether that
// will do.
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

// remakeStreams makes the streams again that the server has lost while the ledger ran, so that
// messages go on. What was in them nobody can make again: the operator is told. Only the ledger
// that writes does so.
func (s *Server) remakeStreams(ctx context.Context, js jetstream.JetStream) error {
	for _, config := range streamConfigs(log.Replicas(s.store, s.opts.Replicas)) {
		one, cancel := context.WithTimeout(ctx, requestMax)
		_, err := js.Stream(one, config.Name)
		lost := errors.Is(err, jetstream.ErrStreamNotFound)
		if lost {
			_, err = js.CreateStream(one, config)
		}
		cancel()
		if err != nil {
			return fmt.Errorf("make stream %s: %w", config.Name, err)
		}
		if lost {
			s.opts.Log.ErrorContext(ctx, "a stream was lost with all that was in it, and is made"+
				" anew: have publishers send again what has no receipt",
				slog.String("stream", config.Name))
		}
	}
	return nil
}

// unsafe says in which way a stream does not keep what it takes as well as the one wanted; empty:
// in none. Each case is a way in which an acknowledged message could be gone.
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

// Waiting returns how many packs the log has not taken yet. A consumer that was just made may not
// know what there is, and says that nothing waits: what it has not settled without a gap waits. It
// may be more than there are, for a moment.
func Waiting(ctx context.Context, js jetstream.JetStream) (uint64, error) {
	consumer, err := js.PushConsumer(ctx, StreamIntake, consumerName)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return 0, nil
	}
	var of jetstream.ConsumerInfo
	switch {
	case err == nil:
		of = *consumer.CachedInfo()
	case errors.Is(err, jetstream.ErrConsumerNotFound),
		errors.Is(err, jetstream.ErrNotPushConsumer): // somebody else's, and made anew in a moment
	default:
		return 0, fmt.Errorf("look up packs that wait: %w", err)
	}
	// Asked after the consumer: what it has settled is in the stream by then, or was.
	stream, err := js.Stream(ctx, StreamIntake)
	if err != nil {
		return 0, fmt.Errorf("look up packs that wait: %w", err)
	}
	in := stream.CachedInfo().State
	behind := in.LastSeq - min(of.AckFloor.Stream, in.LastSeq)
	known := of.NumPending + uint64(max(of.NumAckPending, 0))
	return max(known, min(in.Msgs, behind)), nil
}

// MakeStreams makes the streams for who restores what was in them. It is safe to call it again.
func MakeStreams(ctx context.Context, conn *nats.Conn, replicas int) error {
	js, err := jetstream.New(conn)
	if err != nil {
		return err
	}
	return makeStreams(ctx, conn, js, replicas)
}
