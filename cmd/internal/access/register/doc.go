// Package register is the history of who may say what to a ledger, and what it comes to: changes in
// the order in which they were made, their bytes, and the members that are left after them.
//
// It knows no clock, no file and no log in: the same changes come to the same register, and what is
// no history that this program would have written is refused. FORMAT.md describes the bytes.
package register
