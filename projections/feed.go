package projections

import (
	"context"
	"fmt"
	"iter"
	"sort"
	"sync"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/codec"
)

// Event is an event of the log, decoded. It is read by many: nobody writes it. Its texts belong to
// the frame.
type Event struct {
	Sequence   eventstore.Sequence
	RecordedAt temporal.Instant
	Retracts   eventstore.Sequence // of the event that a retraction names; 0: not in the log then
	event.Event
}

// Frame is a frame of the log that is decoded once, when the first of its readers asks for it.
type Frame struct {
	eventstore.Frame

	once   sync.Once
	events []Event
	err    error
}

// Events returns the frame's events.
func (f *Frame) Events() ([]Event, error) {
	f.once.Do(func() {
		f.events = make([]Event, 0, f.Count())
		for record := range f.Records() {
			f.events = append(f.events, Event{
				Sequence: record.Sequence, RecordedAt: record.RecordedAt,
			})
			e := &f.events[len(f.events)-1]
			retracts, err := codec.Decode(record.Event, &e.Event)
			if err != nil {
				f.err = fmt.Errorf("decode event %d: %w", record.Sequence, err)
				return
			}
			e.Retracts = eventstore.Sequence(retracts)
		}
	})
	return f.events, f.err
}

// windowBytes bounds the frames that a feed keeps for its followers: some twenty frames of an
// import, or the single events of several seconds.
const windowBytes = 2 << 20

// Feed is a log whose followers share one reader. It keeps the last frames, so that each follower
// takes them at its own pace; one that is so slow that they are gone reads on from the log by
// itself, and joins again when it has come near the end. So no follower holds up another, and
// memory does not grow with their number.
type Feed struct {
	eventstore.Log

	mu        sync.Mutex
	followers int                 // that have joined
	reader    *feedReader         // nil: none has joined
	window    []*Frame            // the last frames that it read, without gaps, oldest first
	bytes     int                 // of the window
	next      eventstore.Sequence // after the window
	moved     chan struct{}       // closed and replaced when the reader goes on or ends
}

// feedReader is what reads the log for all followers.
type feedReader struct {
	stop context.CancelFunc
	done chan struct{} // closed when it has ended; nothing is read after that
}

// NewFeed returns a feed of the log. It reads only while somebody follows.
func NewFeed(log eventstore.Log) *Feed { return &Feed{Log: log, moved: make(chan struct{})} }

// Follow yields what the log's own Follow does.
func (f *Feed) Follow(ctx context.Context, from eventstore.Sequence,
) iter.Seq2[eventstore.Frame, error] {
	return func(yield func(eventstore.Frame, error) bool) {
		for frame, err := range f.Frames(ctx, from) {
			if !yield(frame.Frame, err) {
				return
			}
		}
	}
}

// Frames yields the same, to be decoded once for all who follow. With an error comes an empty
// frame.
func (f *Feed) Frames(ctx context.Context, from eventstore.Sequence) iter.Seq2[*Frame, error] {
	return func(yield func(*Frame, error) bool) {
		from = max(from, 1)
		alone := false // for good: a log that has failed is followed first-hand
		for !alone {
			for frame, err := range f.Read(ctx, from) {
				if !yield(&Frame{Frame: frame}, err) {
					return
				}
				if err != nil {
					alone = true
				} else {
					from = frame.Last() + 1
				}
			}
			if alone || ctx.Err() != nil {
				break
			}
			var goOn bool
			if from, alone, goOn = f.takeShared(ctx, from, yield); !goOn {
				return
			}
		}
		for frame, err := range f.Log.Follow(ctx, from) {
			if !yield(&Frame{Frame: frame}, err) {
				return
			}
		}
	}
}

// takeShared yields frames that the shared reader has read for as long as they are there. It
// returns the event to go on with, whether the reader has failed, and false when the loop has
// ended.
func (f *Feed) takeShared(ctx context.Context, from eventstore.Sequence,
	yield func(*Frame, error) bool,
) (next eventstore.Sequence, failed, goOn bool) {
	reader := f.join(from)
	defer f.leave()
	for {
		f.mu.Lock()
		frame, moved := f.find(from), f.moved
		lost := from < f.oldest()
		f.mu.Unlock()
		switch {
		case lost:
			return from, false, true
		case frame != nil:
			if !yield(frame, nil) {
				return from, false, false
			}
			from = frame.Last() + 1
			continue
		}
		select {
		case <-moved:
		case <-reader.done:
			return from, true, true
		case <-ctx.Done():
			return from, true, true // the log says so in its own words
		}
	}
}

// oldest returns the first event in the window, or the one to come.
func (f *Feed) oldest() eventstore.Sequence {
	if len(f.window) == 0 {
		return f.next
	}
	return f.window[0].First()
}

// find returns the frame in the window that holds the event; nil: none does.
func (f *Feed) find(seq eventstore.Sequence) *Frame {
	i := sort.Search(len(f.window), func(i int) bool { return f.window[i].Last() >= seq })
	if i == len(f.window) || f.window[i].First() > seq {
		return nil
	}
	return f.window[i]
}

// join counts a follower in, and returns the reader, which begins with the first one.
func (f *Feed) join(from eventstore.Sequence) *feedReader {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.followers++
	if f.reader == nil {
		ctx, stop := context.WithCancel(context.Background())
		f.reader = &feedReader{stop: stop, done: make(chan struct{})}
		f.window, f.bytes, f.next = nil, 0, from
		go f.read(ctx, f.reader, from)
	}
	return f.reader
}

// leave counts a follower out. With the last one goes the reader.
func (f *Feed) leave() {
	f.mu.Lock()
	f.followers--
	reader := f.reader
	last := f.followers == 0
	if last {
		f.reader, f.window = nil, nil
	}
	f.mu.Unlock()
	if last {
		reader.stop()
		<-reader.done
	}
}

// read reads until it is stopped or the log fails. Of the failure it says nothing: whoever follows
// reads on by itself, and finds it there.
func (f *Feed) read(ctx context.Context, reader *feedReader, from eventstore.Sequence) {
	defer close(reader.done)
	for frame, err := range f.Log.Follow(ctx, from) {
		if err != nil || !f.push(reader, &Frame{Frame: frame}) {
			return
		}
	}
}

// push adds a frame to the window. It returns false when the reader has been let go.
func (f *Feed) push(reader *feedReader, frame *Frame) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.reader != reader {
		return false
	}
	f.window, f.bytes = append(f.window, frame), f.bytes+len(frame.Raw())
	f.next = frame.Last() + 1
	drop := 0
	for ; f.bytes > windowBytes && drop < len(f.window)-1; drop++ {
		f.bytes -= len(f.window[drop].Raw())
		f.window[drop] = nil
	}
	f.window = f.window[drop:]
	close(f.moved)
	f.moved = make(chan struct{})
	return true
}
