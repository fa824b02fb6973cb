package table

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
)

// Array writes an array of which not all is in memory, in the form of Console.WriteJSON. The
// zero array has no place to write to.
type Array struct {
	Out   *bufio.Writer
	begun bool
}

// Add writes the next value.
func (a *Array) Add(value any) error {
	before := byte('[')
	if a.begun {
		before = ','
	}
	a.begun = true
	var one bytes.Buffer
	encoder := json.NewEncoder(&one)
	encoder.SetEscapeHTML(false)
	err := errors.Join(a.Out.WriteByte(before), encoder.Encode(value))
	if err == nil {
		_, err = a.Out.Write(bytes.TrimSuffix(one.Bytes(), []byte("\n")))
	}
	return err
}

// End ends the array: an empty one is an array too.
func (a *Array) End() error {
	end := "]\n"
	if !a.begun {
		end = "[]\n"
	}
	_, err := a.Out.WriteString(end)
	return errors.Join(err, a.Out.Flush())
}
