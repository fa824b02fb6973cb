package jetstream

import (
	"context"
	"errors"

	"cakupan/eventstore"
)

// nextFrame returns the first readable frame among the messages from `low` to `high`, and its
// message. The error is errNoMessage when there is none.
func (l *Log) nextFrame(
	ctx context.Context, low, high uint64,
) (frame eventstore.Frame, number uint64, err error) {
	for low <= high {
		found, err := l.getFrom(ctx, low)
		if err != nil {
			return eventstore.Frame{}, 0, err
		}
		if found.number > high {
			break
		}
		frame, err := eventstore.ParseFrame(found.data)
		if err == nil {
			return frame, found.number, nil
		}
		if !errors.Is(err, eventstore.ErrFrame) {
			return eventstore.Frame{}, 0, err
		}
		low = found.number + 1
	}
	return eventstore.Frame{}, 0, errNoMessage
}

// lastReadable returns the last frame that can be read and its message, or the zero frame. It takes
// about log₂ n requests. It can halve the range because getFrom passes over what is damaged: if
// nothing readable is at or after a message, all of it is before.
func (l *Log) lastReadable(
	ctx context.Context, state streamState,
) (last eventstore.Frame, number uint64, err error) {
	low, high := max(state.First, 1), state.Last
	for low <= high {
		middle := low + (high-low)/2
		frame, at, err := l.nextFrame(ctx, middle, high)
		switch {
		case err == nil:
			last, number, low = frame, at, at+1
		case errors.Is(err, errNoMessage):
			high = middle - 1
		default:
			return eventstore.Frame{}, 0, err
		}
	}
	return last, number, nil
}

// locate returns the last readable frame that begins at or before the event, and its message:
// the frame that holds the event, unless that one is damaged. The zero frame means that the event
// comes before every readable frame.
//
// Frames hold about equally many events, so a proportion usually hits at the second or third
// request; every other step halves the range instead, which bounds the number of steps.
func (l *Log) locate(
	ctx context.Context, state streamState, event eventstore.Sequence,
) (best eventstore.Frame, number uint64, err error) {
	s := search{event: event, low: max(state.First, 1), high: state.Last, lowEvent: 1}
	// The last frame tells how many events there are, and following usually begins there.
	middle := s.high
	for step := 0; s.low <= s.high; step++ {
		frame, at, err := l.nextFrame(ctx, middle, s.high)
		switch {
		case errors.Is(err, errNoMessage):
			s.high = middle - 1
		case err != nil:
			return eventstore.Frame{}, 0, err
		case frame.First() > event:
			s.high, s.highEvent = middle-1, frame.First()
		default:
			best, number = frame, at
			if frame.Last() >= event {
				return best, number, nil
			}
			s.low, s.lowEvent = at+1, frame.Last()+1
		}
		middle = s.middle(step%2 == 0)
	}
	return best, number, nil
}

// search is a range of messages that may hold an event. The message of the event, if it is
// readable, is always from low to high.
type search struct {
	event     eventstore.Sequence
	low, high uint64
	lowEvent  eventstore.Sequence // the event that message low begins with, if nothing is damaged
	highEvent eventstore.Sequence // the first event after message high, 0 while unknown
}

// middle returns the message to look at next.
func (s search) middle(proportional bool) uint64 {
	span := s.high - s.low
	if !proportional || s.highEvent <= s.lowEvent {
		return s.low + span/2
	}
	part := float64(s.event-s.lowEvent) / float64(s.highEvent-s.lowEvent)
	return min(s.low+uint64(part*float64(span+1)), s.high)
}
