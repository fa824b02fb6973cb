package httpapi

import (
	"context"
	"time"

	"cakupan/cmd/internal/problem"
	"cakupan/cmd/internal/shares"
	"cakupan/domain/event"
)

// What the work on a request takes of memory, for [Limits.Memory]. The figures are a little above
// what was measured, so that the bound holds.
const (
	// byteRoom is for each byte of a body: itself, the texts of its events, what of them goes to
	// the log, and their receipts.
	byteRoom = 4
	// eventRoom is for each event of a batch, however short.
	eventRoom = 640
	// streamRoom is for a stream: what is read ahead of it, and what of it is in work.
	streamRoom = 3 << 20
	// gzipRoom is for the decoder of a body.
	gzipRoom = 64 << 10
)

// roomPatience is how long a request waits for memory that others use before it is refused: long
// enough for most requests in work to end, too short for a queue to grow.
const roomPatience = 100 * time.Millisecond

// room is the memory for the bodies of all requests in work. It is counted, not measured: what the
// runtime holds at a moment depends on when it collected last, and a bound must not. What is
// outside of it, such as answers and the state of projections, is bounded elsewhere or not at all.
// All methods of the pool may be called at the same time.
type room struct{ memory *shares.Pool }

// newRoom returns the room of so many bytes, of which one member may have a part.
func newRoom(bytes int64) *room { return &room{shares.New(bytes, bytes/memoryPart)} }

// claim is what one request has of the room. It is used by one goroutine at a time. It only grows
// until it is released, also when some of the memory is free before: to give back piece by piece
// would gain little, and what is held is simple to tell.
type claim struct {
	room   *room
	member string // whose share it is of
	held   int64
}

// grow claims more, and waits a moment for it. Where there is none to be had it returns a
// [problem.Overloaded]; what was claimed stays so. With an error the claim is as it was. A request
// that has a part of what it needs waits for no longer than roomPatience for the rest: two that
// hold what the other one waits for would stand still.
func (c *claim) grow(ctx context.Context, bytes int64) error {
	// What is more than he will ever have may be had by one request alone.
	bytes = min(bytes, c.room.memory.Most(c.member)-c.held)
	if bytes <= 0 {
		return nil
	}
	if !c.room.memory.Try(c.member, bytes) {
		ctx, cancel := context.WithTimeout(ctx, roomPatience)
		defer cancel()
		if c.room.memory.Take(ctx, c.member, bytes) != nil {
			return overloaded()
		}
	}
	c.held += bytes
	return nil
}

// release gives everything back. It may be called again, and does nothing then.
func (c *claim) release() {
	c.room.memory.Give(c.member, c.held)
	c.held = 0
}

// overloaded is the error for what does not fit beside what is in work. It is also for streams and
// audiences; whoever gets it may send the same again, as events that are there already are
// duplicates.
func overloaded() error {
	return problem.New(problem.Overloaded,
		"the server has too much in work at the moment: nothing of this was appended that has no"+
			" receipt; send the same again after a second, and then after longer and longer")
}

// eventBodyMax is how much of a body with one event is read: one byte more than the longest
// event with the line end after it, to see that there is more.
const eventBodyMax = event.BytesMax + 1 + len("\r\n")
