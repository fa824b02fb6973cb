// Package memory gives back to the system what a ledger that runs has of its memory and needs no
// more.
//
// The collector lets as much garbage come as is live, and what was collected stays with the program
// for a while. When a thousand have come who watch, or have gone, that is more than what they need;
// and each of their goroutines has the stack that it once needed, which shrinks by half each time
// that garbage is collected: every two minutes where little is done. So it is looked at here what
// could be had, and it is given back when it is much.
package memory

import (
	"context"
	"math"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// lookEvery is how often it is looked at, which takes some microseconds.
	lookEvery = 2 * time.Second
	// spareMin is what is worth the work; less is what any program has lying about.
	spareMin = 16 << 20
	// restMin and restBytes bound the work: the collector marks about a gibibyte a second, and one
	// that is so large is looked through once in restBytes of it a second, a hundredth of the time.
	// How long it took says less: on a busy machine it mostly waits.
	restMin   = 10 * time.Second
	restBytes = 10 << 20
	// stackMin is what a goroutine that waits has for a stack.
	stackMin = 4 << 10
)

// usage is what memory is used for, in bytes.
type usage struct {
	live       uint64 // on the heap, when garbage was last collected
	objects    uint64 // on the heap: live, or garbage
	free       uint64 // taken from the system, and for nothing
	stacks     uint64
	goroutines uint64
}

// spare is about what could be given back. Stacks are counted as far as they are more than is
// usual: whether they are in use, only the collector finds out.
func (u usage) spare() uint64 {
	return u.free + over(u.objects, u.live) + over(u.stacks, u.goroutines*stackMin)
}

// isMuch tells whether it is worth the work: nothing small, and a good part of what there is.
func (u usage) isMuch() bool {
	return u.spare() >= max(spareMin, (u.objects+u.free+u.stacks)/4)
}

// rest is how long to leave it at that, once it was done.
func (u usage) rest() time.Duration {
	return max(restMin, time.Duration(u.live/restBytes)*time.Second)
}

func over(a, b uint64) uint64 { return a - min(a, b) }

// GiveBack gives back what is spare until ctx ends.
func GiveBack(ctx context.Context) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	rest := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-look.C:
			if now.Before(rest) {
				continue
			}
			if u := usageNow(); u.isMuch() {
				debug.FreeOSMemory()
				rest = time.Now().Add(u.rest())
			}
		}
	}
}

// usageNow asks the runtime. What it does not know (any more) is 0: then less is given back.
func usageNow() usage {
	samples := []metrics.Sample{
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/stacks:bytes"},
		{Name: "/sched/goroutines:goroutines"},
	}
	metrics.Read(samples)
	values := make([]uint64, len(samples))
	for i, s := range samples {
		if s.Value.Kind() == metrics.KindUint64 {
			values[i] = s.Value.Uint64()
		}
	}
	u := usage{
		live: values[0], objects: values[1], free: values[2], stacks: values[3],
		goroutines: values[4],
	}
	if u.live == 0 { // nothing was collected yet: nothing is known to be garbage
		u.live = u.objects
	}
	if u.goroutines == 0 {
		u.goroutines = math.MaxUint64 / stackMin
	}
	return u
}
