package xlsx

import (
	"errors"
	"fmt"
	"io"

	"cakupan/cmd/internal/lists/grid"
)

// sharedStrings are the texts of a workbook, which cells name by number. They are read no further
// than a cell has asked, and held back to back: 200,000 of them as 200,000 Go strings would take
// several times the room.
type sharedStrings struct {
	scan   *scanner // nil: there are none, or all are read
	chunks [][]byte
	places []place
	total  int
	text   []byte // of the one that is read
}

// place says where a text is held. 8 bytes a text: 16 million of them take 128 MiB, which is what
// stringsMax bounds.
type place struct {
	chunk, from uint16 // from is in units of chunkAlign
	length      uint32
}

const (
	chunkBytes = 1 << 20
	chunkAlign = chunkBytes >> 16
	// stringsBytesMax bounds what the texts of a workbook take: a million rows with names and
	// addresses stay below.
	stringsBytesMax = 192 << 20
	stringsMax      = 16 << 20
)

var errStringsTooBig = &grid.Error{
	Detail: fmt.Sprintf("the texts of the workbook take more than"+
		" %d MB: delete the columns that are not needed, or divide the list", stringsBytesMax>>20),
	ID: fmt.Sprintf("teks di buku kerja ini lebih dari %d MB: hapus kolom yang tidak perlu, atau"+
		" bagi daftarnya", stringsBytesMax>>20),
}

// get returns a text; false when the workbook has none of that number. The text is valid for as
// long as the workbook is open.
func (s *sharedStrings) get(n int) ([]byte, bool, error) {
	for n >= len(s.places) {
		if s.scan == nil {
			return nil, false, nil
		}
		if err := s.read(); errors.Is(err, io.EOF) {
			s.scan = nil
		} else if err != nil {
			return nil, false, err
		}
	}
	p := s.places[n]
	from := int(p.from) * chunkAlign
	return s.chunks[p.chunk][from : from+int(p.length)], true, nil
}

// read reads the next text.
func (s *sharedStrings) read() error {
	for {
		if text, ok := s.scan.quickText(); ok {
			s.text = appendText(s.text[:0], text)
			return s.hold(s.text)
		}
		kind, err := s.scan.next()
		if err != nil {
			return err
		}
		if kind == startTag && string(s.scan.name) == "si" {
			break
		}
	}
	if s.scan.empty {
		return s.hold(nil)
	}
	var err error
	if s.text, err = appendRich(s.text[:0], s.scan, "si"); err != nil {
		return err
	}
	return s.hold(s.text)
}

// hold keeps a copy of a text.
func (s *sharedStrings) hold(text []byte) error {
	// Rounded up, so that a place in a chunk of 1 MiB fits 16 bits.
	padded := (len(text) + chunkAlign - 1) / chunkAlign * chunkAlign
	s.total += padded
	if s.total > stringsBytesMax || len(s.places) >= stringsMax {
		return errStringsTooBig
	}
	last := len(s.chunks) - 1
	if last < 0 || len(s.chunks[last])+padded > cap(s.chunks[last]) {
		s.chunks = append(s.chunks, make([]byte, 0, max(chunkBytes, padded)))
		last++
	}
	from := len(s.chunks[last])
	s.chunks[last] = append(s.chunks[last], text...)[:from+padded]
	s.places = append(s.places, place{
		chunk: uint16(last), from: uint16(from / chunkAlign), length: uint32(len(text)),
	})
	return nil
}

// appendRich appends the text of an element that may be divided into runs of one format, up to
// its end tag. Phonetic hints beside it are left out.
func appendRich(dst []byte, scan *scanner, element string) ([]byte, error) {
	inText, inHint := false, false
	for {
		kind, err := scan.next()
		if errors.Is(err, io.EOF) {
			return nil, io.ErrUnexpectedEOF
		} else if err != nil {
			return nil, err
		}
		switch {
		case kind == textRun:
			if inText && !inHint {
				dst = appendText(dst, scan.text)
			}
		case string(scan.name) == "t":
			inText = kind == startTag && !scan.empty
		case string(scan.name) == "rPh":
			inHint = kind == startTag && !scan.empty
		case kind == endTag && string(scan.name) == element:
			return dst, nil
		}
		if len(dst) > runBytesMax {
			return nil, errRunTooLong
		}
	}
}
