package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// TestLoginFile: a file with the login of a cluster is read whole, or refused.
func TestLoginFile(t *testing.T) {
	dir := t.TempDir()
	long := strings.Repeat("n", loginBytesMax)
	for name, c := range map[string]struct {
		text string
		want string // the login, or a part of the error
		good bool
	}{
		"two": {
			" tls://a:b@n1:4222,tls://a:b@n2:4222\n", "tls://a:b@n1:4222,tls://a:b@n2:4222",
			true,
		},
		"whole": {long, long, true},
		"long":  {long + ",", "longer than 64 KiB", false},
		"empty": {" \n", "no address", false},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		var line struct {
			NATS string `name:"nats" type:"login"`
		}
		parser, err := kong.New(&line, kong.NamedMapper("login", kong.MapperFunc(LoginOrFile)))
		if err != nil {
			t.Fatal(err)
		}
		_, err = parser.Parse([]string{"--nats", "@" + path})
		if got := line.NATS; c.good && (err != nil || got != c.want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if !c.good && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var line struct {
		NATS string `name:"nats" type:"login"`
	}
	parser, err := kong.New(&line, kong.NamedMapper("login", kong.MapperFunc(LoginOrFile)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse([]string{
		"--nats",
		"tls://n1",
	}); err != nil || line.NATS != "tls://n1" {
		t.Errorf("an address: %q, %v", line.NATS, err)
	}
	if _, err := parser.Parse([]string{"--nats", "@" + dir + "/none"}); err == nil {
		t.Error("a file that is not there is taken")
	}
}
