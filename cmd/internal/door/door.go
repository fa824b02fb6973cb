// Package door is where a server answers, to whom, and with which certificate.
package door

import (
	"crypto/tls"
	"net"
	"net/netip"

	"cakupan/cmd/internal/access"
	"cakupan/cmd/internal/access/register"
	"cakupan/cmd/internal/httpapi"
	"cakupan/cmd/internal/lifetime"
	"cakupan/cmd/internal/problem"
)

// Guard is the register, as the routes ask it.
type Guard struct{ *access.Registry }

// guardRoles says what the roles of the register are to the routes. It is never written.
var guardRoles = map[register.Role]httpapi.Role{
	register.Publisher: httpapi.Publisher,
	register.Auditor:   httpapi.Auditor,
	register.Dashboard: httpapi.Dashboard,
	register.Steward:   httpapi.Steward,
	register.Operator:  httpapi.Operator,
}

// Login returns whose credentials these are. A connection that is held open asks Current now and
// then, so that a member who is revoked does not stay until the connection happens to end.
func (g Guard) Login(name, secret, remote string) (httpapi.Member, error) {
	m, err := g.Authenticate(name, secret, remote)
	if err != nil {
		return httpapi.Member{}, err
	}
	return httpapi.Member{
		Name: m.Name, Role: guardRoles[m.Role], Scope: m.Scope, Regions: m.Regions,
		Current: func() bool { return g.Current(m) },
	}, nil
}

// Door is where a server answers, and to whom.
type Door struct {
	Address string
	Guard   Guard
	TLS     *tls.Config // nil: none
	Behind  bool        // a proxy in front does TLS
}

// Check refuses to open a door through which strangers could come, or secrets be overheard. It
// looks at the address as it was given: what a name or a proxy makes of it nobody can tell from
// here, so only what is certainly this machine is taken for it.
func (d *Door) Check() error {
	switch {
	case IsLoopback(d.Address):
		return nil
	case d.Guard.Registry == nil || !d.Guard.Guarded():
		return usage("on " + d.Address + " anybody who reaches the machine could read and append:" +
			" register who may, with `cakupan publisher add` and `cakupan reader add` on the same" +
			" --data, or listen on 127.0.0.1")
	case d.TLS == nil && !d.Behind:
		return usage("on " + d.Address + " secrets could be overheard: name a certificate with" +
			" --tls-cert and --tls-key, or say --insecure when a proxy in front does TLS")
	}
	return nil
}

// Certificate returns the one that is shown to whoever connects now, and false where there is none.
func (d *Door) Certificate() (lifetime.Certificate, bool) {
	if d.TLS == nil {
		return lifetime.Certificate{}, false
	}
	shown, err := d.TLS.GetCertificate(nil) // it looks at the files, not at who asks
	if err != nil {
		return lifetime.Certificate{}, false
	}
	return lifetime.Of("https", parsed(shown)), true
}

// Words says that a door is open to all who can come there, "" when it is not.
func (d *Door) Words() string {
	if d.Guard.Guarded() {
		return ""
	}
	return "open: anybody on this machine can read and append. To have publishers log in," +
		" register them with `cakupan publisher add`: that counts at once"
}

// IsLoopback tells whether an address can be reached from this machine alone. A name other than
// localhost may lead anywhere.
func IsLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

func usage(text string) error { return problem.New(problem.UsageWrong, text) }
