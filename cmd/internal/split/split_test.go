package split

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"cakupan/domain/event"
)

// all reads everything, each piece as "place:text"; the last item is the error unless io.EOF.
func all(r Reader) (got []string) {
	for {
		raw, place, err := r.Next()
		if errors.Is(err, io.EOF) {
			return got
		}
		if err != nil {
			return append(got, err.Error())
		}
		got = append(got, fmt.Sprintf("%d:%s", place, raw))
	}
}

func TestLines(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []string
	}{
		{"", nil},
		{"a\nb", []string{"1:a", "2:b"}},
		{"a\r\n\r\n \t\nb\n", []string{"1:a", "4:b"}},
		{"\xef\xbb\xbf{}\n\xef\xbb\xbf{}", []string{"1:{}", "2:\xef\xbb\xbf{}"}},
		{" a \n", []string{"1: a "}},
	} {
		for _, r := range []io.Reader{
			strings.NewReader(c.in), iotest.OneByteReader(strings.NewReader(c.in)),
		} {
			if got := all(NewLines(r)); !slices.Equal(got, c.want) {
				t.Errorf("%q: %q, want %q", c.in, got, c.want)
			}
		}
	}
}

func TestLongLines(t *testing.T) {
	for _, size := range []int{
		event.BytesMax, event.BytesMax + 1, bufferBytes - 1, bufferBytes, bufferBytes + 1,
		10 * bufferBytes,
	} {
		l := NewLines(strings.NewReader(strings.Repeat("x", size) + "\nnext"))
		raw, place, err := l.Next()
		if err != nil || place != 1 || (len(raw) > event.BytesMax) != (size > event.BytesMax) {
			t.Errorf("%d: %d bytes, place %d, %v", size, len(raw), place, err)
		}
		if raw, place, err = l.Next(); err != nil || place != 2 || string(raw) != "next" {
			t.Errorf("%d: then %q, place %d, %v", size, raw, place, err)
		}
	}
}

// TestBrokenOff makes sure that half a line is never taken for an event.
func TestBrokenOff(t *testing.T) {
	in := io.MultiReader(strings.NewReader("a\nhalf"), iotest.ErrReader(io.ErrUnexpectedEOF))
	want := []string{"1:a", "unexpected EOF"}
	if got := all(NewLines(in)); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	in = io.MultiReader(strings.NewReader("[1,2"), iotest.ErrReader(io.ErrUnexpectedEOF))
	if got := all(NewArray(in)); !slices.Equal(got, []string{"1:1", "unexpected EOF"}) {
		t.Errorf("%q", got)
	}
}

func TestArray(t *testing.T) {
	broken := "not a JSON array of events: "
	for _, c := range []struct {
		in   string
		want []string
	}{
		{"[]", nil},
		{" [ ] \n", nil},
		{"\xef\xbb\xbf[]", nil},
		{"[1]", []string{"1:1"}},
		{
			` [ {"a" : [1,2], "b":"]},\"\\" } , {} ] `,
			[]string{`1:{"a" : [1,2], "b":"]},\"\\" }`, "2:{}"},
		},
		{`[{"a":},tru,"x,y"]`, []string{`1:{"a":}`, "2:tru", `3:"x,y"`}},
		{"", []string{broken + "it is empty; send [] for no events"}},
		{"{}", []string{broken + "it does not begin with a bracket: events stand between [ and ], with commas"}},
		{"[", []string{broken + "it ends after element 0, without its closing bracket (line 1, column 2)"}},
		{"[{}", []string{broken + "it ends inside element 1, without its closing bracket (line 1, column 4)"}},
		{"[{},", []string{"1:{}", broken + "it ends after element 1, without its closing bracket (line 1, column 5)"}},
		{`["]`, []string{broken + "it ends inside element 1, without its closing bracket (line 1, column 4)"}},
		{"[{},]", []string{"1:{}", broken + "element 2 is empty (line 1, column 5)"}},
		{"[,{}]", []string{broken + "element 1 is empty (line 1, column 2)"}},
		{"[{} {}]", []string{broken + "there is no comma after element 1 (line 1, column 5)"}},
		{`["a"1]`, []string{broken + "there is no comma after element 1 (line 1, column 5)"}},
		{"[1 2]", []string{broken + "there is no comma after element 1 (line 1, column 4)"}},
		{"[1]]", []string{"1:1", broken + "something follows its closing bracket (line 1, column 4)"}},
		{"[}]", []string{broken + "there is no comma after element 1 (line 1, column 3)"}},
	} {
		if got := all(NewArray(strings.NewReader(c.in))); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
		// A whole body is cut in the same words.
		_, err := Cut(nil, []byte(c.in), 10)
		if last := len(c.want) - 1; last >= 0 && strings.HasPrefix(c.want[last], broken) &&
			(err == nil || err.Error() != c.want[last]) {
			t.Errorf("%q: %v, want %s", c.in, err, c.want[last])
		}
	}
	_, err := Cut(nil, []byte("\ufeff[{},\n {\"é\":\n\"字"), 10)
	if err == nil || !strings.HasSuffix(err.Error(), "(line 3, column 3)") {
		t.Error(err)
	}
}

