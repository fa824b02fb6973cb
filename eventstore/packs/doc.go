// Package packs keeps what cannot be derived from the log: a JetStream stream of records, one
// message a record, with dense numbers of its own. The vault and the register are such streams.
//
// As for the log, JetStream is trusted to keep order, to fence appends and to flush them (the
// server must run with sync_interval: always), and not trusted to notice its own damage. So each
// record has its number and a checksum, and what is missing is named; see FORMAT.md.
//
// # Appending
//
// Each append says after which end: of two writers one is refused with eventstore.ErrFenced, who
// then reads what the other one wrote and decides anew. Where the answer is lost, Append reads back
// what the stream holds and compares; it never guesses.
//
// # Replacing
//
// A record is never changed. To take something out of it, Replace appends another one that says in
// whose place it stands, and then has the server overwrite the old one's bytes in its files. A
// crash in between leaves both: who reads meets the later one with the old number in Replaces, and
// calls Erase again. The number of a record that was replaced is missing from then on, which is no
// damage, as a later record says so.
//
// On a cluster a server that was away, or has an older copy of the stream, removes the old record
// without that once it has caught up; package natsd overwrites it when the server is started.
//
// What lies outside the stream's own files is not overwritten: copies and backups, and on a cluster
// the log of its consensus, until the server compacts it.
package packs
