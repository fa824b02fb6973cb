package importer

import (
	"errors"
	"io"
	"net/url"
	"testing"

	"cakupan/cmd/internal/lists"
	"cakupan/cmd/internal/lists/matched"
	"cakupan/cmd/internal/lists/named"
	"cakupan/domain/event"
)

// oddlyRefused are records with events that say their place, and a refused one in between.
type oddlyRefused struct{ next, count int }

func (r *oddlyRefused) Next() (lists.Record, error) {
	if r.next++; r.next > r.count {
		return lists.Record{}, io.EOF
	}
	record := lists.Record{Row: r.next, Event: []byte(`{"id":"old"}`)}
	if r.next%10 == 0 {
		record = lists.Record{Row: r.next, Refusal: &event.Refusal{}}
	}
	return record, nil
}

// TestMatchedRows: all rows come, each once and in its place, those that are known under their old
// names, and however many are asked about at once.
func TestMatchedRows(t *testing.T) {
	for _, count := range []int{0, 1, 9, matchedTogether, 2*matchedTogether + 17} {
		asked := 0
		rows := newMatchedRows(&oddlyRefused{count: count}, named.Key{},
			func(some []matched.Row) ([]*matched.Names, error) {
				names := make([]*matched.Names, len(some))
				for i := range names {
					if asked++; asked%2 == 0 {
						names[i] = &matched.Names{ID: "known"}
					}
				}
				return names, nil
			})
		known := 0
		for row := 1; row <= count; row++ {
			record, err := rows.Next()
			if err != nil || record.Row != row || (record.Refusal != nil) != (row%10 == 0) {
				t.Fatalf("%d: %+v, %v", row, record, err)
			}
			if string(record.Event) == `{"id":"known"}` {
				known++
			}
		}
		if _, err := rows.Next(); !errors.Is(err, io.EOF) || known != asked/2 || asked != count-count/10 {
			t.Errorf("%d rows: %d asked, %d known, %v", count, asked, known, err)
		}
	}
}

// TestMatchedAskFails ends the list with the error, and gives none of the rows that were asked
// about: they might be in the ledger under other names. An answer that broke off is no end of it.
func TestMatchedAskFails(t *testing.T) {
	out := errors.New("out of reach")
	for fails, want := range map[error]error{
		out: out, io.EOF: io.ErrUnexpectedEOF, &url.Error{Op: "Post", Err: io.EOF}: io.ErrUnexpectedEOF,
	} {
		rows := newMatchedRows(&oddlyRefused{count: 5}, named.Key{},
			func([]matched.Row) ([]*matched.Names, error) { return nil, fails })
		for range 2 {
			record, err := rows.Next()
			if !errors.Is(err, want) || errors.Is(err, io.EOF) || record.Event != nil {
				t.Errorf("%v: %+v, %v", fails, record, err)
			}
		}
	}
}
