package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
)

// jsonArray writes an array of which not all is in memory, in the form of console.writeJSON. The
// zero array has no place to write to.
type jsonArray struct {
	out   *bufio.Writer
	begun bool
}

// add writes the next value.
func (a *jsonArray) add(value any) error {
	before := byte('[')
	if a.begun {
		before = ','
	}
	a.begun = true
	var one bytes.Buffer
	encoder := json.NewEncoder(&one)
	encoder.SetEscapeHTML(false)
	err := errors.Join(a.out.WriteByte(before), encoder.Encode(value))
	if err == nil {
		_, err = a.out.Write(bytes.TrimSuffix(one.Bytes(), []byte("\n")))
	}
	return err
}

// end ends the array: an empty one is an array too.
func (a *jsonArray) end() error {
	end := "]\n"
	if !a.begun {
		end = "[]\n"
	}
	_, err := a.out.WriteString(end)
	return errors.Join(err, a.out.Flush())
}
