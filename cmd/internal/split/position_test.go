package split

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestPositions finds each element where it was written: by the reader of an array, by its feed and
// in the whole body.
func TestPositions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		space := rapid.StringMatching(`[ \n\t\r]{0,4}`)
		element := rapid.SampledFrom([]string{`{}`, `1`, `"é\n"`, "{\"a\":\n [1,\n2]}", `"字"`, `{"b" "c"}`})
		var body strings.Builder
		body.WriteString(rapid.SampledFrom([]string{"", "\ufeff"}).Draw(t, "mark"))
		body.WriteString(space.Draw(t, "space") + "[")
		var want []Position
		count := rapid.IntRange(1, 6).Draw(t, "elements")
		for i := range count {
			body.WriteString(space.Draw(t, "space"))
			before := strings.TrimPrefix(body.String(), "\ufeff")
			line := strings.LastIndexByte(before, '\n') + 1
			want = append(want, Position{
				strings.Count(before, "\n") + 1, len([]rune(before[line:])) + 1,
			})
			body.WriteString(element.Draw(t, "element") + space.Draw(t, "space"))
			if i < count-1 {
				body.WriteString(",")
			}
		}
		text := body.String() + "]"
		if got := Begins([]byte(text)); !slices.Equal(got, want) {
			t.Fatalf("%q: %v, not %v", text, got, want)
		}
		var read []Position
		a := NewArray(strings.NewReader(text))
		for {
			_, _, err := a.Next()
			if errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			read = append(read, a.Position())
		}
		if !slices.Equal(read, want) {
			t.Fatalf("%q: %v, not %v", text, read, want)
		}
	})
}

// TestFeedPositions has the line of each event, blank lines counted.
func TestFeedPositions(t *testing.T) {
	feed := NewFeed(NewLines(strings.NewReader("{}\n\n{}\r\n\n\n{}")), 2)
	var got []Position
	for {
		batch, err := feed.Next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if len(batch.Begins) != len(batch.Raw) {
			t.Fatalf("%d positions of %d events", len(batch.Begins), len(batch.Raw))
		}
		got = append(got, batch.Begins...)
	}
	if want := []Position{{1, 1}, {3, 1}, {6, 1}}; !slices.Equal(got, want) {
		t.Errorf("%v, not %v", got, want)
	}
}

// TestWithin finds a text that was trimmed.
func TestWithin(t *testing.T) {
	for text, want := range map[string]Position{
		"{}": {1, 1}, "\n\r\n  {} ": {3, 3}, "  ": {1, 1}, "\u2003{}": {1, 2},
	} {
		if got := Within([]byte(text), bytes.TrimSpace([]byte(text))); got != want {
			t.Errorf("%q: %v, not %v", text, got, want)
		}
	}
}
