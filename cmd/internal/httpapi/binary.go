package httpapi

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/eventstore/cloudevents"
)

// headerPrefix begins the headers that hold the attributes of an event in binary mode.
const headerPrefix = "Ce-"

// isBinary tells whether a header holds attributes of an event. The library has written names of
// headers in one way, so that ce-id and CE-ID are one.
func isBinary(h http.Header) bool {
	for name := range h {
		if strings.HasPrefix(name, headerPrefix) {
			return true
		}
	}
	return false
}

// postBinary takes in one event in binary mode. It puts the event together as it would be in
// structured mode, so that one reader judges both. The rules of the HTTP Protocol Binding for
// CloudEvents are only about where an attribute stands; what it may be is judged once, by who reads
// structured events.
func (a *API) postBinary(w *reply, r *http.Request, opts submission) {
	work := a.take(w)
	defer work.release()
	data, err := a.readEvent(w, r, work)
	if err != nil {
		w.failBody(r, err)
		return
	}
	raw, refusal := structured(r.Header, data)
	if refusal != nil {
		w.fail(r, problem.Refusal(refusal))
		return
	}
	a.submitOne(w, r, work, raw, opts)
}

// sentTwice refuses an attribute that has two headers. The name is masked, because people write a
// NIK anywhere.
func sentTwice(attribute string) *event.Refusal {
	name := event.MaskNIK(attribute)
	return &event.Refusal{
		Code: event.Malformed, Field: name,
		Detail: "the header ce-" + name + " is sent twice: send each attribute once",
	}
}

// structured returns the JSON of an event in binary mode. The body must be one JSON value: else
// what follows it would become attributes. It is larger than event.BytesMax only if the event is
// too large; that is then told by whoever judges it. The attributes come in the order of their
// names, so that the same request is the same bytes. A header that is there twice, or not
// percent-encoded well, is refused with the name of the attribute.
func structured(h http.Header, body []byte) ([]byte, *event.Refusal) {
	b := append(make([]byte, 0, len(body)+512), '{')
	names := make([]string, 0, len(h))
	for name := range h {
		if strings.HasPrefix(name, headerPrefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		attribute := strings.ToLower(strings.TrimPrefix(name, headerPrefix))
		if len(h[name]) > 1 {
			return nil, sentTwice(attribute)
		}
		for _, value := range h[name] {
			text, ok := unescape(value)
			if !ok {
				return nil, &event.Refusal{
					Code: event.Malformed, Field: event.MaskNIK(attribute),
					Detail: "write % and what follows it in a ce- header as two hexadecimal digits",
				}
			}
			b = cloudevents.AppendMember(b, attribute, text)
		}
	}
	b = cloudevents.AppendMember(b, "datacontenttype", h.Get("Content-Type"))
	// A byte order mark is no JSON, and some programs write one all the same.
	data := bytes.TrimPrefix(body, []byte("\ufeff"))
	// The data goes in as it came, without being read and written: the numbers of an event are
	// judged by their digits.
	b = append(b, `"data":`...)
	b = append(append(b, data...), '}')
	if len(b) > event.BytesMax {
		return b, nil // which is told first
	}
	return b, cloudevents.CheckValue(data)
}

// unescape reads the value of a ce- header: a quoted string's quotes and backslashes are taken off,
// then percent-encoding (HTTP Protocol Binding for CloudEvents 1.0, section 3.1.3.2). A backslash
// at the very end of a quoted string stays as it is. It returns false where percent-encoding is
// broken.
func unescape(value string) (string, bool) {
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		inner := value[1 : len(value)-1]
		var b strings.Builder
		for i := 0; i < len(inner); i++ {
			if inner[i] == '\\' && i+1 < len(inner) {
				i++
			}
			b.WriteByte(inner[i])
		}
		value = b.String()
	}
	text, err := url.PathUnescape(value)
	return text, err == nil
}
