package cloudevents

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"cakupan/domain/event"
)

// The reader of JSON is our own because it stands before every event of an import: it makes the
// neutral document in one pass, in memory that is used again for the next event, where a general
// decoder allocates each text. It reads RFC 8259 and refuses what I-JSON (RFC 7493) forbids:
// duplicate names, invalid UTF-8, half surrogates. A fuzz test compares it with
// github.com/go-json-experiment/json/jsontext, which takes the same side in every doubt.

// depthMax bounds nesting. 64 KiB of brackets are the most an event can hold. Without a bound they
// would be 65,536 calls deep; encoding/json stops at the same depth.
const depthMax = 10_000

// The errors of the reader. None repeats the input.
var (
	errUTF8      = errors.New("the text is not valid UTF-8")
	errSyntax    = errors.New("the text is not valid JSON")
	errTruncated = errors.New("the text ends before the JSON does")
	errTrailing  = errors.New("there is more text after the JSON value")
	errDuplicate = errors.New("an object names a member twice")
	errSurrogate = errors.New("a text holds half a surrogate pair")
	errDepth     = errors.New("the value is nested too deeply")
)

// Parser reads events into documents, in memory that it uses again. Its zero value is ready. It may
// be used from one goroutine at a time. Documents that it returned are valid until Reset, but for
// their texts, which alias the input alone.
type Parser struct {
	text string
	// Byte of text that is read next.
	at int
	// Brackets that are open.
	depth int
	want  string // what should stand where the parser found something else
	// Where the text begins in a larger one: lines before it, and code points before it in its own.
	lines, columns int

	open    []event.Member // members of the objects being read, outermost first
	members []event.Member // where finished objects are kept; reused after reset
}

// membersRoom is how many members of finished objects a parser keeps room for at a time. Several
// events share it.
const membersRoom = 256

// parse reads one value. Texts without escapes alias the given text. Whatever was parsed before
// stays valid. With an error there is no value.
func (p *Parser) parse(text string) (event.Value, error) {
	p.text, p.at, p.depth, p.open, p.want = text, 0, 0, p.open[:0], ""
	if !utf8.ValidString(text) {
		p.at = firstInvalid(text)
		return event.Value{}, p.place(errUTF8)
	}
	value, err := p.value()
	if err != nil {
		return event.Value{}, p.place(err)
	}
	if p.space(); p.at < len(p.text) {
		return event.Value{}, p.place(errTrailing)
	}
	return value, nil
}

// byteOrderMark begins texts of programs that mark UTF-8.
const byteOrderMark = "\ufeff"

// firstInvalid returns the first byte of a text that is no UTF-8, its length where all of it is.
func firstInvalid(text string) int {
	for i, r := range text {
		// The replacement character itself is valid, and three bytes wide.
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
				return i
			}
		}
	}
	return len(text)
}

// placed is an error of the reader with where it is, and what should be there. It repeats nothing
// of the input.
type placed struct {
	error
	line, column int // in code points, from 1
	want         string
}

// place says where the parser is. A text that is not UTF-8 is counted in bytes from there on.
func (p *Parser) place(err error) error {
	before := p.text[:min(p.at, len(p.text))]
	breaks, line := strings.Count(before, "\n"), strings.LastIndexByte(before, '\n')+1
	column := utf8.RuneCountInString(before[line:]) + 1
	if breaks == 0 {
		column += p.columns
	}
	return &placed{err, p.lines + breaks + 1, column, p.want}
}

// Error returns the sentence with the place.
func (e *placed) Error() string {
	text := e.error.Error() + " (line " + strconv.Itoa(e.line) + ", column " +
		strconv.Itoa(e.column)
	if e.want != "" {
		text += ": expected " + e.want
	}
	return text + ")"
}

// Unwrap returns which error it is.
func (e *placed) Unwrap() error { return e.error }

// Reset makes the room of all documents read so far available again. Documents that were returned
// must not be used any more, but for their texts.
func (p *Parser) Reset() { p.members = p.members[:0] }

