// Package bundle makes a figure that can be taken away: the events of the log that it can rest on,
// what proves that they are the log's, and what the ledger has signed; and checks one where there
// is nothing else, by the same rules that the ledger itself counts by.
//
// What a bundle proves, and what it does not, is in docs/proof.md; its bytes are in FORMAT.md.
package bundle
