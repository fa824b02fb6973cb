package rights_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"cakupan/cmd/internal/excerpt"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/ledgertest"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/projections/coverage"
)

// So many random sequences share a ledger. Each has names of its own, so that none has to do with
// another, and some have the same two regencies, as each figure costs more than each event.
const (
	sequencesAtOnce = 1_000
	pairs           = 250
)

// TestRightsRandomly has two publishers say whatever they like about a few enrolments, workers and
// commitments of which both know the names, in any order: no figure of a region changes by events of
// the one who has no right over it. Deaths and merges are not taken back here: that gives others what
// they would have without them. CAKUPAN_LONG: 20,000 sequences; CAKUPAN_RIGHTS_SEED: the first of
// their seeds.
func TestRightsRandomly(t *testing.T) {
	first, seeds, steps := uint64(0), uint64(1), 8
	if os.Getenv("CAKUPAN_LONG") != "" {
		seeds, steps = 20, 16
	}
	if text := os.Getenv("CAKUPAN_RIGHTS_SEED"); text != "" {
		var err error
		if first, err = strconv.ParseUint(text, 10, 32); err != nil {
			t.Fatal(err)
		}
	}
	for seed := first; seed < first+seeds; seed++ {
		// A subtest a seed, so that its ledger is closed before the next one is opened.
		t.Run(fmt.Sprint(seed), func(t *testing.T) { testRightsRandomly(t, seed, steps) })
		if t.Failed() {
			return
		}
	}
}

func testRightsRandomly(t *testing.T, seed uint64, steps int) {
	t.Helper()
	var regencies []region.Code
	for _, code := range region.All() {
		if code.Level() == region.RegencyLevel && len(regencies) < 2*pairs {
			regencies = append(regencies, code)
		}
	}
	l := ledgertest.New(t)
	var talkers [2]*talker
	for i := range talkers {
		r := &talker{t: t, l: l, rand: rand.New(rand.NewPCG(seed, uint64(i)))}
		r.scope = ledgertest.Publisher(t, [...]string{"bone", "kota"}[i], "75.03")
		r.scope.Regions = nil
		for n := i; n < len(regencies); n += len(talkers) {
			r.scope.Regions = append(r.scope.Regions, regencies[n])
		}
		l.Join(r.scope)
		talkers[i] = r
	}
	before := allFigures(t, l, regencies)
	for range steps {
		who := talkers[0].rand.IntN(len(talkers))
		talkers[who].talk()
		after := allFigures(t, l, regencies)
		for n, code := range regencies {
			if n%len(talkers) != who && before[n] != after[n] {
				t.Errorf("seed %d: %s has changed the ledgertest.Figures of %v from %v to %v:\n%s", seed,
					talkers[who].scope.Publisher, code, before[n], after[n],
					talkers[who].story(n/len(talkers)))
			}
		}
		if before = after; t.Failed() {
			return
		}
	}
	covered, refused := 0, talkers[0].refused+talkers[1].refused
	for n := range before {
		covered += int(before[n][3][0])
	}
	if all := talkers[0].n + talkers[1].n; covered == 0 || refused == 0 || refused > all*9/10 {
		t.Errorf("seed %d: %d covered, %d of %d events refused: the test shows little", seed,
			covered, refused, all)
	}
}

