package ledger_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"cakupan/cmd/internal/access/register"
	"cakupan/cmd/internal/excerpt"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/ledgertest"
	"cakupan/cmd/internal/takeback"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/writer"
	"cakupan/projections/effect"
)

// asker is a publisher of Kota Gorontalo who wants to know whether a ledger knows somebody. heard is
// all that he was told.
type asker struct {
	t     *testing.T
	l     *ledger.Ledger
	own   *event.Scope
	bone  *event.Scope
	n     int
	heard []string
}

// newAsker opens a ledger in which bone has enrolled two people, of these names.
func newAsker(t *testing.T, people ...string) *asker {
	t.Helper()
	a := &asker{
		t: t, l: newLedger(t), own: ledgertest.Publisher(t, "kota", "75.71"), bone: ledgertest.Publisher(t, "bone", "75.03"),
	}
	join(t, a.l, a.own, a.bone)
	s := &ledgertest.Saying{T: t, To: a.l}
	for i, worker := range people {
		data := strings.Replace(ledgertest.Opening(fmt.Sprintf("e%d", i), worker, "75.03"), "APBD", "SELF", 1)
		if got := s.Say(a.bone, "enrolment.opened", data); got != "appended" {
			t.Fatal(got)
		}
	}
	mine := strings.Replace(ledgertest.Opening("mine", "wm", "75.71"), "APBD", "SELF", 1)
	if got := s.Say(a.own, "enrolment.opened", mine); got != "appended" {
		t.Fatal(got)
	}
	return a
}

// raw returns events of the asker, with new ids.
func (a *asker) raw(events ...said) (raw [][]byte) {
	for _, e := range events {
		a.n++
		raw = append(raw, fmt.Appendf(nil, `{"specversion":"1.0","id":"ask-%d","source":"urn:kota",`+
			`"type":"id.cakupan.%s.v1","data":{%s}}`, a.n, e.kind, e.data))
	}
	return raw
}

// send sends events and hears the receipts.
func (a *asker) send(raw [][]byte, opts intake.Options) {
	a.t.Helper()
	opts.Scope = a.own
	receipts, err := a.l.Submit(a.t.Context(), raw, opts)
	a.hear(receipts, err)
}

// effect asks what events have done or would do.
func (a *asker) effect(raw [][]byte, since uint64) {
	a.t.Helper()
	today, err := temporal.ParseDate("2021-12-31")
	if err != nil {
		a.t.Fatal(err)
	}
	report, err := a.l.Effect(a.t.Context(), raw, intake.Options{Scope: a.own},
		eventstore.Sequence(since), effect.Asked{Today: today})
	a.hear(report, err)
}

// takeBack takes all of his own back, or asks what that would do.
func (a *asker) takeBack(dry bool) {
	a.t.Helper()
	a.n++
	on, err := temporal.ParseDate("2021-12-31")
	if err != nil {
		a.t.Fatal(err)
	}
	done, err := a.l.TakeBack(a.t.Context(), &takeback.Asked{
		Events: excerpt.Filter{Type: event.WorkerDied}, Request: fmt.Sprint("request-", a.n),
		Reason: "r", Asked: "a", DryRun: dry, On: on,
	}, &takeback.Actor{Name: "kota", Source: "urn:kota", Scope: a.own})
	a.hear(done, err)
}

func (a *asker) hear(answer any, err error) {
	text, _ := json.Marshal(answer)
	a.heard = append(a.heard, fmt.Sprintf("%s %v", text, err))
}

// figuresOfBone are those of the other publisher's region.
func (a *asker) figuresOfBone() ledgertest.Figures {
	a.t.Helper()
	view, err := a.l.View(a.t.Context(), 0)
	if err != nil {
		a.t.Fatal(err)
	}
	return ledgertest.FiguresOf(a.t, view, a.bone.Regions[0])
}

