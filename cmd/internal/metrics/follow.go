package metrics

import (
	"context"
	"time"

	"cakupan/cmd/internal/access"
	"cakupan/cmd/internal/cluster"
	"cakupan/cmd/internal/ledger"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/coverage"
)

// Ledger is a ledger, as the metrics ask it. All methods may be called at the same time, are called
// at each scrape, and must not wait for longer than a scrape may.
type Ledger interface {
	// Health tells how the ledger is.
	Health(ctx context.Context) ledger.Health
	// Ready tells whether it answers at the moment now.
	Ready(ctx context.Context, now temporal.Instant) ledger.Readiness
	// Status tells how it is, with what its role and its safety depend on.
	Status(ctx context.Context) ledger.Status
	// Measures tells of what is beside the log.
	Measures() ledger.Measures
	// View returns the coverage.
	View(ctx context.Context, minSeq eventstore.Sequence) (*coverage.View, error)
}

// Register is the register of who may log in, as the metrics ask it. All methods may be called at
// the same time; both ask memory alone.
type Register interface {
	// Failures tells how many logins failed so far.
	Failures() access.Failures
	// Err returns why nobody can log in at the moment, nil when they can.
	Err() error
}

// Follow has the metrics ask a ledger and its register for what they know. now is the clock. Call
// it once, before the metrics are served; the ledger and the register must stay open as long as
// those are. It starts nothing: everything is asked when somebody reads.
func (m *Metrics) Follow(l Ledger, r Register, now func() time.Time) {
	m.followReady(func() ledger.Readiness {
		return l.Ready(context.Background(), temporal.Instant(now().UnixNano()))
	})
	m.Ask(Figure{
		Name: "cakupan_failed_logins_total", Help: "Logins that failed, by reason.",
		Label: "reason", Counts: true,
		Values: func() map[string]float64 {
			f := r.Failures()
			return map[string]float64{
				"unknown": float64(f.Unknown), "wrong_secret": float64(f.Wrong),
				"revoked": float64(f.Revoked), "expired": float64(f.Expired),
				"throttled":            float64(f.Throttled),
				"register_unavailable": float64(f.Unavailable),
			}
		},
	})
	m.Ask(Figure{
		Name: "cakupan_log_head_sequence", Help: "Sequence of the last event of the log.",
		Values: func() map[string]float64 {
			return map[string]float64{"": float64(l.Health(context.Background()).Head)}
		},
	})
	m.Ask(Figure{
		Name: "cakupan_projection_sequence", Label: "projection",
		Help: "Sequence of the last event that a projection has applied.",
		Values: func() map[string]float64 {
			applied := map[string]float64{}
			for name, p := range l.Health(context.Background()).Projections {
				applied[name] = float64(p.Sequence)
			}
			return applied
		},
	})
	m.Ask(Figure{
		Name: "cakupan_projection_lag_events", Label: "projection",
		Help: "Events of the log that a projection has not applied yet.",
		Values: func() map[string]float64 {
			h, lag := l.Health(context.Background()), map[string]float64{}
			for name, p := range h.Projections {
				// Head and projections are looked at one after the other, so a projection may seem
				// ahead: that is no lag.
				lag[name] = float64(h.Head - min(h.Head, p.Sequence))
			}
			return lag
		},
	})
	m.followVerified(l)
	m.followStreams(l)
	m.followBeside(l)
	m.followCoverage(l, now)
	m.followRole(l)
	m.Ask(Figure{
		Name: "cakupan_healthy", Help: "1 while the ledger takes events and answers, 0 otherwise.",
		Values: func() map[string]float64 {
			// As /healthz says it: a ledger that nobody can log in to is not healthy.
			healthy := 0.0
			if l.Health(context.Background()).Status == ledger.HealthOK && r.Err() == nil {
				healthy = 1
			}
			return map[string]float64{"": healthy}
		},
	})
}

// followRole asks what the ledger does for its log. Both values are always there, so that an alert
// can sum the writers of a cluster: one, and not none or two.
func (m *Metrics) followRole(l Ledger) {
	m.Ask(Figure{
		Name: "cakupan_role", Label: "role",
		Help: "1 for what the ledger does for its log: it writes, or stands by; 0 for the other.",
		Values: func() map[string]float64 {
			is := map[string]float64{
				string(cluster.RoleWriter): 0, string(cluster.RoleStandby): 0,
			}
			is[string(l.Health(context.Background()).Role)] = 1
			return is
		},
	})
}

// followReady asks how far behind the log the projections are, and whether that is too far. Too far
// is the 5 s of section 7 of the contract, which the ledger judges.
func (m *Metrics) followReady(ready func() ledger.Readiness) {
	m.Ask(Figure{
		Name: "cakupan_projection_behind_seconds", Label: "projection",
		Help: "How long ago the oldest event was recorded that a projection has not applied.",
		Values: func() map[string]float64 {
			behind := map[string]float64{}
			for name, p := range ready().Projections {
				behind[name] = p.BehindSeconds
			}
			return behind
		},
	})
	m.Ask(Figure{
		Name: "cakupan_ready", Help: "1 while events and questions are answered now, 0 otherwise.",
		Values: func() map[string]float64 {
			is := 0.0
			if ready().Status == ledger.HealthOK {
				is = 1
			}
			return map[string]float64{"": is}
		},
	})
}

// followVerified asks how much was read again and found sound, and when. A part that was not read
// again yet has no value: an alert looks at how old the moment is.
func (m *Metrics) followVerified(l Ledger) {
	ask := func(name, help string, number func(ledger.Verified) float64) {
		m.Ask(Figure{
			Name: name, Help: help, Label: "part",
			Values: func() map[string]float64 {
				all := map[string]float64{}
				for part, v := range l.Health(context.Background()).Verified {
					all[part] = number(v)
				}
				return all
			},
		})
	}
	ask("cakupan_verified_sequence", "The last event, of vault and register the last record, up to"+
		" which a part was last read again and found sound.",
		func(v ledger.Verified) float64 { return float64(v.Sequence) })
	ask("cakupan_verified_timestamp_seconds", "When that was found, in seconds since 1970.",
		func(v ledger.Verified) float64 { return float64(v.At.UnixNano()) / 1e9 })
}
