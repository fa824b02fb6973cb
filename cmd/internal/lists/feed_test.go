package lists

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"testing"
)

// listOf returns a reader of a list of so many people.
func listOf(t *testing.T, people int) *Reader {
	t.Helper()
	var text strings.Builder
	text.WriteString("List;L-1\n\nKPJ;Last Day;Reason;Remark\n")
	for n := range people {
		fmt.Fprintf(&text, "k-%d;2021-02-%02d;%s;x\n", n, 1+n%28, []string{"PHK", "?"}[n%7/6])
	}
	l, err := Open(strings.NewReader(text.String()), int64(text.Len()), Options{KeepRows: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Events(testKey)
}

// TestFeed: whatever the size of batches, all records come in their order, and stay as they are
// while others are read.
func TestFeed(t *testing.T) {
	const people = 1_000
	var want []Record
	for r := listOf(t, people); ; {
		record, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		record.Event = bytes.Clone(record.Event)
		want = append(want, record)
	}
	if len(want) != people {
		t.Fatalf("%d records", len(want))
	}
	for _, most := range []int{1, 7, people, 2 * people} {
		var got []Record
		f := NewFeed(listOf(t, people), most)
		for {
			batch, err := f.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil || len(batch) == 0 || len(batch) > most {
				t.Fatalf("%d of at most %d records, %v", len(batch), most, err)
			}
			got = append(got, batch...)
		}
		if _, err := f.Next(); !errors.Is(err, io.EOF) || !reflect.DeepEqual(got, want) {
			t.Errorf("in batches of %d: %d records, %v", most, len(got), err)
		}
	}
}

// TestFeedStop: who stops gets no more, and nobody waits for him.
func TestFeedStop(t *testing.T) {
	f := NewFeed(listOf(t, 100), 10)
	if _, err := f.Next(); err != nil {
		t.Fatal(err)
	}
	f.Stop()
	f.Stop()
	for range 100 {
		if _, err := f.Next(); errors.Is(err, os.ErrClosed) {
			return
		}
	}
	t.Error("it goes on after Stop")
}
