package httpapi

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"cakupan/cmd/internal/excerpt"
	"cakupan/cmd/internal/problem"
	"cakupan/cmd/internal/takeback"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
)

// RetractAsked is the body of POST /v1/retract: which events are to be taken back, and why. Each
// member that is given narrows what is meant. All members are texts, so that they are read by the
// same rules as parameters. It is decoded strictly: a member with a typing error would otherwise
// mean more events than its sender thinks.
type RetractAsked struct {
	Publisher  string `json:"publisher,omitempty"`
	Source     string `json:"source,omitempty"`
	Type       string `json:"type,omitempty"`
	Enrolment  string `json:"enrolment,omitempty"`
	Worker     string `json:"worker,omitempty"`
	Commitment string `json:"commitment,omitempty"`
	List       string `json:"list,omitempty"`
	Region     string `json:"region,omitempty"` // they concern it, or one in it
	From       string `json:"from,omitempty"`   // sequences
	To         string `json:"to,omitempty"`
	Since      string `json:"since,omitempty"` // recorded then or later
	Until      string `json:"until,omitempty"` // recorded before

	Undo    string `json:"undo,omitempty"` // the first event of the step to be undone
	Reason  string `json:"reason,omitempty"`
	Request string `json:"request,omitempty"` // names the step: sent again, it is done once
	On      string `json:"on,omitempty"`      // the day of the effect that is counted
	DryRun  bool   `json:"dryRun,omitempty"`
}

// The bounds of what may be asked. A thousand reasons must fit a batch.
const (
	retractBytesMax = 8 << 10
	reasonMax       = 300 // characters
)

// retracter is a ledger that takes events back. An error may have a place in the table of problems.
// Sent again with the same Request, a step is done once, also after a crash.
type retracter interface {
	TakeBack(ctx context.Context, ask *takeback.Asked, by *takeback.Actor,
	) (takeback.Retraction, error)
}

// postRetract takes events back: those of anybody for a steward, his own for a publisher. A step is
// done as a whole or not at all. It waits for its turn first, and its member is looked at again
// then, because a revoked one must not take anything back.
func (a *API) postRetract(w *reply, r *http.Request) {
	ask, err := a.readRetract(w, r)
	if err != nil {
		w.fail(r, err)
		return
	}
	by, err := actor(w.member)
	if err != nil {
		w.fail(r, err)
		return
	}
	takes, ok := a.ledger.(retracter)
	if !ok {
		w.fail(r, problem.New(problem.NotFound, "this ledger takes nothing back"))
		return
	}
	ctx, stop := a.untilDrain(r)
	defer stop()
	leave, err := a.turn(ctx, w, a.pools.checks) // it may read the whole log
	if err == nil {
		defer leave()
		err = w.still()
	}
	if err != nil {
		w.fail(r, a.drained(err, "ask again, later"))
		return
	}
	done, err := takes.TakeBack(ctx, ask, by)
	if err != nil {
		w.fail(r, a.drained(err, "ask again with the same request, later: it is done once"))
		return
	}
	writeJSON(w, r, http.StatusOK, done)
}

// actor returns who takes back. An open ledger's events are taken back by whoever runs it. The
// source of the retractions says in whose name they are: a publisher's own, or one that no
// publisher may have.
func actor(m *Member) (*takeback.Actor, error) {
	if m == nil {
		return &takeback.Actor{Source: event.OperatorSource}, nil
	}
	by := &takeback.Actor{Name: m.Name, Regions: m.Regions}
	switch m.Role {
	case Publisher:
		if m.Scope == nil || len(m.Scope.Sources) == 0 { // it would mean everything
			return nil, problem.New(problem.Forbidden, m.Role.limits())
		}
		by.Scope, by.Source = m.Scope, ownSource(m.Scope.Sources[0])
	case Steward:
		by.Source = event.StewardSource + ":" + m.Name
	case Operator:
		by.Source = event.OperatorSource + ":" + m.Name
	default:
		return nil, problem.New(problem.Forbidden, m.Role.limits())
	}
	return by, nil
}

// ownSource returns a source that is covered by one that may end where the next part begins. A
// source that ends so covers only what is below it; see [event.SourceCovers].
func ownSource(own string) string {
	if strings.HasSuffix(own, ":") || strings.HasSuffix(own, "/") {
		return own + "retract"
	}
	return own
}

