package xlsx

import (
	"bytes"
	"errors"
	"io"

	"cakupan/cmd/internal/lists/grid"
)

// token is what [scanner.next] has found. Comments, instructions and declarations are none: they
// are passed over.
type token uint8

const (
	startTag token = iota // <name attrs>; with empty set <name attrs/>
	endTag                // </name>
	textRun               // what stands between two tags, as it is written
)

const (
	// What is read at once, and the size of the buffer unless a tag or a run is longer.
	scanBytes = 64 << 10
	// runBytesMax bounds one tag or one run of text. A cell has at most 32,767 characters.
	runBytesMax = 1 << 20
)

var (
	// These are causes. People get the sentence that partError makes of them.
	errRunTooLong = errors.New("a piece of XML is longer than any cell may be")
	errDoctype    = errors.New("the XML has a document type, which no spreadsheet needs")
	errBroken     = errors.New("the XML is broken")
	errEncoding   = errors.New("the XML is not in UTF-8")
)

// scanner cuts XML into tags and runs of text. It checks no more than it needs: that tags match is
// checked where it matters. What it returns is valid until the next call. It knows no document
// types, and so no entities of a file's own, and no encoding but UTF-8: what makes XML dangerous is
// not there.
type scanner struct {
	in      io.Reader
	buf     []byte // grows up to runBytesMax, for a tag or a run that is longer than it
	at, end int    // what of buf is read and not taken
	begun   bool   // the first bytes were looked at

	name  []byte // of a tag, without prefix
	attrs []byte // of a start tag
	empty bool   // the start tag is an end tag too
	text  []byte // of a run
	raw   []byte // all of it, as it stands there
}

// newScanner returns a scanner at the beginning of a part. It reads nothing yet.
func newScanner(in io.Reader) *scanner {
	return &scanner{in: in, buf: make([]byte, scanBytes)}
}

// next finds the next tag or run; io.EOF at the end. What it found is in the fields of the scanner:
// name, attrs and empty of a start tag, name of an end tag, text of a run, and raw of each.
func (s *scanner) next() (token, error) {
	for {
		if s.at == s.end {
			if err := s.more(); err != nil {
				return 0, err
			}
		}
		if !s.begun {
			if err := s.begin(); err != nil {
				return 0, err
			}
			continue
		}
		if s.buf[s.at] != '<' {
			return textRun, s.run()
		}
		kind, skip, err := s.tag()
		if err != nil || !skip {
			return kind, err
		}
	}
}

