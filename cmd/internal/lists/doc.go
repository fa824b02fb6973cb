// Package lists makes events of lists of people, as local governments and employers keep them in
// CSV files and Excel workbooks.
//
// [Open] reads the beginning of a list: which kind it is, which column holds what, what is
// declared for all rows. [List.Events] then gives one [Record] a row: an event in JSON, or why
// there is none, in the language of the list's columns. Nothing is guessed: a value that may
// mean two things is refused.
//
// # Ids
//
// The id of an event is a keyed hash of the list's declared id, the event's type and its data. So
// the same list sent twice adds nothing, in whatever order, format or spelling of dates; and a
// corrected list adds only its corrections. A plain hash would let anybody who has the log try all
// numbers a person can have, so the key is derived from the vault's. Where a row has no number of
// the enrolment (KPJ), the enrolment is named by a keyed hash of the NIK alone, "nik-…", the same
// in every list: a list of terminations that has only NIK names the enrolment that a list of
// enrolments opened.
package lists
