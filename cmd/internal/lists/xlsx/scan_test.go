package xlsx

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// tokens scans to the end, and writes down what was found.
func tokens(in io.Reader) (all []string, err error) {
	s := newScanner(in)
	for {
		kind, err := s.next()
		switch {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return all, err
		}
		text := ""
		switch kind {
		case startTag:
			text = "start " + string(s.name)
			for attrs := s.attrs; ; {
				key, value, rest, ok := cutAttribute(attrs)
				if !ok {
					break
				}
				text += fmt.Sprintf(" %s=%q", key, value)
				attrs = rest
			}
			all = append(all, text)
			if text = "end " + string(s.name); !s.empty {
				continue
			}
		case endTag:
			text = "end " + string(s.name)
		default:
			if text = "text " + string(s.text); len(s.text) == 0 {
				continue
			}
		}
		all = append(all, text)
	}
}

// library does the same with the standard library.
func library(t *rapid.T, document string) (all []string) {
	d := xml.NewDecoder(strings.NewReader(document))
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%q: %v", document, err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			text := "start " + token.Name.Local
			for _, a := range token.Attr {
				text += fmt.Sprintf(" %s=%q", a.Name.Local, a.Value)
			}
			all = append(all, text)
		case xml.EndElement:
			all = append(all, "end "+token.Name.Local)
		case xml.CharData:
			if len(token) > 0 {
				all = append(all, "text "+string(token))
			}
		default: // comments and instructions mean nothing
		}
	}
}

// joinRuns makes texts that follow one another one: the library and the scanner cut at other places.
func joinRuns(all []string) (joined []string) {
	for _, token := range all {
		if n := len(joined); n > 0 && strings.HasPrefix(joined[n-1], "text ") && strings.HasPrefix(token, "text ") {
			joined[n-1] += strings.TrimPrefix(token, "text ")
			continue
		}
		joined = append(joined, token)
	}
	return joined
}

// drawXML draws a document of what spreadsheets write and of what they might: prefixes, both kinds
// of quotes, brackets in values, white space, comments, instructions, CDATA. It has no entities,
// which the scanner leaves to others.
func drawXML(t *rapid.T, depth int) string {
	space := rapid.SampledFrom([]string{"", " ", "\n\t"})
	name := rapid.SampledFrom([]string{"c", "row", "x:c", "v", "si"}).Draw(t, "name")
	var b strings.Builder
	b.WriteString("<" + name)
	for i := range rapid.IntRange(0, 3).Draw(t, "attributes") {
		quote := rapid.SampledFrom([]string{`"`, `'`}).Draw(t, "quote")
		value := rapid.SampledFrom([]string{"", "A1", "a > b", "s=1", "/", "a:b", "'\""}).Draw(t, "value")
		fmt.Fprintf(&b, " %sa%d%s=%s%s%s%s", rapid.SampledFrom([]string{"", "x:"}).Draw(t, "prefix"), i,
			space.Draw(t, "before"), space.Draw(t, "behind"), quote, strings.ReplaceAll(value, quote, ""), quote)
	}
	b.WriteString(space.Draw(t, "space"))
	if rapid.IntRange(0, 3).Draw(t, "empty") == 0 {
		return b.String() + "/>"
	}
	b.WriteString(">")
	for range rapid.IntRange(0, 3).Draw(t, "parts") {
		switch rapid.IntRange(0, 5).Draw(t, "part") {
		case 0:
			b.WriteString("<!-- a < b > c -->")
		case 1:
			b.WriteString("<?pi x?>")
		case 2:
			b.WriteString("<![CDATA[" + rapid.SampledFrom([]string{"", "a<b>", "]>"}).Draw(t, "cdata") + "]]>")
		case 3:
			b.WriteString(rapid.SampledFrom([]string{"12", "Budi > Ani", " \n", "ü"}).Draw(t, "text"))
		default:
			if depth < 4 {
				b.WriteString(drawXML(t, depth+1))
			}
		}
	}
	return b.String() + "</" + name + space.Draw(t, "end") + ">"
}

