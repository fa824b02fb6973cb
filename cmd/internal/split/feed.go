package split

import (
	"errors"
	"runtime"
	"sync"

	"cakupan/domain/event"
)

// ErrStopped is returned by [Feed.Next] after [Feed.Stop].
var ErrStopped = errors.New("reading was stopped")

// Batch is a run of raw events, their places in the input, and where there they begin.
type Batch struct {
	Raw    [][]byte
	Places []int
	Begins []Position
}

// A batch of long events is bounded by its bytes; the longest event fits many times.
const (
	batchBytes      = 4 << 20
	shortBatchBytes = 320 << 10
)

// Feed reads ahead: while one batch is worked on, the next one is read. A batch holds whatever
// has arrived since the last one, up to a number of events, so that a lone event does not wait
// for company and a flood is taken in few large batches.
type Feed struct {
	max  int
	size int           // bytes that fill a batch
	done chan struct{} // closed when reading has ended

	mu      sync.Mutex
	changed sync.Cond // filling has grown, or was taken, or reading has ended
	piles   []pile
	filling *pile // one of them
	taken   int   // how many were handed out
	err     error // why reading ended
	stopped bool
}

// pile holds raw events back to back.
type pile struct {
	bytes  []byte
	ends   []int
	places []int
	begins []Position
	batch  Batch
}

// BatchesValid is for how long a batch is valid: until so many later ones were taken. One can be
// written while the next one is checked and the one after that waits.
const BatchesValid = 3

// NewFeed starts to read. It must be read to its end, or stopped.
func NewFeed(r Reader, eventsMax int) *Feed {
	return newFeed(r, &Feed{
		max: eventsMax, size: batchBytes, piles: make([]pile, BatchesValid+1),
	})
}

// ShortFeedBytes is what a feed of [NewShortFeed] holds at most, besides what its reader does.
const ShortFeedBytes = 2 * (shortBatchBytes + event.BytesMax)

// NewShortFeed starts to read, in less memory: a batch is valid only until the next one is taken.
// It must be read to its end, or stopped.
func NewShortFeed(r Reader, eventsMax int) *Feed {
	return newFeed(r, &Feed{max: eventsMax, size: shortBatchBytes, piles: make([]pile, 2)})
}

func newFeed(r Reader, f *Feed) *Feed {
	f.done = make(chan struct{})
	f.filling = &f.piles[0]
	f.changed.L = &f.mu
	go f.read(r)
	return f
}

// Done is closed when reading has ended: at the end of the input, by an error or by Stop.
func (f *Feed) Done() <-chan struct{} { return f.done }

// Stop makes reading end after the event that is being read. It does not wait: a read that hangs
// must be ended by whoever owns the input. What was read stays to be taken.
func (f *Feed) Stop() {
	f.mu.Lock()
	f.stopped = true
	f.changed.Broadcast()
	f.mu.Unlock()
}

// yieldEvery is after how many events others have their turn at the processor: a body of many short
// lines, once it is decoded, never waits for the network.
const yieldEvery = 128

func (f *Feed) read(r Reader) {
	defer close(f.done)
	for n := 1; ; n++ {
		if n%yieldEvery == 0 {
			runtime.Gosched()
		}
		raw, place, err := r.Next()
		f.mu.Lock()
		if err == nil {
			f.filling.add(raw, place, r.Position())
			for f.full(f.filling) && !f.stopped {
				f.changed.Broadcast()
				f.changed.Wait()
			}
		}
		f.err = err
		ended := err != nil || f.stopped
		if ended && err == nil {
			f.err = ErrStopped
		}
		f.changed.Broadcast()
		f.mu.Unlock()
		if ended {
			return
		}
	}
}

// Next waits for events and returns all that have arrived; see [BatchesValid]. At the end of the
// input, and only after everything before it was taken, it returns the error that reading ended
// with: io.EOF when all is well, [ErrStopped] after Stop.
func (f *Feed) Next() (Batch, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.filling.ends) == 0 && f.err == nil && !f.stopped {
		f.changed.Wait()
	}
	if len(f.filling.ends) == 0 {
		if f.err == nil {
			return Batch{}, ErrStopped // the read that hangs does not matter any more
		}
		return Batch{}, f.err
	}
	taken := f.filling
	f.taken++
	f.filling = &f.piles[f.taken%len(f.piles)]
	f.filling.reset()
	f.changed.Broadcast()
	return taken.cut(), nil
}

func (p *pile) add(raw []byte, place int, begins Position) {
	p.bytes = append(p.bytes, raw...)
	p.ends = append(p.ends, len(p.bytes))
	p.places = append(p.places, place)
	p.begins = append(p.begins, begins)
}

func (f *Feed) full(p *pile) bool {
	return len(p.ends) >= f.max || len(p.bytes) >= f.size
}

func (p *pile) reset() {
	p.bytes, p.ends = p.bytes[:0], p.ends[:0]
	p.places, p.begins = p.places[:0], p.begins[:0]
}

// cut returns the batch of what is piled up.
func (p *pile) cut() Batch {
	p.batch.Raw = p.batch.Raw[:0]
	from := 0
	for _, to := range p.ends {
		p.batch.Raw = append(p.batch.Raw, p.bytes[from:to:to])
		from = to
	}
	p.batch.Places, p.batch.Begins = p.places, p.begins
	return p.batch
}
