package indonesian

import (
	"strings"
	"testing"
)

// TestWanted tells by the command line, then by the environment, who reads Indonesian.
func TestWanted(t *testing.T) {
	env := func(set string) func(string) string {
		return func(name string) string {
			for _, one := range strings.Fields(set) {
				if value, found := strings.CutPrefix(one, name+"="); found {
					return value
				}
			}
			return ""
		}
	}
	for _, c := range []struct {
		args, env string
		want      bool
	}{
		{"import --help", "", false},
		{"import --help", "LANG=id_ID.UTF-8", true},
		{"import --help", "LANG=id_ID.UTF-8 LC_ALL=C", false},
		{"import --help --lang en", "LANG=id_ID.UTF-8", false},
		{"import --lang=id --help", "LANG=en_US.UTF-8", true},
		{"--help --lang id", "", true},
		{"import --help --lang", "LANG=id", true},
	} {
		if got := Wanted(strings.Fields(c.args), env(c.env)); got != c.want {
			t.Errorf("%q in %q: %v", c.args, c.env, got)
		}
	}
}

// TestWrong says what is wrong with a command line, the words of the clerk left as they are.
func TestWrong(t *testing.T) {
	for words, want := range map[string]string{
		`unknown flag --reject, did you mean "--rejects"?`:   `tidak ada pilihan --reject; maksudnya "--rejects"?`,
		`unexpected argument impor, did you mean "import"?`:  `tidak dikenal: impor; maksudnya "import"?`,
		"--on is empty: leave it out where nothing is meant": "--on kosong: hapus bila tidak ada yang dimaksud",
		"--on is there twice: give it once":                  "--on ditulis dua kali: tulis sekali saja",
		`expected "<kind>"`:                                  `belum lengkap, tulis "<kind>"`,
		`--format must be one of "csv","xlsx" but got "pdf"`: `--format harus salah satu dari "csv","xlsx", bukan "pdf"`,
	} {
		if got := Wrong(words); got != want {
			t.Errorf("%s: %s", words, got)
		}
	}
}
