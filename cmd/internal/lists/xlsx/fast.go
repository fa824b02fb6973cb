package xlsx

import "bytes"

// Nearly every cell and text of a workbook is written in one of few ways. What follows takes those
// in one step from the scanner's buffer. Whatever is written otherwise, or not all in the buffer,
// is left to the general way, which must come to the same.

// ahead is how many bytes the buffer should hold for that. Cells are far shorter; one that is not
// goes the general way.
const ahead = 1 << 10

// buffered returns the bytes that are read and not taken, after reading on when they are few. It
// holds until the next call of the scanner.
func (s *scanner) buffered() []byte {
	if s.end-s.at < ahead {
		// An error comes again when the bytes are needed.
		_ = s.more()
	}
	return s.buf[s.at:s.end]
}

// quickCell takes a cell such as <c r="B2" s="1" t="s"><v>3</v></c> or an inline text. It returns
// its attributes and its value as written; ok is false when nothing was taken. A cell with a
// formula, or with a text in several runs, is none of these: its closing tags do not follow its
// value at once. Prefixes, and spaces where nobody writes them, are left to next too. It takes all
// of the cell or nothing of it.
func (s *scanner) quickCell() (attrs, value []byte, ok bool) {
	rest := s.buffered()
	if !bytes.HasPrefix(rest, []byte("<c ")) {
		return nil, nil, false
	}
	end := bytes.IndexByte(rest, '>')
	if end < 0 || rest[end-1] == '/' {
		return nil, nil, false
	}
	attrs, rest = rest[len("<c "):end], rest[end+1:]
	taken := end + 1
	var closing string
	switch {
	case bytes.HasPrefix(rest, []byte("<v>")):
		rest, closing = rest[len("<v>"):], "</v></c>"
		taken += len("<v>")
	case bytes.HasPrefix(rest, []byte("<is><t")):
		open := bytes.IndexByte(rest[len("<is>"):], '>') + len("<is>")
		if open < len("<is><t") || rest[open-1] == '/' ||
			// The tag may be one of a longer name, or an empty one.
			rest[len("<is><t")] != '>' && rest[len("<is><t")] != ' ' {
			return nil, nil, false
		}
		rest, closing = rest[open+1:], "</t></is></c>"
		taken += open + 1
	default:
		return nil, nil, false
	}
	length := bytes.IndexByte(rest, '<')
	if length < 0 || len(rest)-length < len(closing) ||
		string(rest[length:length+len(closing)]) != closing {
		return nil, nil, false
	}
	s.at += taken + length + len(closing)
	return attrs, rest[:length], true
}

// quickText takes a shared text such as <si><t>a</t></si>, as written.
func (s *scanner) quickText() (text []byte, ok bool) {
	rest := s.buffered()
	if !bytes.HasPrefix(rest, []byte("<si><t")) || len(rest) < len("<si><t></t></si>") {
		return nil, false
	}
	open := bytes.IndexByte(rest[len("<si>"):], '>') + len("<si>")
	if open < len("<si><t") || rest[open-1] == '/' ||
		rest[len("<si><t")] != '>' && rest[len("<si><t")] != ' ' {
		return nil, false
	}
	const closing = "</t></si>"
	rest = rest[open+1:]
	length := bytes.IndexByte(rest, '<')
	if length < 0 || len(rest)-length < len(closing) ||
		string(rest[length:length+len(closing)]) != closing {
		return nil, false
	}
	s.at += open + 1 + length + len(closing)
	return rest[:length], true
}
