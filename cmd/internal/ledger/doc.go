// Package ledger is the running ledger: one data folder, opened. It holds the log and all that is
// derived from it, takes events in at one place and shows the coverage at one.
//
// [Open] locks the folder; [Ledger.Serve] makes it a running one; [Ledger.Submit], or Prepare and
// Commit for who has more to send, is the way in; [Ledger.View] is the way out. Nothing is taken
// in by, and nothing told of, a log that is known to be damaged.
package ledger
