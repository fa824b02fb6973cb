package ledger

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/coverage"
)

// checkAnswers asks the queries of a vector.
func checkAnswers(t *testing.T, l *Ledger, vector string) {
	t.Helper()
	view, err := l.View(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	var queries []vectorQuery
	var answers []map[string]any
	readJSONFile(t, filepath.Join(vector, "queries.json"), &queries)
	readJSONFile(t, filepath.Join(vector, "answers.json"), &answers)
	for i, q := range queries {
		query, err := q.query(view)
		if err != nil {
			t.Fatalf("query %d: %v", i, err)
		}
		answer, err := view.Answer(query)
		if err != nil {
			t.Fatalf("query %d: %v", i, err)
		}
		if answers[i]["name"] == nil {
			answer.Name = ""
			answers[i]["name"] = ""
		}
		got, want := canonical(t, answer), canonical(t, answers[i])
		if got != want {
			t.Errorf("query %d %+v\ngot  %s\nwant %s", i, q, got, want)
		}
	}
}

// vectorQuery is a query as queries.json writes it.
type vectorQuery struct {
	Region, On, Indicator, Count string
	Known                        any // a sequence, a date, an RFC 3339 time, or absent
	By                           []string
}

func (v vectorQuery) query(view *coverage.View) (q coverage.Query, err error) {
	q = coverage.Query{Known: coverage.Everything, Indicator: event.Employed}
	var known bool
	if q.Region, known = region.Parse(v.Region); !known {
		return q, fmt.Errorf("region %q", v.Region)
	}
	if q.On, err = temporal.ParseDate(v.On); err != nil {
		return q, err
	}
	if v.Indicator != "" {
		if q.Indicator, known = event.ParseIndicator(v.Indicator); !known {
			return q, fmt.Errorf("indicator %q", v.Indicator)
		}
	}
	if v.Count != "" {
		if q.Count, known = coverage.ParseCount(v.Count); !known {
			return q, fmt.Errorf("count %q", v.Count)
		}
	}
	for _, name := range v.By {
		dimension, known := coverage.ParseDimension(name)
		if !known {
			return q, fmt.Errorf("dimension %q", name)
		}
		q.By = append(q.By, dimension)
	}
	switch known := v.Known.(type) {
	case float64:
		q.Known = eventstore.Sequence(known)
	case string:
		at, err := temporal.ParseInstant(known)
		if day, dayErr := temporal.ParseDate(known); dayErr == nil {
			at, err = temporal.EndOfDay(day), nil
		}
		if err != nil {
			return q, err
		}
		q.Known, err = view.KnownAt(at)
		return q, err
	}
	return q, nil
}

// canonical returns a value as JSON with sorted keys.
func canonical(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var loose any
	if err := json.Unmarshal(text, &loose); err != nil {
		t.Fatal(err)
	}
	if text, err = json.Marshal(loose); err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func readJSONFile(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}
