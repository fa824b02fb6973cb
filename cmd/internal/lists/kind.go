package lists

import (
	"strings"

	"cakupan/domain/event"
)

// Kind is what a list reports.
type Kind uint8

// The kinds of lists.
const (
	UnknownKind  Kind = 0
	Enrolment    Kind = 1 // who is enrolled from when on
	Termination  Kind = 2 // whose enrolment ends
	Funding      Kind = 3 // which months of whose enrolment a commitment pays
	Contribution Kind = 4 // for which months of whose enrolment the contribution was booked
	Death        Kind = 5 // who died
	Merge        Kind = 6 // which two numbers are one person
)

// Kinds lists the kinds. The order is that in which they are told to people.
func Kinds() []Kind {
	return []Kind{Enrolment, Termination, Funding, Contribution, Death, Merge}
}

// String returns "enrolment", "termination" and so on. It is what --kind takes.
func (k Kind) String() string {
	switch k {
	case Enrolment:
		return "enrolment"
	case Termination:
		return "termination"
	case Funding:
		return "funding"
	case Contribution:
		return "contribution"
	case Death:
		return "death"
	case Merge:
		return "merge"
	default:
		return "unknown"
	}
}

// Title returns what templates call the kind. It is read again by ParseKind: a list that is given
// back names its kind so.
func (k Kind) Title(l Language) string {
	switch {
	case l == English:
		return k.String()
	case k == Enrolment:
		return "kepesertaan"
	case k == Termination:
		return "pemberhentian"
	case k == Funding:
		return "pendanaan"
	case k == Contribution:
		return "iuran"
	case k == Death:
		return "kematian"
	default:
		return "penggabungan"
	}
}

// KindNames returns the names of all kinds as a sentence has them: "enrolment, termination or …".
func KindNames(l Language) string {
	var titles []string
	for _, k := range Kinds() {
		titles = append(titles, k.Title(l))
	}
	or := " or "
	if l == Indonesian {
		or = " atau "
	}
	last := len(titles) - 1
	return strings.Join(titles[:last], ", ") + or + titles[last]
}

// ParseKind reads the name of a kind in either language. Case, spaces and punctuation do not
// matter; a plural is taken too. False comes with UnknownKind.
func ParseKind(text string) (Kind, bool) {
	key := plain(text)
	for _, k := range Kinds() {
		if key == k.String() || key == k.Title(Indonesian) || key == k.String()+"s" {
			return k, true
		}
	}
	if key == "enrollment" {
		return Enrolment, true
	}
	return UnknownKind, false
}

// event returns the type of the events that a list of the kind becomes. One row becomes one event.
// UnknownKind has no list whose rows are read.
func (k Kind) event() event.Type {
	switch k {
	case Termination:
		return event.EnrolmentTerminated
	case Funding:
		return event.FundingGranted
	case Contribution:
		return event.ContributionCredited
	case Death:
		return event.WorkerDied
	case Merge:
		return event.WorkerMerged
	default:
		return event.EnrolmentOpened
	}
}

// ofPersons tells whether the events of the kind are about people and not about enrolments. A death
// or a merge holds for all enrolments of the person: contract, section 3.
func (k Kind) ofPersons() bool { return k == Death || k == Merge }

// presence says which fields of a group rows must have.
type presence uint8

const (
	anyOf   presence = iota // at least one of them
	oneOf                   // exactly one of them
	ifThere                 // exactly one of them, where the list has any; else none
)

// need says which fields a row must have. The first field stands for the group where something is
// missing.
type need struct {
	fields []field
	how    presence
}

// needs returns what rows of the kind must have, in the order in which defects are told. They are
// what the contract, section 1, asks of the event's data, as lists have it: an end may be a last
// month or a number of months, and a person may be known by the enrolment alone.
func (k Kind) needs() []need {
	enrolled := need{[]field{fieldNIK, fieldEnrolment}, anyOf}
	person := need{[]field{fieldNIK, fieldWorker}, anyOf}
	ends := []field{fieldLastMonth, fieldUntilMonth, fieldMonths}
	switch k {
	case Termination:
		return []need{
			enrolled,
			{[]field{fieldUntil, fieldLastDay, fieldInactive}, oneOf},
			{[]field{fieldReason}, anyOf},
		}
	case Funding:
		return []need{
			enrolled,
			{[]field{fieldCommitment}, anyOf},
			{[]field{fieldFromMonth}, anyOf},
			{ends, oneOf},
		}
	case Contribution:
		return []need{enrolled, {[]field{fieldMonth, fieldFromMonth}, oneOf}, {ends, ifThere}}
	case Death:
		return []need{person, {[]field{fieldDied}, anyOf}}
	case Merge:
		return []need{person, {[]field{fieldIntoNIK, fieldInto}, anyOf}}
	default:
		all := []need{}
		for _, f := range []field{
			fieldNIK, fieldRegion, fieldSegment, fieldCategory, fieldProgrammes, fieldPayer,
			fieldFrom,
		} {
			all = append(all, need{[]field{f}, anyOf})
		}
		return all
	}
}

// uses tells whether lists of the kind have a field. The number of an enrolment goes with every
// kind, though none must have it. What it does not use is ignored and told, never refused.
func (k Kind) uses(f field) bool {
	switch f {
	case fieldEnrolment:
		return !k.ofPersons()
	case fieldAmount, fieldPaidOn, fieldReference:
		return k == Contribution
	}
	for _, n := range k.needs() {
		for _, one := range n.fields {
			if one == f {
				return true
			}
		}
	}
	return false
}

// recognise tells from the fields of a list which kind it is; unknown when it may be several. A
// list that could open as well as end enrolments is not guessed at: one of the two would be wrong
// for every row. has tells whether a column or a declaration has a field. The kind that a list
// declares goes before it.
func recognise(has func(field) bool) Kind {
	some := func(fields ...field) bool {
		for _, f := range fields {
			if has(f) {
				return true
			}
		}
		return false
	}
	terms := some(fieldSegment, fieldCategory, fieldProgrammes, fieldPayer, fieldFrom)
	opens := has(fieldSegment) && has(fieldCategory) && has(fieldProgrammes) && has(fieldPayer) &&
		has(fieldFrom)
	ends := some(fieldUntil, fieldLastDay, fieldInactive, fieldReason)
	pays := some(fieldCommitment, fieldFromMonth, fieldLastMonth, fieldUntilMonth, fieldMonths)
	// An amount alone is in lists of all kinds.
	credits := some(fieldMonth, fieldPaidOn, fieldReference) && !has(fieldCommitment)
	merges := some(fieldInto, fieldIntoNIK)
	switch {
	case credits && !ends && !terms && !merges && !has(fieldDied):
		return Contribution
	case ends && !pays && !opens:
		return Termination
	case pays && !ends && !opens:
		return Funding
	case has(fieldDied) && !ends && !pays && !terms && !merges:
		return Death
	case merges && !ends && !pays && !terms && !has(fieldDied):
		return Merge
	case !ends && !pays && (terms || has(fieldRegion)):
		return Enrolment
	}
	return UnknownKind
}
