package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/natsin"
	"cakupan/cmd/internal/nobody"
	"cakupan/domain/event"
	"cakupan/eventstore/writer"
)

// messageTask takes in messages by NATS until its input ends or it is dead.
const messageTask = "messages"

// messagePoints returns the places where a child that takes in messages kills itself.
func messagePoints() []string {
	return []string{
		natsin.FaultBeforeStore, natsin.FaultAfterStore, natsin.FaultAfterAnswer,
		writer.FaultBeforeSend, writer.FaultAfterIndex,
		natsin.FaultAfterAppend, natsin.FaultAfterRefusals,
	}
}

// takeMessages serves messages on any free port, and says where.
func (c *child) takeMessages(ctx context.Context) error {
	l, err := Open(ctx, Options{
		Dir: c.orders.Dir, Create: true, Fault: c.at, Refused: c.orders.Refused,
		Messages: MessageOptions{Address: "127.0.0.1:0"},
	})
	if err != nil {
		return err
	}
	if err := l.Serve(ctx, "http://127.0.0.1:9", time.Hour); err != nil {
		return err
	}
	if err := l.TakeMessages(ctx); err != nil {
		return err
	}
	if err := c.answer(opened{Detail: l.NATSURL()}); err != nil {
		return err
	}
	_, _ = os.Stdin.Read(make([]byte, 1))
	return l.Close()
}

// TestMessageCrash kills a process that takes in messages, at each step between a message's
// arrival and the removal of its pack, again and again in one folder, while publishers send. They
// send again what was not acknowledged. In the end each acknowledged event is in the log once, and
// each refused one is listed once.
func TestMessageCrash(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	rounds := 1
	if os.Getenv("CAKUPAN_LONG") != "" {
		rounds = 8
	}
	c := &messageCrash{
		t: t, dir: filepath.Join(t.TempDir(), "data"), random: rand.New(rand.NewPCG(1, 2)),
		acked: map[int]bool{}, times: map[string]int{},
	}
	for range rounds {
		for _, point := range append(messagePoints(), "") {
			c.run(point)
		}
	}
	c.check()
}

// messageCrash is a folder whose processes are killed.
type messageCrash struct {
	t      *testing.T
	dir    string
	random *rand.Rand

	mu    sync.Mutex
	next  int
	again []int          // messages without an answer
	times map[string]int // how often each was sent
	acked map[int]bool   // by number of the message
}

// Each tenth message is refused, and each seventh is as one before.
func (c *messageCrash) message(n int) []byte {
	switch {
	case n%10 == 9:
		return fmt.Appendf(nil, `{"specversion":"1.0","id":"wrong-%d","source":"urn:crash"}`, n)
	case n%7 == 6:
		return c.message(n - 1 - n%3)
	}
	return fmt.Appendf(nil, `{"specversion":"1.0","id":"e-%d","source":"urn:crash","type":`+
		`"id.cakupan.enrolment.opened.v1","data":{"enrolment":"e-%d","nik":"%s","region":"75.03",`+
		`"segment":"PU","category":"PRIVATE","programmes":["JKK"],"payer":"EMPLOYER",`+
		`"from":"2020-01-01"}}`, n, n, nobody.NIK(n))
}

// run has a child take in messages until it kills itself; without a point, at any time.
func (c *messageCrash) run(point string) {
	t := c.t
	orders := childOrders{Task: messageTask, Dir: c.dir, Point: point, Hit: 1 + c.random.IntN(3)}
	command, answers, output := startChild(t, orders)
	var where opened
	if err := json.NewDecoder(answers).Decode(&where); err != nil {
		// Killed while it took up what waited from before: that counts too.
		_ = command.Wait()
		if status := command.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() {
			t.Fatalf("child: %v\n%s", err, output)
		}
		return
	}
	conn, err := nats.Connect(where.Detail, nats.MaxReconnects(0))
	if err == nil {
		defer conn.Close()
		var wait sync.WaitGroup
		for range 8 {
			wait.Go(func() { c.publish(conn) })
		}
		if point == "" {
			time.Sleep(time.Duration(20+c.random.IntN(100)) * time.Millisecond)
			_ = command.Process.Kill()
		}
		wait.Wait()
	}
	_ = command.Process.Kill() // those that no message has led to their point
	_ = command.Wait()
	t.Logf("%q hit %d: %d messages sent, %d acknowledged", point, orders.Hit, c.next, len(c.acked))
}

