package coverage_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cakupan/domain/event"
	"cakupan/domain/region"
)

// subject is what is compared with the model, built over one history. A nil function is not
// compared. The JSON may be laid out in any way; the order of its keys counts.
type subject struct {
	answer  func(query) ([]byte, error)       // section 4's object
	series  func(seriesQuery) ([]byte, error) // array of {"on","covered","inGrace","percent"}
	regions func(known uint64) ([]region.Code, error)
}

// builder builds a subject from a history.
type builder func(history []Recorded) (subject, error)

// comparison says how much to compare.
type comparison struct {
	firstSeed uint64
	histories int
	events    int // in each history, at most
	queries   int // of each history; a tenth as many series
	generate  func(seed uint64, n int) []Recorded
}

// compareWithModel fails the test at the first answer that differs from the model's, with the
// shortest history and the query that show it.
func compareWithModel(t *testing.T, c comparison, build builder) {
	t.Helper()
	if found := c.search(build); found != nil {
		t.Fatalf("%s", found)
	}
}

// finding is a query that a subject answers otherwise than the model.
type finding struct {
	seed    uint64
	history []Recorded
	query   seriesQuery
	asked   string // "answer", "series", "regions"
	diff    string
}

// search returns the first finding, shrunk, or nil.
func (c comparison) search(build builder) *finding {
	for i := range uint64(c.histories) {
		seed := c.firstSeed + i
		history := c.generate(seed, 1+int(seed*7919%uint64(c.events)))
		found := c.inspect(seed, history, build)
		if found == nil {
			continue
		}
		found.seed = seed
		return found.shrink(build)
	}
	return nil
}

func (c comparison) inspect(seed uint64, history []Recorded, build builder) *finding {
	s, err := build(history)
	if err != nil {
		return &finding{history: history, asked: "build", diff: err.Error()}
	}
	m := newModel(history)
	for _, q := range Queries(seed, history, c.queries) {
		for _, asked := range []string{"answer", "regions"} {
			f := &finding{history: history, query: seriesQuery{query: q}, asked: asked}
			if f.diff = f.compare(s, m); f.diff != "" {
				return f
			}
		}
	}
	for _, q := range SeriesQueries(seed, history, c.queries/10) {
		f := &finding{history: history, query: q, asked: "series"}
		if f.diff = f.compare(s, m); f.diff != "" {
			return f
		}
	}
	return nil
}

// compare asks both and returns how the subject differs, or "".
func (f *finding) compare(s subject, m *model) string {
	var got, want []byte
	var err error
	switch {
	case f.asked == "answer" && s.answer != nil:
		want = encode(m.answer(f.query.query))
		got, err = s.answer(f.query.query)
	case f.asked == "series" && s.series != nil:
		want = encode(m.series(f.query))
		got, err = s.series(f.query)
	case f.asked == "regions" && s.regions != nil:
		var codes []region.Code
		codes, err = s.regions(f.query.Known)
		if err == nil && codes == nil {
			codes = []region.Code{}
		}
		want, got = regionsText(m.regions(f.query.Known)), regionsText(codes)
	}
	if err != nil {
		return err.Error()
	}
	return differs(want, got)
}

func regionsText(codes []region.Code) []byte {
	texts := make([]string, 0, len(codes))
	for _, c := range codes {
		texts = append(texts, regionText(c))
	}
	return encode(texts)
}

// differs compares two JSON texts but for names, and returns how got differs, or "".
func differs(want, got []byte) string {
	if bytes.Equal(want, got) {
		return ""
	}
	wanted, err := parseJSON(want)
	have, err2 := parseJSON(got)
	if err := errors.Join(err, err2); err != nil {
		return err.Error()
	}
	if diff := cmp.Diff(nameless(wanted), nameless(have)); diff != "" {
		return "(-want +got):\n" + diff
	}
	if diff := cmp.Diff(keyOrder(want), keyOrder(got)); diff != "" {
		return "order of keys (-want +got):\n" + diff
	}
	return ""
}

// shrink returns the finding with as few events as still show a difference, and a knowledge
// moved with them.
func (f *finding) shrink(build builder) *finding {
	least := f
	for size := len(f.history) / 2; size > 0; {
		smaller := least.without(size, build)
		if smaller == nil {
			size /= 2
			continue
		}
		least = smaller
		size = min(size, len(least.history))
	}
	return least
}

// without tries to do without size events in a row, or returns nil.
func (f *finding) without(size int, build builder) *finding {
	for from := 0; from+size <= len(f.history); from += size {
		rest := slices.Delete(slices.Clone(f.history), from, from+size)
		smaller := *f
		smaller.history = renumber(rest)
		smaller.query.Known = 0
		for _, e := range rest {
			if e.Sequence <= f.query.Known {
				smaller.query.Known++
			}
		}
		if smaller.again(build); smaller.diff != "" {
			return &smaller
		}
	}
	return nil
}

// again asks the finding's query of its history once more.
func (f *finding) again(build builder) {
	s, err := build(f.history)
	switch {
	case err != nil:
		f.diff = err.Error()
	case f.asked == "build":
		f.diff = ""
	default:
		f.diff = f.compare(s, newModel(f.history))
	}
}

