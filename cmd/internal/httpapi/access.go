package httpapi

import (
	"encoding/base64"
	"net/http"
	"strings"

	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/domain/region"
)

// Access says who may ask. It is asked at each request, so that what changes counts at once. All
// methods may be called at the same time. Somebody waits for each answer, so it should come from
// memory.
type Access interface {
	// Guarded tells whether who asks must log in. Where it is false, anybody may do everything,
	// but for what is for the machine itself.
	Guarded() bool

	// Login returns whose credentials these are; with the name "" the secret alone says so.
	// remote is the address of who asks. The error is a problem, fit to be shown.
	Login(name, secret, remote string) (Member, error)

	// Err returns why nobody can log in at the moment, nil when they can.
	Err() error

	// Scope returns what the publisher of a name may report now; nil when nobody of it may.
	Scope(name string) (*event.Scope, error)
}

// Member is who has logged in. It is of one request. Its lists are shared, and must not be changed.
type Member struct {
	Name  string
	Role  Role
	Scope *event.Scope // what a publisher may report
	// Regions are those of a steward; nil of all others.
	Regions []region.Code

	// Current tells whether the same credentials would be let in now, as the same. It is asked
	// while a long request is in work.
	Current func() bool
}

// Role is what a member is to the ledger. It is a number here, so that [audience] can be a set of
// them; what it is in the register is for whoever makes the Access to say.
type Role uint8

// The roles. What each may do is said by [rights].
const (
	Publisher Role = iota + 1
	Auditor
	Dashboard
	Steward
	Operator
)

// seesAll tells whether who asks sees small counts too. They are hidden from dashboards, which
// stand where everybody walks by.
func (m *Member) seesAll() bool { return m == nil || m.Role != Dashboard }

// audience is a set of those who may use a route.
type audience uint8

const (
	anybody    audience = 1 << 0 // who has not logged in too
	publishers audience = 1 << Publisher
	auditors   audience = 1<<Auditor | 1<<Steward | 1<<Operator // who reads as auditors do
	dashboards audience = 1 << Dashboard
	stewards   audience = 1<<Steward | 1<<Operator // who sets right what others reported
)

// rights says who may use which route of a guarded ledger, and stands for no other place that
// does. A route that is missing is nobody's. HEAD is as GET.
//
// The key of lists is for publishers alone: with it, and the ids of events in the log, an auditor
// could try out identity numbers. It is never written. On an open ledger it is not asked, but for
// probes: there what needs the machine itself says so in its handler.
var rights = map[string]audience{
	"GET /healthz":        anybody,
	"GET /readyz":         anybody,
	"GET /openapi.json":   anybody,
	"GET /asyncapi.json":  anybody,
	"GET /schemas/{$}":    anybody,
	"GET /schemas/{name}": anybody,
	"GET /checkpoint":     anybody,
	"GET /checkpoint/key": anybody,

	"GET /checkpoint/successions": anybody, // who has an older key

	"POST /checkpoint":    auditors, // and only with the key of a known witness
	"GET /tile/{path...}": auditors,
	"GET /v1/bundle":      auditors,
	"POST /v1/attest":     auditors, // at the machine itself
	"POST /v1/events":     publishers,
	"POST /v1/retract":    publishers | stewards,
	"GET /v1/lists/key":   publishers,
	"GET /v1/events":      auditors,
	"GET /v1/explain":     auditors,
	"GET /v1/difference":  auditors,
	"GET /v1/findings":    auditors,
	"GET /v1/funding":     auditors,
	"GET /v1/history":     auditors,
	"POST /v1/lookups":    auditors,
	"GET /v1/lookups":     auditors,
	"GET /v1/reads":       auditors,
	"GET /v1/reconcile":   auditors,
	"POST /v1/replay":     auditors, // but not to swap; see [API.postReplay]
	"POST /v1/verify":     auditors,
	"GET /v1/backup":      auditors, // at the machine itself
	"GET /metrics":        auditors,
	"GET /v1/status":      auditors,
	"GET /v1/coverage":    auditors | dashboards,
	"GET /v1/series":      auditors | dashboards,
	"GET /v1/changes":     auditors | dashboards,
	"GET /{$}":            auditors | dashboards,
	"GET /sw.js":          auditors | dashboards,
	"GET /assets/":        auditors | dashboards,

	// Lists: a publisher asks of what it may report, and reads its own lists alone.
	"POST /v1/lists/effect":  publishers,
	"POST /v1/lists/matches": publishers,
	"GET /v1/lists/events":   publishers | auditors,
	"GET /upload":            publishers,
	"POST /upload":           publishers,
	"GET /upload/{part}":     publishers,

	// Settling what was refused is for stewards, and for auditors at the machine itself.
	"GET /v1/refused":                 auditors,
	"GET /v1/refused/{number}":        auditors,
	"DELETE /v1/refused/{number}":     auditors,
	"POST /v1/refused/{number}/retry": auditors,
}

// challenges offer both ways to log in: a browser asks its user by the second one.
var challenges = []string{
	`Bearer realm="cakupan"`, `Basic realm="cakupan", charset="UTF-8"`,
}