// TestScanner finds what the standard library finds, however the reader cuts.
func TestScanner(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		document := drawXML(t, 0)
		want := joinRuns(library(t, document))
		for name, in := range map[string]io.Reader{
			"whole": strings.NewReader(document), "byte by byte": iotest.OneByteReader(strings.NewReader(document)),
			"halves":                  iotest.HalfReader(strings.NewReader(document)),
			"end with the last bytes": iotest.DataErrReader(strings.NewReader(document)),
			"after a mark":            strings.NewReader("\xef\xbb\xbf" + document),
		} {
			got, err := tokens(in)
			if got = joinRuns(got); err != nil || strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Fatalf("%s: %q: %v\n%q, want\n%q", name, document, err, got, want)
			}
		}
	})
}

// TestScannerGrows takes a tag and a run that are longer than the buffer was, and refuses those that
// no cell has.
func TestScannerGrows(t *testing.T) {
	for _, n := range []int{scanBytes - 1, scanBytes, 3 * scanBytes, runBytesMax - 10} {
		long := strings.Repeat("x", n)
		for document, want := range map[string]string{
			"<a>" + long[:n-5] + "</a>":   "text " + long[:n-5],
			`<a b="` + long[:n-20] + `">`: `start a b="` + long[:n-20] + `"`,
		} {
			got, err := tokens(strings.NewReader(document))
			if err != nil || !bytes.Contains([]byte(strings.Join(got, "\n")), []byte(want)) {
				t.Errorf("%d bytes: %v", n, err)
			}
		}
	}
	long := strings.Repeat("x", runBytesMax+1)
	for _, document := range []string{"<a>" + long, `<a b="` + long + `">`} {
		if _, err := tokens(strings.NewReader(document)); !errors.Is(err, errRunTooLong) {
			t.Errorf("too long: %v", err)
		}
	}
}

// TestScannerRefuses: what is dangerous, and what is broken, is an error by its name.
func TestScannerRefuses(t *testing.T) {
	for document, want := range map[string]error{
		`<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`: errDoctype,
		"<!ELEMENT a>":            errDoctype,
		"\xff\xfe<\x00a\x00>\x00": errEncoding,
		"\xfe\xff\x00<\x00a\x00>": errEncoding,
		"<\x00a\x00>\x00":         errEncoding,
		`<?xml version="1.0" encoding="windows-1252"?><a/>`: errEncoding,
		"<a <b>>":        errBroken,
		"<>":             errBroken,
		"<!-- no end":    errBroken,
		"<![CDATA[ ]] >": errBroken,
		"<!":             errBroken,
		"<a":             io.ErrUnexpectedEOF,
		`<a b="c>`:       io.ErrUnexpectedEOF,
	} {
		for _, in := range []io.Reader{strings.NewReader(document), iotest.OneByteReader(strings.NewReader(document))} {
			if got, err := tokens(in); !errors.Is(err, want) {
				t.Errorf("%q: %q, %v, want %v", document, got, err, want)
			}
		}
	}
	for _, encoding := range []string{"utf-8", "UTF-8", "US-ASCII", "us-ascii"} {
		document := fmt.Sprintf(`<?xml version="1.0" encoding=%q?><a/>`, encoding)
		if _, err := tokens(strings.NewReader(document)); err != nil {
			t.Errorf("in %s: %v", encoding, err)
		}
	}
	broken := errors.New("no disk")
	if _, err := tokens(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("a reader that fails: %v", err)
	}
	if _, err := tokens(idle{}); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("a reader that gives nothing: %v", err)
	}
}

// idle is a reader that gives nothing, and does not say why.
type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

// FuzzScanner scans anything: to its end or to an error, and the same however the reader cuts.
func FuzzScanner(f *testing.F) {
	for _, document := range []string{
		"", "<a>b</a>", `<x:a b='c' d="e>f"/>`, "<!-- c --><![CDATA[d]]>", "<?xml encoding='utf-8'?>", "\xef\xbb\xbf<a/>",
	} {
		f.Add([]byte(document))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		whole, err := tokens(bytes.NewReader(document))
		cut, errCut := tokens(iotest.OneByteReader(bytes.NewReader(document)))
		if fmt.Sprint(err) != fmt.Sprint(errCut) {
			t.Fatalf("%v, byte by byte %v", err, errCut)
		}
		if strings.Join(whole, "\n") != strings.Join(cut, "\n") {
			t.Fatalf("%q, byte by byte %q", whole, cut)
		}
	})
}