// String writes the finding for whoever has to understand it.
func (f *finding) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "seed %d, %d events:\n", f.seed, len(f.history))
	for _, e := range f.history {
		fmt.Fprintf(&out, "  %s\n", describe(e))
	}
	q := f.query
	fmt.Fprintf(&out, "%s of %s known %d indicator %s by %v of %s", f.asked,
		regionText(q.Region), q.Known, indicatorNames[q.Indicator], q.By, q.Count)
	if f.asked == "series" {
		fmt.Fprintf(&out, " from %s until %s, monthly %t", dateText(q.From), dateText(q.Until),
			q.Monthly)
	} else {
		fmt.Fprintf(&out, " on %s", dateText(q.On))
	}
	fmt.Fprintf(&out, "\n%s", f.diff)
	return out.String()
}

// describe writes an event on one line: what it names, as JSON would name it.
func describe(e Recorded) string {
	text := fmt.Sprintf("%d %s %s/%s %s:", e.Sequence, instantText(e.RecordedAt), e.Source, e.ID,
		strings.TrimSuffix(typeNames[e.Type], ".v1"))
	data := reflect.ValueOf(e.Data)
	for i := range data.NumField() {
		name := data.Type().Field(i).Name
		if value := data.Field(i); !value.IsZero() && name != "Has" {
			text += fmt.Sprintf(" %s=%v", name, value.Interface())
		}
	}
	return text
}

// parseJSON reads a value, numbers as their literals.
func parseJSON(text []byte) (value any, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return nil, fmt.Errorf("%w in %s", err, text)
	}
	return value, nil
}

// nameless takes the names of regions out of an answer: the model does not know them.
func nameless(value any) any {
	if object, ok := value.(map[string]any); ok {
		delete(object, "name")
	}
	return value
}

// keyOrder returns the keys of all objects in the order they stand.
func keyOrder(text []byte) (keys []string) {
	type container struct{ object, value bool } // value: the token before was a key
	var open []container
	decoder := json.NewDecoder(bytes.NewReader(text))
	for {
		token, err := decoder.Token()
		if err != nil {
			return keys
		}
		delimiter, _ := token.(json.Delim)
		if delimiter == ']' || delimiter == '}' {
			open = open[:len(open)-1]
			continue
		}
		if n := len(open); n > 0 && open[n-1].object {
			open[n-1].value = !open[n-1].value
			if key, ok := token.(string); ok && open[n-1].value {
				keys = append(keys, key)
			}
		}
		if delimiter != 0 {
			open = append(open, container{object: delimiter == '{'})
		}
	}
}

// modelBuilder builds the model itself over a history that falsify has changed, as a subject.
func modelBuilder(falsify func([]Recorded) []Recorded) builder {
	return func(history []Recorded) (subject, error) {
		m := newModel(falsify(slices.Clone(history)))
		return subject{
			answer:  func(q query) ([]byte, error) { return encode(m.answer(q)), nil },
			series:  func(q seriesQuery) ([]byte, error) { return encode(m.series(q)), nil },
			regions: func(known uint64) ([]region.Code, error) { return m.regions(known), nil },
		}, nil
	}
}

// TestComparisonFindsNothingInTheModel guards the comparison itself.
func TestComparisonFindsNothingInTheModel(t *testing.T) {
	same := func(history []Recorded) []Recorded { return history }
	compareWithModel(t, comparison{
		histories: 20, events: 40, queries: 20, generate: Generate,
	}, modelBuilder(same))
}

// TestComparisonFindsEveryNeglect shows that a subject which knows all rules but one is found,
// and that few events are left to look at.
func TestComparisonFindsEveryNeglect(t *testing.T) {
	for name, falsify := range neglects() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := comparison{histories: 400, events: 60, queries: 40, generate: Generate}
			found := c.search(modelBuilder(falsify))
			if found == nil {
				t.Fatal("nobody noticed")
			}
			if most := 8; len(found.history) > most {
				t.Errorf("more than %d events are left: %s", most, found)
			}
		})
	}
}

// neglects returns ways to change a history that stand for a rule forgotten.
func neglects() map[string]func([]Recorded) []Recorded {
	neglects := map[string]func([]Recorded) []Recorded{}
	forget := func(name string, which func(history []Recorded, i int) bool) {
		neglects[name] = func(history []Recorded) []Recorded {
			for i := range history {
				if which(history, i) { // its place stays, its meaning goes
					history[i].Type, history[i].Data = event.FundingDisbursed, event.Data{}
				}
			}
			return history
		}
	}
	for _, c := range choices() {
		if c.kind != event.FundingAmended && c.kind != event.FundingDisbursed {
			forget(typeNames[c.kind], func(history []Recorded, i int) bool {
				return history[i].Type == c.kind
			})
		}
	}
	forget("retraction that came first", func(history []Recorded, i int) bool {
		return history[i].Type == event.EventRetracted && retracts(history, i) == 0
	})
	forget("retraction of a retraction counts", func(history []Recorded, i int) bool {
		return history[i].Type == event.EventRetracted && slices.ContainsFunc(history,
			func(e Recorded) bool {
				return e.Type == event.EventRetracted &&
					e.Data.RetractedID == history[i].ID &&
					e.Data.RetractedSource == history[i].Source
			})
	})
	forget("opened again", func(history []Recorded, i int) bool {
		return history[i].Type == event.EnrolmentOpened && slices.ContainsFunc(history[:i],
			func(e Recorded) bool {
				return e.Type == event.EnrolmentOpened &&
					e.Data.Enrolment == history[i].Data.Enrolment
			})
	})
	forget("committed again", func(history []Recorded, i int) bool {
		return history[i].Type == event.FundingCommitted && slices.ContainsFunc(history[:i],
			func(e Recorded) bool {
				return e.Type == event.FundingCommitted &&
					e.Data.Commitment == history[i].Data.Commitment
			})
	})
	return neglects
}
