package cli

import (
	"testing"

	"cakupan/cmd/internal/lists"
)

// TestLanguage: what the flag says, then the environment.
func TestLanguage(t *testing.T) {
	for _, c := range []struct {
		flag, lang string
		want       lists.Language
	}{
		{"", "", lists.English},
		{"", "id_ID.UTF-8", lists.Indonesian},
		{"en", "id_ID.UTF-8", lists.English},
		{"id", "en_US.UTF-8", lists.Indonesian},
	} {
		t.Setenv("LC_ALL", "")
		t.Setenv("LC_MESSAGES", "")
		t.Setenv("LANG", c.lang)
		if got := Language(c.flag); got != c.want {
			t.Errorf("--lang %q in %q: %v", c.flag, c.lang, got)
		}
	}
}
