package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"cakupan/cmd/internal/problem"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"cakupan": main, "node": nodeMain, "loud": loudMain})
}

// TestScripts runs the program as people do: the scripts are its examples too.
func TestScripts(t *testing.T) {
	vectors, err := filepath.Abs(e2eVectors)
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			address, err := freeAddress()
			env.Vars = append(env.Vars, "ADDR="+address, "VECTORS="+vectors)
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"ready": ready},
		Condition: func(name string) (bool, error) {
			if name == "race" {
				return underRace, nil
			}
			return false, fmt.Errorf("there is no condition %s", name)
		},
	})
}

// freeAddress returns an address that nobody listens on. Its port is none of those that systems give
// to connections by themselves: one of these could take it, before or while its server is started
// again.
func freeAddress() (address string, err error) {
	for range 100 {
		address = fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(20_000))
		var listener net.Listener
		listener, err = (&net.ListenConfig{}).Listen(context.Background(), "tcp", address)
		if err == nil {
			return address, listener.Close()
		}
	}
	return "", err
}

// ready waits until a server answers, and is not being opened any more: ready URL.
func ready(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: ready URL")
	}
	for range 12_000 { // ten minutes: no time at all is bound on a busy machine, but an end is
		request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, args[0], nil)
		ts.Check(err)
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			body, err := io.ReadAll(response.Body)
			ts.Check(errors.Join(err, response.Body.Close()))
			if !bytes.Contains(body, []byte(problem.ServerStarting)) {
				return
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	ts.Fatalf("%s does not answer", args[0])
}
