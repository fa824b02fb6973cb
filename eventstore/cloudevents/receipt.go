package cloudevents

import (
	"bytes"
	"encoding/json"
	"strconv"

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
	}
	all.Appended, all.Duplicates, all.Refused = count(got)
	return all
}

func count(got []event.Receipt) (appended, duplicates, refused int) {
	for i := range got {
		switch got[i].Status {
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

// AppendReceipt appends the JSON of [ReceiptOf] to dst. It is written by hand because a receipt is
// made for each event that is sent.
func AppendReceipt(dst []byte, got *event.Receipt) []byte {
	r := ReceiptOf(*got)
	dst = appendQuoted(append(dst, `{"source":`...), r.Source)
	dst = appendQuoted(append(dst, `,"id":`...), r.ID)
	dst = appendQuoted(append(dst, `,"status":`...), string(r.Status))
	if r.Sequence != 0 {
		dst = strconv.AppendUint(append(dst, `,"sequence":`...), r.Sequence, 10)
	}
	for _, optional := range [...]struct{ name, text string }{
		{`,"code":`, string(r.Code)}, {`,"field":`, r.Field}, {`,"detail":`, r.Detail},
	} {
		if optional.text != "" {
			dst = appendQuoted(append(dst, optional.name...), optional.text)
		}
	}
	return append(dst, '}')
}

// AppendReceipts appends the JSON of [ReceiptsOf] to dst, on one line without line end.
func AppendReceipts(dst []byte, got []event.Receipt) []byte {
	appended, duplicates, refused := count(got)
	dst = strconv.AppendInt(append(dst, `{"appended":`...), int64(appended), 10)
	dst = strconv.AppendInt(append(dst, `,"duplicates":`...), int64(duplicates), 10)
	dst = strconv.AppendInt(append(dst, `,"refused":`...), int64(refused), 10)
	dst = append(dst, `,"receipts":[`...)
	for i := range got {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendReceipt(dst, &got[i])
	}
	return append(dst, "]}"...)
}

// JSON returns the receipts on one line, without line end.
func (r Receipts) JSON() ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(r)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
