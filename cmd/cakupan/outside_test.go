package main

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestOutside builds a program outside of the checkout by both ways that README.md shows, and has it
// publish to a ledger and read from it.
func TestOutside(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	checkout, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	server := serveNATS(t)
	for _, way := range []struct {
		name, want string
		commands   [][]string
	}{
		{"replace", "appended 1\n", [][]string{
			{"mod", "edit", "-require=cakupan@v0.0.0", "-replace=cakupan=" + checkout},
			{"build", "-mod=mod", "-o", "program", "."},
		}},
		{"workspace", "duplicate 1\n", [][]string{
			{"work", "init", ".", checkout},
			{"build", "-o", "program", "."},
		}},
	} {
		t.Run(way.name, func(t *testing.T) {
			dir := t.TempDir()
			copyText(t, "testdata/outside/main.go", filepath.Join(dir, "main.go"))
			goCommand(t, dir, "mod", "init", "example.org/office")
			if way.name == "replace" { // what `go mod tidy` finds out
				copyText(t, filepath.Join(checkout, "go.sum"), filepath.Join(dir, "go.sum"))
			}
			for _, command := range way.commands {
				goCommand(t, dir, command...)
			}
			office := exec.CommandContext(t.Context(), filepath.Join(dir, "program"))
			office.Env = append(os.Environ(), "CAKUPAN_NATS="+server)
			output, err := office.CombinedOutput()
			if err != nil || string(output) != way.want {
				t.Errorf("%v: %s, want %s", err, output, way.want)
			}
		})
	}
}

// goCommand runs the go command in a folder, as outside of this test. It may ask the network: where a
// module of its own or a workspace begins, it reads more of other modules than the checkout needs.
func goCommand(t *testing.T, dir string, args ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", args...)
	command.Dir = dir
	command.Env = append(os.Environ(), "PWD="+dir, "GOWORK=", "GOFLAGS=-buildvcs=false",
		"GOTOOLCHAIN=local")
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, output)
	}
}

func copyText(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// serveNATS runs a ledger that is open to this machine, as a process of its own, and returns where
// it listens for NATS.
func serveNATS(t *testing.T) (url string) {
	t.Helper()
	server := program("serve", "--data", filepath.Join(t.TempDir(), "data"), "--json",
		"--listen", "127.0.0.1:0", "--nats-listen", "127.0.0.1:0")
	var stderr bytes.Buffer
	server.Stderr = &stderr
	stdout, err := server.StdoutPipe()
	if err == nil {
		err = server.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := errors.Join(server.Process.Signal(syscall.SIGTERM), server.Wait())
		if err != nil {
			t.Errorf("%v\n%s", err, stderr.Bytes())
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	_, rest, _ := strings.Cut(line, `"nats":"`)
	url, _, found := strings.Cut(rest, `"`)
	if err != nil || !found {
		t.Fatalf("serve says %q, %v\n%s", line, err, stderr.Bytes())
	}
	return url
}
