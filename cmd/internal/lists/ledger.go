package lists

import (
	"strings"

	"cakupan/domain/event"
)

// ledgerFields are columns by the names that the ledger has for what they hold. It is never
// written. Names on the left are those of the contract, section 1.
var ledgerFields = map[string]field{
	"source": fieldSource, "type": fieldKind, "data.region": fieldRegion, "data.nik": fieldNIK,
	"data.worker": fieldWorker, "data.into": fieldInto, "data.intoNik": fieldIntoNIK,
	"data.enrolment": fieldEnrolment, "data.commitment": fieldCommitment,
}

// OfLedger says in the words of a clerk why the ledger refused a row that looked right: the column,
// and in Indonesian the reason too. What the reader of the list has refused stays as it is. It
// never changes the code, by which programs tell refusals apart. It reads English sentences of the
// ledger, as those have no parts: one that it does not know stays in English.
func (l Language) OfLedger(why event.Refusal) event.Refusal {
	if f, found := ledgerFields[why.Field]; found &&
		(strings.HasPrefix(why.Field, "data.") || why.Code == event.Forbidden) {
		name := why.Field
		why.Field = f.title(l)
		why.Detail = strings.ReplaceAll(why.Detail, name+" is ", "it is ")
	}
	if l != Indonesian {
		return why
	}
	switch _, allowed, scoped := strings.Cut(why.Detail, "; it may: "); {
	// What the member may report stands behind this mark, and is worth repeating.
	case why.Code == event.Forbidden && scoped:
		allowed = strings.TrimSuffix(allowed, ". Ask whoever runs the ledger")
		allowed = strings.NewReplacer(" and ", " dan ", " more", " lagi").Replace(allowed)
		why.Detail = "Anda tidak berhak melaporkan ini; yang boleh: " + allowed +
			". Tanyakan pengelola buku besar"
	case why.Code == event.Forbidden:
		why.Detail = "Anda tidak berhak melaporkan, atau tidak lagi: tanyakan pengelola buku besar"
	case why.Code == event.Conflict:
		why.Detail = "laporan ini sudah dicatat dengan isi lain: tanyakan pengelola buku besar"
	case strings.Contains(why.Detail, "is the worker himself"):
		why.Detail = "orangnya sama dengan yang digabungkan: tulis nomor lain dari orang itu"
	}
	return why
}
