package findings

import (
	"encoding/json"
	"fmt"

	"cakupan/domain/region"
	"cakupan/eventstore"
)

// Finding is one as contract section 8 shows it. What does not apply is empty. It is the caller's
// own: nothing of it belongs to the projection.
type Finding struct {
	Code       string                `json:"code"`
	Since      eventstore.Sequence   `json:"since"` // the event that raised it
	Until      *eventstore.Sequence  `json:"until"` // the one that resolved it; nil: it is open
	Events     []eventstore.Sequence `json:"events"`
	Worker     string                `json:"worker,omitempty"`
	Enrolment  string                `json:"enrolment,omitempty"`
	Commitment string                `json:"commitment,omitempty"`
	Region     string                `json:"region,omitempty"`
	Months     Months                `json:"months,omitzero"`
	Rupiah     *int64                `json:"rupiah,omitempty"`
	Text       string                `json:"text"`
}

// Months are those that a finding concerns; of MONEY_SHORT, how many the money buys. Each is
// written YYYY-MM. At most one of the two is set.
type Months struct {
	List []string
	Buys string // "11.02"
}

// IsZero reports whether there are none.
func (m Months) IsZero() bool { return len(m.List) == 0 && m.Buys == "" }

// Count returns how many months are concerned. It is 0 for MONEY_SHORT, which concerns no month.
func (m Months) Count() int64 { return int64(len(m.List)) }

// MarshalJSON writes a list of months, or a text of how many.
func (m Months) MarshalJSON() ([]byte, error) {
	if m.Buys != "" {
		return json.Marshal(m.Buys)
	}
	return json.Marshal(m.List)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (m *Months) UnmarshalJSON(text []byte) error {
	*m = Months{}
	if len(text) > 0 && text[0] == '"' {
		return json.Unmarshal(text, &m.Buys)
	}
	return json.Unmarshal(text, &m.List)
}

// Query asks for findings: for all that there were up to an event, or for some. The event must be
// applied.
//
// It is for a reader to set: every field narrows what is told, and the zero value of each but Known
// is everything. Known beyond what is applied must have been waited for by the caller. Worker means
// the person, by any of the ids; Region takes those that lie in it, too; the nation takes those
// without a region as well.
type Query struct {
	Known      eventstore.Sequence
	Code       Code // 0: all
	Region     region.Code
	Worker     string // "": all, like the next
	Enrolment  string
	Commitment string
	Open       bool // those that are not resolved as known then
	// To not 0: those that an event of [From, To] has raised, or that rest on one.
	From, To eventstore.Sequence
	Language Language
}

// Language is that of the words of a finding.
type Language uint8

// The languages.
const (
	Indonesian Language = iota
	English
)

// ParseLanguage reads "id" or "en". Other texts are the user's mistake: the error says what to
// write.
func ParseLanguage(text string) (Language, error) {
	switch text {
	case "id":
		return Indonesian, nil
	case "en":
		return English, nil
	}
	return 0, fmt.Errorf("must be id or en")
}
