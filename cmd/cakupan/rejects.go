package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"cakupan/cmd/internal/lists"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/eventstore/cloudevents"
)

// rejects is the file that gets what was refused: events as lines of JSON, or the rows of a list
// as a list again.
type rejects struct {
	file     *os.File
	out      *bufio.Writer
	encoder  *json.Encoder
	withFile bool // say which file an event came from

	list *lists.List   // the one that is read, nil for events
	back *lists.Return // gives its rows back, nil for lines of JSON
	asIs string        // extension of the file of a list
}

// reject is one line of JSON. Input holds no NIK.
type reject struct {
	File   string     `json:"file,omitempty"` // when several were imported
	Line   int        `json:"line"`           // from 1; of an array, the element's number
	Code   event.Code `json:"code"`
	Field  string     `json:"field"`
	Detail string     `json:"detail"`
	Input  string     `json:"input"`
}

// newRejects makes the file; without a name there is none.
func newRejects(path string, withFile bool) (*rejects, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, privateFiles)
	if err == nil && isList(path) {
		// Rows are given back as they were, NIK and all: not even an older file of the same name
		// may show them to others.
		err = file.Chmod(privateFiles)
	}
	if err != nil {
		return nil, problem.Wrap(problem.FileNotReadable, path+" cannot be written", err)
	}
	r := &rejects{file: file, out: bufio.NewWriter(file), withFile: withFile}
	if isList(path) {
		r.asIs = strings.ToLower(filepath.Ext(path))
	}
	r.encoder = json.NewEncoder(r.out)
	r.encoder.SetEscapeHTML(false)
	return r, nil
}

// begin says that what comes is of a list, nil: not any more.
func (r *rejects) begin(list *lists.List) (err error) {
	r.list = list
	switch {
	case list != nil && r.asIs != "":
		r.back, err = list.Return(r.out, r.asIs == ".xlsx")
	case list == nil && r.back != nil:
		err = r.back.Close()
		r.back = nil
	}
	if err != nil {
		return fmt.Errorf("write rejects: %w", err)
	}
	return nil
}

// add writes what was refused.
func (r *rejects) add(file string, place int, receipt *cloudevents.Receipt, raw []byte) error {
	if err := r.write(file, place, receipt, raw); err != nil {
		return fmt.Errorf("write rejects: %w", err)
	}
	return nil
}

func (r *rejects) write(file string, place int, receipt *cloudevents.Receipt, raw []byte) error {
	if r.back != nil {
		_, _, row := lists.Split(raw)
		words := receipt.Detail
		if receipt.Field != "" {
			words = receipt.Field + ": " + words
		}
		return r.back.Row(row, words)
	}
	if !r.withFile {
		file = ""
	}
	input := ""
	if r.list != nil {
		_, _, row := lists.Split(raw)
		input = r.list.Shown(row)
	} else {
		input = string(cloudevents.MaskNIK(raw))
	}
	return r.encoder.Encode(reject{
		File: file, Line: place, Code: receipt.Code, Field: receipt.Field,
		Detail: receipt.Detail, Input: input,
	})
}

func (r *rejects) close() error {
	if r == nil {
		return nil
	}
	if err := errors.Join(r.out.Flush(), r.file.Close()); err != nil {
		return fmt.Errorf("write rejects: %w", err)
	}
	return nil
}