// newLedger opens an empty ledger that the test closes.
func newLedger(t *testing.T) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(t.Context(), ledger.Options{Dir: t.TempDir(), Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// join makes publishers members of a ledger.
func join(t *testing.T, l *ledger.Ledger, scopes ...*event.Scope) {
	t.Helper()
	for _, s := range scopes {
		_, err := l.Register().Add(t.Context(), "test", register.Member{
			Name: s.Publisher, Role: register.Publisher,
			Sources: s.Sources, Regions: s.Regions, Types: slices.Clone(s.Types),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// said is an event as a test says it: its type and what stands between the braces of its data.
type said struct{ kind, data string }

func death(worker, on string) said {
	return said{"worker.died", fmt.Sprintf(`"worker":%q,"on":%q`, worker, on)}
}

func merge(worker, into string) said {
	return said{"worker.merged", fmt.Sprintf(`"worker":%q,"into":%q`, worker, into)}
}

// TestNobodyTold: whatever a publisher reports or asks of a person, he is told the same of somebody
// whom another one has enrolled and of somebody whom nobody has, in receipts, their sequences, dry
// runs, what a list does, and what he would take back. Nothing of the other's changes.
// CAKUPAN_LONG: more of them.
func TestNobodyTold(t *testing.T) {
	rounds := 2
	if os.Getenv("CAKUPAN_LONG") != "" {
		rounds = 100
	}
	for seed := range rounds {
		known, unknown := newAsker(t, "wa", "wb"), newAsker(t, "wy", "wz")
		before := known.figuresOfBone()
		if before[3][0] != 2 {
			t.Fatal(before)
		}
		for _, a := range []*asker{known, unknown} {
			ask(a, rand.New(rand.NewPCG(uint64(seed), 1)))
		}
		for i := range known.heard {
			if known.heard[i] != unknown.heard[i] {
				t.Fatalf("seed %d: of who is known he is told\n%s\nof others\n%s", seed,
					known.heard[i], unknown.heard[i])
			}
		}
		if got := known.figuresOfBone(); got != before {
			t.Fatalf("seed %d: it was %v, it is %v", seed, before, got)
		}
		heard := strings.Join(known.heard, "\n")
		for _, want := range []string{"nobody of your regions", "NOBODY_KNOWN", `"Status":"appended"`} {
			if !strings.Contains(heard, want) {
				t.Errorf("seed %d: never heard %s", seed, want)
			}
		}
	}
}

// ask asks at random of people who are the other publisher's in one of two ledgers.
func ask(a *asker, r *rand.Rand) {
	a.t.Helper()
	people := []string{"wa", "wb", "wn"}
	one := func() string { return people[r.IntN(len(people))] }
	day := func() string { return fmt.Sprintf("2021-%02d-01", 2+r.IntN(9)) }
	var sent [][]byte
	for range 14 {
		var events []said
		for range 1 + r.IntN(3) {
			switch x, y := one(), one(); {
			case r.IntN(3) == 0 && x != y:
				events = append(events, merge(x, y))
			default:
				events = append(events, death(x, day()))
			}
		}
		raw := a.raw(events...)
		switch r.IntN(6) {
		case 0:
			a.send(raw, intake.Options{DryRun: true})
		case 1:
			a.effect(raw, 0)
		case 2: // whom a list would enrol
			raw = a.raw(said{"enrolment.opened", strings.Replace(
				ledgertest.Opening("e-"+one(), one(), "75.71"), "APBD", "SELF", 1)}, death(one(), day()))
			a.effect(raw, 0)
			a.send(raw, intake.Options{DryRun: true, Atomic: true})
		case 3:
			a.takeBack(r.IntN(2) == 0)
		case 4:
			if len(sent) > 0 {
				a.send(sent, intake.Options{}) // duplicates
			}
			fallthrough
		default:
			a.send(raw, intake.Options{Atomic: r.IntN(2) == 0})
			a.effect(raw, 1)
			sent = raw
		}
	}
	// Last: who says that somebody is one of his people hears of that one afterwards.
	a.send(a.raw(merge("wm", "wa")), intake.Options{})
}

// TestNobodyToldLater: that others have enrolled somebody since is not told either.
func TestNobodyToldLater(t *testing.T) {
	var heard [2][]string
	for i, worker := range []string{"wl", "wo"} {
		a := newAsker(t, "wx")
		raw := a.raw(death("wl", "2021-03-01"))
		a.send(raw, intake.Options{})
		s := &ledgertest.Saying{T: t, To: a.l, N: 10}
		if got := s.Say(a.bone, "enrolment.opened", ledgertest.Opening("later", worker, "75.03")); got != "appended" {
			t.Fatal(got)
		}
		a.takeBack(true)
		a.effect(raw, 1)
		a.send(raw, intake.Options{})
		a.takeBack(false)
		if i == 0 { // one retraction of the ledger's more, as of any event of others
			for n := range a.heard {
				a.heard[n] = strings.NewReplacer(`"first":7`, `"first":6`, `"last":7`, `"last":6`).
					Replace(a.heard[n])
			}
		}
		heard[i] = a.heard
	}
	if a, b := strings.Join(heard[0], "\n"), strings.Join(heard[1], "\n"); a != b {
		t.Errorf("of who was enrolled since he is told\n%s\nof others\n%s", a, b)
	}
}

// TestDeathOfHalf: who has enrolled a person himself, as others have, knows the person and is
// refused, in each way in; and the log says of what has no effect why.
func TestDeathOfHalf(t *testing.T) {
	a := newAsker(t, "wa")
	s := &ledgertest.Saying{T: t, To: a.l, N: 100}
	half := ledgertest.Opening("half", "wa", "75.71")
	if got := s.Say(a.own, "enrolment.opened", half); got != "appended" {
		t.Fatal(got)
	}
	for _, e := range []said{death("wa", "2021-03-01"), merge("wa", "wn"), merge("wm", "wa")} {
		for _, opts := range []intake.Options{{DryRun: true}, {Atomic: true}, {}} {
			s.N++
			if got := s.Send(a.own, opts, fmt.Sprint(s.N), e.kind, e.data); got != string(event.Forbidden) {
				t.Errorf("%s %s: %s", e.kind, e.data, got)
			}
		}
	}
	// In one batch, with the opening first, it is the same.
	b := newAsker(t, "wa")
	raw := b.raw(said{"enrolment.opened", half}, death("wa", "2021-03-01"))
	b.send(raw, intake.Options{})
	if got := b.heard[0]; strings.Count(got, "publisher.forbidden") != 1 {
		t.Error(got)
	}
	// An opening that is refused itself makes nobody known.
	c := newAsker(t, "wa")
	c.send(c.raw(said{"enrolment.opened", ledgertest.Opening("e0", "wa", "75.71")}, death("wa", "2021-03-01")),
		intake.Options{})
	if got := c.heard[0]; strings.Count(got, "publisher.forbidden") != 1 ||
		!strings.Contains(got, "nobody of your regions") {
		t.Error(got)
	}
	var log strings.Builder
	err := c.l.Events(t.Context(), excerpt.Filter{Type: event.EventRetracted},
		func(line []byte) error {
			log.Write(line)
			return nil
		})
	if err != nil || !strings.Contains(log.String(), "kota has no right over whom it is about") {
		t.Errorf("%v: %s", err, log.String())
	}
}

// TestNobodyCutShort: where a crash has left what the ledger says in front of a death, and not the
// death, that is sent again when others have enrolled the person meanwhile: it has no effect.
func TestNobodyCutShort(t *testing.T) {
	of := func(l *ledger.Ledger) (lines []string) {
		err := l.Events(t.Context(), excerpt.Filter{Type: event.EventRetracted},
			func(line []byte) error {
				lines = append(lines, string(line))
				return nil
			})
		if err != nil {
			t.Fatal(err)
		}
		return lines
	}
	first := newAsker(t, "wx")
	first.send(first.raw(death("wa", "2021-03-01")), intake.Options{})
	var said struct {
		Source, ID string
		Data       struct{ Source, ID, Reason string }
	}
	if lines := of(first.l); len(lines) != 1 || json.Unmarshal([]byte(lines[0]), &said) != nil {
		t.Fatalf("%q", lines)
	}
	a := newAsker(t, "wa")
	before := a.figuresOfBone()
	data := event.Data{
		RetractedSource: said.Data.Source, RetractedID: said.Data.ID, ReasonText: said.Data.Reason,
	}
	for _, use := range event.EventRetracted.Uses() {
		data.Has = data.Has.With(use.Field)
	}
	entry, err := intake.EntryOf(&event.Event{
		Key:  event.Key{Source: said.Source, ID: said.ID},
		Type: event.EventRetracted, Data: data,
	}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.l.Append(t.Context(), []writer.Entry{entry}, writer.AppendOptions{}); err != nil {
		t.Fatal(err)
	}
	a.send(a.raw(death("wa", "2021-03-01")), intake.Options{})
	if got := a.figuresOfBone(); got != before || before[3][0] == 0 {
		t.Errorf("it was %v, it is %v", before, got)
	}
	if lines := of(a.l); len(lines) != 2 || !strings.Contains(lines[1], "has no right over whom") {
		t.Errorf("%q", lines)
	}
}

// TestNobodyAtomic: an atomic batch is as large as one may be, whatever the ledger says in front of
// its events; with one event refused nothing of it is there, also where something is said in front
// of the others.
func TestNobodyAtomic(t *testing.T) {
	a := newAsker(t, "wa")
	before := a.figuresOfBone()
	var deaths []said
	for i := range writer.AtomicEventsMax - 1 {
		deaths = append(deaths, death(fmt.Sprintf("w-%d", i), "2021-03-01"))
	}
	deaths = append(deaths, death("wa", "2021-03-01"))
	receipts, err := a.l.Submit(t.Context(), a.raw(deaths...), intake.Options{
		Atomic: true, Scope: a.own,
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range receipts {
		if r := &receipts[i]; r.Status != event.Appended ||
			r.Sequence != receipts[0].Sequence+uint64(i) || r.Notice == "" {
			t.Fatalf("receipt %d: %+v", i, r)
		}
	}
	if got := a.figuresOfBone(); got != before {
		t.Errorf("it was %v, it is %v", before, got)
	}
	head := a.l.Health(t.Context()).Head
	for _, bad := range []said{{"worker.died", `"worker":"wq"`}, {
		"enrolment.terminated",
		`"enrolment":"e0","until":"2021-02-01","reason":"OTHER"`,
	}} {
		receipts, err = a.l.Submit(t.Context(), a.raw(death("wo", "2021-03-01"), bad,
			death("wa", "2021-04-01")), intake.Options{Atomic: true, Scope: a.own})
		if err != nil {
			t.Fatal(err)
		}
		for i := range receipts {
			if receipts[i].Status != event.Refused || receipts[i].Notice != "" {
				t.Errorf("receipt %d: %+v", i, receipts[i])
			}
		}
	}
	if now := a.l.Health(t.Context()).Head; now != head {
		t.Errorf("of what was refused %d events are in the log", now-head)
	}
}