// space passes over white space.
func (p *Parser) space() {
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

// next passes over white space and returns the byte after it, without passing over that; 0 at
// the end.
func (p *Parser) next() byte {
	p.space()
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

// syntax returns the error for a byte that does not belong where the parser is, and remembers what
// would.
func (p *Parser) syntax(want string) error {
	p.want = want
	if p.at >= len(p.text) {
		return errTruncated
	}
	return errSyntax
}

// value reads any value. Depth is bounded by enter, so the recursion is.
func (p *Parser) value() (event.Value, error) {
	switch c := p.next(); {
	case c == '{':
		return p.object()
	case c == '[':
		return p.list()
	case c == '"':
		text, err := p.string()
		return event.Value{Kind: event.String, Text: text}, err
	case c == '-' || c-'0' <= 9:
		return p.number()
	case c == 't':
		return p.literal("true", event.Bool)
	case c == 'f':
		return p.literal("false", event.Bool)
	case c == 'n':
		return p.literal("null", event.Null)
	}
	return event.Value{}, p.syntax("a value")
}

// literal reads true, false or null. A null has no text, as its kind says all.
func (p *Parser) literal(word string, kind event.Kind) (event.Value, error) {
	for i := range len(word) {
		if p.at >= len(p.text) || p.text[p.at] != word[i] {
			return event.Value{}, p.syntax(word)
		}
		p.at++
	}
	if kind == event.Null {
		word = ""
	}
	return event.Value{Kind: kind, Text: word}, nil
}

// enter goes one level deeper, past the opening bracket.
func (p *Parser) enter() error {
	p.at++
	if p.depth++; p.depth > depthMax {
		return errDepth
	}
	return nil
}

// object reads an object. Its members gather at the end of p.open, above those of the objects
// around it, and move to where they stay when it is whole: so each object's members lie side by
// side without an allocation each.
func (p *Parser) object() (event.Value, error) {
	if err := p.enter(); err != nil {
		return event.Value{}, err
	}
	start := len(p.open)
	if p.next() == '}' {
		p.leave()
		return event.Value{Kind: event.Object}, nil
	}
	for {
		member, err := p.member()
		if err != nil {
			return event.Value{}, err
		}
		p.open = append(p.open, member)
		switch p.next() {
		case ',':
			p.at++
		case '}':
			p.leave()
			members := p.open[start:]
			p.open = p.open[:start]
			if hasDuplicate(members) {
				return event.Value{}, errDuplicate
			}
			return event.Value{Kind: event.Object, Members: p.keep(members)}, nil
		default:
			return event.Value{}, p.syntax(`"," or "}"`)
		}
	}
}

// leave goes one level up, past the closing bracket.
func (p *Parser) leave() {
	p.at++
	p.depth--
}

// member reads a name and its value.
func (p *Parser) member() (event.Member, error) {
	if p.next() != '"' {
		return event.Member{}, p.syntax("a name in double quotes")
	}
	name, err := p.string()
	if err != nil {
		return event.Member{}, err
	}
	if p.next() != ':' {
		return event.Member{}, p.syntax(`":"`)
	}
	p.at++
	value, err := p.value()
	return event.Member{Name: name, Value: value}, err
}

// keep copies the members of a finished object to where they stay. When there is no room, a new
// piece is begun; documents that were read before keep the old one. The result has no room behind
// it, so that nothing appended to it gets into the next object's.
func (p *Parser) keep(members []event.Member) []event.Member {
	if cap(p.members)-len(p.members) < len(members) {
		p.members = make([]event.Member, 0, max(membersRoom, len(members)))
	}
	start := len(p.members)
	p.members = append(p.members, members...)
	return p.members[start:len(p.members):len(p.members)]
}

// hasDuplicate tells whether two members share a name. Two programs that read such an object would
// see two different events. Names are compared as they are read, escapes resolved.
func hasDuplicate(members []event.Member) bool {
	const few = 16 // up to here, comparing pairs is faster than hashing
	if len(members) <= few {
		for i := range members {
			for j := range i {
				if members[i].Name == members[j].Name {
					return true
				}
			}
		}
		return false
	}
	seen := make(map[string]struct{}, len(members))
	for i := range members {
		seen[members[i].Name] = struct{}{}
	}
	return len(seen) < len(members)
}

// list reads a list. Its items are allocated: events have few, and short ones. An empty list has no
// items at all.
func (p *Parser) list() (event.Value, error) {
	if err := p.enter(); err != nil {
		return event.Value{}, err
	}
	list := event.Value{Kind: event.List}
	if p.next() == ']' {
		p.leave()
		return list, nil
	}
	for {
		item, err := p.value()
		if err != nil {
			return event.Value{}, err
		}
		list.Items = append(list.Items, item)
		switch p.next() {
		case ',':
			p.at++
		case ']':
			p.leave()
			return list, nil
		default:
			return event.Value{}, p.syntax(`"," or "]"`)
		}
	}
}

// number reads a number as its literal: -? (0 | [1-9][0-9]*) fraction? exponent? It stays a
// literal: what a number may be is for its field to say, and no digit is lost on the way there.
func (p *Parser) number() (event.Value, error) {
	start := p.at
	if p.text[p.at] == '-' {
		p.at++
	}
	leading := p.at
	if !p.digits() || p.text[leading] == '0' && p.at > leading+1 {
		return event.Value{}, p.syntax("a digit")
	}
	if p.at < len(p.text) && p.text[p.at] == '.' {
		p.at++
		if !p.digits() {
			return event.Value{}, p.syntax("a digit")
		}
	}
	if p.at < len(p.text) && p.text[p.at]|0x20 == 'e' {
		p.at++
		if p.at < len(p.text) && (p.text[p.at] == '+' || p.text[p.at] == '-') {
			p.at++
		}
		if !p.digits() {
			return event.Value{}, p.syntax("a digit")
		}
	}
	return event.Value{Kind: event.Number, Text: p.text[start:p.at]}, nil
}

// digits passes over digits and tells whether there was one.
func (p *Parser) digits() bool {
	start := p.at
	for p.at < len(p.text) && p.text[p.at]-'0' <= 9 {
		p.at++
	}
	return p.at > start
}

// string reads a text, which aliases the input when it has no escapes. UTF-8 was checked for the
// whole input before.
func (p *Parser) string() (string, error) {
	p.at++
	start := p.at
	for ; p.at < len(p.text); p.at++ {
		switch c := p.text[p.at]; {
		case c == '"':
			p.at++
			return p.text[start : p.at-1], nil
		case c == '\\':
			return p.escaped([]byte(p.text[start:p.at]))
		case c < ' ':
			return "", p.syntax(wantNoControl)
		}
	}
	return "", p.syntax(`"\"" at the end of the text`)
}

// wantNoControl says how a line end stands in a text.
const wantNoControl = `no control character in a text, a line end as \n`

// escaped reads the rest of a text from its first escape on. text is what came before it, which the
// result continues.
func (p *Parser) escaped(text []byte) (string, error) {
	for p.at < len(p.text) {
		c := p.text[p.at]
		p.at++
		switch {
		case c == '"':
			return string(text), nil
		case c < ' ':
			p.at--
			return "", p.syntax(wantNoControl)
		case c != '\\':
			text = append(text, c)
		default:
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			text = utf8.AppendRune(text, r)
		}
	}
	return "", p.syntax(`"\"" at the end of the text`)
}

// escape reads what follows a backslash. Others than those of RFC 8259 are refused, where some
// decoders let them pass.
func (p *Parser) escape() (rune, error) {
	if p.at >= len(p.text) {
		return 0, errTruncated
	}
	c := p.text[p.at]
	p.at++
	switch c {
	case '"', '\\', '/':
		return rune(c), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
		return p.unicode()
	}
	p.at--
	return 0, p.syntax(`an escape such as \n or \u00e9`)
}

// unicode reads the digits of \uXXXX, and the second half where they are the first of a pair.
func (p *Parser) unicode() (rune, error) {
	first, err := p.hex()
	if err != nil || !utf16.IsSurrogate(first) {
		return first, err
	}
	if p.at+1 >= len(p.text) || p.text[p.at] != '\\' || p.text[p.at+1] != 'u' {
		return 0, errSurrogate
	}
	p.at += 2
	second, err := p.hex()
	if err != nil {
		return 0, err
	}
	r := utf16.DecodeRune(first, second)
	if r == utf8.RuneError {
		return 0, errSurrogate
	}
	return r, nil
}

// hex reads four hexadecimal digits.
func (p *Parser) hex() (r rune, err error) {
	if len(p.text)-p.at < 4 {
		return 0, errTruncated
	}
	for range 4 {
		c := p.text[p.at]
		p.at++
		switch letter := c | 0x20; {
		case c-'0' <= 9:
			r = r<<4 | rune(c-'0')
		case letter >= 'a' && letter <= 'f':
			r = r<<4 | rune(letter-'a'+10)
		default:
			return 0, p.syntax("a hexadecimal digit")
		}
	}
	return r, nil
}
