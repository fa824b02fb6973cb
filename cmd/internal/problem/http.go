package problem

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// ContentType is the media type of an RFC 9457 problem.
const ContentType = "application/problem+json"

// typePrefix begins the type URI of every problem; the code follows. A URN, because a ledger has no
// address of its own; no page need stand behind it.
const typePrefix = "urn:cakupan:problem:"

// document is an RFC 9457 problem. Members beyond the RFC's are code, field and those of extra. The
// order of members is that of the answer, and IsLine depends on type being the first.
type document struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Code   Code   `json:"code"`
	Field  string `json:"field,omitempty"`
	Detail string `json:"detail,omitempty"`
}

// JSON returns the error as an RFC 9457 problem on one line, without line end. What caused it is
// not in there. Only the title is in another language: a detail has words for both where it needs
// them, and a code is compared. A code that is not in the table is told as an internal error.
func (e *Error) JSON(indonesian bool) []byte {
	code := e.Code
	if !code.Known() {
		code = Internal
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(document{ // strings and a number always encode
		Type: typePrefix + string(code), Title: code.Title(indonesian), Status: e.Status(),
		Code: code, Field: e.Field, Detail: e.Detail,
	})
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// Write answers a request with an error. extra, when it is not nil, is an object whose members are
// added to the problem's. The answer must not have begun. It is never kept by anybody, since the
// same may succeed a moment later; 429, 503 and 507 say when, where the table or the error knows.
// extra must be an object of JSON with other names than the problem's own.
func Write(w http.ResponseWriter, r *http.Request, err error, extra []byte) {
	e := From(err)
	indonesian := wantsIndonesian(r.Header.Get("Accept-Language"))
	body := e.JSON(indonesian)
	// {} has nothing to add, and a comma before it would be none of JSON.
	if len(extra) > 2 {
		body = append(append(bytes.TrimSuffix(body, []byte("}")), ','), extra[1:]...)
	}
	h := w.Header()
	h.Set("Content-Type", ContentType)
	h.Set("Cache-Control", "no-store")
	h.Add("Vary", "Accept-Language")
	// A client that waits for so long, and sends the same again, does no harm: events are
	// duplicates.
	if after := e.RetryAfter(); after != "" {
		h.Set("Retry-After", after)
	}
	w.WriteHeader(e.Status())
	// Who asked may be gone; there is nobody left to tell.
	_, _ = w.Write(append(body, '\n'))
}

// RetryAfter returns the seconds after which the same may succeed, "" when it is not told. What the
// error says itself, such as of a publisher who must wait, goes before the table. It is the value
// of the header of that name.
func (e *Error) RetryAfter() string {
	if seconds := cmp.Or(e.Retry, table[e.Code].retry); seconds > 0 {
		return strconv.Itoa(seconds)
	}
	return ""
}

// wantsIndonesian tells whether the first language of an Accept-Language header is Indonesian.
// Weights are not looked at: people's browsers list what they want most first. A region, id-ID,
// says no more.
func wantsIndonesian(header string) bool {
	first, _, _ := strings.Cut(header, ",")
	language, _, _ := strings.Cut(strings.TrimSpace(first), ";")
	language, _, _ = strings.Cut(strings.ToLower(language), "-")
	return language == "id"
}

// Parse returns the error that a server answered with. refused says whether the request brought a
// single event. An answer that is no problem of this program is [ServerUnreachable]. It is for
// clients of this program, so that a command ends with the same code and words as if the ledger
// were here. The title is not read, nor the cause, which was never sent. A code that this program
// does not know is of a newer server, and is treated as no answer of it.
func Parse(status int, body []byte, refused bool) *Error {
	var d document
	if json.Unmarshal(body, &d) != nil || !d.Code.Known() {
		return New(ServerUnreachable,
			"the server answered "+strconv.Itoa(status)+" "+http.StatusText(status)+
				", which is none of cakupan's answers: check the address")
	}
	return &Error{Code: d.Code, Field: d.Field, Detail: d.Detail, Refused: refused}
}

// IsLine tells whether a line of a stream of JSON is a problem: the reason why the stream ended. It
// looks at the first bytes alone, which no event and no receipt begins with.
func IsLine(line []byte) bool {
	return bytes.HasPrefix(line, []byte(`{"type":"`+typePrefix))
}
