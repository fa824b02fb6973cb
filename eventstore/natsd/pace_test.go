package natsd

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// TestPaceOfMembers: members who send as fast as they can are read for an eighth of the time of all
// processors together, as much of each; and who sends little meanwhile never rests.
func TestPaceOfMembers(t *testing.T) {
	const cores, long = 2, time.Minute
	all := newPaces(0, time.Now)
	all.cores = cores
	start := time.Unix(1_000_000, 0)
	names := []string{"a", "b", "c"}
	next, worked := map[string]time.Time{}, map[string]time.Duration{}
	for _, name := range names {
		next[name] = start
	}
	little := all.member("little")
	random := rand.New(rand.NewPCG(1, 1))
	for now := start; now.Before(start.Add(long)); {
		name := names[0]
		for _, other := range names[1:] {
			if next[other].Before(next[name]) {
				name = other
			}
		}
		work := time.Duration(random.Int64N(int64(2 * time.Millisecond)))
		now = next[name].Add(work)
		worked[name] += work
		next[name] = now.Add(all.member(name).charge(work, pieceMax, now))
		if rest := little.charge(workMax, 300, now); rest != 0 {
			t.Fatalf("who sends little rests for %v", rest)
		}
	}
	sum := time.Duration(0)
	for _, name := range names {
		sum += worked[name]
		if worked[name] > sum/time.Duration(len(names))*2 && name == names[2] {
			t.Errorf("%s: %v of %v", name, worked[name], sum)
		}
	}
	if want := long * cores / pacePart; sum > want*11/10 || sum < want/2 {
		t.Errorf("read for %v in %v, want about %v", sum, long, want)
	}
}

// TestPaceBounds: no piece counts for more than it may, no rest is longer than it may be, a debt is
// forgotten in time, and who was away is not ahead by more than what is free.
func TestPaceBounds(t *testing.T) {
	for _, w := range []struct {
		work  time.Duration
		bytes int
		want  time.Duration
	}{
		{time.Hour, pieceMax, workMax},
		{time.Hour, 2 * pieceMax, workMax},
		{time.Hour, pieceMax / 2, workMax / 4},
		{time.Hour, 0, 0},
		{time.Microsecond, pieceMax / 4, time.Microsecond},
		{0, pieceMax, 0},
	} {
		if got := worth(w.work, w.bytes); got != w.want {
			t.Errorf("%d bytes that took %v are worth %v, want %v", w.bytes, w.work, got, w.want)
		}
	}
	all := newPaces(0, time.Now)
	all.cores = 1
	now := time.Unix(1_000_000, 0)
	p := all.member("a")
	if p != all.member("a") || p == all.member("b") {
		t.Fatal("not one pace a member")
	}
	if rest := p.charge(paceFree/pacePart, pieceMax, now); rest != 0 {
		t.Errorf("what is free: %v", rest)
	}
	for range 10 {
		if rest := p.charge(time.Second, pieceMax, now); rest < restMin || rest > restMax {
			t.Errorf("a rest of %v", rest)
		}
	}
	now = now.Add(2 * restMax)
	if rest := p.charge(paceFree/pacePart, pieceMax, now); rest != 0 {
		t.Errorf("after a long while: %v", rest)
	}
	for _, other := range []string{"c", "d", "e"} { // so many more are beyond their pace
		all.member(other).charge(time.Second, pieceMax, now)
	}
	alone, several := now.Add(time.Hour), time.Duration(0)
	p.charge(workMax/20, pieceMax, now)
	several = p.charge(workMax/20, pieceMax, now)
	p.until = time.Time{}
	p.charge(workMax/20, pieceMax, alone)
	if rest := p.charge(workMax/20, pieceMax, alone); several < 2*rest {
		t.Errorf("beside others %v, alone %v", several, rest)
	}
}

// TestPaceReads: what a member sends as fast as he can arrives, all of it and in order, though he
// is slowed; and who is slowed is hung up on at once.
func TestPaceReads(t *testing.T) {
	g := startGuarded(t)
	front, err := g.ConnectFront()
	if err != nil {
		t.Fatal(err)
	}
	defer front.Close()
	heard, err := front.SubscribeSync("cakupan.intake.bone")
	if err != nil {
		t.Fatal(err)
	}
	if err := heard.SetPendingLimits(-1, -1); err != nil {
		t.Fatal(err)
	}
	if err := front.FlushTimeout(within); err != nil {
		t.Fatal(err)
	}
	conn, _ := g.dial(t, "bone")
	access := g.now.Load().access
	pace := access.paces.member(memberAccount + "publisher-bone")
	const count = 5_000
	message := bytes.Repeat([]byte("x"), 300)
	for i := range count {
		if err := conn.Publish("cakupan.intake.bone", append(message, byte(i), byte(i>>8))); err != nil {
			t.Fatal(err)
		}
	}
	for i := range count {
		m, err := heard.NextMsg(within)
		if err != nil {
			t.Fatal(err)
		}
		if end := m.Data[len(m.Data)-2:]; end[0] != byte(i) || end[1] != byte(i>>8) {
			t.Fatalf("message %d is another one", i)
		}
	}
	access.paces.mu.Lock()
	if pace.until.IsZero() {
		t.Error("what he sent was not counted")
	}
	pace.until = time.Now().Add(24 * time.Hour)
	access.paces.mu.Unlock()
	closed := make(chan struct{})
	conn.SetClosedHandler(func(*nats.Conn) { close(closed) })
	_ = conn.Publish("cakupan.intake.bone", message) // he rests after it
	g.HangUp("bone", time.Millisecond)
	select {
	case <-closed:
	case <-time.After(within):
		t.Fatal("he is still there")
	}
}

// TestPaceOfWorkBeside: who pays for more than was read rests for it, and nobody else does.
func TestPaceOfWorkBeside(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	all := newPaces(2, time.Now)
	one, other := all.member("one"), all.member("other")
	if rest := one.charge(0, 10, now); rest != 0 {
		t.Fatalf("who owes nothing rests for %v", rest)
	}
	const work = 10 * time.Millisecond
	all.mu.Lock()
	one.owe(work, now)
	all.mu.Unlock()
	if rest := one.charge(0, 10, now); rest != work*pacePart/2-paceFree {
		t.Errorf("a rest of %v", rest)
	}
	if rest := other.charge(0, 10, now); rest != 0 {
		t.Errorf("another one rests for %v", rest)
	}
	all.mu.Lock()
	one.owe(time.Hour, now)
	all.mu.Unlock()
	if rest := one.charge(0, 10, now); rest != restMax {
		t.Errorf("a rest of %v", rest)
	}
}
