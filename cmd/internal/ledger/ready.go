package ledger

import (
	"context"
	"fmt"
	"sync"
	"time"

	"cakupan/cmd/internal/cluster"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections"
	"cakupan/projections/coverage"
)

// behindMax is how far a projection of a ledger that is ready may be behind its log. It is of the
// contract, section 7.
const behindMax = 5 * time.Second

// Readiness tells whether the ledger answers now. Status is [HealthOK] when it does. Head and
// positions are what they were about the same moment: they may go on while it is put together.
type Readiness struct {
	Status      string              `json:"status"`
	Head        eventstore.Sequence `json:"head"`
	Projections map[string]Lag      `json:"projections"`
	Role        cluster.Role        `json:"role"`
	Why         string              `json:"why,omitempty"`      // it is not ok
	Clock       string              `json:"clock,omitempty"`    // see Health
	Degraded    string              `json:"degraded,omitempty"` // see Health
	// Certificates: see Health.
	Certificates string `json:"certificates,omitempty"`
	Keys         string `json:"keys,omitempty"` // see Health
}

// Lag is how far a projection is, and how long ago what it has not applied yet was recorded.
type Lag struct {
	Sequence      eventstore.Sequence `json:"sequence"`
	BehindSeconds float64             `json:"behindSeconds"`
}

// The statuses of a ledger that is not ready.
const (
	HealthFailing = "failing" // see Health
	ReadyBehind   = "behind"  // a projection is on its way; only time is needed
)

// Starting says how far a ledger is that does not serve yet. It may be asked while Serve is called.
// It opens nothing and waits for nobody but the end of the log.
func (l *Ledger) Starting(ctx context.Context) string {
	const then = ": requests are answered after that"
	_, tail, err := l.log.Last(ctx)
	open := l.appending.Load()
	if err != nil || open == nil || open.index.Last() >= tail.Sequence {
		return "the ledger is being opened" + then
	}
	return fmt.Sprintf("the index is being made of the log: it is at event %d of %d%s",
		open.index.Last(), tail.Sequence, then)
}

// Ready tells whether events and questions are answered now: the ledger is well, all projections
// have reached what the log held when serving began, and none is far behind. now is the time. The
// first reason in the order of projections is told, unless the health has one.
func (l *Ledger) Ready(ctx context.Context, now temporal.Instant) Readiness {
	ctx, stop := context.WithTimeout(ctx, healthMax)
	defer stop()
	health := l.Health(ctx)
	r := Readiness{
		Status: health.Status, Head: health.Head, Why: health.Why, Clock: health.Clock,
		Degraded: health.Degraded, Certificates: health.Certificates, Keys: health.Keys,
		Role:        health.Role,
		Projections: map[string]Lag{},
	}
	if !l.serving { // who asks has what the log holds applied first
		return r
	}
	not := func(status, why string) {
		if r.Status == HealthOK {
			r.Status, r.Why = status, why
		}
	}
	for _, name := range l.shelf.Names() {
		least := l.least(name) // before what is reached, which may go on
		at, open := health.Projections[name]
		lag, err := l.behind(ctx, name, at.Sequence, health.Head, now)
		r.Projections[name] = Lag{Sequence: at.Sequence, BehindSeconds: lag.Seconds()}
		switch {
		case err != nil:
			not(HealthFailing, problem.From(err).Detail)
		case !open:
			not(HealthFailing, fmt.Sprintf("the %s is not open", name))
		case l.reached(name, at.Sequence) < least:
			not(ReadyBehind, beingBuilt(name, at.Sequence, least))
		case lag > behindMax:
			not(ReadyBehind, fmt.Sprintf("the %s is %.0f s behind the log: it has applied %d"+
				" events of %d", name, lag.Seconds(), at.Sequence, health.Head))
		}
	}
	return r
}

// least returns how much of the log a projection must have applied to be asked: what the log held
// when serving began, and what an answer has shown already.
func (l *Ledger) least(name string) eventstore.Sequence {
	if name == coverage.Name {
		return max(l.atStart, l.shown.Last())
	}
	return l.atStart
}

// reached returns how much a projection shows that had applied so much a moment ago.
func (l *Ledger) reached(name string, applied eventstore.Sequence) eventstore.Sequence {
	if kept := l.shelf.Live(name); kept != nil {
		if p, ok := projections.Answers[viewer](kept); ok {
			return max(applied, p.View().Known())
		}
	}
	return applied
}

func beingBuilt(name string, applied, of eventstore.Sequence) string {
	return fmt.Sprintf("the %s is being built: it has applied %d events of %d", name, applied, of)
}

// behind returns how long ago the oldest event was recorded that the projection has not applied. It
// reads one frame of the log, and none where nothing is behind. It is 0 where the clock is behind
// the record times.
func (l *Ledger) behind(ctx context.Context, name string, applied, head eventstore.Sequence,
	now temporal.Instant,
) (time.Duration, error) {
	if applied >= head {
		l.old.clear(name)
		return 0, nil
	}
	for frame, err := range l.log.Read(ctx, applied+1) {
		if err != nil {
			return 0, err
		}
		at := frame.RecordedAt()
		// It came while we served, and says that it was recorded before: so it has kept its time.
		if applied >= l.atStart && at < l.servingSince {
			at = l.old.since(name, applied, head, now)
		}
		return max(0, time.Duration(now-at)), nil
	}
	return 0, nil
}

// arrivals tell since when a projection is behind where record times do not: an import may keep
// those of an older system, and an event of 2019 that came a moment ago is not years late. What
// counts then is when the end of the log was first seen that has still not been reached; so whoever
// asks for the first time hears of no lag.
type arrivals struct {
	mu     sync.Mutex
	byName map[string]arrival
}

// arrival is when the log was seen to end with an event.
type arrival struct {
	head eventstore.Sequence
	at   temporal.Instant
}

// since returns when an end of the log was seen that lies beyond what is applied.
func (a *arrivals) since(name string, applied, head eventstore.Sequence, now temporal.Instant,
) temporal.Instant {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.byName == nil {
		a.byName = map[string]arrival{}
	}
	seen, found := a.byName[name]
	if !found || applied >= seen.head {
		seen = arrival{head, now}
		a.byName[name] = seen
	}
	return seen.at
}

func (a *arrivals) clear(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.byName, name)
}
