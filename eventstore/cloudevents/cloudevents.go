// Package cloudevents is how events and their receipts are written where they cross the edge of the
// ledger: CloudEvents 1.0 in JSON in, the same with sequence and record time out. What an event
// must be like beyond its JSON, domain/event says; what is stored has another form, in
// eventstore/codec. Whatever comes in may be anybody's: what is wrong with an event is a refusal,
// which repeats nothing of it.
package cloudevents

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
)

// ParseJSON reads a CloudEvent as sent: one JSON object, a line without its end. The result is for
// [event.Accept]; its texts do not alias the line. Refused are more than 64 KiB, and what is not
// valid JSON in valid UTF-8, an object, or without duplicate names at any depth. A byte order mark
// before it is passed over.
func ParseJSON(line []byte) (event.Value, *event.Refusal) {
	return new(Parser).Read(line)
}

// Read reads one event as [ParseJSON] does. The document is valid until the parser is reset. It may
// be called for the next one without a reset: the memory then grows by what is read.
func (p *Parser) Read(line []byte) (event.Value, *event.Refusal) {
	if refusal := event.CheckSize(len(line)); refusal != nil {
		return event.Value{}, refusal
	}
	// One copy for all texts of the event: the line is the caller's, and receipts outlive it.
	value, err := p.parse(strings.TrimPrefix(string(line), byteOrderMark))
	if err != nil {
		detail := err.Error() + "; send one JSON object"
		return event.Value{}, &event.Refusal{Code: event.Malformed, Detail: detail}
	}
	return value, nil
}

// PlaceIn gives the refusal of an event that is no JSON its place in the text that the event was
// cut from, where it began on a line and in a column, from 1. Another refusal stays as it is; nil
// is none. raw is the event as it was read.
func PlaceIn(refusal *event.Refusal, raw []byte, line, column int) {
	if refusal == nil || refusal.Code != event.Malformed || refusal.Field != "" {
		return
	}
	p := Parser{lines: line - 1, columns: column - 1}
	if _, again := p.Read(raw); again != nil && again.Code == event.Malformed {
		refusal.Detail = again.Detail
	}
}

// CheckValue refuses what is not one JSON value, whole and with nothing after it: the data of an
// event whose envelope came beside it. It is for binary mode, contract, section 7. Any value
// passes; that data is an object, domain/event asks.
func CheckValue(data []byte) *event.Refusal {
	if _, err := new(Parser).parse(string(data)); err != nil {
		return &event.Refusal{
			Code:   event.Malformed,
			Detail: "data is not one JSON value: " + err.Error() + "; send one JSON object",
		}
	}
	return nil
}

// AppendJSON appends an event of the log to dst as one line of JSON, without its end: the
// CloudEvent as accepted, with "sequence" (an integer) and "recordedat" (RFC 3339, UTC, nine digits
// of fraction). Fields of data are in the catalogue's order. The line can be imported elsewhere.
// Nothing of it is checked again: the event was accepted once. The line has no NIK, as the log has
// none.
func AppendJSON(
	dst []byte, e *event.Event, sequence uint64, recordedAt temporal.Instant,
) []byte {
	document := e.Document()
	document.Members = append(document.Members,
		event.Member{Name: "sequence", Value: event.Value{
			Kind: event.Number, Text: strconv.FormatUint(sequence, 10),
		}},
		event.Member{Name: "recordedat", Value: event.Value{
			Kind: event.String, Text: recordedAt.String(),
		}},
	)
	return appendValue(dst, &document)
}

// appendValue appends a document. Numbers are literals as they were sent: none goes through a
// float. The zero kind is null. It goes as deep as the document, which the reader has bounded.
func appendValue(dst []byte, v *event.Value) []byte {
	switch v.Kind {
	case event.String:
		return appendQuoted(dst, v.Text)
	case event.Number, event.Bool:
		return append(dst, v.Text...)
	case event.Object:
		dst = append(dst, '{')
		for i := range v.Members {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendQuoted(dst, v.Members[i].Name), ':')
			dst = appendValue(dst, &v.Members[i].Value)
		}
		return append(dst, '}')
	case event.List:
		dst = append(dst, '[')
		for i := range v.Items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendValue(dst, &v.Items[i])
		}
		return append(dst, ']')
	default:
		return append(dst, "null"...)
	}
}

// appendQuoted appends a text as a JSON string.
func appendQuoted(dst []byte, text string) []byte {
	// Only invalid UTF-8 is an error. Nothing accepted has it, and where a damaged text had, it is
	// shown with replacement characters.
	quoted, _ := jsontext.AppendQuote(dst, text)
	return quoted
}
