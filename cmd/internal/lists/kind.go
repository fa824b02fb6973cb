package lists

import "cakupan/domain/event"

// Kind is what a list reports.
type Kind uint8

// The kinds of lists.
const (
	UnknownKind Kind = 0
	Enrolment   Kind = 1 // who is enrolled from when on
	Termination Kind = 2 // whose enrolment ends
	Funding     Kind = 3 // which months of whose enrolment a commitment pays
)

// Kinds lists the kinds.
func Kinds() []Kind { return []Kind{Enrolment, Termination, Funding} }

// String returns "enrolment", "termination" or "funding".
func (k Kind) String() string {
	switch k {
	case Enrolment:
		return "enrolment"
	case Termination:
		return "termination"
	case Funding:
		return "funding"
	default:
		return "unknown"
	}
}

// title returns what templates call the kind.
func (k Kind) title(l Language) string {
	switch {
	case l == English:
		return k.String()
	case k == Enrolment:
		return "kepesertaan"
	case k == Termination:
		return "pemberhentian"
	default:
		return "pendanaan"
	}
}

// ParseKind reads the name of a kind in either language.
func ParseKind(text string) (Kind, bool) {
	key := plain(text)
	for _, k := range Kinds() {
		if key == k.String() || key == k.title(Indonesian) {
			return k, true
		}
	}
	if key == "enrollment" {
		return Enrolment, true
	}
	return UnknownKind, false
}

// event returns the type of the events that a list of the kind becomes.
func (k Kind) event() event.Type {
	switch k {
	case Termination:
		return event.EnrolmentTerminated
	case Funding:
		return event.FundingGranted
	default:
		return event.EnrolmentOpened
	}
}

// need says which fields a row must have: of each group at least one, and of a group of several
// that exclude each other exactly one.
type need struct {
	fields  []field
	exclude bool
}

// needs returns what rows of the kind must have, in the order in which defects are told.
func (k Kind) needs() []need {
	person := need{fields: []field{fieldNIK, fieldEnrolment}}
	switch k {
	case Termination:
		return []need{
			person,
			{[]field{fieldUntil, fieldLastDay, fieldInactive}, true},
			{[]field{fieldReason}, false},
		}
	case Funding:
		return []need{
			person,
			{[]field{fieldCommitment}, false},
			{[]field{fieldFromMonth}, false},
			{[]field{fieldLastMonth, fieldUntilMonth, fieldMonths}, true},
		}
	default:
		return []need{
			{[]field{fieldNIK}, false},
			{[]field{fieldRegion}, false},
			{[]field{fieldSegment}, false},
			{[]field{fieldCategory}, false},
			{[]field{fieldProgrammes}, false},
			{[]field{fieldPayer}, false},
			{[]field{fieldFrom}, false},
		}
	}
}

// uses tells whether lists of the kind have a field.
func (k Kind) uses(f field) bool {
	if f == fieldEnrolment {
		return true
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

// recognise tells from the fields of a list which kind it is; unknown when it may be several.
func recognise(has func(field) bool) Kind {
	anyOf := func(fields ...field) bool {
		for _, f := range fields {
			if has(f) {
				return true
			}
		}
		return false
	}
	ends := anyOf(fieldUntil, fieldLastDay, fieldInactive, fieldReason)
	pays := anyOf(fieldCommitment, fieldFromMonth, fieldLastMonth, fieldUntilMonth, fieldMonths)
	opens := has(fieldSegment) && has(fieldCategory) && has(fieldProgrammes) && has(fieldPayer) &&
		has(fieldFrom)
	switch {
	case ends && !pays && !opens:
		return Termination
	case pays && !ends && !opens:
		return Funding
	case !ends && !pays && anyOf(fieldRegion, fieldSegment, fieldCategory, fieldProgrammes,
		fieldPayer, fieldFrom):
		return Enrolment
	}
	return UnknownKind
}
