package packs

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cakupan/eventstore"
	log "cakupan/eventstore/jetstream"
)

// metaRecords is the key of the stream's metadata that tells a stream of records from a log; its
// value is the version of the records. The ledger's identity is under the keys of the log's.
const metaRecords = "cakupan.records"

// IsStream tells whether a stream with this metadata is one of records.
func IsStream(metadata map[string]string) bool { return metadata[metaRecords] != "" }

// configOf is a new stream, but for its replicas: no limit ever removes a message.
func configOf(opts Options, identity eventstore.Identity) jetstream.StreamConfig {
	metadata := log.MetadataOf(identity)
	metadata[metaRecords] = fmt.Sprint(FormatVersion)
	return jetstream.StreamConfig{
		Name:        opts.Stream,
		Description: opts.Description,
		Subjects:    []string{opts.Subject},
		Retention:   jetstream.LimitsPolicy,
		Discard:     jetstream.DiscardNew,
		MaxMsgs:     -1,
		MaxBytes:    -1,
		MaxMsgSize:  -1,
		Storage:     jetstream.FileStorage,
		DenyDelete:  !opts.Erasable,
		DenyPurge:   true,
		AllowDirect: true, // as the log has it
		// The least there is: records have no message id, and at each start the server reads all
		// messages that are as young as this.
		Duplicates: 100 * time.Millisecond,
		Metadata:   metadata,
	}
}

// identityOf reads whose stream it is from its metadata.
func identityOf(metadata map[string]string) (eventstore.Identity, error) {
	switch version := metadata[metaRecords]; {
	case version == "":
		return eventstore.Identity{}, fmt.Errorf(
			"%w: it is no stream of records: another program made it", eventstore.ErrUnsafe)
	case version != fmt.Sprint(FormatVersion):
		return eventstore.Identity{}, fmt.Errorf("%w: records of version %s, this program reads %d",
			eventstore.ErrNewerFormat, version, FormatVersion)
	}
	return log.IdentityOf(metadata)
}

// checkSafe refuses a stream that could lose records, or acknowledge what is not stored.
func checkSafe(is jetstream.StreamConfig, opts Options) error {
	var errs []error
	rule := func(kept bool, finding string) {
		if !kept {
			errs = append(errs, fmt.Errorf("%w: %s", eventstore.ErrUnsafe, finding))
		}
	}
	rule(is.Storage == jetstream.FileStorage,
		"it is not kept in files, so a restart would lose it")
	rule(is.Retention == jetstream.LimitsPolicy && is.Discard == jetstream.DiscardNew,
		"it removes messages when they are consumed, or the oldest when it is full")
	rule(is.MaxAge == 0 && !is.AllowMsgTTL && is.MaxMsgsPerSubject <= 0,
		"it removes messages by age or number")
	rule(is.DenyPurge && !is.AllowRollup, "it lets itself be purged (deny_purge is not set)")
	rule(is.DenyDelete || opts.Erasable,
		"it lets single messages be deleted (deny_delete is not set)")
	rule(!is.DenyDelete || !opts.Erasable,
		"it lets nothing be erased (deny_delete is set)")
	rule(!is.NoAck && is.PersistMode != jetstream.AsyncPersistMode,
		"it acknowledges before it stores, or not at all")
	rule(slices.Equal(is.Subjects, []string{opts.Subject}) &&
		is.Mirror == nil && len(is.Sources) == 0 && is.SubjectTransform == nil,
		"it takes messages from elsewhere than subject "+opts.Subject)
	return errors.Join(errs...)
}
