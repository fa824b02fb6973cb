package matched_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"cakupan/cmd/internal/lists"
	"cakupan/cmd/internal/lists/matched"
	"cakupan/cmd/internal/lists/named"
)

// list is a list in CSV of a kind; its id and source are always the same.
func list(t testing.TB, kind lists.Kind, csv string) *lists.List {
	t.Helper()
	l, err := lists.Open(strings.NewReader(csv), int64(len(csv)), lists.Options{
		ID: "dtks", Source: "urn:office:7503", Kind: kind,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// world is a ledger: events by id, the names of enrolments and of persons that they have.
type world struct {
	ids, names, persons map[string]bool
}

func newWorld() *world {
	return &world{ids: map[string]bool{}, names: map[string]bool{}, persons: map[string]bool{}}
}

// parts is what is looked at of an event.
type parts struct {
	ID   string `json:"id"`
	Key  string `json:"listkey"`
	Data struct {
		Enrolment string `json:"enrolment"`
	} `json:"data"`
}

func partsOf(t testing.TB, raw []byte) (p parts) {
	t.Helper()
	if err := json.Unmarshal(raw, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// take takes an event in.
func (w *world) take(t testing.TB, raw []byte) parts {
	p := partsOf(t, raw)
	w.ids[p.ID], w.names[p.Data.Enrolment], w.persons[p.Key] = true, true, true
	return p
}

func (w *world) Has(_ context.Context, events [][]byte) (has []bool, err error) {
	for _, raw := range events {
		var p parts
		err = errors.Join(err, json.Unmarshal(raw, &p))
		has = append(has, w.ids[p.ID])
	}
	return has, err
}

func (w *world) Knows(_ context.Context, names []string) (knows []bool, err error) {
	for _, name := range names {
		knows = append(knows, w.names[name])
	}
	return knows, nil
}

func (w *world) Persons(context.Context, string) (map[string]bool, error) { return w.persons, nil }

// send reads a list as made with the first of the keys and takes it in as the world has it.
func (w *world) send(t testing.TB, kind lists.Kind, csv string, keys ...named.Key) (sent []parts) {
	t.Helper()
	in := list(t, kind, csv).Events(keys[0])
	var rows []matched.Row
	for {
		record, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || record.Refusal != nil {
			t.Fatal(err, record.Refusal)
		}
		rows = append(rows, matched.Row{NIK: string(record.NIK), Event: record.Event})
	}
	found, err := matched.Find(t.Context(), keys[0], keys[1:], rows, w)
	if err != nil {
		t.Fatal(err)
	}
	for i, to := range found {
		raw := []byte(rows[i].Event)
		if to != nil {
			is := matched.Names{ID: partsOf(t, raw).ID}
			if rows[i].NIK != "" {
				is.Name = string(named.New(keys[0]).AppendName(nil, []byte(rows[i].NIK)))
			}
			raw = matched.Renamed(raw, is, *to)
		}
		sent = append(sent, w.take(t, raw))
	}
	return sent
}

const nik = "750301010190%04d"

// enrolments is a list of people from first on, without numbers.
func enrolments(from, until int, payer string) string {
	var csv strings.Builder
	csv.WriteString("nik,region,segment,category,programmes,payer,from\n")
	for i := from; i < until; i++ {
		fmt.Fprintf(&csv, nik+",75.03,BPU,VULNERABLE,JKK JKM,%s,2024-01-01\n", i, payer)
	}
	return csv.String()
}

func key(n byte) named.Key { return named.Key{n, 31: 1} }

// TestSentAgain sends lists again after the key changed: what is the same is found, also when more
// changed keys came between, and what is new gets the newest key.
func TestSentAgain(t *testing.T) {
	for _, c := range []struct {
		kind      lists.Kind
		csv, more string
	}{
		{lists.Enrolment, enrolments(1, 40, "Worker"), enrolments(1, 60, "Worker")},
		{lists.Termination, "nik,last day,reason\n" + fmt.Sprintf(nik, 1) + ",2024-03-31,RESIGNED\n", ""},
		{lists.Termination, "kpj,last day,reason\nA-1,2024-03-31,RESIGNED\n", ""},
		{lists.Death, "nik,date of death\n" + fmt.Sprintf(nik, 1) + ",2024-03-31\n", ""},
		{
			lists.Merge, "nik,merged into nik\n" + fmt.Sprintf(nik, 1) + "," + fmt.Sprintf(nik, 2) + "\n", "",
		},
	} {
		w := newWorld()
		first := w.send(t, c.kind, c.csv, key(1))
		if len(first) == 0 {
			t.Fatalf("%s: no rows", c.kind)
		}
		known := len(w.ids)
		for n := byte(2); n < 5; n++ {
			var keys []named.Key
			for k := n; k > 0; k-- {
				keys = append(keys, key(k))
			}
			again := w.send(t, c.kind, c.csv, keys...)
			if len(again) != len(first) || len(w.ids) != known {
				t.Errorf("%s: %d rows more than %d", c.kind, len(w.ids)-known, known)
			}
			for i := range again {
				if again[i] != first[i] {
					t.Errorf("%s: row %d is %+v, was %+v", c.kind, i, again[i], first[i])
				}
			}
		}
		if c.more == "" {
			continue
		}
		more := w.send(t, c.kind, c.more, key(2), key(1))
		if got := len(w.ids) - known; got != len(more)-len(first) {
			t.Errorf("%d new rows", got)
		}
		fresh := newWorld().send(t, c.kind, c.more, key(2))
		if more[len(more)-1] != fresh[len(fresh)-1] {
			t.Error("a new row is not named by the newest key")
		}
		// A key that ended is not tried: nothing is known by it.
		if ended := w.send(t, c.kind, c.csv, key(3)); ended[0].Data == first[0].Data {
			t.Error("a row is known by a key that nobody tried")
		}
	}
}

// TestStaysWithItsName sends rows that say something else of somebody who is known by an older key:
// they are about the same enrolment, or the same person.
func TestStaysWithItsName(t *testing.T) {
	w := newWorld()
	first := w.send(t, lists.Enrolment, enrolments(1, 3, "Worker"), key(1))
	changed := w.send(t, lists.Enrolment, enrolments(1, 4, "Employer"), key(2), key(1))
	if changed[0].Data != first[0].Data || changed[0].ID == first[0].ID ||
		changed[2].Data == (parts{}).Data || len(w.names) != 3 {
		t.Errorf("%+v, was %+v, names %d", changed, first, len(w.names))
	}
	ended := w.send(t, lists.Termination, "nik,last day,reason\n"+fmt.Sprintf(nik, 2)+
		",2024-03-31,RESIGNED\n"+fmt.Sprintf(nik, 3)+",2024-03-31,RESIGNED\n", key(2), key(1))
	if ended[0].Data != first[1].Data || ended[1].Data != changed[2].Data {
		t.Errorf("ends are of %+v, not of %+v", ended, first)
	}
	death := "nik,date of death\n" + fmt.Sprintf(nik, 1) + ",2024-03-%d\n"
	died := w.send(t, lists.Death, fmt.Sprintf(death, 30), key(1))
	died = append(died, w.send(t, lists.Death, fmt.Sprintf(death, 31), key(2), key(1))...)
	if died[0].Key == "" || died[0].Key != died[1].Key || died[0].ID == died[1].ID {
		t.Errorf("the same person is %+v", died)
	}
}

// TestTwoAlike: two rows that say the same are no rows that the ledger has.
func TestTwoAlike(t *testing.T) {
	csv := enrolments(1, 3, "Worker")
	csv += csv[strings.Index(csv, "\n")+1:]
	w := newWorld()
	sent := w.send(t, lists.Enrolment, csv, key(2), key(1))
	want := newWorld().send(t, lists.Enrolment, enrolments(1, 3, "Worker"), key(2))
	if len(sent) != 4 || sent[0] != want[0] || sent[2] != want[0] || sent[3] != want[1] {
		t.Errorf("%+v", sent)
	}
}

// TestModel sends lists by chance while keys come and go. However many keys there were: of a person
// there is one name for as long as the key by which he was first named is tried.
func TestModel(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 14))
	for range 10 {
		w := newWorld()
		keys := []named.Key{key(1)}
		nameOf, by := map[int]string{}, map[int]named.Key{}
		for next := byte(2); next < 9; {
			switch r.IntN(4) {
			case 0:
				keys = append([]named.Key{key(next)}, keys...)
				next++
			case 1:
				if len(keys) > 1 { // revoked: all of before are gone
					keys = keys[:1]
				}
			default:
				from := 1 + r.IntN(20)
				until := from + 1 + r.IntN(10)
				sent := w.send(t, lists.Enrolment, enrolments(from, until, []string{"Worker", "Employer"}[r.IntN(2)]),
					keys...)
				for i, p := range sent {
					n := from + i
					tried := false
					for _, k := range keys {
						tried = tried || k == by[n]
					}
					switch name := p.Data.Enrolment; {
					case tried && name != nameOf[n]:
						t.Fatalf("%d is %s, was %s", n, name, nameOf[n])
					case !tried && name == nameOf[n]:
						t.Fatalf("%d is known by a key that is gone", n)
					case !tried:
						nameOf[n], by[n] = name, keys[0]
					}
				}
			}
		}
	}
}

// FuzzFind asks about whatever somebody may send: it is an answer for each row, and no more than
// the ledger has.
func FuzzFind(f *testing.F) {
	f.Add("7503010101900001", `{"id":"a","type":"t","list":"l","data":{"enrolment":"nik-a"}}`)
	f.Add("", `[1]`)
	f.Fuzz(func(t *testing.T, nik, event string) {
		w := newWorld()
		rows := []matched.Row{{NIK: nik, Event: json.RawMessage(event)}}
		found, err := matched.Find(t.Context(), key(1), []named.Key{key(2)}, rows, w)
		if err != nil || len(found) != 1 || found[0] != nil {
			t.Errorf("%v, %v", found, err)
		}
	})
}
