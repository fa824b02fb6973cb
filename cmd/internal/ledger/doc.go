// Package ledger is the running ledger: one data folder, opened. It holds the log and all that is
// derived from it, takes events in at one place and shows the coverage at one.
//
// [Open] locks the folder; [Ledger.Serve] makes it a running one; [Ledger.Submit], or Prepare and
// Commit for who has more to send, is the way in; [Ledger.View] is the way out. Nothing is taken
// in by, and nothing told of, a log that is known to be damaged.
//
// What is not here: HTTP and the command line, which call this package and share its checks; the
// rules of the contract, which are pure functions in domain; the bytes of the log and how they
// become durable, which are eventstore's. All that is here is about one folder and one process:
// which part is opened when, who waits for whom, and what an error of a part means to somebody who
// looks after a ledger. So errors leave this package in words about the folder, with what to do.
//
// Its rooms know nothing of it, and ask it by interfaces of their own: folder (the files, the lock,
// and errors in words), excerpt (reading the log), rights (who may say what), cost (who must wait),
// takeback, prover (checkpoints and tiles), cluster (who writes), backups and clock. Here they are
// opened, in the order of need, and put together.
//
// What cannot be derived lives on JetStream; index, projections, tiles and the look-up table of the
// vault are caches in the folder, and are made anew when they are of no use (contract, section 10).
package ledger
