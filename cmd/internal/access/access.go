// Package access says who may report to a ledger and who may read it: it keeps the register on a
// stream of its own, and asks it at each login.
//
// The register is a history; see package register. A [Registry] has it folded in memory and follows
// the stream: what it changed itself counts before the change is told, what another ledger of the
// cluster has changed as soon as the stream says so. Where the stream cannot be followed, nobody is
// let in after some 15 seconds, as another ledger may have revoked somebody meanwhile.
//
// # Secrets
//
// A secret is 32 random bytes, shown once when it is made; the register keeps its SHA-256 alone. A
// slow hash is for secrets that people think up: nobody can try 2²⁵⁶ of these, however fast. For
// the same reason failed logins do not lock anybody out: who has the right secret is let in, and
// who has not is told to wait, so that strangers cannot shut out a publisher by knocking.
package access

import (
	"slices"
	"time"

	"cakupan/cmd/internal/access/register"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/domain/region"
)

// Member is somebody who has logged in. It is a copy of one moment: whoever keeps it asks
// [Registry.Current] whether it still holds.
type Member struct {
	Name string
	Role register.Role
	// Scope is what a publisher may report; nil for all others, who may report nothing. It is
	// shared, and must not be changed.
	Scope *event.Scope
	// Regions are those of a steward; nil for all others.
	Regions []region.Code

	secret register.Digest // see [Registry.Current]
}

// The errors of [Registry.Authenticate]. Each is a [problem.Error], fit to be shown to strangers.
var (
	// ErrUnknown says that nobody has this name and secret; not which of them is wrong.
	ErrUnknown = problem.New(problem.Unauthenticated,
		"nobody has this name and secret: it may be mistyped, or rotated, revoked or expired"+
			" meanwhile. Ask whoever runs the ledger")
	// ErrThrottled says the same to somebody who has been told so too often.
	ErrThrottled = problem.New(problem.LoginThrottled,
		"too many failed logins from this address or for this name: wait, and look at the secret")
	// ErrUnavailable says that the register cannot be read, so that nobody is let in.
	ErrUnavailable = problem.New(problem.RegisterUnavailable,
		"the register of publishers and readers cannot be read, so nobody is let in:"+
			" whoever runs the ledger finds the reason in its log")
)

// Authenticate returns the member with a name and a secret. With the name "" the secret alone says
// who it is. remote is the address of who asks, with or without port; failed logins are counted
// by it.
//
// The error is [ErrUnknown], [ErrThrottled] or [ErrUnavailable]. A member that was revoked or got
// another secret is unknown from the moment on in which the register was changed. It is safe to
// call at every request: it asks nothing but memory.
func (r *Registry) Authenticate(name, secret, remote string) (Member, error) {
	s, now := r.state.Load(), r.now()
	if r.unavailable(s, now) != nil {
		r.counts.unavailable.Add(1)
		return Member{}, ErrUnavailable
	}
	m, reason := s.find(name, secret, now)
	// Before the throttle is asked: who has the right secret is never told to wait.
	if reason == found {
		r.used(m, remote, now)
		return m.login, nil
	}
	if !r.throttle.allow(remote, name, now) {
		r.counts.throttled.Add(1)
		return Member{}, ErrThrottled
	}
	r.failed(reason, m, remote)
	return Member{}, ErrUnknown
}

// Guarded tells whether logins are asked for: true once any member was registered, for ever. To
// revoke the last one closes the ledger, it does not open it. It is true too while the register
// cannot be read. Whoever answers without a login must ask it first. It asks memory alone.
func (r *Registry) Guarded() bool {
	s := r.state.Load()
	return len(s.members) > 0 || r.unavailable(s, r.now()) != nil
}

// Err returns why the register cannot be read at the moment, nil when it can. It is fit to be
// shown.
func (r *Registry) Err() error { return r.unavailable(r.state.Load(), r.now()) }

// Current tells whether a member could log in with the same secret now, and for the same role and
// scope: false once it was revoked or rotated or its secret expired, and while the register cannot
// be read. What it is by that is compared too, so that somebody whose scope was made narrower does
// not go on with the wider one.
func (r *Registry) Current(m Member) bool {
	s, now := r.state.Load(), r.now()
	is := s.byName[m.Name]
	return r.unavailable(s, now) == nil && is != nil && is.member.Active(now) &&
		is.login.secret == m.secret && is.login.Role == m.Role &&
		slices.Equal(is.login.Regions, m.Regions) && sameScope(is.login.Scope, m.Scope)
}

// sameScope compares what two logins may report: after a change of another member there are scopes
// with the same content.
func sameScope(a, b *event.Scope) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a == b || slices.Equal(a.Sources, b.Sources) &&
		slices.Equal(a.Regions, b.Regions) && slices.Equal(a.Types, b.Types)
}

// Members returns all members of the register, the revoked ones too, by name. They are shared, and
// must not be changed. With an error they are those of before.
func (r *Registry) Members() ([]register.Member, error) {
	s := r.state.Load()
	return r.withUses(s.members), r.unavailable(s, r.now())
}

// Scope returns what the publisher of a name may report now; nil when nobody of it may. It takes no
// secret: it is for what was sent by somebody who had logged in and is taken in later.
func (r *Registry) Scope(name string) (*event.Scope, error) {
	s, now := r.state.Load(), r.now()
	if err := r.unavailable(s, now); err != nil {
		return nil, err
	}
	if is := s.byName[name]; is != nil && is.member.RevokedAt.IsZero() {
		return is.login.Scope, nil
	}
	return nil, nil
}

// Speaker returns the publisher who may report under a source, nil where nobody may. Sources of two
// never overlap. Also of one whose secret has expired: he gets another one. The member is shared,
// and must not be changed.
func (r *Registry) Speaker(source string) (*register.Member, error) {
	s, now := r.state.Load(), r.now()
	if err := r.unavailable(s, now); err != nil {
		return nil, err
	}
	for i := range s.members {
		m := &s.members[i]
		if scope := m.Scope(); scope != nil && m.RevokedAt.IsZero() && scope.HasSource(source) {
			return m, nil
		}
	}
	return nil, nil
}

// IsRevoked tells whether a member was revoked, as far as the register is known here.
func (r *Registry) IsRevoked(name string) bool {
	is := r.state.Load().byName[name]
	return is != nil && !is.member.RevokedAt.IsZero()
}

// outcome is how a login went.
type outcome uint8

const (
	found   outcome = iota
	unknown         // no such name, or no such secret
	wrong           // the name is known, the secret is another's
	revoked
	expired
)

// find returns the member with a name and a secret; of a login that failed, the one who is known
// from it, or nil. What it does takes the same time whether or not there is such a name, so that
// names cannot be found out by it.
func (s *state) find(name, secret string, now time.Time) (*record, outcome) {
	digest, sound := digestOf(secret)
	m := s.bySecret[digest]
	if name != "" {
		m = s.byName[name]
	}
	known := register.Digest{} // compared with in vain: unknown names take as long as known ones
	if m != nil {
		known = m.login.secret
	}
	same := digest.Equal(known)
	switch {
	case m == nil || !sound && name == "":
		return nil, unknown
	case !same || !sound:
		return m, wrong
	case !m.member.RevokedAt.IsZero():
		return m, revoked
	case m.member.Expired(now):
		return m, expired
	}
	return m, found
}
