package lists

import (
	"os"
	"sync"
)

// feedBytesMax bounds a batch of long rows. It is in bytes, as a [Record] counts them. A batch ends
// with the record that goes over it.
const feedBytesMax = 4 << 20

// Rows are the records of a list, one after the other: those of a [Reader], or what was made of
// them.
type Rows interface {
	// Next returns the next record, and io.EOF behind the last; see [Reader.Next].
	Next() (Record, error)
}

// Feed reads a list ahead: while one batch of records is worked on, the next one is read. One batch
// is in memory besides the one that the caller works on: the channel holds none. Next and Stop may
// be called by different goroutines.
type Feed struct {
	batches chan []Record
	err     error         // why reading ended; written before batches is closed
	stopped chan struct{} // closed by Stop
	once    sync.Once
}

// NewFeed starts to read, in batches of at most so many records. It must be read to its end, or
// stopped. What is read belongs to the Feed from then on. The goroutine of one that is neither read
// to its end nor stopped stays for ever.
func NewFeed(r Rows, recordsMax int) *Feed {
	f := &Feed{batches: make(chan []Record), stopped: make(chan struct{})}
	go f.read(r, recordsMax)
	return f
}

// read sends batches until the list ends or Stop. Records before an error are sent first, and the
// loop ends by the error.
func (f *Feed) read(r Rows, recordsMax int) {
	defer close(f.batches)
	for f.err == nil {
		batch := make([]Record, 0, recordsMax)
		// Long rows would make a batch of many records too large; one record at least is always
		// taken.
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
// After the end it returns the same error again.
func (f *Feed) Next() ([]Record, error) {
	select {
	// Closed by Stop or at the end: which of the two it was, stopped tells.
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

// Stop makes reading end after the row that is being read. It does not wait. It may be called many
// times, also after the end.
func (f *Feed) Stop() { f.once.Do(func() { close(f.stopped) }) }
