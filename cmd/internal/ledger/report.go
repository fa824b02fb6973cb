package ledger

import (
	"time"

	"cakupan/cmd/internal/cluster"
	"cakupan/eventstore"
)

// Progress is told how many events of how many are done.
type Progress func(done, total eventstore.Sequence)

// Health is how the ledger is. Status is "ok" when it takes events and answers.
type Health struct {
	Status      string                      `json:"status"`
	Head        eventstore.Sequence         `json:"head"` // at least, where it is not ok
	Projections map[string]ProjectionHealth `json:"projections"`
	Role        cluster.Role                `json:"role"`
	Why         string                      `json:"why,omitempty"` // it is not ok
	// Verified is how much of each part was last read again and found sound: of the log, the
	// vault, the register, and of each projection against a fresh fold of the log.
	Verified map[string]Verified `json:"verified,omitempty"`
	// Clock says that record times wait for the clock, which is behind them, or that it was set far
	// ahead while the ledger ran.
	Clock string `json:"clock,omitempty"`
	// Degraded says which server of a cluster lacks a part of its copy that the others have, and
	// what to do. Nothing is lost, and it is no reason not to be well.
	Degraded string `json:"degraded,omitempty"`
	// Certificates says which certificates end soon: by which it answers, and those of the servers
	// of its cluster. It is no reason not to be well, either.
	Certificates string `json:"certificates,omitempty"`
	// Keys says which keys of the folder are missing, damaged or another ledger's, and what to do.
	// Who runs has them in memory and is well: it is the next start, or a copy, that needs them.
	Keys string `json:"keys,omitempty"`
}

// Verified is how much of a part was found sound, and when that was known.
type Verified struct {
	Sequence uint64    `json:"sequence"` // of the last event; of what is beside the log, record
	At       time.Time `json:"at"`
}

// ProjectionHealth is how far a projection is.
type ProjectionHealth struct {
	Sequence eventstore.Sequence `json:"sequence"`
}

// HealthOK is the status of a ledger that takes events and answers.
const HealthOK = "ok"

// ReplayOptions says what to rebuild.
type ReplayOptions struct {
	Projection string              // its name; "": the coverage
	To         eventstore.Sequence // last event to apply; 0 or beyond the log: its end
	Swap       bool                // put the rebuilt projection in place of the live one
}

// ReplayResult is what a replay came to.
type ReplayResult struct {
	Projection      string              `json:"projection"`
	Events          eventstore.Sequence `json:"events"`
	Seconds         float64             `json:"seconds"`
	EventsPerSecond float64             `json:"eventsPerSecond"`
	Digest          string              `json:"digest"`
	Matches         bool                `json:"matches"` // the live digest at the same sequence
}

// VerifyReport is what a check of the ledger found. What is derived from the log and damaged does
// not keep it from being OK: it heals.
type VerifyReport struct {
	OK       bool                `json:"ok"`
	Events   eventstore.Sequence `json:"events"` // in the log, as far as can be told
	Frames   uint64              `json:"frames"`
	Root     string              `json:"root"` // Merkle root over all events, hexadecimal
	Findings []Finding           `json:"findings"`
	Files    []FileReport        `json:"files"`
	Caches   []CacheReport       `json:"caches"` // none when the log is damaged
	// Copies are those of servers of a cluster that lack what others have, which does not keep the
	// ledger from being OK.
	Copies []CopyReport `json:"copies"`
}

// FileReport is how one file of the folder is, or one folder that is one thing.
type FileReport struct {
	Path     string   `json:"path"` // within the folder
	Kind     string   `json:"kind"`
	State    string   `json:"state"`
	Cache    bool     `json:"cache"` // it is derived from the log
	Findings []string `json:"findings,omitempty"`
	Remedy   string   `json:"remedy,omitempty"`
}

// CacheReport is how a projection compares with a fresh fold of the log.
type CacheReport struct {
	Projection string              `json:"projection"`
	Sequence   eventstore.Sequence `json:"sequence"`
	Digest     string              `json:"digest"`
	Matches    bool                `json:"matches"`
	Why        string              `json:"why,omitempty"` // it was not compared
}

// Finding is a range of damaged events. To is 0 when it reaches to the end of the log.
type Finding struct {
	From eventstore.Sequence `json:"from"`
	To   eventstore.Sequence `json:"to"`
	What string              `json:"what"`
}
