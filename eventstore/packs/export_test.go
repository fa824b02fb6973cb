package packs

import (
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/eventstore"
)

// ConfigOf is the stream that Create makes.
func ConfigOf(opts Options, identity eventstore.Identity) jetstream.StreamConfig {
	return configOf(opts.withDefaults(), identity)
}

// Encode returns the bytes of a record as stored by an attempt.
func Encode(r Record, by [8]byte) []byte {
	r.by = by
	return appendRecord(nil, &r)
}
