package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestStop stops the program under a download that nobody takes, one that is taken slowly, a
// connection on which nothing was asked, and half a request: it ends by itself, with exit 0, and who
// listens is told why his answer has ended.
func TestStop(t *testing.T) {
	nohup := signal.Ignored(syscall.SIGHUP) // inherited: the program ignores it then, as it should
	if !nohup {
		t.Run("SIGHUP", func(t *testing.T) { testStop(t, syscall.SIGHUP) })
	}
	if nohup || os.Getenv("CAKUPAN_LONG") != "" {
		t.Run("SIGTERM", func(t *testing.T) { testStop(t, syscall.SIGTERM) })
	}
}

func testStop(t *testing.T, stop syscall.Signal) {
	p := servePassing(t, t.TempDir())
	for range 3 { // what does not fit the buffers of a connection
		if status := p.post(10_000); status != http.StatusOK {
			t.Fatalf("post: %d", status)
		}
	}
	const download = "GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n"
	_ = p.dial("")
	_ = p.dial("GET /v1/events HTT")
	_ = p.dial("POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: " + manyEvents +
		"\r\nContent-Length: 100\r\n\r\n[")
	begun := bufio.NewReader(p.dial(download))
	if _, err := begun.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
		p.url+"/v1/events?follow=true", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	following := bufio.NewReader(response.Body)
	for range 30_000 {
		if _, err := following.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	if err := p.process.Process.Signal(stop); err != nil {
		t.Fatal(err)
	}
	last, err := io.ReadAll(following)
	_ = response.Body.Close()
	if err != nil || !strings.Contains(string(last), `"code":"server.stopping"`) {
		t.Errorf("who followed was told %q, %v", last, err)
	}
	err = p.process.Wait()
	t.Logf("ended after %v", time.Since(began).Round(time.Millisecond))
	if err != nil {
		t.Errorf("the program ended with %v", err)
	}
}

// dial opens a connection and sends the beginning of a request on it.
func (p *passing) dial(request string) net.Conn {
	p.t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(context.Background(), "tcp", p.url[len("http://"):])
	if err == nil {
		_, err = fmt.Fprint(conn, request)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// TestFrozenServer asks a server whose process was stopped: every question ends.
func TestFrozenServer(t *testing.T) {
	if os.Getenv("CAKUPAN_LONG") == "" {
		t.Skip("waits as long as the program does; see TestPatience")
	}
	p := servePassing(t, t.TempDir())
	if err := p.process.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := runCommand(t, "health", "--server", p.url)
	if code == 0 || !strings.Contains(stderr, "answers nothing") {
		t.Errorf("health of a frozen server: %d %s", code, stderr)
	}
}
