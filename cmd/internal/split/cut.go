package split

import (
	"bytes"
	"fmt"
)

// Cut cuts a whole body that is a JSON array into its elements, without the white space around
// them, and appends them to dst. They alias the body. It takes and refuses what [Array] does, and
// stops after elementsMax elements and one more.
func Cut(dst [][]byte, body []byte, elementsMax int) ([][]byte, error) {
	body = bytes.TrimPrefix(body, byteOrderMark)
	c := cutter{body: body, first: len(dst)}
	if err := c.open(); err != nil {
		return dst, err
	}
	for !c.closed {
		c.skipSpace()
		element := len(dst) - c.first + 1
		switch {
		case c.at == len(body):
			return dst, fmt.Errorf("%w: it ends after element %d, without its closing bracket%s",
				ErrArray, element-1, c.position())
		case body[c.at] == ']' && element == 1:
			c.at++
			return dst, c.end()
		case body[c.at] == ',' || body[c.at] == ']':
			return dst, fmt.Errorf("%w: element %d is empty%s", ErrArray, element, c.position())
		}
		raw, err := c.element(element)
		if err != nil {
			return dst, err
		}
		if dst = append(dst, raw); element > elementsMax {
			return dst, nil
		}
	}
	return dst, c.end()
}

// cutter is where in a body the cutting is.
type cutter struct {
	body   []byte
	at     int
	first  int  // elements that were there before
	closed bool // the closing bracket was passed
}

// position returns where the cutting is.
func (c *cutter) position() Position {
	at := start
	for _, b := range c.body[:c.at] {
		at.pass(b)
	}
	return at
}

func (c *cutter) skipSpace() {
	for c.at < len(c.body) && isSpace(c.body[c.at]) {
		c.at++
	}
}

func (c *cutter) open() error {
	c.skipSpace()
	switch {
	case c.at == len(c.body):
		return fmt.Errorf("%w: it is empty; send [] for no events", ErrArray)
	case c.body[c.at] != '[':
		return errNoBracket
	}
	c.at++
	return nil
}

func (c *cutter) end() error {
	if c.skipSpace(); c.at < len(c.body) {
		return fmt.Errorf("%w: something follows its closing bracket%s", ErrArray, c.position())
	}
	return nil
}

// element passes over an element and the comma or bracket after it.
func (c *cutter) element(number int) ([]byte, error) {
	start := c.at
	var s scanner
	for c.at < len(c.body) {
		b := c.body[c.at]
		if s.outside() && (b == ',' || b == ']') {
			raw := c.body[start:c.at]
			c.closed = b == ']'
			c.at++
			for len(raw) > 0 && isSpace(raw[len(raw)-1]) {
				raw = raw[:len(raw)-1]
			}
			return raw[:len(raw):len(raw)], nil
		}
		if !s.step(b) {
			return nil, fmt.Errorf("%w: there is no comma after element %d%s", ErrArray, number,
				c.position())
		}
		c.at++
		if s.inString {
			c.skipText()
		}
	}
	return nil, fmt.Errorf("%w: it ends inside element %d, without its closing bracket%s",
		ErrArray, number, c.position())
}

// skipText passes over the inside of a text, up to its closing quote or the end.
func (c *cutter) skipText() {
	at, body := c.at, c.body
	for at < len(body) && body[at] != '"' {
		if body[at] == '\\' {
			at++
		}
		at++
	}
	c.at = min(at, len(body))
}
