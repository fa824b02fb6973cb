package natsin

import (
	"bytes"
	"mime"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/split"
	"cakupan/domain/event"
	"cakupan/eventstore/cloudevents"
)

// The media types of messages.
const (
	eventType  = "application/cloudevents+json"
	batchType  = "application/cloudevents-batch+json"
	dataType   = "application/json" // the payload is the data, the envelope is in the header
	eventTypes = "application/cloudevents"
)

// events returns the events of a message as they are taken in, each as in structured mode (NATS
// Protocol Binding for CloudEvents, main branch): a Content-Type that begins with
// application/cloudevents says structured mode or batch, ce- fields say binary mode, and without
// either the payload is one event, as version 1.0.2 of the binding has it. A refusal is of the
// message as a whole; what an event says is not looked at. The events are parts of the payload
// where they can be.
func (m *Message) events() ([][]byte, *event.Refusal) {
	given := m.get(contentType)
	media, parameters, err := mime.ParseMediaType(given)
	charset := parameters["charset"]
	switch {
	case m.count(contentType) > 1:
		return nil, malformed(contentType, "Content-Type stands twice in the header: send it once")
	case given != "" && err != nil:
		return nil, malformed(contentType, "Content-Type cannot be read")
	case charset != "" && !strings.EqualFold(charset, "utf-8"):
		return nil, malformed(contentType, "send events in UTF-8")
	case media == eventType:
		return [][]byte{bytes.TrimSpace(m.Payload)}, nil
	case media == batchType:
		return cutBatch(m.Payload)
	case strings.HasPrefix(media, eventTypes) || media != "" && media != dataType:
		return nil, malformed(contentType, "Content-Type must be "+eventType+", "+batchType+
			", or "+dataType+" with the other attributes in ce- fields of the header")
	case slices.ContainsFunc(m.Header, isAttribute):
		raw, refusal := m.structured()
		if refusal != nil {
			return nil, refusal
		}
		return [][]byte{raw}, nil
	}
	return [][]byte{bytes.TrimSpace(m.Payload)}, nil
}

// isBatch tells whether a message holds an array of events.
func (m *Message) isBatch() bool {
	media, _, err := mime.ParseMediaType(m.get(contentType))
	return err == nil && media == batchType
}

// malformed is a refusal of a message that cannot be read; field is one of its header, or empty.
func malformed(field, detail string) *event.Refusal {
	return &event.Refusal{Code: event.Malformed, Field: field, Detail: detail}
}

func isAttribute(f Field) bool { return strings.HasPrefix(f.Name, attributePrefix) }

// structured returns the JSON of an event in binary mode. An attribute that was sent twice is in it
// twice, and a payload that is not one JSON value makes it no JSON: its reader refuses both.
func (m *Message) structured() ([]byte, *event.Refusal) {
	const contentAttribute = "datacontenttype"
	b := make([]byte, 0, len(m.Payload)+512)
	b = append(b, '{')
	given := m.get(contentType) // another name of ce-datacontenttype
	for _, f := range m.Header {
		if !isAttribute(f) {
			continue
		}
		name := strings.TrimPrefix(f.Name, attributePrefix)
		value, err := url.PathUnescape(f.Value)
		if err != nil {
			return nil, malformed(event.MaskNIK(name),
				"write % and what follows it in a ce- field as two hexadecimal digits")
		}
		if name == contentAttribute {
			given = ""
		}
		b = cloudevents.AppendMember(b, name, value)
	}
	if given != "" {
		b = cloudevents.AppendMember(b, contentAttribute, given)
	}
	data := bytes.TrimPrefix(m.Payload, []byte("\ufeff"))
	b = append(b, `"data":`...)
	b = append(append(b, data...), '}')
	if len(b) <= event.BytesMax && cloudevents.CheckValue(data) != nil {
		b = append(b, 0) // no JSON has it: what follows a value must not become attributes
	}
	return b, nil
}

// fault says what is wrong with a message in binary mode whose event could not be read, in words of
// the message and not of the event that was put together from it; nil when it says nothing better.
func (m *Message) fault() *event.Refusal {
	seen := map[string]bool{}
	for _, f := range m.Header {
		if !isAttribute(f) {
			continue
		}
		if seen[f.Name] {
			name := event.MaskNIK(f.Name)
			return malformed("", "the field "+name+" stands twice in the header: send each once")
		}
		seen[f.Name] = true
	}
	if len(seen) == 0 {
		return nil
	}
	return cloudevents.CheckValue(bytes.TrimPrefix(m.Payload, []byte("\ufeff")))
}

// cutBatch returns the elements of an array, each as it stands there.
func cutBatch(payload []byte) ([][]byte, *event.Refusal) {
	elements, err := split.Cut(nil, payload, intake.BatchEventsMax)
	switch {
	case err != nil:
		return nil, malformed("", err.Error())
	case len(elements) > intake.BatchEventsMax:
		return nil, malformed("",
			"a batch has at most "+strconv.Itoa(intake.BatchEventsMax)+" events")
	}
	return elements, nil
}
