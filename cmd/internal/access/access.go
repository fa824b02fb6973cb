// Package access is the register of who may report to a ledger and who may read it.
//
// The register is one file, made and changed by [Registry.Add], [Registry.Rotate] and
// [Registry.Revoke], also while a running ledger has it open: that one sees a change at the next
// login. See [Entry] for what it holds, and file.go for its bytes.
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

	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
)

// Role is what a member is to the ledger.
type Role string

// The roles. What each may do is said where it is asked.
const (
	Publisher Role = "publisher" // reports events within its scope, and reads nothing
	Auditor   Role = "auditor"   // reads everything but the vault, and reports nothing
	Dashboard Role = "dashboard" // reads the coverage alone
)

// Known tells whether the role is one of the list.
func (r Role) Known() bool { return r == Publisher || r == Auditor || r == Dashboard }

// Member is somebody who has logged in.
type Member struct {
	Name string
	Role Role
	// Scope is what a publisher may report; nil for all others, who may report nothing. It is
	// shared, and must not be changed.
	Scope *event.Scope

	key digest // of the secret; see [Registry.Current]
}

// The errors of [Registry.Authenticate]. Each is a [problem.Error], fit to be shown to strangers.
var (
	// ErrUnknown says that nobody has this name and secret; not which of them is wrong.
	ErrUnknown = problem.New(problem.Unauthenticated,
		"nobody has this name and secret: it may be mistyped, or rotated or revoked meanwhile."+
			" Ask whoever runs the ledger")
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
// call at every request: the file is read again only when it has changed.
func (r *Registry) Authenticate(name, secret, remote string) (Member, error) {
	s := r.refresh()
	if s.err != nil {
		r.counts.unavailable.Add(1)
		return Member{}, ErrUnavailable
	}
	m, reason := s.find(name, secret)
	// Before the throttle is asked: who has the right secret is never told to wait.
	if reason == found {
		return m.member, nil
	}
	if !r.throttle.allow(remote, name, r.now()) {
		r.counts.throttled.Add(1)
		return Member{}, ErrThrottled
	}
	r.failed(reason, m, remote)
	return Member{}, ErrUnknown
}

// Guarded tells whether logins are asked for: true once any member was registered, for ever. To
// revoke the last one closes the ledger, it does not open it. It is true too while the register
// cannot be read. Whoever answers without a login must ask it first.
func (r *Registry) Guarded() bool { return r.refresh().guarded }

// Err returns why the register cannot be read at the moment, nil when it can.
func (r *Registry) Err() error { return r.refresh().err }

// Current tells whether a member could log in with the same secret now, and for the same role and
// scope: false once it was revoked or rotated, and while the register cannot be read.
func (r *Registry) Current(m Member) bool {
	s := r.refresh()
	now := s.byName[m.Name]
	return s.err == nil && now != nil && now.entry.RevokedAt.IsZero() && now.member.key == m.key &&
		now.member.Role == m.Role && sameScope(now.member.Scope, m.Scope)
}

// sameScope compares what two logins may report: a register that was read again has scopes of its
// own, mostly with the same content.
func sameScope(a, b *event.Scope) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a == b || slices.Equal(a.Sources, b.Sources) &&
		slices.Equal(a.Regions, b.Regions) && slices.Equal(a.Types, b.Types)
}

// Entries returns all entries of the register, the revoked ones too, by name. They are shared, and
// must not be changed.
func (r *Registry) Entries() ([]Entry, error) {
	s := r.refresh()
	return s.entries, s.err
}

// outcome is how a login went.
type outcome uint8

const (
	found   outcome = iota
	unknown         // no such name, or no such secret
	wrong           // the name is known, the secret is another's
	revoked
)

// find returns the member with a name and a secret; of a login that failed, the one who is known
// from it, or nil.
func (s *state) find(name, secret string) (*record, outcome) {
	key, sound := digestOf(secret)
	m := s.byKey[key]
	if name != "" {
		m = s.byName[name]
	}
	known := digest{} // compared with in vain: an unknown name takes as long as a known one
	if m != nil {
		known = m.member.key
	}
	same := key.equal(known)
	switch {
	case m == nil || !sound && name == "":
		return nil, unknown
	case !same || !sound:
		return m, wrong
	case !m.entry.RevokedAt.IsZero():
		return m, revoked
	}
	return m, found
}
