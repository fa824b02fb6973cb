package lists

import (
	"os"
	"sync"
)

// feedBytesMax bounds a batch of long rows.
const feedBytesMax = 4 << 20

// Feed reads a list ahead: while one batch of records is worked on, the next one is read.
type Feed struct {
	batches chan []Record
	err     error         // why reading ended; written before batches is closed
	stopped chan struct{} // closed by Stop
	once    sync.Once
}

// NewFeed starts to read, in batches of at most so many records. It must be read to its end, or
// stopped.
func NewFeed(r *Reader, recordsMax int) *Feed {
	f := &Feed{batches: make(chan []Record), stopped: make(chan struct{})}
	go f.read(r, recordsMax)
	return f
}

func (f *Feed) read(r *Reader, recordsMax int) {
	defer close(f.batches)
	for f.err == nil {
		batch := make([]Record, 0, recordsMax)
		for size := 0; len(batch) < recordsMax && size < feedBytesMax; {
			var record Record
			if record, f.err = r.Next(); f.err != nil {
				break
			}
			batch = append(batch, record)
			size += record.size()
		}
		if len(batch) == 0 {
			return
		}
		select {
		case f.batches <- batch:
		case <-f.stopped:
			return
		}
	}
}

// Next returns the next records. At the end of the list, and only after everything before it, it
// returns the error that reading ended with, io.EOF when all is well; and os.ErrClosed after Stop.
func (f *Feed) Next() ([]Record, error) {
	select {
	case batch, more := <-f.batches:
		if more {
			return batch, nil
		}
		select {
		case <-f.stopped:
			return nil, os.ErrClosed
		default:
			return nil, f.err
		}
	case <-f.stopped:
		return nil, os.ErrClosed // a read that hangs does not matter any more
	}
}

// Stop makes reading end after the row that is being read. It does not wait.
func (f *Feed) Stop() { f.once.Do(func() { close(f.stopped) }) }
