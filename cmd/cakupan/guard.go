package main

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/netip"

	"cakupan/cmd/internal/access"
	"cakupan/cmd/internal/httpapi"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/metrics"
)

// guard is the register, as the routes ask it.
type guard struct{ *access.Registry }

// guardRoles says what the roles of the register are to the routes. It is never written.
var guardRoles = map[access.Role]httpapi.Role{
	access.Publisher: httpapi.Publisher,
	access.Auditor:   httpapi.Auditor,
	access.Dashboard: httpapi.Dashboard,
}

// Login returns whose credentials these are.
func (g guard) Login(name, secret, remote string) (httpapi.Member, error) {
	m, err := g.Authenticate(name, secret, remote)
	if err != nil {
		return httpapi.Member{}, err
	}
	return httpapi.Member{
		Name: m.Name, Role: guardRoles[m.Role], Scope: m.Scope,
		Current: func() bool { return g.Current(m) },
	}, nil
}

// door is where a server answers, and to whom.
type door struct {
	address string
	guard   guard
	tls     *tls.Config // nil: none
	behind  bool        // a proxy in front does TLS
}

// check refuses to open a door through which strangers could come, or secrets be overheard.
func (d *door) check() error {
	switch {
	case isLoopback(d.address):
		return nil
	case !d.guard.Guarded():
		return usage("on " + d.address + " anybody who reaches the machine could read and append:" +
			" register who may, with `cakupan publisher add` and `cakupan reader add` on the same" +
			" --data, or listen on 127.0.0.1")
	case d.tls == nil && !d.behind:
		return usage("on " + d.address + " secrets could be overheard: name a certificate with" +
			" --tls-cert and --tls-key, or say --insecure when a proxy in front does TLS")
	}
	return nil
}

// tell says that a door is open to all who can come there.
func (d *door) tell(out *console) {
	if !d.guard.Guarded() {
		out.note("open: anybody on this machine can read and append. To have publishers log in," +
			" register them with `cakupan publisher add`: that counts at once")
	}
}

// isLoopback tells whether an address can be reached from this machine alone. A name other than
// localhost may lead anywhere.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// watch tells the operator when the register changes, until ctx ends.
func (g guard) watch(ctx context.Context, log *slog.Logger) {
	g.Watch(ctx, func() {
		if g.Err() == nil { // otherwise it was told
			log.InfoContext(ctx, "register of publishers and readers was changed")
		}
	})
}

// count has the metrics ask for what the register and the ledger know.
func count(l *ledger.Ledger, m *metrics.Metrics, g guard) {
	m.Ask(metrics.Figure{
		Name: "cakupan_failed_logins_total", Help: "Logins that failed, by reason.",
		Label: "reason", Counts: true,
		Values: func() map[string]float64 {
			f := g.Failures()
			return map[string]float64{
				"unknown": float64(f.Unknown), "wrong_secret": float64(f.Wrong),
				"revoked": float64(f.Revoked), "throttled": float64(f.Throttled),
				"register_unavailable": float64(f.Unavailable),
			}
		},
	})
	m.Ask(metrics.Figure{
		Name: "cakupan_log_head_sequence", Help: "Sequence of the last event of the log.",
		Values: func() map[string]float64 {
			return map[string]float64{"": float64(l.Health(context.Background()).Head)}
		},
	})
	m.Ask(metrics.Figure{
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
	m.Ask(metrics.Figure{
		Name: "cakupan_healthy", Help: "1 while the ledger takes events and answers, 0 otherwise.",
		Values: func() map[string]float64 {
			healthy := 0.0
			if l.Health(context.Background()).Status == ledger.HealthOK && g.Err() == nil {
				healthy = 1
			}
			return map[string]float64{"": healthy}
		},
	})
}
