// Package event holds the facts the ledger accepts: their catalogue, their fields and the
// rules that accept or refuse them (contract, section 1). It knows no wire format but the
// neutral document tree of [Value]; bytes belong to the codec, JSON to the edge.
//
// # Order of the rules
//
// An event with several defects is refused for the first of: size, JSON, envelope, type, unknown
// fields, missing fields, worker, values in the catalogue's order, period. [CheckSize] is the
// first, the edge does the second, [Accept] the others; conflict and record order are the
// writer's. What the contract leaves open is decided so:
//
//   - The envelope is checked three times in the order specversion, id, source, type, data, time,
//     subject, datacontenttype, dataschema, then extension attributes as sent: what is missing or
//     of a wrong kind, where a NIK stands, and what else is wrong with a value, recordedat the
//     last. An attribute that is null is absent, as CloudEvents has it; one that is empty is
//     malformed.
//   - An extension attribute is a string, a boolean or a whole number, and its name of lower-case
//     letters and digits. "sequence" and "publishedby" are dropped whatever they hold, because only
//     the ledger may say them; "recordedat" is dropped unless original record times are kept.
//   - A NIK where none belongs is found in every text of the envelope but the type, in names and
//     numbers of extension attributes, and in ids and texts of data, also where a number stands in
//     the place of one. Between its groups may stand whatever word processors put there for a
//     space or a hyphen.
//   - A field of data that is null is there, with a value that is invalid.
//   - Integers of extension attributes have no bound: they are kept as they were written.
//   - A merge of somebody into himself is the last of the defects of values: it shows only once
//     workers have taken the place of NIKs, see [Data.NameWorkers].
//   - The source and id that a retraction names follow the rules of the envelope's: no event
//     could have others.
//
// # Adding a type or a field
//
//  1. Give the type the next free number in codes.go and the field the next free one in field.go.
//     Both are stored in the log: never reorder, never reuse, also after a removal.
//  2. Give the field a place in [Data], a row in the table of fields and a line in the accessor of
//     its kind (access.go). A field of a new kind needs a reader in read.go and a writer in
//     render.go, and the codec a wire form.
//  3. Give the type a row in the catalogue (catalogue.go), its fields in the contract's order.
//  4. Add the same numbers to eventstore/codec/event.proto and a golden file beside it.
//
// A changed meaning is a new version ("enrolment.opened.v2") with a number of its own; the old one
// stays readable for ever, and the codec's upcasting turns it into the new one when it is read.
package event
