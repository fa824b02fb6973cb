package cloudevents

import (
	"bytes"
	"encoding/json"

	"cakupan/domain/event"
)

// Receipt is what became of one event, as it is sent.
type Receipt struct {
	Source   string       `json:"source"`
	ID       string       `json:"id"`
	Status   event.Status `json:"status"`
	Sequence uint64       `json:"sequence,omitempty"`
	Code     event.Code   `json:"code,omitempty"`
	Field    string       `json:"field,omitempty"`
	Detail   string       `json:"detail,omitempty"`
}

// Receipts is the answer to one or more events, in their order.
type Receipts struct {
	Appended   int       `json:"appended"`
	Duplicates int       `json:"duplicates"`
	Refused    int       `json:"refused"`
	Receipts   []Receipt `json:"receipts"`
}

// ReceiptOf returns a receipt as it is sent.
func ReceiptOf(got event.Receipt) Receipt {
	r := Receipt{
		Source: got.Source, ID: got.ID, Status: got.Status, Sequence: got.Sequence,
	}
	if got.Refusal != nil {
		r.Code, r.Field, r.Detail = got.Refusal.Code, got.Refusal.Field, got.Refusal.Detail
	} else if got.Status == event.Refused {
		r.Detail = "not at fault: nothing was appended because of another event of the batch"
	}
	return r
}

// ReceiptsOf returns receipts as they are sent, counted.
func ReceiptsOf(got []event.Receipt) Receipts {
	all := Receipts{Receipts: make([]Receipt, len(got))}
	for i := range got {
		all.Receipts[i] = ReceiptOf(got[i])
		switch got[i].Status {
		case event.Appended:
			all.Appended++
		case event.Duplicate:
			all.Duplicates++
		case event.Refused:
			all.Refused++
		}
	}
	return all
}

// JSON returns the receipts on one line, without line end.
func (r Receipts) JSON() ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(r)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
