package bench

import (
	"bufio"
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/sample"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore/cloudevents"
	"cakupan/eventstore/writer"
)

const (
	// The same events in every run and on every machine. Parts that need others count on from it.
	seed = 1
	// A frame of the log has as many, so that a batch can be a frame.
	batchEvents = 1_000
	// Bulk publishers at once: enough that the next batches wait while one is being written.
	publishers = 4
	// One after the other, each waiting for a sync: a second or some on a slow disk, and enough for
	// a 99th percentile.
	singles = 1_000
	// So many that several always wait while a frame is being written: what comes of sharing shows.
	crowdPublishers = 64
)

// openBench opens the ledger that the benchmark fills. It is opened three times: to append, to fold
// for the first time, and to start as on any other day. Each caller closes it before the next opens
// it, since one process writes to a folder.
func (b *benchmark) openBench(ctx context.Context) (*ledger.Ledger, error) {
	return ledger.Open(ctx, ledger.Options{Dir: filepath.Join(b.dir, "ledger"), Create: true})
}

// appends measures the writer: bulk publishers, one publisher alone, and a crowd of them. The
// ledger stays in its folder for reads. What is timed ends with the last acknowledgement, thus with
// durable events; no projection follows meanwhile.
func (b *benchmark) appends(ctx context.Context) error {
	b.note("appending %d events", b.events)
	l, err := b.openBench(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	// Else the first batch would pay for what is opened when it is first needed.
	if _, err := l.Submit(ctx, nil, intake.Options{}); err != nil { // opens what it takes
		return err
	}
	started := time.Now()
	if err := appendBulk(ctx, l, nationEvents(b.events)); err != nil {
		return err
	}
	b.add(Figure{
		Name:  "append, 4 bulk publishers",
		Value: float64(b.events) / time.Since(started).Seconds(), Unit: "events/s", More: true,
		Target: 100_000, Floor: b.measured(floorPublishRate), FloorName: "events/s",
	})
	if err := b.appendAlone(ctx, l); err != nil {
		return err
	}
	return b.appendCrowd(ctx, l)
}

// nationEvents are events of the nation. They are made as they are asked for: memory does not grow
// with n. The time to make them is part of what is measured.
func nationEvents(n int) iter.Seq[*event.Event] {
	return func(yield func(*event.Event) bool) {
		for dated := range sample.Nation(seed, n) {
			if !yield(&dated.Event) {
				return
			}
		}
	}
}

// appendBulk fills the log with batches from several publishers. It returns when all events are
// durable, or with the first error of anybody. Batches are committed in no certain order, so what
// rests on an earlier event may come before it: the log takes facts in any order, and so do the
// projections.
func appendBulk(ctx context.Context, l *ledger.Ledger, events iter.Seq[*event.Event]) error {
	// Two batches a publisher wait, so that none of them waits for the one goroutine that makes
	// events; no more, so that memory is bounded.
	batches := make(chan []writer.Entry, 2*publishers)
	// There is room for an error of each goroutine: none of them waits for somebody to read it.
	failed := make(chan error, publishers+1)
	go func() {
		defer close(batches)
		var batch []writer.Entry
		for e := range events {
			entry, err := intake.EntryOf(e, 0)
			if err != nil {
				failed <- err
				return
			}
			batch = append(batch, entry)
			if len(batch) == batchEvents {
				batches <- batch
				batch = nil
			}
		}
		batches <- batch
	}()
	var wait sync.WaitGroup
	for range publishers {
		wait.Go(func() {
			for batch := range batches {
				if _, err := l.Append(ctx, batch, writer.AppendOptions{}); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	wait.Wait()
	select {
	case err := <-failed:
		return fmt.Errorf("append: %w", err)
	default:
		return nil
	}
}

// single returns the i-th event of those that publishers send one by one. It reinstates an
// enrolment that nobody opened: the cheapest event that a projection must look at, and one that is
// accepted, since facts may arrive in any order. Two events of one i are duplicates, so callers
// take numbers that no other part of the run has taken.
func single(i int) (writer.Entry, error) {
	e := event.Event{
		Key:  event.Key{Source: "urn:cakupan:bench", ID: fmt.Sprintf("single-%08d", i)},
		Type: event.EnrolmentReinstated,
	}
	e.Data.Enrolment = fmt.Sprintf("single-%08d", i)
	e.Data.From = temporal.Date(18_000 + i%365)
	e.Data.Has = e.Data.Has.With(event.FieldEnrolment).With(event.FieldFrom)
	return intake.EntryOf(&e, 0)
}

// appendAlone measures what one publisher waits for each event, in turns with a bare publish: a
// shared disk changes from one second to the next. The target is the bare publish and three tenths:
// what a frame of one event may cost above the message that carries it.
func (b *benchmark) appendAlone(ctx context.Context, l *ledger.Ledger) error {
	publish, stop, err := b.floorPublisher(ctx)
	if err != nil {
		return err
	}
	defer stop()
	latencies := make([]time.Duration, 0, singles)
	floors := make([]time.Duration, 0, singles)
	for i := range singles {
		entry, err := single(i)
		if err != nil {
			return err
		}
		// The event is made before the clock starts: a publisher has it already.
		before := time.Now()
		if _, err := l.Append(ctx, []writer.Entry{entry}, writer.AppendOptions{}); err != nil {
			return fmt.Errorf("append one event: %w", err)
		}
		between := time.Now()
		if err := publish(); err != nil {
			return err
		}
		latencies = append(latencies, between.Sub(before))
		floors = append(floors, time.Since(between))
	}
	p50, p99 := percentiles(latencies)
	floor, _ := percentiles(floors)
	b.add(Figure{
		Name: "append, one lone publisher, p50", Value: p50, Unit: "ms",
		Target: 1.3 * floor, Floor: floor, FloorName: "ms",
	})
	b.add(Figure{Name: "append, one lone publisher, p99", Value: p99, Unit: "ms"})
	return nil
}

// appendCrowd measures many publishers of single events, which share frames. How many share one is
// seen from the log itself, events over messages, and not from what the writer says.
func (b *benchmark) appendCrowd(ctx context.Context, l *ledger.Ledger) error {
	const each = 100
	before, err := l.Head(ctx)
	if err != nil {
		return err
	}
	started := time.Now()
	var crowd sync.WaitGroup
	failed := make(chan error, crowdPublishers)
	for publisher := range crowdPublishers {
		crowd.Go(func() {
			for i := range each {
				entry, err := single(singles + publisher*each + i)
				if err == nil {
					_, err = l.Append(ctx, []writer.Entry{entry}, writer.AppendOptions{})
				}
				if err != nil {
					failed <- err
					return
				}
			}
		})
	}
	crowd.Wait()
	select {
	case err := <-failed:
		return fmt.Errorf("append in a crowd: %w", err)
	default:
	}
	after, err := l.Head(ctx)
	if err != nil {
		return err
	}
	b.add(Figure{
		Name:  "append, 64 publishers of single events",
		Value: crowdPublishers * each / time.Since(started).Seconds(), Unit: "events/s", More: true,
		Floor: b.measured(floorPublishRate), FloorName: "events/s",
	})
	b.add(Figure{
		Name:  "events that share a frame, 64 publishers",
		Value: float64(after.Sequence-before.Sequence) / float64(after.Message-before.Message),
		Unit:  "events", More: true, Target: 2,
	})
	return nil
}

// imports measures the way of a file: read, parse, check, append, index. It submits as the command
// does, in this process, lines of a batch at a time. The ledger stays in its folder for watched.
func (b *benchmark) imports(ctx context.Context) error {
	events := max(b.events/4, 1)
	b.note("importing %d events from a file", events)
	path := filepath.Join(b.dir, "events.ndjson")
	if err := writeNDJSON(path, events); err != nil {
		return err
	}
	l, err := ledger.Open(ctx, ledger.Options{Dir: filepath.Join(b.dir, "import"), Create: true})
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	// The index is up to date when an append returns, so the import ends with everything done.
	started := time.Now()
	heapHalf, err := importHalves(ctx, l, path, events)
	if err != nil {
		return err
	}
	b.add(Figure{
		Name:  "import of NDJSON, to durable and indexed",
		Value: float64(events) / time.Since(started).Seconds(), Unit: "events/s", More: true,
		Target: 60_000, Floor: b.measured(floorPublishRate), FloorName: "events/s",
	})
	b.add(Figure{
		Name:  "import, growth of the heap over the second half of the file",
		Value: (heapBytes() - heapHalf) / 1e6, Unit: "MB",
	})
	return nil
}

// writeNDJSON writes events of the nation as CloudEvents, a line each. They are events of another
// seed than the log of appends has. Each carries the record time of the nation's story, which an
// import keeps only when it is asked to: here they are recorded now.
func writeNDJSON(path string, events int) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(file, 1<<20)
	var line []byte
	for dated := range sample.Nation(seed+1, events) {
		line = append(cloudevents.AppendJSON(line[:0], &dated.Event, 0, dated.RecordedAt), '\n')
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return file.Close()
}

// importHalves imports the file and returns the heap when half of it was in the log. The difference
// to the heap at the end shows whether memory grows with the file; the first half is left out
// because what is opened once is taken in it. Of a file of one event there is no half, and the heap
// is 0.
func importHalves(ctx context.Context, l *ledger.Ledger, path string, events int) (float64, error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	// Twice the 64 KiB that an event may have: no line of the file can be too long.
	lines.Buffer(make([]byte, 1<<16), 1<<17)
	half, heap := events/2, 0.0
	var chunk [][]byte
	for read := 1; lines.Scan(); read++ {
		// The scanner writes over its line, and a chunk is submitted later.
		chunk = append(chunk, slices.Clone(lines.Bytes()))
		// It is taken between two chunks of work or inside of one that waits: at most a thousand
		// lines are counted with it. The two collections it takes are in the import's time; beside
		// a file of any length they do not show.
		if read == half {
			heap = heapBytes()
		}
		if len(chunk) < batchEvents && read < events {
			continue
		}
		if _, err := l.Submit(ctx, chunk, intake.Options{}); err != nil {
			return heap, fmt.Errorf("import: %w", err)
		}
		chunk = chunk[:0]
	}
	return heap, lines.Err()
}
