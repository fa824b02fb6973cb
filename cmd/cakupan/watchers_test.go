package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/eventstore/natsd"
	"cakupan/projections/coverage"
)

// crowd is many who watch a key of the bucket, and when what they should see was accepted.
type crowd struct {
	mu       sync.Mutex
	accepted []accepted // in order of sequence
	taken    []float64  // milliseconds from accepted to seen, of each batch and watcher
	wrong    []string

	over chan struct{} // closed when all may go: until then, who has seen all stays connected
}

type accepted struct {
	sequence uint64
	at       time.Time
}

// TestManyWatch has many watch while a thousand events a second change a figure, by the bucket, by
// the plain subject of its values and by Server-Sent Events: all come to the same figure in the end, which is what the ledger answers.
// How long it took depends on the machine, and is only told. In the long suite, what each of them costs
// is bounded: of the memory of the server that is resident, beyond what was before they came, once
// all have come and nothing changes.
func TestManyWatch(t *testing.T) {
	t.Run("bucket", func(t *testing.T) {
		door, err := freeAddress()
		if err != nil {
			t.Fatal(err)
		}
		// A heartbeat each five seconds has the server write, for which it has a stack of 32 KiB.
		manyWatch(t, 128, []string{"--nats-listen", door}, func(w *watcher, _ *demoServer) {
			w.watch(watchBucket(t, "nats://"+door, "75.03"))
		})
	})
	t.Run("subject", func(t *testing.T) {
		door, err := freeAddress()
		if err != nil {
			t.Fatal(err)
		}
		manyWatch(t, 64, []string{"--nats-listen", door}, func(w *watcher, _ *demoServer) {
			w.hear(hearSubject(t, "nats://"+door, "75.03"))
		})
	})
	t.Run("events", func(t *testing.T) {
		manyWatch(t, 64, nil, func(w *watcher, d *demoServer) { w.listen(t.Context(), d.url()) })
	})
}

func manyWatch(
	t *testing.T, most float64, flags []string, watch func(*watcher, *demoServer),
) {
	t.Helper()
	watchers, batches, long := 20, 5, os.Getenv("CAKUPAN_LONG") != ""
	if long {
		watchers, batches = 1_000, 100
	}
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	d := &demoServer{
		t: t, dir: filepath.Join(t.TempDir(), "data"), address: address,
		command: append([]string{"serve"}, flags...),
	}
	d.start()
	t.Cleanup(d.stop)
	c, last := &crowd{over: make(chan struct{})}, uint64(batches*100)
	c.send(d, 0)
	before := memoryOf(t, d.url())
	var ready, seen, left sync.WaitGroup
	for range watchers {
		ready.Add(1)
		seen.Add(1)
		w := &watcher{
			crowd: c, last: last, ready: sync.OnceFunc(ready.Done), done: sync.OnceFunc(seen.Done),
		}
		left.Go(func() {
			defer w.done() // also one who has failed to come, or to stay
			defer w.ready()
			watch(w, d)
		})
	}
	ready.Wait()
	each := func() float64 {
		return max(0, memoryOf(t, d.url())-before) / 1024 / float64(watchers)
	}
	came, during := each(), 0.0
	if long {
		came = rest(each, most)
		if came > most {
			t.Errorf("%.0f KiB for each, at rest, at most %.0f are right", came, most)
		}
	}
	for i := 1; i < batches; i++ {
		begun := time.Now()
		c.send(d, i)
		if i%10 == 0 {
			during = max(during, each())
		}
		time.Sleep(100*time.Millisecond - time.Since(begun)) // the pace that is asked for
	}
	seen.Wait()
	after := each()
	if long {
		after = rest(each, most)
	}
	close(c.over)
	left.Wait()
	for _, wrong := range c.wrong {
		t.Error(wrong)
	}
	slices.Sort(c.taken)
	if len(c.taken) == 0 { // all was seen before its sender had heard that it was accepted
		return
	}
	t.Logf("%d watchers, %d events: seen after %.0f ms (median), %.0f ms (p99), %.0f ms at most;"+
		" KiB of the server for each: %.0f once all have come, %.0f at most meanwhile, %.0f in the end",
		watchers, last, c.taken[len(c.taken)/2], c.taken[len(c.taken)*99/100],
		c.taken[len(c.taken)-1], came, during, after)
}

// rest returns what is asked, once it has come below a bound, or has not for minutes: what is needed
// no more is given back by and by. Where it goes up and down it is the most of a minute.
func rest(ask func() float64, below float64) (most float64) {
	for range 5 {
		most = 0
		for range 30 {
			time.Sleep(2 * time.Second)
			most = max(most, ask())
		}
		if most <= below {
			break
		}
	}
	return most
}

