package split

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"cakupan/domain/event"
)

// Array cuts a JSON array into its elements.
type Array struct {
	in      *bufio.Reader
	element int
	raw     []byte
	closed  bool     // the closing bracket was read
	at      Position // behind what was read
	last    Position // of the byte that was read last
	began   Position // of the last element
}

// NewArray returns a reader of the elements of an array.
func NewArray(r io.Reader) *Array {
	return &Array{in: bufio.NewReaderSize(r, bufferBytes), at: start}
}

// Position returns where the last element begins.
func (a *Array) Position() Position { return a.began }

// Next returns the next element, without the white space around it.
func (a *Array) Next() ([]byte, int, error) {
	if a.element == 0 {
		if err := a.open(); err != nil {
			return nil, 0, err
		}
	}
	if a.closed {
		return nil, 0, a.end()
	}
	c, err := a.skipSpace()
	if err != nil {
		return nil, 0, a.cutOff(err, "after")
	}
	if c == ']' && a.element == 0 {
		return nil, 0, a.end()
	}
	a.element++
	if c == ',' || c == ']' {
		return nil, 0, fmt.Errorf("%w: element %d is empty%s", ErrArray, a.element, a.last)
	}
	a.began = a.last
	if err := a.readElement(c); err != nil {
		return nil, 0, err
	}
	return a.raw, a.element, nil
}

// errNoBracket is said of one event too, which has no brackets.
var errNoBracket = fmt.Errorf("%w: it does not begin with a bracket: events stand between"+
	" [ and ], with commas", ErrArray)

// open reads up to the opening bracket.
func (a *Array) open() error {
	if mark, err := a.in.Peek(len(byteOrderMark)); err == nil && bytes.Equal(mark, byteOrderMark) {
		_, _ = a.in.Discard(len(mark)) // it was peeked, so it is there
	}
	c, err := a.skipSpace()
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: it is empty; send [] for no events", ErrArray)
	}
	if err == nil && c != '[' {
		return errNoBracket
	}
	return err
}

// end makes sure that nothing follows the closing bracket; the good result is io.EOF.
func (a *Array) end() error {
	_, err := a.skipSpace()
	if err == nil {
		return fmt.Errorf("%w: something follows its closing bracket%s", ErrArray, a.last)
	}
	return err
}

// readByte reads a byte and counts where it stands.
func (a *Array) readByte() (byte, error) {
	c, err := a.in.ReadByte()
	if err == nil {
		a.last = a.at
		a.at.pass(c)
	}
	return c, err
}

func (a *Array) skipSpace() (byte, error) {
	for {
		c, err := a.readByte()
		if err != nil || !isSpace(c) {
			return c, err
		}
	}
}

// cutOff says where the array ended too early; errors of the input stay what they are.
func (a *Array) cutOff(err error, where string) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: it ends %s element %d, without its closing bracket%s",
			ErrArray, where, a.element, a.at)
	}
	return err
}

// readElement reads an element that begins with c, and the comma or bracket after it.
func (a *Array) readElement(c byte) error {
	a.raw = a.raw[:0]
	var s scanner
	for {
		if s.outside() && (c == ',' || c == ']') {
			a.closed = c == ']'
			return nil
		}
		if !s.step(c) {
			return fmt.Errorf("%w: there is no comma after element %d%s", ErrArray, a.element,
				a.last)
		}
		// One byte more than allowed is enough to see that there are too many. The space after
		// an element is not a part of it.
		if len(a.raw) <= event.BytesMax && !s.complete(c) {
			a.raw = append(a.raw, c)
		}
		var err error
		if c, err = a.readByte(); err != nil {
			return a.cutOff(err, "inside")
		}
	}
}

// scanner finds the end of a JSON value by its brackets and quotes. It does not mind whether the
// value is right otherwise: whoever reads the value says so.
type scanner struct {
	depth    int
	inString bool
	escaped  bool
	ended    bool
}

// outside tells whether a comma or a bracket at this place would be the array's.
func (s *scanner) outside() bool { return s.depth == 0 && !s.inString }

// complete tells whether c, which was stepped over, is space behind the value.
func (s *scanner) complete(c byte) bool { return s.ended && isSpace(c) }

// step takes in one byte; false when the value had ended before.
func (s *scanner) step(c byte) bool {
	switch {
	case s.escaped:
		s.escaped = false
	case s.inString && c == '\\':
		s.escaped = true
	case c == '"':
		if s.ended {
			return false
		}
		s.inString = !s.inString
		s.ended = s.outside()
	case s.inString:
	case isSpace(c):
		s.ended = s.ended || s.depth == 0
	case s.ended:
		return false
	case c == '{' || c == '[':
		s.depth++
	case c == '}' || c == ']':
		s.depth--
		s.ended = s.depth <= 0
	}
	return true
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }
