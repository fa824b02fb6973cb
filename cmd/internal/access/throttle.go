package access

import (
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"cakupan/domain/event"
)

// How many failed logins are answered by saying so; all further ones are told to wait.
const (
	failuresBurst = 10
	failuresEvery = 2 * time.Second // one more, for an address and for a name each
)

// bucketsMax bounds the addresses, and the names, that are remembered: the least lately seen half
// is forgotten when there are more.
const bucketsMax = 8192

// throttle limits the failed logins by address and by name. mu guards addresses and names; log
// guards itself.
type throttle struct {
	mu        sync.Mutex
	addresses buckets
	names     buckets

	log *rate.Limiter // of lines in the operator's log
}

func newThrottle() *throttle {
	return &throttle{log: rate.NewLimiter(rate.Every(time.Second), 2*failuresBurst)}
}

// allow notes a failed login, and tells whether it is one of those that are answered. Both buckets
// are taken from: one address cannot try many names, nor many addresses one name. A name that can
// be none has no bucket, or strangers could fill them all.
func (t *throttle) allow(remote, name string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	allowed := t.addresses.take(network(remote), now)
	if name != "" && event.CheckPublisher(name) == "" {
		allowed = t.names.take(name, now) && allowed
	}
	return allowed
}

// network returns what stands for an address: one machine can have all addresses of an IPv6
// network of 64 bits.
func network(remote string) string {
	addr, err := netip.ParseAddr(remote)
	if err != nil {
		port, portErr := netip.ParseAddrPort(remote)
		if portErr != nil {
			return ""
		}
		addr = port.Addr()
	}
	addr = addr.Unmap().WithZone("")
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	prefix, err := addr.Prefix(bits)
	if err != nil {
		return ""
	}
	return prefix.String()
}

// buckets is a bounded number of limiters. Those not asked for while half as many others were are
// forgotten. So memory is bounded with one look-up and without a list of who came when. The zero
// value is empty. Each limiter is used under mu of the throttle.
type buckets struct {
	young, old map[string]*rate.Limiter
}

// take takes one failure off what a key has left. Who is forgotten begins with a full bucket: an
// attacker gains that much by filling the table with other addresses, and needs thousands of
// networks for it.
func (b *buckets) take(key string, now time.Time) bool {
	limiter := b.young[key]
	if limiter == nil {
		if limiter = b.old[key]; limiter == nil {
			limiter = rate.NewLimiter(rate.Every(failuresEvery), failuresBurst)
		}
		if b.young == nil || len(b.young) >= bucketsMax/2 {
			b.old, b.young = b.young, make(map[string]*rate.Limiter)
		}
		b.young[key] = limiter
	}
	return limiter.AllowN(now, 1)
}

// Failures counts failed logins since the register was opened, by why they failed.
type Failures struct {
	Unknown     uint64 // no such name, or no such secret
	Wrong       uint64 // a known name with another secret
	Revoked     uint64 // the right secret of a revoked member
	Expired     uint64 // the right secret, too late
	Throttled   uint64 // told to wait, whatever else was wrong
	Unavailable uint64 // the register could not be read
}

// counts are what Failures returns. They only grow while the register is open.
type counts struct {
	unknown, wrong, revoked, expired, throttled, unavailable atomic.Uint64
}

// Failures returns how many logins have failed.
func (r *Registry) Failures() Failures {
	c := &r.counts
	return Failures{
		Unknown: c.unknown.Load(), Wrong: c.wrong.Load(), Revoked: c.revoked.Load(),
		Expired: c.expired.Load(), Throttled: c.throttled.Load(), Unavailable: c.unavailable.Load(),
	}
}

// failed counts a failed login and tells the operator, not of all when there are many. A name that
// is not in the register is not told: it may be anything, a secret in the wrong place too. The
// network is told and not the address: it is by that that logins are counted.
func (r *Registry) failed(why outcome, m *record, remote string) {
	reason := "unknown"
	switch why {
	case wrong:
		reason = "wrong secret"
		r.counts.wrong.Add(1)
	case revoked:
		reason = "revoked"
		r.counts.revoked.Add(1)
	case expired:
		reason = "expired"
		r.counts.expired.Add(1)
	default:
		r.counts.unknown.Add(1)
	}
	if !r.throttle.log.AllowN(r.now(), 1) {
		return
	}
	name := ""
	if m != nil {
		name = m.login.Name
	}
	r.log.Warn("login failed", slog.String("reason", reason), slog.String("name", name),
		slog.String("network", network(remote)))
}