// readRetract reads the body. What is wrong with its JSON is told without showing any of it.
func (a *API) readRetract(w *reply, r *http.Request) (*takeback.Asked, error) {
	if _, err := parseParameters(r.URL.RawQuery); err != nil {
		return nil, err
	}
	var asked RetractAsked
	decoder := json.NewDecoder(http.MaxBytesReader(w.ResponseWriter, r.Body, retractBytesMax))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&asked)
	if err == nil {
		if _, err = decoder.Token(); errors.Is(err, io.EOF) {
			return asked.parse(a.today())
		}
	}
	return nil, problem.New(problem.Malformed, `the body must be a JSON object of texts, and the`+
		` flag dryRun, such as {"publisher":"dinas","since":"2026-03-01","reason":"wrong file"}`)
}

// values returns what is asked for as parameters, without what says why and how. An empty member is
// as one that is left out.
func (q *RetractAsked) values() url.Values {
	v := url.Values{}
	for name, text := range map[string]string{
		"publisher": q.Publisher, "source": q.Source, "type": q.Type, "enrolment": q.Enrolment,
		"worker": q.Worker, "commitment": q.Commitment, "list": q.List, "region": q.Region,
		"from": q.From, "to": q.To, "since": q.Since, "until": q.Until, "undo": q.Undo,
	} {
		if text != "" {
			v.Set(name, text)
		}
	}
	return v
}

// parse reads the members as parameters are read, so that the same words mean the same. Without a
// name for the step one is made up, so it can be undone and cannot be sent again. A dry run needs
// no reason.
func (q *RetractAsked) parse(today temporal.Date) (*takeback.Asked, error) {
	v := q.values()
	if len(v) == 0 {
		return nil, problem.Query("publisher", "or another member must say which events are meant:"+
			" nobody takes back all that was ever reported")
	}
	asked := v.Encode()
	for name, text := range map[string]string{
		"reason": q.Reason, "request": q.Request, "on": q.On,
	} {
		if text != "" {
			v.Set(name, text)
		}
	}
	p, err := parseParameters(v.Encode(), "publisher", "source", "type", "enrolment", "worker",
		"commitment", "list", "region", "from", "to", "since", "until", "undo", "reason",
		"request", "on")
	if err != nil {
		return nil, err
	}
	ask := &takeback.Asked{
		Events: excerpt.Filter{
			From: max(p.sequence("from", 1), 1), To: p.sequence("to", 0), Type: p.eventType(),
			Enrolment: p.key("enrolment"), Worker: p.key("worker"),
			Commitment: p.key("commitment"), Source: p.text("source"),
			Publisher: p.text("publisher"), List: p.text("list"),
		},
		Since: p.moment("since"), Until: p.moment("until"), Region: p.region(region.Nation),
		Undo: p.sequence("undo", 0), Reason: q.Reason, Request: p.key("request"),
		Asked: asked, DryRun: q.DryRun, On: p.date("on", today),
	}
	p.checkRetract(ask)
	if ask.Request == "" {
		ask.Request = rand.Text()
	}
	return ask, p.err()
}

// checkRetract refuses what contradicts itself, and what says no reason. The name must have no
// slash, because it is a part of the ids of the step's events.
func (p *parameters) checkRetract(ask *takeback.Asked) {
	switch {
	case ask.Events.To != 0 && ask.Events.To < ask.Events.From:
		p.fail("to", "is before from")
	case ask.Since != 0 && ask.Until != 0 && ask.Until <= ask.Since:
		p.fail("until", "is not after since: what is recorded at until is not meant any more")
	case p.has("undo") && ask.Undo == 0:
		p.fail("undo", "must be the first event of a step, 1 or more")
	case strings.Contains(ask.Request, "/"):
		p.fail("request", "must have no / in it")
	case saysNothing(ask.Reason) && !ask.DryRun:
		p.fail("reason", "is missing: it is recorded with each event")
	case utf8.RuneCountInString(ask.Reason) > reasonMax:
		p.fail("reason", "must have at most 300 characters: it is recorded with each event")
	}
	if t := ask.Events.Type; t.Known() && (t.OfLedger() || t == event.EventRetracted) {
		p.fail("type", "is not taken back: a retraction is undone with undo, and what the"+
			" ledger has published stays")
	}
}

// saysNothing tells whether a text shows nothing to who reads it.
func saysNothing(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsGraphic(r) && !unicode.IsSpace(r)
	})
}

// moment reads a time, or a date, whose beginning in Asia/Makassar is meant. 0, the beginning of
// 1970, is no bound at all.
func (p *parameters) moment(name string) temporal.Instant {
	if !p.has(name) {
		return 0
	}
	text := strings.ReplaceAll(p.values.Get(name), " ", "+")
	if date, err := temporal.ParseDate(text); err == nil {
		return temporal.EndOfDay(date.AddDays(-1)) + 1
	}
	at, err := temporal.ParseInstant(text)
	if err != nil {
		p.fail(name, "must be a date such as 2026-03-01, or a time such as"+
			" 2026-03-01T08:00:00+08:00")
	}
	return at
}
