package split

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"cakupan/domain/event"
)

// compareCut makes sure that a whole body is cut as a stream of it is, with the same words where
// it cannot be.
func compareCut(t *testing.T, body []byte) {
	t.Helper()
	got, err := Cut(nil, body, 1<<20)
	a := NewArray(bytes.NewReader(body))
	for i := 0; ; i++ {
		raw, _, want := a.Next()
		if want != nil {
			if errors.Is(want, io.EOF) != (err == nil) ||
				err != nil && err.Error() != want.Error() || err == nil && i != len(got) {
				t.Fatalf("%q: %v after %d, want %v after %d", body, err, len(got), want, i)
			}
			return
		}
		if i >= len(got) {
			t.Fatalf("%q: %d elements, want more", body, len(got))
		}
		if cut := got[i][:min(len(got[i]), event.BytesMax+1)]; !bytes.Equal(cut, raw) {
			t.Fatalf("%q: element %d is %q, want %q", body, i+1, cut, raw)
		}
	}
}

// cutSeeds are bodies of all kinds.
var cutSeeds = []string{
	"", " ", "[", "[]", " [ ] ", "[]x", "[ 1 , {} ,\t\"a,]\\\"\" ]\n", "[1,]", "[,1]", "[1 2]",
	"[1", "[\"", "[\"\\", "{}", "\xef\xbb\xbf[1]", "[[1,2],[{\"a\":[3]}]]", "[1]]", "[}]", "[\"a\"b]",
	"[{} {}]", "[\"a\" ,null]", "[\x00]", "[}\xa7",
}

func TestCut(t *testing.T) {
	for _, seed := range cutSeeds {
		compareCut(t, []byte(seed))
	}
	compareCut(t, []byte("["+strings.Repeat(" ", 9)+"\""+strings.Repeat("x", event.BytesMax)+"\",1]"))
	kept := [][]byte{[]byte("kept")}
	got, err := Cut(kept, []byte("[1,2,3,4]"), 2)
	if fmt.Sprintf("%s", got) != "[kept 1 2 3]" || err != nil {
		t.Errorf("%s, %v", got, err)
	}
}

func FuzzCut(f *testing.F) {
	for _, seed := range cutSeeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(compareCut)
}

func BenchmarkCut(b *testing.B) {
	element := `{"specversion":"1.0","id":"1","source":"urn:a","type":"id.cakupan.enrolment.opened.v1",` +
		`"data":{"enrolment":"e-1","worker":"w-1","region":"75.03","programmes":["JKK","JKM"]}}`
	body := []byte("[" + strings.Repeat(element+",", 999) + element + "]")
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	var dst [][]byte
	for b.Loop() {
		dst, _ = Cut(dst[:0], body, 1000)
	}
}
