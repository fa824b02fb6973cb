package cloudevents

import (
	"encoding/json"
	"fmt"
	"strconv"

	"cakupan/domain/event"
)

// Receipts is the answer to one or more events, in their order. As JSON it begins with how many of
// them were appended, duplicates and refused. The JSON is the answer of contract, section 7.
type Receipts []event.Receipt

// Count returns how many receipts are of each status. A receipt of no known status counts as none
// of them.
func (r Receipts) Count() (appended, duplicates, refused int) {
	for i := range r {
		switch r[i].Status {
		case event.Appended:
			appended++
		case event.Duplicate:
			duplicates++
		case event.Refused:
			refused++
		}
	}
	return appended, duplicates, refused
}

// AppendReceipt appends a receipt to dst as JSON, on one line without line end. It is written by
// hand because a receipt is made for each event that is sent. What does not apply is left out: a
// sequence of 0, code and field of what was not refused, and its detail unless it has a notice.
func AppendReceipt(dst []byte, r *event.Receipt) []byte {
	dst = appendQuoted(append(dst, `{"source":`...), r.Source)
	dst = appendQuoted(append(dst, `,"id":`...), r.ID)
	dst = appendQuoted(append(dst, `,"status":`...), string(r.Status))
	if r.Sequence != 0 {
		dst = strconv.AppendUint(append(dst, `,"sequence":`...), r.Sequence, 10)
	}
	why := r.Why()
	if r.Status != event.Refused {
		why.Detail = r.Notice
	}
	for _, optional := range [...]struct{ name, text string }{
		{`,"code":`, string(why.Code)}, {`,"field":`, why.Field}, {`,"detail":`, why.Detail},
	} {
		if optional.text != "" {
			dst = appendQuoted(append(dst, optional.name...), optional.text)
		}
	}
	return append(dst, '}')
}

// AppendReceipts appends receipts to dst as JSON, on one line without line end.
func AppendReceipts(dst []byte, receipts Receipts) []byte {
	return AppendReceiptsWith[[]byte](dst, receipts, nil)
}

// MarshalJSON returns what [AppendReceipts] appends. It never fails.
func (r Receipts) MarshalJSON() ([]byte, error) { return AppendReceipts(nil, r), nil }

// receiptMembers are the members of a receipt's JSON. Those that were left out are zero. Members
// that are not known are ignored: a newer ledger may say more.
type receiptMembers struct {
	Source   string       `json:"source"`
	ID       string       `json:"id"`
	Status   event.Status `json:"status"`
	Sequence uint64       `json:"sequence"`
	Code     event.Code   `json:"code"`
	Field    string       `json:"field"`
	Detail   string       `json:"detail"`
}

// receipt refuses a status that it does not know: it would count as neither taken nor refused, and
// an event that nobody has would be forgotten without a word.
func (m *receiptMembers) receipt() (event.Receipt, error) {
	switch m.Status {
	case event.Appended, event.Duplicate, event.Refused:
	default:
		return event.Receipt{}, fmt.Errorf("read receipt: %.20q is no status of an event", m.Status)
	}
	r := event.Receipt{
		Key:    event.Key{Source: m.Source, ID: m.ID},
		Status: m.Status, Sequence: m.Sequence,
	}
	if m.Status != event.Refused {
		r.Notice = m.Detail
		return r, nil
	}
	if m.Code != "" || m.Field != "" || m.Detail != "" {
		r.Refusal = &event.Refusal{Code: m.Code, Field: m.Field, Detail: m.Detail}
	}
	return r, nil
}

// ParseReceipt reads what [AppendReceipt] has written. A refused event that was not at fault has a
// refusal then, without code. Any order of members is read. The error names nothing of the text but
// a status.
func ParseReceipt(text []byte) (event.Receipt, error) {
	var members receiptMembers
	if err := json.Unmarshal(text, &members); err != nil {
		return event.Receipt{}, fmt.Errorf("read receipt: %w", err)
	}
	return members.receipt()
}

// UnmarshalJSON reads what [AppendReceipts] has written, each receipt as [ParseReceipt] does. Text
// without receipts, such as a problem, is none. The numbers at its beginning are not believed but
// counted again: see Count. With an error r stays as it was.
func (r *Receipts) UnmarshalJSON(text []byte) error {
	var answer struct {
		Receipts []receiptMembers `json:"receipts"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return fmt.Errorf("read receipts: %w", err)
	}
	all := make(Receipts, len(answer.Receipts))
	for i := range answer.Receipts {
		var err error
		if all[i], err = answer.Receipts[i].receipt(); err != nil {
			return err
		}
	}
	*r = all
	return nil
}
