// Package register is the history of who may say what to a ledger, and what it comes to: changes in
// the order in which they were made, their bytes, and the members that are left after them.
//
// It knows no clock, no file and no log in: the same changes come to the same register, and what is
// no history that this program would have written is refused. FORMAT.md describes the bytes.
// Package access keeps the changes on a stream. Whatever is persisted of the register is written
// and read here, so this is the place that its format depends on.
package register
