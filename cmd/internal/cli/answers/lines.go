package answers

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"

	"cakupan/cmd/internal/problem"
)

// EachLine calls take with each line of an answer, its end included, which is take's from then on.
// An answer that ends with a problem is that error: by then the status of HTTP was sent as good.
// One that ends amid a line was cut off, which is an error too. Lines may be of any length; one is
// in memory at a time.
func EachLine(body io.Reader, take func(line []byte) error) error {
	// 64 KiB is what most events fit many times; a longer line is put together from several reads.
	in := bufio.NewReaderSize(body, 64<<10)
	for {
		line, err := in.ReadBytes('\n')
		switch {
		case errors.Is(err, io.EOF) && len(line) == 0:
			// The answer ended after a line, as it must.
			return nil
		case err != nil:
			return fmt.Errorf("read answer: %w", err)
		case problem.IsLine(line):
			return problem.Parse(http.StatusServiceUnavailable, line, false)
		}
		if err := take(line); err != nil {
			return fmt.Errorf("print answer: %w", err)
		}
	}
}

// ErrCutOff says that the last line of an answer is missing. A connection that ends between two
// lines may look like a good end, and half an answer like a smaller figure.
var ErrCutOff = errors.New("the answer was cut off: ask again")

// CopyLines passes an answer on as it is, but for a problem at its end: that is no line of data,
// and must become the exit code. What came before it is printed all the same.
func CopyLines(w io.Writer, body io.Reader) error {
	buffered := bufio.NewWriterSize(w, 64<<10)
	err := EachLine(body, func(line []byte) error {
		_, err := buffered.Write(line)
		return err
	})
	return errors.Join(err, buffered.Flush())
}
