// Package problem is the one table that says what an error is to the outside: its code, the HTTP
// status, the exit code of the program, and words for people.
//
// An error that is not in the table is "internal error" to a stranger; only the operator is shown
// what it was. Commands, HTTP and NATS all end with an [Error] of this package, so that the same
// thing has the same code wherever it happens. It logs nothing, knows no request but in the writing
// of an answer, and decides nothing: who has failed says with which code, and [From] finds it for
// the errors of the rooms below.
package problem

import (
	"errors"
	"io/fs"
	"net/http"
	"syscall"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/eventstore/index"
	"cakupan/eventstore/vault"
	"cakupan/eventstore/writer"
	"cakupan/projections/checked"
)

// Error is an error with a place in the table. It never holds a NIK. It is made for one failure and
// not changed once it is returned. Detail and Field may hold what was sent only as far as the
// sender needs it to find the place, masked.
type Error struct {
	Code   Code
	Field  string // the field or parameter that is wrong; empty when it is none in particular
	Detail string // a sentence a person can act on; shown to anybody
	Err    error  // what caused it, for the operator; nil when Detail says it all
	Retry  int    // seconds after which to try again; 0: what the table says of the code

	// Refused says that an event is at fault, not the request that brought it. It decides between
	// the two statuses of a code: a request with a bad parameter is answered with another one than
	// an event with a bad field.
	Refused bool
	// Whole says that a batch was refused as a whole because of the event. The status is then 422
	// whatever the event's own would be: its neighbours are not at fault.
	Whole bool
}

// New returns an error of a code with a sentence a person can act on. The detail is shown to
// anybody who asks, so it must hold nothing of the ledger's insides.
func New(code Code, detail string) *Error { return &Error{Code: code, Detail: detail} }

// Wrap returns an error of a code that was caused by another one. The cause is found by [errors.Is]
// and [errors.As], and is for the operator's log: it is in no answer.
func Wrap(code Code, detail string, err error) *Error {
	return &Error{Code: code, Detail: detail, Err: err}
}

// Query returns the error for a parameter of a request that is wrong. It is 400, and 2 of a
// command: whoever asked has to change the question.
func Query(parameter, detail string) *Error {
	return &Error{Code: QueryInvalid, Field: parameter, Detail: detail}
}

// Error returns code, field and detail; the cause too where there is one. It is for the operator: a
// stranger gets the fields, of which Err is none. It never holds a NIK, since none of its parts
// does.
func (e *Error) Error() string {
	text := string(e.Code)
	if e.Field != "" {
		text += " (" + e.Field + ")"
	}
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause. nil is none.
func (e *Error) Unwrap() error { return e.Err }

// Status returns the HTTP status of the error. A code without a status of its own, which only a
// fault of the program makes, is an internal error.
func (e *Error) Status() int {
	row := table[e.Code]
	switch {
	case e.Whole:
		return http.StatusUnprocessableEntity
	case e.Refused && row.refused != 0:
		return row.refused
	case row.status != 0:
		return row.status
	}
	return table[Internal].status
}

// Exit returns the exit code of a command that ends with the error. Of an event that was refused it
// is 3 whatever the code is: the rest of the input may be in the log.
func (e *Error) Exit() int {
	row, found := table[e.Code]
	switch {
	case !found:
		return ExitFailed
	case e.Refused && row.refused != 0:
		return ExitRefused
	}
	return row.exit
}

// From returns err as an error with a place in the table; nil for nil. What it does not know is
// [Internal], with err as its cause. The order is from what is said best to what is said least: an
// error with words of its own first, then those that carry data, then the list of causes. It is
// looked for through all that wraps it.
func From(err error) *Error {
	var known *Error
	var refusal *event.Refusal
	var damage *eventstore.DamageError
	var batch *writer.BatchTooLargeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return known
	case errors.As(err, &refusal):
		return Refusal(refusal)
	case errors.As(err, &batch):
		return New(BatchTooLarge, batch.Error()+": send fewer at once, or without atomic")
	case errors.As(err, &damage):
		return Wrap(LogDamaged, damage.Error()+"; run cakupan verify for all of it", err)
	}
	for _, known := range causes {
		if errors.Is(err, known.cause) {
			return Wrap(known.code, known.detail, err)
		}
	}
	// What a cluster says that is between two leaders, or has lost most of its servers.
	var said *jetstream.APIError
	if errors.As(err, &said) && said.Code == http.StatusServiceUnavailable {
		return Wrap(LogUnavailable, silent, err)
	}
	return Wrap(Internal, "internal error", err)
}

