package jetstream_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"cakupan/eventstore"
	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/logtest"
)

// acks holds the answers to appends on their way from a server, which has the frames by then.
type acks struct {
	mu   sync.Mutex
	held chan struct{}  // gets one for each that is held; nil: none is
	keep []func() error // sends them on
}

// hold has them held from now on. The channel gets one for each.
func (a *acks) hold() (held <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.held = make(chan struct{}, 8)
	return a.held
}

// release sends on what is held.
func (a *acks) release() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	var errs []error
	for _, send := range a.keep {
		errs = append(errs, send())
	}
	a.held, a.keep = nil, nil
	return errors.Join(errs...)
}

// pass sends something of the server's on, or keeps it.
func (a *acks) pass(to io.Writer, op []byte, isAck bool) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	send := func() error { _, err := to.Write(op); return err }
	if !isAck || a.held == nil {
		return send()
	}
	a.keep = append(a.keep, send)
	a.held <- struct{}{}
	return nil
}

// Dial implements nats.CustomDialer.
func (a *acks) Dial(network, address string) (net.Conn, error) {
	conn, err := net.Dial(network, address)
	if err != nil {
		return nil, err
	}
	out, in := io.Pipe()
	go func() { _ = in.CloseWithError(a.copy(in, conn)) }()
	return heldConn{conn, out}, nil
}

// copy passes the operations of a server on, each as a whole.
func (a *acks) copy(to io.Writer, from io.Reader) error {
	for r := bufio.NewReader(from); ; {
		op, err := r.ReadBytes('\n')
		if err != nil {
			return err
		}
		isAck := false
		if fields := strings.Fields(string(op)); slices.Contains([]string{"MSG", "HMSG"}, fields[0]) {
			var size int
			if _, err := fmt.Sscan(fields[len(fields)-1], &size); err != nil {
				return err
			}
			payload := make([]byte, size+len("\r\n"))
			if _, err := io.ReadFull(r, payload); err != nil {
				return err
			}
			op, isAck = append(op, payload...), bytes.HasPrefix(payload, []byte(`{"stream":`))
		}
		if err := a.pass(to, op, isAck); err != nil {
			return err
		}
	}
}

// heldConn reads what was passed on.
type heldConn struct {
	net.Conn
	passed *io.PipeReader
}

func (c heldConn) Read(b []byte) (int, error) { return c.passed.Read(b) }

func (c heldConn) Close() error { return errors.Join(c.passed.Close(), c.Conn.Close()) }

// heldLog is a log with one frame of two events, whose acknowledgements can be held.
type heldLog struct {
	*jetstream.Log
	acks  *acks
	maker logtest.Maker
	// asked is called when the server is asked for the end, and has told it.
	asked func()
}

func newHeldLog(t *testing.T) *heldLog {
	t.Helper()
	s := run(t, &server.Options{})
	l := &heldLog{acks: &acks{}, asked: func() {}}
	conn := connect(t, s, nats.SetCustomDialer(l.acks))
	js := streams(t, connect(t, s))
	l.Log = create(t, conn, jetstream.Options{
		Store: writable{}, Reader: connect(t, s),
		Messages: func(stream string) (first, last uint64, lastAt time.Time, err error) {
			info, err := js.Stream(t.Context(), stream)
			if err != nil {
				return 0, 0, lastAt, err
			}
			state := info.CachedInfo().State
			l.asked()
			return state.FirstSeq, state.LastSeq, state.LastTime, nil
		},
	})
	fill(t, l.Log, &l.maker, 1)
	return l
}

// append appends a frame until ctx ends, and returns once the log has it and its answer is held.
// done gets the outcome.
func (l *heldLog) append(ctx context.Context, t *testing.T) (done <-chan error) {
	t.Helper()
	held, outcome := l.acks.hold(), make(chan error, 1)
	go func() {
		tail, err := l.Append(ctx, l.maker.Frame(2), l.maker.Before())
		if err == nil {
			l.maker.Appended(tail)
		}
		outcome <- err
	}()
	<-held
	return outcome
}

// endsWith checks that the log says that it ends with the event, and that it is read up to there.
func (l *heldLog) endsWith(t *testing.T, when string, want eventstore.Sequence) {
	t.Helper()
	frame, tail, err := l.Last(t.Context())
	if err != nil || tail.Sequence != want || frame.Last() != want {
		t.Errorf("%s, the log ends with event %d, a frame with event %d: want %d; %v",
			when, tail.Sequence, frame.Last(), want, err)
	}
	var last eventstore.Sequence
	for frame, err := range l.Read(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		last = frame.Last()
	}
	if last != want {
		t.Errorf("%s, events up to %d are read, want %d", when, last, want)
	}
}

// TestUnderWay: the server has a frame that it has not acknowledged. The log ends before it for
// whoever asks, and with it from the acknowledgement on.
func TestUnderWay(t *testing.T) {
	l := newHeldLog(t)
	done := l.append(t.Context(), t)
	l.endsWith(t, "while a frame is written", 2)
	l.endsWith(t, "still", 2)
	if err := l.acks.release(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	l.endsWith(t, "once it is acknowledged", 4)
}

// TestNeverAcknowledged: nobody waits for the answer any more. What the server told while it was
// waited for says nothing; what it tells then is the end.
func TestNeverAcknowledged(t *testing.T) {
	l := newHeldLog(t)
	ctx, giveUp := context.WithCancel(t.Context())
	done := l.append(ctx, t)
	l.asked = func() {
		l.asked = func() {}
		giveUp()
		if err := <-done; !errors.Is(err, eventstore.ErrUnknownOutcome) {
			t.Errorf("append: %v", err)
		}
	}
	if _, tail, err := l.Last(t.Context()); err != nil || tail.Sequence != 2 {
		t.Errorf("asked before it was given up, the log ends with event %d: %v",
			tail.Sequence, err)
	}
	l.endsWith(t, "when nobody waits", 4)
	giveUp()
}