// admit refuses a request that who asks has no right to, and otherwise notes who it is. Rights are
// judged before anything is looked for, so who has none does not learn whether it is there. With an
// error nobody is noted in the reply.
func (a *API) admit(w *reply, r *http.Request, pattern string) error {
	allowed, guarded := rights[pattern], a.isGuarded()
	switch {
	case !guarded && !isProbe(r):
		return ownName(r)
	case !guarded || allowed&anybody != 0:
		return nil
	}
	name, secret, err := credentials(r.Header)
	if err != nil {
		switch down := a.config.Access.Err(); {
		case down != nil: // perhaps nobody need log in: ask again
			return down
		case !a.isGuarded(): // nobody need: the register could be read again just now
			return a.admit(w, r, pattern)
		}
		return err
	}
	member, err := a.config.Access.Login(name, secret, r.RemoteAddr)
	switch {
	case err != nil:
		return err
	case allowed&(1<<member.Role) == 0:
		return problem.New(problem.Forbidden, member.Role.limits())
	}
	// Only now: who is not let in stays a stranger.
	if !noteKnown(r.Context(), member.share()) {
		w.Header().Set("Connection", "close")
		return shareTaken()
	}
	w.member = &member
	return nil
}

// isGuarded tells whether who asks must log in.
func (a *API) isGuarded() bool { return a.config.Access != nil && a.config.Access.Guarded() }

// still refuses to go on with a long request of somebody who was revoked, or got another secret,
// since it began; and of anybody who began it while the ledger was open, once that is guarded.
// Without it, a stream that began before a revocation would go on for as long as its sender likes.
func (w *reply) still() error {
	switch {
	case w.member == nil && !w.api.isGuarded(), w.member != nil && w.member.Current():
		return nil
	case w.member == nil:
		return problem.New(problem.Unauthenticated, "this ledger has begun to ask who reports and"+
			" reads: what is not answered for was not done. Log in, and send it again")
	}
	return problem.New(problem.Unauthenticated, "the secret was rotated or revoked meanwhile: what"+
		" is not answered for was not done. Ask whoever runs the ledger")
}

// limits says what the role may do, to somebody who has asked for something else. It tells what to
// ask for, and nothing of what there is.
func (r Role) limits() string {
	switch r {
	case Publisher:
		return "a publisher reports events by POST /v1/events, takes his own back by POST" +
			" /v1/retract, and reads nothing: ask whoever runs the ledger for an auditor's or a" +
			" dashboard's secret to read"
	case Auditor:
		return "an auditor reads, and reports nothing: ask whoever runs the ledger for a" +
			" publisher's secret to report events"
	case Dashboard:
		return "a dashboard reads /v1/coverage, /v1/series and /v1/changes alone: ask whoever" +
			" runs the ledger for an auditor's secret to read more"
	case Steward, Operator:
		return "a steward or an operator reads as an auditor does, takes back what was reported" +
			" by POST /v1/retract, and reports nothing: ask whoever runs the ledger for a" +
			" publisher's secret to report events"
	}
	return "this role may do nothing"
}

// failAdmit answers that a request was not admitted, or is no more. A body that comes with it may
// not be read, so the connection cannot serve another request. Whoever has opened the dashboard in
// a browser gets a page.
func (w *reply) failAdmit(r *http.Request, err error) {
	if problem.From(err).Code == problem.Unauthenticated {
		w.Header()["Www-Authenticate"] = challenges
	}
	if r.ContentLength != 0 {
		w.Header().Set("Connection", "close")
	}
	if wantsLogin(r) && !w.begun {
		w.failPage(r, problem.From(err))
		return
	}
	w.fail(r, err)
}

// loginBytesMax bounds the credentials of a request. It holds the longest name and secret as Basic,
// with room; no longer header is decoded.
const loginBytesMax = 512

// credentials reads the Authorization header: "Bearer SECRET", or Basic with name and secret.
// Neither is judged here. A header that is there twice is refused, since a proxy may look at the
// other one.
func credentials(h http.Header) (name, secret string, err error) {
	values := h.Values("Authorization")
	switch {
	case len(values) == 0:
		return "", "", problem.New(problem.Unauthenticated, "this ledger knows who may ask: send"+
			" Authorization: Bearer SECRET, or name and secret as Basic (curl -u NAME:SECRET)")
	case len(values) > 1 || len(values[0]) > loginBytesMax:
		return "", "", errLogin()
	}
	scheme, rest, _ := strings.Cut(values[0], " ")
	rest = strings.Trim(rest, " ")
	switch {
	case strings.EqualFold(scheme, "Bearer") && rest != "":
		return "", rest, nil
	case strings.EqualFold(scheme, "Basic"):
		text, err := base64.StdEncoding.DecodeString(rest)
		name, secret, found := strings.Cut(string(text), ":")
		if err == nil && found {
			return name, secret, nil
		}
	}
	return "", "", errLogin()
}

// errLogin says that credentials cannot be read. What was sent is not repeated.
func errLogin() error {
	return problem.New(problem.Unauthenticated, "the Authorization header cannot be read: send"+
		" Bearer SECRET once, or Basic and the base64 of NAME:SECRET")
}

// confine limits what a publisher submits to what it may report. With an error nothing of o has
// changed.
func confine(o *intake.Options, member *Member) error {
	switch {
	case member == nil: // the ledger is open
		return nil
	case member.Scope == nil: // must not happen: it would mean everything
		return problem.New(problem.Forbidden, member.Role.limits())
	case o.KeepRecorded:
		return problem.New(problem.Forbidden, "keep_recorded is for whoever runs the ledger: when"+
			" the ledger recorded an event is not for a publisher to say. Put the time of the"+
			" event in its attribute time, and send it without keep_recorded")
	}
	o.Scope = member.Scope
	if o.Seen != nil && member.Role == Publisher {
		o.Seen.Publisher = member.Name // as its lists are shown to it
	}
	return nil
}
