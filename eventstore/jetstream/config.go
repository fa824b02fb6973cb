package jetstream

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cakupan/domain/temporal"
	"cakupan/eventstore"
)

// FormatVersion is the version of the stream's layout (subject, settings, metadata) that this
// program writes, and the highest it opens. Frames have a version of their own.
const FormatVersion = 1

// Keys of the stream's metadata. FORMAT.md lists them.
const (
	metaFormat  = "cakupan.format"
	metaLedger  = "cakupan.ledger"
	metaCreated = "cakupan.created"
)

// ledgerDigits is the length of Identity.Ledger: 128 bits in hexadecimal.
const ledgerDigits = 32

// configOf is the stream of a new log: no limit ever removes a message, and when a limit that
// was set on the account is reached, the newest message is refused rather than the oldest removed.
func configOf(opts Options, identity eventstore.Identity) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        opts.Stream,
		Description: "the log of a cakupan ledger: one message a frame, see eventstore/FORMAT.md",
		Subjects:    []string{Subject},
		Retention:   jetstream.LimitsPolicy,
		Discard:     jetstream.DiscardNew,
		MaxMsgs:     -1,
		MaxBytes:    -1,
		MaxMsgSize:  -1,
		Storage:     jetstream.FileStorage,
		Replicas:    opts.Replicas,
		DenyDelete:  true,
		DenyPurge:   true,
		AllowDirect: true, // so that each server can be asked for its own copy; see package copies
		// The least there is. Frames have no message id, idempotency is the writer's business; but
		// at each start the server reads all messages that are as young as this.
		Duplicates: 100 * time.Millisecond,
		Metadata:   MetadataOf(identity),
	}
}

// MetadataOf returns the metadata of a stream that belongs to the ledger of the identity; see
// IdentityOf.
func MetadataOf(identity eventstore.Identity) map[string]string {
	return map[string]string{
		metaFormat:  strconv.Itoa(FormatVersion),
		metaLedger:  identity.Ledger,
		metaCreated: time.Unix(0, int64(identity.Created)).UTC().Format(time.RFC3339Nano),
	}
}

// identityOf reads the identity of the log from the stream's metadata.
func identityOf(config jetstream.StreamConfig) (eventstore.Identity, error) {
	return IdentityOf(config.Metadata)
}

// IdentityOf returns the identity of a log whose stream has this metadata. The error wraps
// eventstore.ErrUnsafe or eventstore.ErrNewerFormat.
func IdentityOf(metadata map[string]string) (eventstore.Identity, error) {
	format, ledger := metadata[metaFormat], metadata[metaLedger]
	if format == "" && ledger == "" {
		return eventstore.Identity{}, fmt.Errorf(
			"%w: the stream carries no ledger identity, so another program made it",
			eventstore.ErrUnsafe)
	}
	version, err := strconv.Atoi(format)
	switch {
	case err != nil || version < 1:
		return eventstore.Identity{}, fmt.Errorf("%w: format version %q is no number",
			eventstore.ErrUnsafe, format)
	case version > FormatVersion:
		return eventstore.Identity{}, fmt.Errorf(
			"%w: the log has format %d, this program knows up to %d",
			eventstore.ErrNewerFormat, version, FormatVersion)
	case len(ledger) != ledgerDigits:
		return eventstore.Identity{}, fmt.Errorf("%w: ledger identity %q has not %d digits",
			eventstore.ErrUnsafe, ledger, ledgerDigits)
	}
	created, err := time.Parse(time.RFC3339Nano, metadata[metaCreated])
	if err != nil {
		return eventstore.Identity{}, fmt.Errorf("%w: the stream's creation time is unreadable: %w",
			eventstore.ErrUnsafe, err)
	}
	return eventstore.Identity{Ledger: ledger, Created: temporal.Instant(created.UnixNano())}, nil
}

// checkSafe refuses a stream that could lose events, or acknowledge what is not stored.
func checkSafe(config jetstream.StreamConfig) error {
	for _, rule := range safetyRules() {
		if rule.broken(config) {
			return fmt.Errorf("%w: %s", eventstore.ErrUnsafe, rule.finding)
		}
	}
	return nil
}

// safetyRule is one way in which the settings of a stream can lose events. They are asked at each
// start, as whoever owns the server may have changed them.
type safetyRule struct {
	finding string // of the stream, when the rule is broken
	broken  func(jetstream.StreamConfig) bool
}

// safetyRules lists all of them. What a stream of the settings of configOf has breaks none.
func safetyRules() []safetyRule {
	type config = jetstream.StreamConfig
	return []safetyRule{
		{
			"the stream is not kept in files, so a restart would lose it",
			func(c config) bool { return c.Storage != jetstream.FileStorage },
		},
		{
			"the stream removes messages when they are consumed (retention is not limits)",
			func(c config) bool { return c.Retention != jetstream.LimitsPolicy },
		},
		{
			"the stream removes its oldest messages when it is full (discard is not new)",
			func(c config) bool { return c.Discard != jetstream.DiscardNew },
		},
		{
			"the stream removes messages by age",
			func(c config) bool { return c.MaxAge != 0 || c.AllowMsgTTL },
		},
		{
			"the stream removes messages by number per subject",
			func(c config) bool { return c.MaxMsgsPerSubject > 0 },
		},
		{
			"the stream lets single messages be deleted (deny_delete is not set)",
			func(c config) bool { return !c.DenyDelete },
		},
		{
			"the stream lets itself be purged (deny_purge is not set)",
			func(c config) bool { return !c.DenyPurge || c.AllowRollup },
		},
		{
			"the stream acknowledges before it stores, or not at all",
			func(c config) bool {
				return c.NoAck || c.PersistMode == jetstream.AsyncPersistMode
			},
		},
		{
			"the stream takes messages from elsewhere than subject " + Subject,
			func(c config) bool {
				return !slices.Equal(c.Subjects, []string{Subject}) ||
					c.Mirror != nil || len(c.Sources) > 0 || c.SubjectTransform != nil
			},
		},
	}
}