// begin looks at the first bytes. A byte order mark of UTF-8 is passed over. UTF-16 is refused
// here, by its mark or by the zero beside its first bracket, as nothing in it would look like a
// tag.
func (s *scanner) begin() error {
	for s.end-s.at < 4 {
		if err := s.more(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
	}
	s.begun = true
	first := s.buf[s.at:s.end]
	if bytes.HasPrefix(first, []byte("\xff\xfe")) || bytes.HasPrefix(first, []byte("\xfe\xff")) ||
		bytes.IndexByte(first[:min(4, len(first))], 0) >= 0 {
		return errEncoding
	}
	if bytes.HasPrefix(first, []byte("\xef\xbb\xbf")) {
		s.at += 3
	}
	return nil
}

// run takes the text up to the next tag. The end of the input ends it too: whether a text may stand
// there is for the caller to judge.
func (s *scanner) run() error {
	from := 0
	for {
		i := bytes.IndexByte(s.buf[s.at+from:s.end], '<')
		if i >= 0 {
			s.text = s.buf[s.at : s.at+from+i]
			s.raw = s.text
			s.at += from + i
			return nil
		}
		// more moves the bytes to the front, but the distance from s.at stays: what was looked at
		// is not looked at again.
		from = s.end - s.at
		if err := s.more(); errors.Is(err, io.EOF) {
			s.text = s.buf[s.at:s.end]
			s.raw = s.text
			s.at = s.end
			return nil
		} else if err != nil {
			return err
		}
	}
}

// tag takes the tag that begins here. skip is set for what has no meaning: comments, instructions.
// It sets name, attrs and empty of a tag, and raw of whatever it takes.
func (s *scanner) tag() (kind token, skip bool, err error) {
	length, err := s.tagLength()
	if err != nil {
		return 0, false, err
	}
	tag := s.buf[s.at+1 : s.at+length-1]
	s.raw = s.buf[s.at : s.at+length]
	switch {
	case len(tag) == 0:
		return 0, false, errBroken
	case tag[0] == '!':
		return s.declaration(tag)
	case tag[0] == '?':
		s.at += length
		return 0, true, encodingOf(tag)
	}
	s.at += length
	kind = startTag
	if tag[0] == '/' {
		kind, tag = endTag, tag[1:]
	}
	s.empty = len(tag) > 0 && tag[len(tag)-1] == '/'
	if s.empty {
		tag = tag[:len(tag)-1]
	}
	i := 0
	for i < len(tag) && !isSpace(tag[i]) {
		// A prefix is cut off: each program chooses its own, and no two names that matter here
		// differ by it alone.
		if tag[i] == ':' {
			tag, i = tag[i+1:], 0
			continue
		}
		i++
	}
	s.name, s.attrs = tag[:i], tag[i:]
	return kind, false, nil
}

// tagLength returns the length of the tag that begins here, brackets included. A bracket inside
// quotes does not end it.
func (s *scanner) tagLength() (int, error) {
	// A tag without quotes that is in the buffer as a whole ends at the first bracket. Any other is
	// walked byte by byte, as a bracket in quotes does not end it.
	rest := s.buf[s.at:s.end]
	if end := bytes.IndexByte(rest, '>'); end > 1 && rest[1] != '!' &&
		bytes.IndexByte(rest[:end], '"') < 0 && bytes.IndexByte(rest[:end], '\'') < 0 &&
		bytes.IndexByte(rest[1:end], '<') < 0 {
		return end + 1, nil
	}
	// It holds the quote that is open, 0 outside of quotes.
	var quote byte
	for i := 1; ; i++ {
		if s.at+i >= s.end {
			if err := s.more(); errors.Is(err, io.EOF) {
				return 0, io.ErrUnexpectedEOF
			} else if err != nil {
				return 0, err
			}
		}
		switch c := s.buf[s.at+i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '>':
			return i + 1, nil
		case c == '"' || c == '\'':
			quote = c
		// Outside of quotes another tag begins there: this one was cut off.
		case c == '<':
			return 0, errBroken
		case c == '!' && i == 1:
			return s.declarationLength()
		}
	}
}

// declarationLength is tagLength for comments and CDATA, which have an end of their own.
func (s *scanner) declarationLength() (int, error) {
	var ending []byte
	for s.end-s.at < len("<![CDATA[") {
		if err := s.more(); err != nil {
			return 0, errBroken
		}
	}
	switch head := s.buf[s.at:s.end]; {
	case bytes.HasPrefix(head, []byte("<!--")):
		ending = []byte("-->")
	case bytes.HasPrefix(head, []byte("<![CDATA[")):
		ending = []byte("]]>")
	default:
		return 0, errDoctype
	}
	for from := 0; ; {
		if i := bytes.Index(s.buf[s.at+from:s.end], ending); i >= 0 {
			return from + i + len(ending), nil
		}
		// The ending may have been cut in two by the end of the buffer.
		from = max(0, s.end-s.at-len(ending))
		if err := s.more(); err != nil {
			return 0, errBroken
		}
	}
}

// declaration takes a comment, which is skipped, or CDATA, which is a run of text. tag has no
// brackets around it; the two are added to what is taken.
func (s *scanner) declaration(tag []byte) (kind token, skip bool, err error) {
	s.at += len(tag) + 2
	if bytes.HasPrefix(tag, []byte("!--")) {
		return 0, true, nil
	}
	// Entities have no meaning in CDATA. No spreadsheet writes it around texts with an &.
	s.text = bytes.TrimSuffix(bytes.TrimPrefix(tag, []byte("![CDATA[")), []byte("]]"))
	return textRun, false, nil
}

// encodingOf refuses a declaration of an encoding other than UTF-8. US-ASCII is a part of UTF-8.
// Without a declaration XML is UTF-8.
func encodingOf(tag []byte) error {
	if !bytes.HasPrefix(tag, []byte("?xml")) {
		return nil
	}
	name := attribute(tag[len("?xml"):], "encoding")
	if len(name) == 0 || bytes.EqualFold(name, []byte("utf-8")) ||
		bytes.EqualFold(name, []byte("us-ascii")) {
		return nil
	}
	return errEncoding
}

// more reads on. What is not taken yet moves to the front. Slices that next returned are invalid
// after it. The buffer doubles up to runBytesMax and never shrinks. io.EOF says that nothing
// follows; what was read before stays in the buffer.
func (s *scanner) more() error {
	if s.at > 0 {
		copy(s.buf, s.buf[s.at:s.end])
		s.end -= s.at
		s.at = 0
	}
	if s.end == len(s.buf) {
		if len(s.buf) >= runBytesMax {
			return errRunTooLong
		}
		s.buf = append(s.buf, make([]byte, len(s.buf))...)
	}
	// A reader may return nothing without an error now and then, but not for ever: see io.Reader.
	for range 100 {
		n, err := s.in.Read(s.buf[s.end:])
		s.end += n
		switch {
		case n > 0:
			return nil
		case err != nil:
			return err
		}
	}
	return io.ErrNoProgress
}

// attribute returns the value of an attribute as it is written, nil when it is not there. It points
// into attrs, and entities in it are not decoded. The name is compared without prefix.
func attribute(attrs []byte, name string) []byte {
	for {
		key, value, rest, ok := cutAttribute(attrs)
		if !ok {
			return nil
		}
		if string(key) == name {
			return value
		}
		attrs = rest
	}
}

// cutAttribute cuts the first attribute off. The key has no prefix. ok is false at the end of the
// attributes, and for what is none: the rest of the tag is then ignored rather than refused.
func cutAttribute(attrs []byte) (key, value, rest []byte, ok bool) {
	from := 0
	for from < len(attrs) && isSpace(attrs[from]) {
		from++
	}
	i := from
	for ; i < len(attrs) && attrs[i] != '='; i++ {
		if attrs[i] == ':' {
			from = i + 1
		}
	}
	if i+1 >= len(attrs) {
		return nil, nil, nil, false
	}
	end := i
	for end > from && isSpace(attrs[end-1]) {
		end--
	}
	key = attrs[from:end]
	for i++; i < len(attrs) && isSpace(attrs[i]); i++ {
	}
	if i >= len(attrs) || attrs[i] != '"' && attrs[i] != '\'' {
		return nil, nil, nil, false
	}
	end = bytes.IndexByte(attrs[i+1:], attrs[i])
	if end < 0 {
		return nil, nil, nil, false
	}
	return key, attrs[i+1 : i+1+end], attrs[i+2+end:], true
}

// isSpace tells whether a byte is what XML calls white space, and no more.
func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// partError puts an error of reading a part of the workbook into words. The cause stays reachable
// by errors.Is. An error that is a sentence already is returned as it is.
func partError(err error) error {
	var known *grid.Error
	switch {
	case errors.As(err, &known):
		return err
	case errors.Is(err, errRunTooLong):
		return &grid.Error{
			Detail: "a cell holds more text than Excel allows: the file was not made by a" +
				" spreadsheet, or is damaged",
			ID: "sebuah sel berisi lebih banyak teks daripada yang mungkin di Excel: buka di" +
				" Excel, simpan salinannya, lalu pakai itu",
			Err: err,
		}
	}
	return &grid.Error{
		Detail: "the Excel file is damaged: open it in Excel, save a copy and use that",
		ID:     "berkas Excel ini rusak: buka di Excel, simpan salinannya, lalu pakai itu",
		Err:    err,
	}
}
