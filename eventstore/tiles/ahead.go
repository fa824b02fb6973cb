package tiles

import (
	"iter"

	"cakupan/eventstore"
	"cakupan/eventstore/merkle"
)

// hashAheadFrom is from how many missing events on their leaves are hashed in a goroutine of its
// own: of fewer it would cost more than it saves.
const hashAheadFrom = 1 << 10

// framesAhead is how many frames are hashed ahead of the tree: enough for neither to wait long.
const framesAhead = 4

// leaves are the leaves of a frame.
type leaves struct {
	frame eventstore.Frame
	// One for each event, in order.
	hashes []merkle.Hash
}

// hash makes l the leaves of a frame, in the memory that it has.
func (l *leaves) hash(frame eventstore.Frame) {
	l.frame, l.hashes = frame, l.hashes[:0]
	for r := range frame.Records() {
		l.hashes = append(l.hashes,
			merkle.LeafHash(uint64(r.Sequence), int64(r.RecordedAt), r.Event))
	}
}

// each yields the leaves of frames, which are good until the next ones are asked for.
func each(frames iter.Seq2[eventstore.Frame, error]) iter.Seq2[*leaves, error] {
	return func(yield func(*leaves, error) bool) {
		l := new(leaves)
		for frame, err := range frames {
			if err == nil {
				l.hash(frame)
			}
			if !yield(l, err) {
				return
			}
		}
	}
}

// ahead does the same in two goroutines: while the tree takes the leaves of one frame, those of the
// next ones are hashed. When it returns nobody reads the frames any more. An error of the frames
// comes after all leaves that were before it.
func ahead(frames iter.Seq2[eventstore.Frame, error]) iter.Seq2[*leaves, error] {
	return func(yield func(*leaves, error) bool) {
		// Each set of leaves is in one of the channels or in one hand, so neither channel is ever
		// full when something is sent.
		used, ready := make(chan *leaves, framesAhead), make(chan *leaves, framesAhead)
		for range framesAhead {
			used <- new(leaves)
		}
		failed := make(chan error, 1)
		go func() {
			defer close(ready)
			for frame, err := range frames {
				l, more := <-used
				if err != nil || !more {
					failed <- err
					return
				}
				l.hash(frame)
				ready <- l // has room for all there are
			}
			failed <- nil
		}()
		for l := range ready {
			if !yield(l, nil) {
				close(used)
				for range ready { // until the frames are let go
				}
				return
			}
			used <- l
		}
		if err := <-failed; err != nil {
			yield(nil, err)
		}
	}
}