// send appends a batch of a hundred people.
func (c *crowd) send(d *demoServer, batch int) {
	lines := strings.ReplaceAll(people(100), `p-`, fmt.Sprintf("p-%d-", batch))
	lines = strings.ReplaceAll(strings.ReplaceAll(lines, `"e-`, fmt.Sprintf(`"e-%d-`, batch)),
		`"w-`, fmt.Sprintf(`"w-%d-`, batch))
	status, answer := e2eDo(d.t, http.MethodPost, d.url()+"/v1/events", "application/x-ndjson",
		[]byte(lines))
	if status != http.StatusOK {
		d.t.Fatalf("status %d: %s", status, answer)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.accepted = append(c.accepted, accepted{uint64(batch+1) * 100, time.Now()})
}

// watcher is one of the crowd.
type watcher struct {
	*crowd

	next  int    // the first batch that he has not seen
	ready func() // is called when he has seen anything
	done  func() // is called when he has seen all
	last  uint64
}

// sees notes what he has seen, and reports whether that is all.
func (w *watcher) sees(text []byte) (all bool) {
	var answer coverage.Answer
	if err := json.Unmarshal(text, &answer); err != nil {
		w.fail(err.Error())
		return true
	}
	now, known := time.Now(), uint64(answer.Known.Sequence)
	w.mu.Lock()
	for ; w.next < len(w.accepted) && w.accepted[w.next].sequence <= known; w.next++ {
		if w.next > 0 { // the first was there before
			w.taken = append(w.taken, float64(now.Sub(w.accepted[w.next].at))/1e6)
		}
	}
	w.mu.Unlock()
	w.ready()
	if known >= w.last && uint64(answer.Covered) != w.last {
		w.fail(fmt.Sprintf("%d of %d are covered in the end", answer.Covered, w.last))
	}
	return known >= w.last
}

// watch takes values of the bucket until one has all events.
func (w *watcher) watch(s *screen) {
	defer w.ready()
	patient := time.After(5 * time.Minute)
	for {
		select {
		case entry := <-s.watcher.Updates():
			// Nil: all that was there has been told.
			if entry != nil && w.sees(entry.Value()) {
				return
			}
		case <-patient:
			w.fail("a watcher does not come to the end")
			return
		}
	}
}

// hearSubject connects, listens where values of a key are told, and gets the value of now, in this
// order, so that none is missed between.
func hearSubject(t *testing.T, url, key string) (*nats.Subscription, jetstream.KeyValueEntry) {
	t.Helper()
	s := dialBucket(t, url)
	sub, err := s.conn.SubscribeSync(natsd.SubjectCoverage + key)
	if err != nil {
		t.Fatal(err)
	}
	now, err := s.kv.Get(t.Context(), key)
	if errors.Is(err, jetstream.ErrKeyNotFound) { // the first one will be heard
		return sub, nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return sub, now
}

// hear takes what is told on the plain subject until a value has all events. Each says which number
// the one before has, so that none is missed unnoticed.
func (w *watcher) hear(sub *nats.Subscription, now jetstream.KeyValueEntry) {
	defer w.ready()
	revision, all := uint64(0), false
	if now != nil {
		revision, all = now.Revision(), w.sees(now.Value())
	}
	for !all {
		m, err := sub.NextMsg(5 * time.Minute)
		if err != nil {
			w.fail("one who listens does not come to the end: " + err.Error())
			return
		}
		meta := [2]uint64{}
		for i, name := range []string{jetstream.SequenceHeader, jetstream.LastSequenceHeader} {
			if meta[i], err = strconv.ParseUint(m.Header.Get(name), 10, 64); err != nil {
				w.fail(err.Error())
				return
			}
		}
		if meta[0] <= revision { // it was stored before the value of now was got
			continue
		}
		if meta[1] != revision {
			w.fail(fmt.Sprintf("value %d follows %d, not %d", meta[0], meta[1], revision))
		}
		revision, all = meta[0], w.sees(m.Data)
	}
}

// listen takes Server-Sent Events until one has all events.
func (w *watcher) listen(ctx context.Context, url string) {
	defer w.ready()
	response, err := httpGet(ctx, url+"/v1/changes?region=75.03")
	if err != nil {
		w.fail(err.Error())
		return
	}
	defer func() { _ = response.Body.Close() }()
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		data, found := bytes.CutPrefix(lines.Bytes(), []byte("data: ["))
		if found && w.sees(bytes.TrimSuffix(data, []byte("]"))) {
			w.done()
			<-w.over
			return
		}
	}
	w.fail("a stream ends too early")
}

func (c *crowd) fail(why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrong = append(c.wrong, why)
}

var resident = regexp.MustCompile(`(?m)^process_resident_memory_bytes (\S+)$`)

// memoryOf returns how much memory a server has.
func memoryOf(t *testing.T, url string) float64 {
	t.Helper()
	_, text := e2eDo(t, http.MethodGet, url+"/metrics", "", nil)
	found := resident.FindSubmatch(bytes.TrimSpace(text))
	if found == nil {
		return 0 // not Linux
	}
	n, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