func allFigures(t *testing.T, l *ledgertest.World, regencies []region.Code) []ledgertest.Figures {
	t.Helper()
	view, err := l.View(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	return figuresIn(t, view, regencies)
}

func figuresIn(t *testing.T, view *coverage.View, regencies []region.Code) []ledgertest.Figures {
	t.Helper()
	all := make([]ledgertest.Figures, len(regencies))
	for i, code := range regencies {
		all[i] = ledgertest.FiguresOf(t, view, code)
	}
	return all
}

// talker says random things for a publisher.
type talker struct {
	t     *testing.T
	l     *ledgertest.World
	scope *event.Scope
	rand  *rand.Rand

	n, refused int
	sent       [sequencesAtOnce][]int // ids of what may be taken back in each sequence
}

// talk sends an event or two of each sequence.
func (r *talker) talk() {
	r.t.Helper()
	var raw [][]byte
	for i := range sequencesAtOnce {
		for range 1 + r.rand.IntN(2) {
			kind, data := r.something(i)
			r.n++
			raw = append(raw, fmt.Appendf(nil, `{"specversion":"1.0","id":"%d","source":"urn:%s",`+
				`"type":"id.cakupan.%s.v1","data":{%s}}`, r.n, r.scope.Publisher, kind, data))
			if !strings.HasPrefix(kind, "worker.") {
				r.sent[i] = append(r.sent[i], r.n)
			}
		}
	}
	receipts, err := r.l.Submit(r.t.Context(), raw, intake.Options{Scope: r.scope})
	if err != nil {
		r.t.Fatal(err)
	}
	for i := range receipts {
		if refusal := receipts[i].Refusal; refusal != nil {
			if r.refused++; refusal.Code != event.Forbidden {
				r.t.Fatalf("%s: %v", raw[i], refusal)
			}
		}
	}
}

// story returns what is in the log of the sequences of two regencies.
func (r *talker) story(pair int) string {
	var b strings.Builder
	named := func(text string) bool {
		for i := pair; i < sequencesAtOnce; i += pairs {
			if strings.Contains(text, fmt.Sprintf(`-%d"`, i)) {
				return true
			}
		}
		return strings.Contains(text, "event.retracted")
	}
	err := r.l.Reader.Events(r.t.Context(), excerpt.Filter{}, func(line []byte) error {
		if named(string(line)) {
			b.Write(append(line, '\n'))
		}
		return nil
	})
	if err != nil {
		b.WriteString(err.Error())
	}
	return b.String()
}

// something is any event of a sequence.
func (r *talker) something(i int) (kind, data string) {
	one := func(texts ...string) string { return texts[r.rand.IntN(len(texts))] }
	name := func(kind string, most int) string {
		return fmt.Sprintf(`"%s%d-%d"`, kind, r.rand.IntN(most), i)
	}
	month := func() string { return one("2020-11", "2021-01", "2021-04", "2021-07") }
	until := func() string { return one("2021-09", "2022-01", "2023-01") }
	day := func() string { return month() + one("-01", "-15") }
	at := r.scope.Regions[i%pairs].String()
	enrolment, commitment := `"enrolment":`+name("e", 3), `"commitment":`+name("c", 2)
	switch r.rand.IntN(18) {
	case 0:
		return "enrolment.terminated", enrolment + `,"until":"` + day() + `","reason":"OTHER"`
	case 1:
		return "enrolment.reinstated", enrolment + `,"from":"` + day() + `"`
	case 2:
		return "enrolment.amended", enrolment + `,"from":"` + day() + `",` +
			one(`"region":"`+at+`"`, `"payer":"SELF"`, `"payer":"APBD"`)
	case 3, 4:
		return "worker.died", `"worker":` + name("w", 3) + `,"on":"` + day() + `"`
	case 5, 6:
		a, b := name("w", 3), name("w", 3)
		if a == b {
			return "worker.died", `"worker":` + a + `,"on":"` + day() + `"`
		}
		return "worker.merged", `"worker":` + a + `,"into":` + b
	case 7:
		return "contribution.credited", enrolment + `,"from":"` + month() + `","until":"` +
			until() + `"`
	case 8:
		return "funding.committed", strings.Replace(ledgertest.Committing("x", at), `"commitment":"x"`,
			commitment, 1)
	case 9, 10:
		return "funding.granted", commitment + `,` + enrolment + `,"from":"` + month() +
			`","until":"` + until() + `"`
	case 11:
		return "funding.revoked", commitment + `,` + enrolment + `,"from":"` + month() + `"`
	case 12:
		return "funding.disbursed", commitment + `,"amount":1,"paidOn":"2021-02-01","months":["` +
			month() + `","2021-05"],"reference":""`
	case 13:
		return "funding.closed", commitment + `,"from":"` + month() + `","reason":""`
	case 14, 15:
		if sent := r.sent[i]; len(sent) > 0 {
			return "event.retracted", fmt.Sprintf(`"source":"urn:%s","id":"%d","reason":""`,
				r.scope.Publisher, sent[r.rand.IntN(len(sent))])
		}
	}
	return "enrolment.opened", fmt.Sprintf(`%s,"worker":%s,"region":%q,"segment":"BPU",`+
		`"category":"VULNERABLE","programmes":["JKK"],"payer":%q,"from":%q`, enrolment,
		name("w", 3), at, one("APBD", "SELF", "EMPLOYER"), day())
}
