// Package merkle is the tamper evidence of the log: the Merkle tree of RFC 6962 over all events.
//
// Event n of the log is leaf n-1 of the tree. Every frame carries the root over all events before
// it, so whoever knows one root can check every event that it covers, and two logs with the same
// root hold the same events.
//
// The rules are those of golang.org/x/mod/sumdb/tlog, whose proofs therefore apply; see
// TestTreeEqualsTlog. What differs is what is kept: tlog reads hashes back from storage, a [Tree]
// keeps only the frontier that appending needs (at most 64 hashes), so that a writer holds the
// root of a log of any length in 2 KiB and appends without allocation.
package merkle