// publish sends messages until the connection ends, each until it is acknowledged.
func (c *messageCrash) publish(conn *nats.Conn) {
	for tries := 0; tries < 200 && !conn.IsClosed(); tries++ {
		n := c.toSend()
		m := nats.NewMsg("cakupan.intake.crash")
		m.Data = c.message(n)
		reply, err := conn.RequestMsg(m, 2*time.Second)
		if err != nil { // nobody knows what became of it
			c.mu.Lock()
			c.again = append(c.again, n)
			c.mu.Unlock()
			return
		}
		if !bytes.Contains(reply.Data, []byte(`"seq"`)) {
			c.t.Errorf("message %d: %s", n, reply.Data)
			continue
		}
		c.mu.Lock()
		c.acked[n] = true
		c.mu.Unlock()
	}
}

// toSend returns the number of the next message, first of those without an answer.
func (c *messageCrash) toSend() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.again) > 0 {
		n, c.again = c.again[0], c.again[1:]
	} else {
		n = c.next
		c.next++
	}
	c.times[string(c.message(n))]++
	return n
}

// check takes in what waits and compares.
func (c *messageCrash) check() {
	t := c.t
	c.numbers().SearchFolder(t, c.dir)
	l, err := Open(t.Context(), Options{Dir: c.dir, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := l.Serve(t.Context(), "http://127.0.0.1:9", time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := l.TakeMessages(t.Context()); err != nil {
		t.Fatal(err)
	}
	awaitSettled(t, l)
	found := map[string]bool{}
	for _, e := range readLog(t, l) {
		if found[e.key.ID] {
			t.Errorf("%s is in the log twice", e.key.ID)
		}
		found[e.key.ID] = true
	}
	listed := map[string]int{}
	if err := l.Refused(t.Context(), intake.RefusedQuery{}, func(one intake.Refused) error {
		full, err := l.RefusedOne(t.Context(), one.Number)
		listed[full.Original]++
		if one.Code != event.Malformed {
			t.Errorf("refused: %+v", full)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for n := range c.next {
		var sent struct{ ID string }
		text := c.message(n)
		if err := json.Unmarshal(text, &sent); err != nil {
			t.Fatal(err)
		}
		switch refused := n%10 == 9; {
		case refused && listed[string(text)] > c.times[string(text)]:
			t.Errorf("%s is listed %d times and was sent %d times", text,
				listed[string(text)], c.times[string(text)])
		case refused && c.acked[n] && listed[string(text)] == 0:
			t.Errorf("%s was acknowledged and is not listed", text)
		case !refused && n%7 != 6 && c.acked[n] && !found[sent.ID]:
			t.Errorf("%s was acknowledged and is not in the log", sent.ID)
		}
	}
	t.Logf("%d sent, %d acknowledged, %d in the log, %d refused",
		c.next, len(c.acked), len(found), len(listed))
	if len(found) == 0 || len(listed) == 0 {
		t.Error("nothing was taken in or nothing refused")
	}
	if report, err := l.Verify(t.Context(), nil); err != nil || !report.OK {
		t.Errorf("verify: %+v, %v", report, err)
	}
}

// numbers returns the identity numbers that were sent.
func (c *messageCrash) numbers() *nobody.Numbers {
	sent := nobody.New()
	for n := range c.next {
		sent.Note(nobody.NIK(n), fmt.Sprintf("nik of message %d", n))
	}
	return sent
}

// awaitSettled waits until nothing waits in the intake.
func awaitSettled(t *testing.T, l *Ledger) {
	t.Helper()
	js, err := jetstream.New(l.conns[0])
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		stream, err := js.Stream(t.Context(), natsin.StreamIntake)
		if err != nil {
			t.Fatal(err)
		}
		switch waiting := stream.CachedInfo().State.Msgs; {
		case waiting == 0:
			return
		case time.Now().After(end):
			t.Fatalf("%d packs wait", waiting)
		}
	}
}