// File returns the error for a file that cannot be read. A missing one has no cause: the name says
// all, and what the system says of it only sounds like a fault of the program.
func File(path string, err error) *Error {
	if errors.Is(err, fs.ErrNotExist) {
		return New(NotFound, "there is no file "+path+" (berkas itu tidak ada)")
	}
	return Wrap(FileNotReadable, path+" cannot be read", err)
}

// Refusal returns the error for an event that was refused. Its words are for whoever sent the
// event, who must find the place by them: they may repeat a code or a date, and never a NIK. r must
// not be nil.
func Refusal(r *event.Refusal) *Error {
	return &Error{Code: Code(r.Code), Field: r.Field, Detail: r.Detail, Refused: true}
}

// Status returns the HTTP status for an error. err must not be nil.
func Status(err error) int { return From(err).Status() }

// Exit returns the exit code for an error, ExitDone for nil. A command returns it to the system as
// it is.
func Exit(err error) int {
	if err == nil {
		return ExitDone
	}
	return From(err).Exit()
}

// silent is told where nobody answers for the streams at the moment.
const silent = "the cluster cannot answer at the moment: send again a little later"

// causes lists the errors of the rooms below by what they are to the outside. It is never written.
// The first that matches counts, so the closer one stands before the wider one. The details say
// what to do, and that sending again is safe where it is.
var causes = []struct {
	cause  error
	code   Code
	detail string
}{
	{
		eventstore.ErrFull, LogFull,
		"there is no room left for the log; nothing was appended: free some and send again",
	},
	{
		syscall.ENOSPC, LogFull,
		"the disk is full: free some room and try again",
	},
	{
		writer.ErrIndexBehind, LogUnavailable,
		"the index of the log could not be written: look at the disk, and start again",
	},
	{
		writer.ErrClosed, LogUnavailable,
		"the log is being closed: send again later",
	},
	{
		eventstore.ErrUnknownOutcome, LogUnavailable,
		"the log did not say whether it took the events: send the same ones again," +
			" what is there already will be a duplicate",
	},
	{
		eventstore.ErrNotWritable, LogUnavailable,
		"the log cannot be written at the moment: look at its disk, the free inodes and the open" +
			" files of the process; it goes on by itself once the cause is gone: send again later",
	},
	{
		eventstore.ErrFenced, LogUnavailable,
		"another process writes to the log: find that one, or send again",
	},
	{
		eventstore.ErrClosed, LogUnavailable,
		"the log is closed or cannot be reached: send again later",
	},
	{
		eventstore.ErrUnsafe, LogUnavailable,
		"the store under the log could lose events and is not used",
	},
	{
		index.ErrDamaged, LogUnavailable,
		"the index of the log is damaged and is being made anew from it; what has no receipt was " +
			"not appended: send again",
	},
	{
		vault.ErrOvertaken, LogUnavailable,
		"another ledger of the cluster has named the same people meanwhile; nothing was appended:" +
			" send again",
	},
	{
		checked.ErrDamaged, ProjectionBehind,
		"the file of the projection is damaged and is being built anew from the log: ask again",
	},
	{
		checked.ErrClosed, ProjectionBehind,
		"the projection was replaced while it was asked: ask again",
	},
	{
		eventstore.ErrNewerFormat, FolderNewer,
		"a newer version of cakupan wrote this ledger: use that version or a later one",
	},
	{eventstore.ErrNoLog, FolderMissing, "there is no ledger"},
	{nats.ErrTimeout, LogUnavailable, silent},
	{nats.ErrNoResponders, LogUnavailable, silent},
	{nats.ErrConnectionClosed, LogUnavailable, silent},
	{nats.ErrDisconnected, LogUnavailable, silent},
	{nats.ErrReconnectBufExceeded, LogUnavailable, silent},
	{jetstream.ErrNoStreamResponse, LogUnavailable, silent},
	{
		fs.ErrPermission, FolderDenied,
		"the program may not read or write there: check owner and rights of the folder",
	},
}
