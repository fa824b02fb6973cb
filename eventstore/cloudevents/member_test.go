package cloudevents

import (
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// FuzzMember: what is text comes back as it was sent, and what is none is no text to a reader that
// is strict.
func FuzzMember(f *testing.F) {
	f.Add("id", "caf\u00e9 \"\\\x01\x1f\u2028")
	f.Add("", "\xff")
	f.Fuzz(func(t *testing.T, name, value string) {
		text := append(AppendMember([]byte("{"), name, value), `"data":1}`...)
		if !utf8.ValidString(name) || !utf8.ValidString(value) {
			if _, refusal := ParseJSON(text); refusal == nil {
				t.Errorf("%q is taken for text", text)
			}
			return
		}
		var back map[string]any
		if err := json.Unmarshal(text, &back); err != nil || name != "data" && back[name] != value {
			t.Errorf("%s is read as %v, %v", text, back, err)
		}
	})
}
