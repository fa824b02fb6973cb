package cloudevents

import (
	"strconv"

	"cakupan/domain/event"
)

// AppendReceiptWith appends a receipt as [AppendReceipt] does, with the members of a JSON object at
// its end. more is an object that has been encoded already, without white space around it; an empty
// one and nil add nothing. Its names must be others than a receipt's.
func AppendReceiptWith(dst []byte, r *event.Receipt, more []byte) []byte {
	dst = AppendReceipt(dst, r)
	if len(more) <= len("{}") {
		return dst
	}
	// The comma takes the place of the bracket that closes the receipt.
	dst[len(dst)-1] = ','
	return append(dst, more[len("{"):]...)
}

// AppendReceiptsWith appends receipts as [AppendReceipts] does, each with the members of a JSON
// object: there are as many of these. A nil more adds nothing to any of them.
func AppendReceiptsWith[T ~[]byte](dst []byte, receipts Receipts, more []T) []byte {
	appended, duplicates, refused := receipts.Count()
	dst = strconv.AppendInt(append(dst, `{"appended":`...), int64(appended), 10)
	dst = strconv.AppendInt(append(dst, `,"duplicates":`...), int64(duplicates), 10)
	dst = strconv.AppendInt(append(dst, `,"refused":`...), int64(refused), 10)
	dst = append(dst, `,"receipts":[`...)
	for i := range receipts {
		if i > 0 {
			dst = append(dst, ',')
		}
		if more == nil {
			dst = AppendReceipt(dst, &receipts[i])
		} else {
			dst = AppendReceiptWith(dst, &receipts[i], more[i])
		}
	}
	return append(dst, "]}"...)
}
