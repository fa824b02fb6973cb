package metrics

import (
	"context"

	"cakupan/cmd/internal/access"
	"cakupan/cmd/internal/ledger"
)

// Ledger is a ledger, as the metrics ask it.
type Ledger interface {
	// Health tells how the ledger is.
	Health(ctx context.Context) ledger.Health
}

// Register is the register of who may log in, as the metrics ask it.
type Register interface {
	// Failures tells how many logins failed so far.
	Failures() access.Failures
	// Err returns why nobody can log in at the moment, nil when they can.
	Err() error
}

// Follow has the metrics ask a ledger and its register for what they know.
func (m *Metrics) Follow(l Ledger, r Register) {
	m.Ask(Figure{
		Name: "cakupan_failed_logins_total", Help: "Logins that failed, by reason.",
		Label: "reason", Counts: true,
		Values: func() map[string]float64 {
			f := r.Failures()
			return map[string]float64{
				"unknown": float64(f.Unknown), "wrong_secret": float64(f.Wrong),
				"revoked": float64(f.Revoked), "throttled": float64(f.Throttled),
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
		Name: "cakupan_healthy", Help: "1 while the ledger takes events and answers, 0 otherwise.",
		Values: func() map[string]float64 {
			healthy := 0.0
			if l.Health(context.Background()).Status == ledger.HealthOK && r.Err() == nil {
				healthy = 1
			}
			return map[string]float64{"": healthy}
		},
	})
}
