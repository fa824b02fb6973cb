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
// numbers a person can have, so the key is kept in the vault, one for each publisher. Where a row
// has no number of the enrolment (KPJ), the enrolment is named by a keyed hash of the NIK alone,
// "nik-…", the same in every list of a publisher: a list of terminations that has only NIK names
// the enrolment that a list of enrolments opened. Package named makes the hashes, package matched
// finds rows that were made with an older key.
//
// What is not here: the formats of files (packages csv, xlsx and ods, which agree on the rows of
// package grid), the comparison of a list with what the ledger has of it (package whole), workbooks
// of templates (package book), and sending (the importer). A NIK leaves this package in the data of
// an event, on its way to the vault, and in the rows that are given back; never in a message.
//
// # Two passes
//
// A list is read twice, as its last row may decide how the first one is read: days that may be two
// are judged by their column, columns without a name by what they hold, and whether a row is one of
// the list by whether somebody is named below it. The first pass is the survey, which makes no
// events; the second one gives a record a row, in order, and can be read ahead ([Feed]). Nothing
// grows with the rows here but a bit for each of them and a small slot for each person, of whom
// three million are remembered at most.
//
// # What is refused, and where
//
// What is wrong with the list as a whole, such as a column that is missing, is an error of [Open]:
// it is told once, and no row is read. What is wrong with a row is the refusal of its record, with
// a code of the contract, section 1, the name of the column, and words in the language of the
// list's columns; the other rows stand. What is no reason to refuse anything, and still must not be
// passed over, is in [List.Notices]. No message repeats a number that may be of a person beyond its
// first six digits.
//
// The ledger judges each event again by the contract: what this package lets pass by mistake is
// refused there, in other words. It must never be the other way around, that a value is changed
// until it passes.
package lists
