package indonesian

import "testing"

// TestChosen: what the flag says, then the environment.
func TestChosen(t *testing.T) {
	for _, c := range []struct {
		flag, env string
		want      bool
	}{
		{"", "", false},
		{"", "id_ID.UTF-8", true},
		{"en", "id_ID.UTF-8", false},
		{"id", "en_US.UTF-8", true},
	} {
		env := func(name string) string {
			if name == "LANG" {
				return c.env
			}
			return ""
		}
		if got := Chosen(c.flag, env); got != c.want {
			t.Errorf("--lang %q in %q: %v", c.flag, c.env, got)
		}
	}
}
