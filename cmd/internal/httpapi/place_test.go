package httpapi

import (
	"strings"
	"testing"
)

// TestPlaces tells where JSON is broken in the body as it was sent, whatever stands before the event.
func TestPlaces(t *testing.T) {
	for _, c := range []struct{ contentType, body, want string }{
		{eventType, "\n {\"a\" 1}", "line 2, column 7: expected"},
		{streamType, opened("1") + "\n\n{\"a\":1,,}\n" + opened("2"), "line 3, column 8: expected"},
		{batchType, "[" + opened("1") + ",\n  {\"a\":1,,}]", "line 2, column 10: expected"},
		{batchType, "\ufeff[{},\n\n{\n\"é\" 1}]", "line 4, column 5: expected"},
		{batchType, "[" + opened("1") + ",{\"a\":1,,}]", "line 1, column "},
	} {
		url := serve(t, newMemory(t), Config{}).URL()
		_, got := postEncoded(t, url, c.contentType, "identity", c.body)
		if !strings.Contains(got, "the text is not valid JSON ("+c.want) {
			t.Errorf("%s %q: %s", c.contentType, c.body, got)
		}
	}
}
