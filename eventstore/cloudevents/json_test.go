package cloudevents

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"cakupan/domain/event"
)

// referenceDocument reads JSON with the library that our reader is compared with.
func referenceDocument(text []byte) (event.Value, error) {
	decoder := jsontext.NewDecoder(bytes.NewReader(text))
	value, err := referenceValue(decoder)
	if err != nil {
		return event.Value{}, err
	}
	if _, err := decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return event.Value{}, errTrailing
	}
	return value, nil
}

func referenceValue(decoder *jsontext.Decoder) (event.Value, error) {
	token, err := decoder.ReadToken()
	if err != nil {
		return event.Value{}, err
	}
	switch token.Kind() {
	case 'n':
		return event.Value{}, nil
	case 't', 'f':
		return event.Value{Kind: event.Bool, Text: token.String()}, nil
	case '0':
		return event.Value{Kind: event.Number, Text: token.String()}, nil
	case '"':
		return event.Value{Kind: event.String, Text: token.String()}, nil
	case '[':
		list := event.Value{Kind: event.List}
		for decoder.PeekKind() != ']' {
			item, err := referenceValue(decoder)
			if err != nil {
				return event.Value{}, err
			}
			list.Items = append(list.Items, item)
		}
		_, err := decoder.ReadToken()
		return list, err
	}
	object := event.Value{Kind: event.Object}
	for decoder.PeekKind() != '}' {
		name, err := decoder.ReadToken()
		if err != nil {
			return event.Value{}, err
		}
		member := event.Member{Name: name.String()}
		if member.Value, err = referenceValue(decoder); err != nil {
			return event.Value{}, err
		}
		object.Members = append(object.Members, member)
	}
	_, err = decoder.ReadToken()
	return object, err
}

// sameValue compares documents of any depth; go-cmp takes exponential time in it.
func sameValue(a, b event.Value) bool {
	return a.Kind == b.Kind && a.Text == b.Text &&
		slices.EqualFunc(a.Items, b.Items, sameValue) &&
		slices.EqualFunc(a.Members, b.Members, func(a, b event.Member) bool {
			return a.Name == b.Name && sameValue(a.Value, b.Value)
		})
}

func compareWithReference(t *testing.T, text []byte) {
	t.Helper()
	got, err := new(Parser).parse(string(text))
	want, reference := referenceDocument(text)
	if (err == nil) != (reference == nil) {
		t.Fatalf("%q: we say %v, jsontext %v", text, err, reference)
	}
	if err != nil {
		return
	}
	if !sameValue(want, got) {
		t.Fatalf("%q: we read %v, jsontext %v", text, got, want)
	}
}

var jsonTexts = []string{
	``, ` `, `{}`, `[]`, ` { "a" : [ 1 , 2 ] , "b" : { } } `, "\t\r\n{}\n", "{}\v", `null`, `nul`, `true`,
	`tru`, `truex`, `false`, `"`, `"a`, `"a"`, `"a" "b"`, `{}{}`, `{"a":1,"a":2}`,
	`{"a":1,"\u0061":2}`, `{"a":{"b":1},"c":{"b":1}}`, `{"a":{"b":1,"b":1}}`, `{"a"}`, `{"a":}`,
	`{"a":1,}`, `{,}`, `{a:1}`, `{1:1}`, `[1,]`, `[,1]`, `[1 2]`, `[`, `{`, `]`, `}`, `[}`, `{]`,
	`0`, `-0`, `00`, `01`, `-`, `-01`, `1.`, `.5`, `1.5`, `1e`, `1e5`, `1E+5`, `1e-05`, `1e+`, `+1`,
	`1.e5`, `0x1`, `NaN`, `Infinity`, `1_0`, `123456789012345678901234567890`, `"\n"`, "\"\n\"",
	"\"\x00\"", "\"\x1f\"", "\"\x7f\"", `"\u0000"`, `"\u00e9é№"`, `"\ud83d\ude00"`, `"\ud83d"`,
	`"\ude00"`, `"\ud83d\u0041"`, `"\ud83d\n"`, `"\ud83dx"`, `"\u12"`, `"\u12g4"`, `"\U0041"`, `"\x41"`,
	`"\'"`, `"\b\f\n\r\t\/\\\""`, "\"\xff\"", "\"\xc3\"", "\"\xed\xa0\x80\"", "\"\xc0\x80\"",
	"\xef\xbb\xbf{}", "{\"\xff\":1}", "\xff", `not json at all`, `{"a":1}x`, "{}\x00", `'a'`, `/**/{}`,
	`"\`, `"\u`, `"\ud83d\`, `"\ud83d\u`, `"a\`, `-x`, `tr`, `fals`, `falsy`,
}

func TestParserAgainstReference(t *testing.T) {
	for _, text := range jsonTexts {
		compareWithReference(t, []byte(text))
	}
	var wide strings.Builder
	for i := range 100 {
		wide.WriteString(`"` + strings.Repeat("k", i) + `":1,`)
	}
	compareWithReference(t, []byte(`{`+wide.String()+`"z":1}`))
	compareWithReference(t, []byte(`{`+wide.String()+`"kkk":1}`))
}

func TestParserDepth(t *testing.T) {
	for _, n := range []int{1, depthMax, depthMax + 1, event.BytesMax / 2} {
		text := strings.Repeat("[", n) + strings.Repeat("]", n)
		_, err := new(Parser).parse(text)
		if (err == nil) != (n <= depthMax) {
			t.Errorf("depth %d: %v", n, err)
		}
		compareWithReference(t, []byte(text))
	}
}

// TestParserReuse: documents stay as they are until reset, and a document after a reset is right.
func TestParserReuse(t *testing.T) {
	var p Parser
	for range 3 {
		var documents []event.Value
		texts := []string{`{"a":{"b":[{"c":1}]},"d":"e"}`, `{}`, `{"broken":{"a":1},`, `{"f":null}`}
		for range 200 { // more than the room that is kept
			for _, text := range texts {
				value, err := p.parse(text)
				if (err != nil) != strings.Contains(text, "broken") {
					t.Fatal(err)
				}
				documents = append(documents, value)
			}
		}
		for i, got := range documents {
			want, err := referenceDocument([]byte(texts[i%len(texts)]))
			if err != nil {
				continue
			}
			if !sameValue(want, got) {
				t.Fatalf("document %d is %v, want %v", i, got, want)
			}
		}
		p.Reset()
	}
}

func FuzzParseJSON(f *testing.F) {
	for _, text := range jsonTexts {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) <= event.BytesMax {
			compareWithReference(t, text)
		}
	})
}
