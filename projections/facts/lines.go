package facts

import (
	"bytes"
	"encoding/json"
	"fmt"

	"cakupan/projections/checked"
	"cakupan/projections/pages"
)

// linesPageShift sets the page of lines: 4 KiB.
const linesPageShift = 12

// Lines is a list of JSON texts, one a line, that only grows. It is for what is rare and of no
// fixed size. A commit writes what is new, however long the list is. It is for one goroutine.
type Lines struct {
	Pages *pages.History // of bytes: a column of the file
}

// NewLines returns an empty list.
func NewLines() Lines { return Lines{pages.NewHistory(1, linesPageShift)} }

// Add adds a line. The value must be made of texts and numbers. What does not encode would be lost
// silently, hence the demand.
func (l Lines) Add(value any) {
	text, _ := json.Marshal(value) // texts and numbers always encode
	for _, c := range append(text, '\n') {
		l.Pages.Append()[0] = c
	}
}

// EachLine calls visit with every line of a list that was loaded from the bucket. The whole list is
// in memory meanwhile; each value is the visitor's to keep. A line that is cut off or is no JSON is
// damage, not an end.
func EachLine[T any](l Lines, b *checked.Bucket, visit func(*T)) error {
	var text []byte
	err := l.Pages.Each(b, func(page []byte, records int) {
		text = append(text, page[:records]...)
	})
	if err != nil {
		return err
	}
	for len(text) > 0 {
		line, rest, ended := bytes.Cut(text, []byte("\n"))
		var value T
		if err := json.Unmarshal(line, &value); err != nil || !ended {
			return fmt.Errorf("%w: line %.40q: %w", pages.ErrCorrupt, line, err)
		}
		visit(&value)
		text = rest
	}
	return nil
}
