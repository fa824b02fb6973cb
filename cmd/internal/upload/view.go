package upload

import (
	"fmt"
	"net/http"
	"strings"

	"cakupan/cmd/internal/importer"
	"cakupan/cmd/internal/lists"
)

// refusedShown is how many refused rows the page shows; the file that is given back has all.
const refusedShown = 200

// view is what the page shows. It is made for one answer, by one goroutine; that of a list that was
// taken in is kept, and shown again to who asks again. The fields with capitals are for the
// template.
type view struct {
	Error   string
	Options bool // the error asks for what stands in the other choices
	Checked bool // the list was checked, and waits to be confirmed
	Done    bool // it was taken in

	Token   string
	Back    bool // rows can be taken back
	Name    string
	Read    string // how many rows, and what becomes of them
	Notes   []string
	Refused []refusedRow
	More    uint64 // refused rows that are not shown
	Gone    []importer.GoneRow
	Ready   bool // there is something that may be confirmed

	language lists.Language
	checking bool // nothing is recorded
}

// newView returns an empty page in the language that is asked for. A word that it does not know is
// taken for Indonesian.
func newView(r *http.Request) *view {
	return &view{language: languageOf(r.URL.Query().Get("lang"))}
}

// Kinds returns the kinds of lists.
func (*view) Kinds() []lists.Kind { return lists.Kinds() }

// KindName returns what a kind is called.
func (v *view) KindName(k lists.Kind) string { return k.Title(v.language) }

// MoreRows says how many refused rows are not shown.
func (v *view) MoreRows() string { return fmt.Sprintf(v.Say("moreRows"), v.More) }

// refusedRow is a row that is refused. Row counts as the sheet does, and What is for people.
type refusedRow struct {
	Row          int
	Column, What string
}

// note is what the command would print. A note that begins with the name of the file loses that.
func (v *view) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	_, after, found := strings.Cut(text, ": ") // the name of the file is said once
	if found {
		text = after
	}
	v.Notes = append(v.Notes, text)
}

// refuse is called with each refused row, in their order, and counts those that are too many to be
// shown.
func (v *view) refuse(row int, column, words string) {
	if len(v.Refused) == refusedShown {
		v.More++
		return
	}
	v.Refused = append(v.Refused, refusedRow{row, column, words})
}

// tell says what a list came to. It is called after a run. Ready says whether there is something to
// confirm: rows to be appended, or, of a whole list without a refusal, rows that are gone.
func (v *view) tell(s *sent, t *importer.Tally) {
	v.Name, v.Back = s.name, s.back != nil
	read := "read"
	if v.checking {
		read = "wouldRead"
	}
	v.Read = fmt.Sprintf(v.Say(read), t.Read, t.Appended, t.Duplicates, t.Refused)
	v.Ready = t.Appended > 0
	for i := range t.Lists {
		if w := t.Lists[i].Whole; w != nil {
			v.Gone = append(v.Gone, w.Gone...)
			s.gone = len(w.Gone) > 0
			if v.checking {
				s.seen = w.Seen // what is confirmed is what was shown
			}
			v.Ready = t.Refused == 0 && (v.Ready || len(w.Gone) > 0)
		}
	}
}
