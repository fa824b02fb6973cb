package split

import (
	"bytes"
	"strconv"
)

// Position is where an event begins in the text that it was cut from: its line and its column, in
// code points, from 1.
type Position struct{ Line, Column int }

// start is where a text begins.
var start = Position{1, 1}

// pass moves a position over one byte. A code point counts where it begins.
func (p *Position) pass(c byte) {
	switch {
	case c == '\n':
		p.Line++
		p.Column = 1
	case c&0xc0 != 0x80:
		p.Column++
	}
}

// String says it as the errors of an array do.
func (p Position) String() string {
	return " (line " + strconv.Itoa(p.Line) + ", column " + strconv.Itoa(p.Column) + ")"
}

// Begins returns where the elements of a body begin that [Cut] has cut. It goes through the body
// once more, so it is for bodies of which an element is wrong. There are as many as elements that
// can be read.
func Begins(body []byte) (all []Position) {
	c := cutter{body: bytes.TrimPrefix(body, byteOrderMark)}
	if c.open() != nil {
		return nil
	}
	at, passed := start, 0
	for !c.closed {
		c.skipSpace()
		for _, b := range c.body[passed:c.at] {
			at.pass(b)
		}
		passed = c.at
		if _, err := c.element(len(all) + 1); err != nil {
			break
		}
		all = append(all, at)
	}
	return all
}

// Within returns where a text begins that has lost what cannot be seen before it: trimmed is a part
// of whole, and nothing but its ends is missing.
func Within(whole, trimmed []byte) Position {
	at := start
	for _, c := range whole {
		if len(trimmed) == 0 || c == trimmed[0] {
			break
		}
		at.pass(c)
	}
	return at
}
