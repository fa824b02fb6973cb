package nobody

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// SeedEnv is the variable that has a seed for tests that send numbers in random shapes.
const SeedEnv = "CAKUPAN_NIK_SEED"

// Random returns the randomness of a test of random shapes, and says how to have it again.
func Random(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(1)
	if text := os.Getenv(SeedEnv); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%s=%d", SeedEnv, seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// The ways to write a NIK where none belongs (contract, section 1): which groups, with what between
// them, in whose digits, with what that does not show.
var (
	groupings  = [][]int{{16}, {6, 6, 4}, {4, 4, 4, 4}, {2, 2, 2, 6, 4}}
	separators = []rune(" .-/\u00a0\u2007\u202f\u3000\u2010\u2011\u2013\u2014．／－")
	zeros      = []rune("٠۰०০๐０᠐𝟎𝟘𝟶𞥐")
	invisible  = []rune("\u00ad\u200b\u200c\u200d\u200e\u202b\u2060\u2063\u2066\ufeff\ufe0f" +
		"\u180e\u034f\U000e0020")
)

// Shaped returns a number as somebody may write it: it is a NIK to the ledger all the same.
func Shaped(r *rand.Rand, number string) string {
	groups := groupings[r.IntN(len(groupings))]
	odd, hidden := r.IntN(3) == 0, r.IntN(3) == 0
	zero := zeros[r.IntN(len(zeros))]
	var b strings.Builder
	group, left := 0, groups[0]
	for _, digit := range number {
		if left == 0 {
			between := separators[r.IntN(len(separators))]
			if r.IntN(2) == 0 {
				between = separators[r.IntN(4)]
			}
			b.WriteRune(between)
			group++
			left = groups[group]
		}
		left--
		if odd && r.IntN(2) == 0 {
			digit += zero - '0'
		}
		b.WriteRune(digit)
		if hidden && r.IntN(4) == 0 {
			b.WriteRune(invisible[r.IntN(len(invisible))])
		}
	}
	return b.String()
}

// Plain undoes Shaped wherever in a text: digits are ASCII, and what stands between groups, or does
// not show, is gone.
func Plain(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < unicode.MaxASCII:
			if strings.ContainsRune(" .-/", r) {
				return -1
			}
		case unicode.Is(unicode.Nd, r):
			first := r
			for unicode.Is(unicode.Nd, first-1) && r-first < 9 {
				first--
			}
			for _, zero := range zeros {
				if r >= zero && r < zero+10 {
					first = zero
				}
			}
			return '0' + (r-first)%10
		case slices.Contains(separators, r), slices.Contains(invisible, r):
			return -1
		}
		return r
	}, text)
}

// Misplaced is an event with a number where none belongs, in a shape.
type Misplaced struct {
	Envelope map[string]string // by attribute, but for data
	Data     map[string]any
	Place    string
}

// texts are the fields of data that hold an id or a text: there the code is nik.misplaced.
var texts = []string{
	"enrolment", "worker", "into", "commitment", "reference", "basis", "publication", "source",
	"id",
}

// Misplaced returns an event that is acceptable but for a number in one of its places.
func (n *Numbers) Misplaced(t *testing.T, r *rand.Rand, i int) Misplaced {
	t.Helper()
	kinds := acceptable()
	m := Misplaced{Envelope: map[string]string{}}
	parts := map[string]json.RawMessage{}
	err := json.Unmarshal([]byte(kinds[r.IntN(len(kinds))]), &parts)
	for name, part := range parts {
		if name == "data" {
			err = errors.Join(err, json.Unmarshal(part, &m.Data))
			continue
		}
		var text string
		err = errors.Join(err, json.Unmarshal(part, &text))
		m.Envelope[name] = text
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, person := range []string{"nik", "intoNik"} {
		if m.Data[person] == "" {
			m.Data[person] = n.Next("a person")
		}
	}
	delete(m.Envelope, "recordedat")
	m.Envelope["id"] = fmt.Sprintf("I-%d", i)
	places := []string{"id", "source", "subject", "dataschema", "traceparent", "time"}
	for _, name := range texts {
		if text, found := m.Data[name].(string); found && text != "2020-01-01" {
			places = append(places, "data."+name, "data."+name)
		}
	}
	kind := m.Envelope["type"]
	// Of other types it is a code.
	if strings.Contains(kind, "closed") || strings.Contains(kind, "retracted") {
		places = append(places, "data.reason", "data.reason")
	}
	m.Place = places[r.IntN(len(places))]
	text := Shaped(r, n.Next(m.Envelope["type"]+" "+m.Place))
	switch r.IntN(4) {
	case 0:
		text = "a " + text + " b"
	case 1:
		text = "ORG:" + text
	}
	if field, ofData := strings.CutPrefix(m.Place, "data."); ofData {
		m.Data[field] = text
	} else {
		m.Envelope[m.Place] = text
	}
	return m
}

// Structured returns the event as JSON.
func (m *Misplaced) Structured(t *testing.T) []byte {
	t.Helper()
	document := map[string]any{"data": m.Data}
	for name, value := range m.Envelope {
		document[name] = value
	}
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Binary returns the event with its attributes in fields of a header, and its data.
func (m *Misplaced) Binary(t *testing.T) (header map[string]string, data []byte) {
	t.Helper()
	header = map[string]string{"Content-Type": "application/json"}
	for name, value := range m.Envelope {
		if name != "datacontenttype" {
			header["ce-"+name] = url.PathEscape(value)
		}
	}
	data, err := json.Marshal(m.Data)
	if err != nil {
		t.Fatal(err)
	}
	return header, data
}