func TestLongElements(t *testing.T) {
	for _, size := range []int{event.BytesMax, event.BytesMax + 1, 10 * bufferBytes} {
		text := `"` + strings.Repeat("x", size-2) + `"`
		a := NewArray(strings.NewReader("[" + text + "   ,\n7]"))
		raw, _, err := a.Next()
		if err != nil || (len(raw) > event.BytesMax) != (size > event.BytesMax) {
			t.Errorf("%d: %d bytes, %v", size, len(raw), err)
		}
		if raw, place, err := a.Next(); err != nil || place != 2 || string(raw) != "7" {
			t.Errorf("%d: then %q, place %d, %v", size, raw, place, err)
		}
	}
}

// TestFeed takes slower than is read: batches fill up, and nothing is lost or out of order.
func TestFeed(t *testing.T) {
	var in bytes.Buffer
	const lines = 2500
	for i := range lines {
		fmt.Fprintf(&in, "line %d\n", i+1)
	}
	f := NewFeed(NewLines(&in), 100)
	next := 1
	var before []Batch
	for {
		batch, err := f.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if before = append(before, batch); len(before) > BatchesValid-1 {
			old := before[len(before)-BatchesValid]
			if text := fmt.Sprintf("line %d", old.Places[0]); string(old.Raw[0]) != text {
				t.Fatalf("an earlier batch has become %q, want %q", old.Raw[0], text)
			}
		}
		if err != nil || len(batch.Raw) > 100 || len(batch.Raw) != len(batch.Places) {
			t.Fatalf("%d events, %d places, %v", len(batch.Raw), len(batch.Places), err)
		}
		for i, raw := range batch.Raw {
			if string(raw) != fmt.Sprintf("line %d", next) || batch.Places[i] != next {
				t.Fatalf("%q at %d, want line %d", raw, batch.Places[i], next)
			}
			next++
		}
	}
	if next != lines+1 {
		t.Errorf("%d lines", next-1)
	}
	<-f.Done()
}

// TestFeedDoesNotWait gives out a lone line while the input is still open.
func TestFeedDoesNotWait(t *testing.T) {
	r, w := io.Pipe()
	f := NewFeed(NewLines(r), 100)
	go io.WriteString(w, "first\n") //nolint:errcheck // the test fails otherwise
	batch, err := f.Next()
	if err != nil || len(batch.Raw) != 1 || string(batch.Raw[0]) != "first" {
		t.Fatalf("%q, %v", batch.Raw, err)
	}
	w.CloseWithError(io.ErrUnexpectedEOF)
	if _, err := f.Next(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("then %v", err)
	}
}

func TestFeedStops(t *testing.T) {
	f := NewFeed(NewLines(strings.NewReader(strings.Repeat("x\n", 1000))), 10)
	if _, err := f.Next(); err != nil {
		t.Fatal(err)
	}
	f.Stop()
	select {
	case <-f.Done():
	case <-time.After(time.Minute):
		t.Fatal("reading goes on")
	}
	for range 3 {
		if _, err := f.Next(); errors.Is(err, ErrStopped) {
			return
		}
	}
	t.Error("no end")
}

// FuzzArray compares with what the standard library makes of a valid array, and makes sure that
// nothing crashes or grows on others.
func FuzzArray(f *testing.F) {
	for _, seed := range []string{`[]`, `[{"a":"]"},2]`, `["\"",[1,[2]]]`, `[1 2`, "[\"\\"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) { compareArray(t, in) })
}
