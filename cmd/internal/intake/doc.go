// Package intake is the gate of the ledger, and owns its words: who takes events in ([Submitter])
// and how ([Options]), and what is kept of those that were refused when nobody waited for an answer
// ([Refused]). HTTP, messages by NATS, and lists all speak them; a receipt is the domain's own.
//
// [Intake] is the gate itself: it has the domain accept or refuse each event, puts a worker of the
// identity vault in the place of a NIK, and gives what remains to the writer.
package intake
