package ledger

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"cakupan/cmd/internal/cost"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/eventstore"
)

// TestDearEvents: a publisher who restates a commitment again and again must wait, and nobody else;
// what is there already costs nothing.
func TestDearEvents(t *testing.T) {
	l, err := Open(t.Context(), Options{Dir: t.TempDir(), Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	if err := l.Serve(t.Context(), "http://127.0.0.1:9", time.Hour); err != nil {
		t.Fatal(err)
	}
	const grants = 50
	l.throttle = cost.NewThrottle(1, 5*2*grants) // five restatements, and the next one in debt
	var setup []string
	for i := range grants {
		setup = append(setup, fmt.Sprintf(`"enrolment.opened.v1","data":{"enrolment":"e%d",`+
			`"worker":"w%d","region":"75.03","segment":"PU","category":"PRIVATE",`+
			`"programmes":["JKK"],"payer":"APBD","from":"2026-01-01"}`, i, i),
			fmt.Sprintf(`"funding.granted.v1","data":{"enrolment":"e%d","commitment":"c",`+
				`"from":"2026-01","until":"2027-01"}`, i))
	}
	last := sendAll(t, l, "urn:list", setup...)
	if _, err := l.View(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	restate := func(source string, i int) error {
		_, err := submitOne(t, l, source, fmt.Sprint("r", i),
			`"funding.closed.v1","data":{"commitment":"c","from":"2026-12","reason":"spent"}`)
		return err
	}
	var known *problem.Error
	for i := range 6 {
		if err := restate("urn:a", i); err != nil {
			t.Fatalf("restatement %d: %v", i, err)
		}
	}
	if err := restate("urn:a", 6); !errors.As(err, &known) || known.Code != problem.EventsDear ||
		known.Retry < 90 || known.Retry > 100 || !strings.Contains(known.Detail, "funding.closed") {
		t.Errorf("a seventh restatement: %v", err)
	}
	if err := restate("urn:b", 6); err != nil {
		t.Errorf("somebody else: %v", err)
	}
	sendAll(t, l, "urn:a", `"enrolment.terminated.v1","data":{"enrolment":"e1",`+
		`"until":"2026-06-01","reason":"RESIGNATION"}`)
	l.throttle = cost.NewThrottle(1, 5*2*grants)
	for range 100 {
		if err := restate("urn:a", 0); err != nil {
			t.Fatalf("what is there already: %v", err)
		}
	}
}

// TestDearEventsAtOnce: what a commitment is granted to counts before it is folded, also when it
// comes in the same request as what changes it.
func TestDearEventsAtOnce(t *testing.T) {
	l, err := Open(t.Context(), Options{Dir: t.TempDir(), Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	if err := l.Serve(t.Context(), "http://127.0.0.1:9", time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, err := l.View(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	const grants, closed = 50, 7
	l.throttle = cost.NewThrottle(1, closed*2*grants)
	var raw [][]byte
	add := func(e string) {
		raw = append(raw, fmt.Appendf(nil, `{"specversion":"1.0","id":"%d","source":"urn:a",`+
			`"type":"id.cakupan.%s}`, len(raw), e))
	}
	for range closed {
		add(`funding.closed.v1","data":{"commitment":"c","from":"2026-12","reason":"spent"}`)
	}
	for i := range grants {
		add(fmt.Sprintf(`funding.granted.v1","data":{"enrolment":"e%d","commitment":"c",`+
			`"from":"2026-01","until":"2027-01"}`, i))
	}
	if _, err := l.Submit(t.Context(), raw, intake.Options{}); err != nil {
		t.Fatal(err)
	}
	const more = `"funding.closed.v1","data":{"commitment":"c","from":"2026-11","reason":"spent"}`
	if _, err := submitOne(t, l, "urn:a", "last", more); err != nil {
		t.Fatal(err)
	}
	_, err = submitOne(t, l, "urn:a", "one more", more)
	var known *problem.Error
	if !errors.As(err, &known) || known.Code != problem.EventsDear || known.Retry > 2*grants {
		t.Errorf("after %d closings of %d grants, all in one request: %v", closed, grants, err)
	}
	folded := sendAll(t, l, "urn:b", `"enrolment.reinstated.v1","data":{"enrolment":"e1",`+
		`"from":"2026-06-01"}`)
	view, err := l.View(t.Context(), folded)
	if err != nil {
		t.Fatal(err)
	}
	closing := event.Event{Type: event.FundingClosed, Publisher: "a"}
	closing.Data.Commitment = "c"
	var one cost.Load
	one.Weigh(0, &closing)
	p := l.answering()
	if shown := p.View().Known(); shown < view.Known() {
		t.Fatalf("it shows %d events of %d", shown, view.Known())
	}
	l.backlog.End(l.backlog.Begin(p, &one), nil) // forgets what is folded
	if dear := l.backlog.Price(p, &one, nil); len(dear) != 1 || dear[0].Changes != 2*grants {
		t.Errorf("once the grants are folded, they are counted as %+v", dear)
	}
}

// sendAll sends events of one source that must be appended, and returns the last sequence.
func sendAll(t *testing.T, l *Ledger, source string, events ...string) (last eventstore.Sequence) {
	t.Helper()
	for i, e := range events {
		receipt, err := submitOne(t, l, source, fmt.Sprint(i), e)
		if err != nil || receipt.Status != event.Appended {
			t.Fatalf("%s: %+v %v", e, receipt, err)
		}
		last = eventstore.Sequence(receipt.Sequence)
	}
	return last
}

// submitOne sends one event, given its type and data.
func submitOne(t *testing.T, l *Ledger, source, id, e string) (event.Receipt, error) {
	t.Helper()
	receipts, err := l.Submit(t.Context(), [][]byte{fmt.Appendf(nil, `{"specversion":"1.0",`+
		`"id":"%s","source":"%s","type":"id.cakupan.%s}`, id, source,
		strings.TrimPrefix(e, `"`))}, intake.Options{})
	if err != nil {
		return event.Receipt{}, err
	}
	return receipts[0], nil
}

// TestDearEventsTogether: what is too dear all at once is taken bit by bit, one event at least each
// time, and atomically not at all.
func TestDearEventsTogether(t *testing.T) {
	l, err := Open(t.Context(), Options{Dir: t.TempDir(), Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	if err := l.Serve(t.Context(), "http://127.0.0.1:9", time.Hour); err != nil {
		t.Fatal(err)
	}
	const grants, closed = 20, 9
	var given []string
	for i := range grants {
		given = append(given, fmt.Sprintf(`"funding.granted.v1","data":{"enrolment":"e%d",`+
			`"commitment":"c","from":"2026-01","until":"2027-01"}`, i))
	}
	if _, err := l.View(t.Context(), sendAll(t, l, "urn:list", given...)); err != nil {
		t.Fatal(err)
	}
	var raw [][]byte
	for i := range closed {
		raw = append(raw, fmt.Appendf(nil, `{"specversion":"1.0","id":"%d","source":"urn:a","type":`+
			`"id.cakupan.funding.closed.v1","data":{"commitment":"c","from":"2026-%02d","reason":"spent"}}`,
			i, 12-i))
	}
	var known *problem.Error
	head := l.Health(t.Context()).Head
	l.throttle = cost.NewThrottle(1, 2*grants) // what one closing changes
	_, err = l.Submit(t.Context(), raw, intake.Options{Atomic: true})
	if !errors.As(err, &known) || known.Code != problem.EventsDear || l.Health(t.Context()).Head != head {
		t.Errorf("atomically: %v", err)
	}
	for turn := range closed {
		l.throttle = cost.NewThrottle(1, 2*grants) // it has waited
		receipts, err := l.Submit(t.Context(), raw, intake.Options{})
		now := l.Health(t.Context()).Head
		if err == nil {
			if len(receipts) != closed || int(receipts[0].Sequence) != grants+1 {
				t.Errorf("receipts: %v", receipts)
			}
			return
		}
		if !errors.As(err, &known) || known.Code != problem.EventsDear || now <= head {
			t.Fatalf("turn %d: %d events, %v", turn, now, err)
		}
		head = now
	}
	t.Error("it comes to no end")
}

// TestDearFacts: a publisher who reports again and again about an enrolment of very many facts must
// wait, and nobody else; what he reports of other enrolments, and what he takes back, costs nothing.
// A start forgets who owes, and not what it costs.
func TestDearFacts(t *testing.T) {
	dir := t.TempDir()
	serve := func() *Ledger {
		t.Helper()
		l, err := Open(t.Context(), Options{Dir: dir, Create: true})
		if err == nil {
			err = l.Serve(t.Context(), "http://127.0.0.1:9", time.Hour)
		}
		if err == nil {
			_, err = l.View(t.Context(), 0)
		}
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	l := serve()
	const facts, credited = 1_200, `"contribution.credited.v1","data":{"enrolment":"%s",` +
		`"from":"%04d-%02d","until":"%04d-%02d"}`
	credit := func(enrolment string, month int) string {
		return fmt.Sprintf(credited, enrolment, 1900+month/12, 1+month%12, 2001+month/12, 1)
	}
	raw := make([][]byte, facts)
	for i := range raw {
		raw[i] = fmt.Appendf(nil, `{"specversion":"1.0","id":"f%d","source":"urn:list",`+
			`"type":"id.cakupan.%s}`, i, strings.TrimPrefix(credit("long", facts-i), `"`))
	}
	receipts, err := l.Submit(t.Context(), raw, intake.Options{})
	if err == nil {
		_, err = l.View(t.Context(), eventstore.Sequence(receipts[facts-1].Sequence))
	}
	if err != nil {
		t.Fatal(err)
	}
	for start := range 2 {
		l.throttle = cost.NewThrottle(1, 5*facts/8)
		send := func(source, id, e string) (known *problem.Error) {
			t.Helper()
			if _, err := submitOne(t, l, source, fmt.Sprint(start, id), e); err != nil &&
				!errors.As(err, &known) {
				t.Fatal(err)
			}
			return known
		}
		taken := 0
		var waits *problem.Error
		for ; waits == nil && taken < 10; taken++ {
			waits = send("urn:a", fmt.Sprint(taken), credit("long", taken))
		}
		if waits == nil || waits.Code != problem.EventsDear || waits.Retry < 1 || taken < 4 ||
			!strings.Contains(waits.Detail, "contribution.credited") {
			t.Errorf("after %d facts: %+v", taken, waits)
		}
		for _, other := range []*problem.Error{
			send("urn:b", "b", credit("long", 7)),
			send("urn:a", "other", credit("other", 7)),
			send("urn:a", "gone", fmt.Sprintf(`"event.retracted.v1","data":{"source":"urn:a",`+
				`"id":"%d0","reason":"error"}`, start)),
		} {
			if other != nil {
				t.Errorf("it waits too: %v", other)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if start == 0 {
			l = serve()
		}
	}
}
