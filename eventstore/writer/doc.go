// Package writer puts events into the log: together with others that arrive at the same time,
// once only, and as the only writer.
//
//   - Group commit. One frame is on its way to stable storage at a time. Whatever arrives
//     meanwhile forms the next frame. Nobody waits for company: a lone publisher's frame leaves
//     at once, and under load frames grow by themselves.
//   - Idempotency, for ever. An event whose source and id are in the log is a duplicate and gets
//     the receipt of the first, or, when it says something else, is refused. The index package
//     remembers.
//   - Fencing. Each frame names the end of the log that it follows. When somebody else has
//     appended, the writer is refused, says so, and is finished: its picture of the log is stale.
//   - No guessing. When the answer to an append is lost, the writer reads the end of the log back
//     and compares bytes before it tells anybody anything.
//
// # Life of an event
//
// Append hashes the keys in the caller's goroutine and queues the entries. The one goroutine of
// the writer then, for as many queued entries as fit a frame: looks the keys up (duplicate?
// conflict?), gives each new event its sequence and record time, hashes its leaf into the tree,
// and builds the frame. It sends the frame, waits for stable storage, adds the entries to the
// index, and hands out the receipts.
//
// # Crashes
//
// The log is the only truth; the rest is derived from it, so a crash can only separate what the
// log holds from what somebody knows about it:
//
//   - before the frame is sent (FaultBeforeSend): nothing happened. The publisher has no receipt
//     and sends again.
//   - after it was sent, before the answer (FaultAfterSend): the frame is there or not. If it is,
//     the next start reads it, and the publisher, sending again, gets the first receipt.
//   - after the answer, before the index (FaultAfterAck): the same; the next start reads what the
//     index lacks.
//   - after the index, before the receipts (FaultAfterIndex): the same.
//
// A frame is stored completely or not at all, and so is an atomic batch: it is one frame, or it is
// refused before anything is sent.
package writer
