package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOwner: an owner is two numbers and nothing else.
func TestOwner(t *testing.T) {
	owner, err := parseOwner("65532:0")
	if err != nil || owner.User != 65532 || owner.Group != 0 {
		t.Errorf("%+v, %v", owner, err)
	}
	for _, wrong := range []string{
		"65532", "65532:", ":65532", "1:2:3", "1:2 ", " 1:2", "1:2x", "-1:2", "1:-2", "root:root",
		"1:2147483648", "+1:2", "0x1:2", "",
	} {
		if owner, err := parseOwner(wrong); err == nil {
			t.Errorf("%q is taken for %+v", wrong, owner)
		}
	}
}

// TestReplicas: even numbers of servers are refused, before a ledger is opened.
func TestReplicas(t *testing.T) {
	for n, good := range map[int]bool{
		-1: false, 0: true, 1: true, 2: false, 3: true, 4: false, 5: true, 6: false,
	} {
		if isReplicas(n) != good {
			t.Errorf("%d: %v", n, !good)
		}
		c := serveCommand{Consumers: 1, Replicas: n, NATS: "nats://x"}
		if err := c.checkCluster(); (err == nil) != good {
			t.Errorf("serve --replicas %d: %v", n, err)
		}
	}
}

// TestLoginFile: a file with the login of a cluster is read whole, or refused.
func TestLoginFile(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		text string
		want string // of the error; "": it is taken
	}{
		"two":   {"tls://a:b@n1:4222,tls://a:b@n2:4222\n", ""},
		"whole": {strings.Repeat("n", loginBytesMax), ""},
		"long":  {strings.Repeat("n", loginBytesMax) + ",", "longer than 64 KiB"},
		"empty": {" \n", "no address"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		code, _, stderr := runCommand(t, "keys", "show", "--data", dir, "--nats", "@"+path)
		// One that is taken is of no ledger, and the folder is none.
		if code == 0 || strings.Contains(stderr, "64 KiB") != (name == "long") ||
			!strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit %d: %s", name, code, stderr)
		}
	}
}
