package memory

import (
	"context"
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

// TestIsMuch: what is lying about counts together, and is much when it is neither small nor a small
// part of what there is.
func TestIsMuch(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		name  string
		usage usage
		spare uint64
		much  bool
	}{
		{"nothing", usage{}, 0, false},
		{"a small program's garbage", usage{live: 3 * mib, objects: 9 * mib}, 6 * mib, false},
		{"garbage", usage{live: 30 * mib, objects: 60 * mib}, 30 * mib, true},
		{"a little of much", usage{live: 400 * mib, objects: 420 * mib}, 20 * mib, false},
		{"nothing uses it", usage{live: 20 * mib, objects: 20 * mib, free: 17 * mib}, 17 * mib, true},
		{
			"stacks of a thousand who came",
			usage{live: 10 * mib, objects: 10 * mib, stacks: 32 * mib, goroutines: 1024},
			28 * mib, true,
		},
		{
			"stacks as they are",
			usage{live: 10 * mib, objects: 10 * mib, stacks: 32 * mib, goroutines: 8192},
			0, false,
		},
		{"collected since it was asked", usage{live: 40 * mib, objects: 30 * mib}, 0, false},
	} {
		if spare, much := c.usage.spare(), c.usage.isMuch(); spare != c.spare || much != c.much {
			t.Errorf("%s: %d are spare, much: %v", c.name, spare, much)
		}
	}
}

// TestRest: the more there is to be looked through, the more seldom it is.
func TestRest(t *testing.T) {
	for live, want := range map[uint64]time.Duration{
		0: restMin, 50 << 20: restMin, 600 << 20: time.Minute, 6000 << 20: 10 * time.Minute,
	} {
		if got := (usage{live: live}).rest(); got != want {
			t.Errorf("of %d MiB: %v", live>>20, got)
		}
	}
}

// TestUsageNow: the runtime knows what is asked of it, and what is garbage is found to be spare.
func TestUsageNow(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	runtime.GC()
	before := usageNow()
	if before.live == 0 || before.objects == 0 || before.stacks == 0 || before.goroutines == 0 {
		t.Fatalf("%+v", before)
	}
	hold := make([]byte, 4*spareMin)
	hold[0] = 1
	if now := usageNow(); !now.isMuch() {
		t.Errorf("%+v: 64 MiB that nobody collected are not much", now)
	}
	runtime.KeepAlive(hold)
	debug.FreeOSMemory()
	if now := usageNow(); now.isMuch() {
		t.Errorf("%+v: much, after all was given back", now)
	}
}

// TestGiveBackEnds with its context.
func TestGiveBackEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	GiveBack(ctx)
}
