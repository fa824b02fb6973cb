// Package bundle makes a figure that can be taken away: the events of the log that it can rest on,
// what proves that they are the log's, and what the ledger has signed; and checks one where there
// is nothing else, by the same rules that the ledger itself counts by.
//
// What a bundle proves, and what it does not, is in docs/proof.md; its bytes are in FORMAT.md.
//
// The commands bundle and check use it, and the ledger, which measures what it signs. Writing needs
// a ledger; checking needs the file and a public key. Figures that a bundle is about are those of
// one region and one day: contract, section 8.
package bundle
