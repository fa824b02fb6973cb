package metrics

import (
	"context"
	"sync"
	"time"

	"cakupan/cmd/internal/ledger"
)

const (
	// askMost bounds what a scrape waits for: Prometheus gives up after ten seconds.
	askMost = 2 * time.Second
	// askAgain is how long an answer serves: several figures of a scrape are of one.
	askAgain = time.Second
)

// lately asks for what several figures are of, once for all of them. ask is set once; mu guards the
// rest, and is held while it asks, so that several figures at once wait for one answer. The zero
// time makes the first one ask.
type lately[T any] struct {
	ask func(ctx context.Context) T

	mu    sync.Mutex
	last  T
	until time.Time
}

// get returns the last answer if it still serves, and otherwise a new one. It waits askMost at the
// longest if ask keeps to its context; what ask could not find out is in its answer as far as it
// goes, and serves as long. The clock is the machine's: it measures a wait and nothing else.
func (l *lately[T]) get() T {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); now.After(l.until) {
		ctx, cancel := context.WithTimeout(context.Background(), askMost)
		defer cancel()
		l.last = l.ask(ctx)
		l.until = time.Now().Add(askAgain)
	}
	return l.last
}

// followStreams asks how the streams are kept, and what waits in them. Each stream has a series of
// its own, under names that the program gives: of the log, the vault, and so on.
func (m *Metrics) followStreams(l Ledger) {
	status := &lately[ledger.Status]{ask: l.Status}
	ask := func(name, help string, number func(ledger.StreamStatus) float64) {
		m.Ask(Figure{
			Name: name, Help: help, Label: "stream",
			Values: func() map[string]float64 {
				all := map[string]float64{}
				for _, s := range status.get().Streams {
					all[s.Name] = number(s)
				}
				return all
			},
		})
	}
	ask("cakupan_stream_replicas", "Servers that shall keep a stream.",
		func(s ledger.StreamStatus) float64 { return float64(s.Replicas) })
	ask("cakupan_stream_replicas_current", "Of them, those that have all of it now.",
		func(s ledger.StreamStatus) float64 { return float64(s.Current) })
	ask("cakupan_stream_copies_lacking",
		"Of them, those whose copy was found to lack what others have.",
		func(s ledger.StreamStatus) float64 { return float64(s.Lacking) })
	ask("cakupan_stream_bytes", "Bytes that a stream holds.",
		func(s ledger.StreamStatus) float64 { return float64(s.Bytes) })
	m.Ask(Figure{
		Name: "cakupan_refused_removed_total", Label: "reason", Counts: true,
		Help: "Refusals that nobody settled in time and that were removed: room, their publisher" +
			" had too many; age.",
		Values: func() map[string]float64 {
			removed := status.get().Intake.Removed
			return map[string]float64{
				"room": float64(removed.ForRoom), "age": float64(removed.ForAge),
			}
		},
	})
	m.Ask(Figure{
		Name: "cakupan_intake_packs", Label: "state",
		Help: "Packs of events from NATS: waiting to be taken in, or refused and not settled.",
		Values: func() map[string]float64 {
			in := status.get().Intake
			return map[string]float64{
				"waiting": float64(in.Waiting), "refused": float64(in.Refused),
			}
		},
	})
}

// followBeside asks how much is beside the log. The numbers are those of last records, which only
// grow while the program runs.
func (m *Metrics) followBeside(l Ledger) {
	m.Ask(Figure{
		Name: "cakupan_vault_records", Help: "Number of the last record of the identity vault.",
		Values: func() map[string]float64 {
			return map[string]float64{"": float64(l.Measures().Vault)}
		},
	})
	m.Ask(Figure{
		Name: "cakupan_register_records",
		Help: "Number of the last record of the register of who may log in.",
		Values: func() map[string]float64 {
			return map[string]float64{"": float64(l.Measures().Register)}
		},
	})
	m.Ask(Figure{
		Name: "cakupan_certificate_end_timestamp_seconds", Label: "of",
		Help: "When a certificate ends, in seconds since 1970: of https, and of each server of" +
			" the cluster.",
		Values: func() map[string]float64 {
			ends := map[string]float64{}
			for _, c := range l.Measures().Certificates {
				ends[c.Of] = float64(c.Until.Unix())
			}
			return ends
		},
	})
	m.Ask(Figure{
		Name: "cakupan_keys_lost",
		Help: "Keys that are missing, damaged or another ledger's: the next start needs them.",
		Values: func() map[string]float64 {
			return map[string]float64{"": float64(l.Measures().LostKeys)}
		},
	})
	m.Ask(Figure{
		Name: "cakupan_disk_free_bytes",
		Help: "Room on the disk of the log, of a ledger that keeps it itself.",
		Values: func() map[string]float64 {
			// On a cluster that others run, nobody here can tell.
			if free := l.Measures().FreeBytes; free != nil {
				return map[string]float64{"": float64(*free)}
			}
			return nil
		},
	})
}
