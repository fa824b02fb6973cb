package httpapi

import "testing"

// TestNamesOnly: no value of what was sent is left, and each name is.
func TestNamesOnly(t *testing.T) {
	for original, want := range map[string]string{
		`{"id":"a","data":{"from":"2020-01-01","heads":3,"x":[true,null,"y"]}}`: `{"data":{"from":"text",` +
			`"heads":"number","x":["boolean",null,"text"]},"id":"text"}`,
		"ce-id: secret\nContent-Type: x\n{\"worker\":\"w\"}": "ce-id: ...\nContent-Type: ...\n{\"worker\":\"text\"}",
		"{\"worker\": \n":     "(12 bytes that are no JSON)",
		"secret: \"x\"":       "(11 bytes that are no JSON)",
		"secret \"x\": 1\n{}": "(16 bytes that are no JSON)",
		"":                    "(0 bytes that are no JSON)",
	} {
		if got := namesOnly(original); got != want {
			t.Errorf("%q: %q, want %q", original, got, want)
		}
	}
}
