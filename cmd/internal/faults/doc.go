// Package faults plays seeded faults against the program itself: nodes of NATS and ledgers as
// processes, each in a network and on a disk of its own, under load over all ways in.
//
// Whatever is acknowledged is written down. In the end each of it must be in the log once, the log
// dense, and all ledgers must answer as a replay of it does; nobody has started anything by hand
// that had ended by itself, and no ledger has said that it was well while it was not. What is
// played, and when, comes from the seed alone; how the processes take turns does not.
//
// All of it is tests: docs/operations.md says how to run many seeds.
package faults
