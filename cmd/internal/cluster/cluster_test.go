package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"cakupan/cmd/internal/problem"
	"cakupan/eventstore"
)

// TestPatientlyFenced has two ledgers begin a new cluster at once: whose first record of a stream
// came second tries again, and finds what the other one has stored. Nobody starts it again.
func TestPatientlyFenced(t *testing.T) {
	t.Parallel()
	attempts := 0
	begin := func(context.Context) error {
		if attempts++; attempts == 1 {
			return fmt.Errorf("append record 1: %w", eventstore.ErrFenced)
		}
		return nil
	}
	c := Cluster{URL: "nats://127.0.0.1:4222", Logger: slog.New(slog.DiscardHandler)}
	if err := c.Patiently(t.Context(), begin); err != nil || attempts != 2 {
		t.Errorf("fenced at the start: %v after %d attempts, want none after 2", err, attempts)
	}
	alone := Cluster{}
	attempts = 0
	err := alone.Patiently(t.Context(), begin)
	if !errors.Is(err, eventstore.ErrFenced) || attempts != 1 {
		t.Errorf("fenced on a folder: %v after %d attempts, want ErrFenced after 1", err, attempts)
	}
}

// TestTeller has errors of a connection come again and again, as they do with each attempt at each
// server: of each kind one line is told.
func TestTeller(t *testing.T) {
	t.Parallel()
	var lines bytes.Buffer
	c := Cluster{Logger: slog.New(slog.NewTextHandler(&lines, nil))}
	tell := c.teller("cakupan")
	for range 3 {
		tell(nil, nil, nats.ErrAuthorization)
		tell(nil, nil, fmt.Errorf("%w: no", nats.ErrPermissionViolation))
		tell(nil, nil, errors.New("read tcp: i/o timeout"))
	}
	for _, want := range []string{
		"does not know the login", "login may not do that", "i/o timeout",
	} {
		if n := strings.Count(lines.String(), want); n != 1 {
			t.Errorf("%q is told %d times, want once:\n%s", want, n, &lines)
		}
	}
}

// TestUnknownLogin names the flag of a login that the cluster does not know.
func TestUnknownLogin(t *testing.T) {
	t.Parallel()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
		Username: "ledger", Password: "right",
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	defer func() { s.Shutdown(); s.WaitForShutdown() }()
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("server does not become ready")
	}
	wrong := strings.Replace(s.ClientURL(), "//", "//ledger:wrong@", 1)
	c := Cluster{URL: wrong, System: wrong, Logger: slog.New(slog.DiscardHandler)}
	_, err = c.Connect("cakupan")
	if err == nil || !strings.Contains(problem.From(err).Detail, "login of --nats:") {
		t.Errorf("connect: %v", err)
	}
	err = c.CheckAtStart(t.Context(), nil)
	if err == nil || !strings.Contains(problem.From(err).Detail, "login of --nats-system:") {
		t.Errorf("check servers: %v", err)
	}
}
