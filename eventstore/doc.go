// Package eventstore is the log: the one ordered, append-only sequence of all accepted events.
//
// Events are stored in frames. A [Frame] is a run of consecutive events that were committed
// together; it is one message of the underlying store, it is atomic, and it is checked by a
// checksum when it is read. Events are bytes here: what an event means is not this package's
// business. The exact bytes are described in FORMAT.md beside this file.
//
// The package holds what all logs share: [Sequence], [Record], the frame format with its builder
// and parser, the interface [Log] and its errors. The logs themselves live in the folders below:
// jetstream (NATS JetStream, the real one) and memlog (in memory, with failure hooks). Both pass
// the suite in logtest.
//
// # Invariants
//
// Whoever writes to a log keeps them, whoever reads one may rely on them, and verify checks them.
//
//   - LOG-1 Sequences are dense: the first event is 1, and the event after n is n+1. The first
//     event of a frame follows the last event of the frame before it.
//   - LOG-2 Stored bytes never change. They are never re-encoded, and a frame has exactly one
//     valid encoding.
//   - LOG-3 Record times never decrease along the log.
//   - LOG-4 Each frame carries the RFC 6962 tree root over every event before it. The leaf of
//     an event covers its sequence, its record time and its stored bytes.
//   - LOG-5 A frame is appended only directly after the end that the writer named (fencing):
//     two writers never interleave.
//   - LOG-6 What was acknowledged is on stable storage.
//   - LOG-7 Damage is named, never skipped: a reader is told which sequences are missing before
//     it is given anything behind them.
package eventstore
