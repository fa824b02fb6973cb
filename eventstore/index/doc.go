// Package index answers, for ever and fast, whether an event with this source and id is in the
// log already, and where: the lasting memory behind idempotency.
//
// The index is derived from the log and holds nothing of its own. Losing it, or any file of it,
// costs the time to read the log again and nothing else; so whatever looks damaged is discarded.
// Its files lie in a folder of their own.
//
// # How it works
//
// An entry is a hash of the key, the sequence, and the digest of what the event says. In a run of
// the log's index it is 23 or 24 bytes, which is enough to tell whether two events are the same
// (form.go); that of the vault keeps both hashes whole. Recent entries lie in a table in memory. A
// full table (131,072 entries, 5 MiB) is sorted and written as a run: an immutable file, named by
// the range of sequences it covers (0000000001-0000131000.run). In the background, runs of like
// size are merged, four into one, so that there are never more than a handful, whatever the length
// of the log. A lookup asks the table and each run. A run carries a filter, which says of nearly
// every new key, by reading one cache line, that it is not there; else the place where the key
// must stand is computed, since hashes are uniform, and corrected two or three times. Memory does
// not grow with the log.
//
// # Crashes
//
// A run is written to a temporary file, synced, and renamed, so a file with the name of a run is
// complete. Merged runs are removed only after the run that replaces them is durable. After a
// crash there are therefore the old files, or the new one, or both: Open takes the largest that
// cover the log from its first event without a hole and removes the others. What no run covers is
// read from the log again, which is at most two tables and takes well under a second.
//
// Every run holds the Merkle frontier after its last event, so reading on needs nothing older.
// Runs end where frames end.
package index
