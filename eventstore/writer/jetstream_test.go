package writer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/natsd"
	"cakupan/eventstore/writer"
)

// realLog starts a server on the folder, and opens the log on it or creates it.
func realLog(t testing.TB, dir string) (log *jetstream.Log, stop func()) {
	t.Helper()
	server, err := natsd.Start(natsd.Options{StoreDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := server.Connect()
	if err != nil {
		t.Fatal(err)
	}
	log, err = jetstream.Open(t.Context(), conn, jetstream.Options{})
	if errors.Is(err, eventstore.ErrNoLog) {
		log, err = jetstream.Create(t.Context(), conn, jetstream.Options{}, eventstore.NewIdentity(start))
	}
	if err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		conn.Close()
		if err := server.Shutdown(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return log, stop
}

// The whole on the real log: publishers at the same time, a second writer, a restart, an end of
// the server in between.
func TestOnJetStream(t *testing.T) {
	dir := t.TempDir()
	log, stop := realLog(t, dir)
	l := newLedger(t, log).open()
	var wait sync.WaitGroup
	for p := range 16 {
		wait.Go(func() {
			for c := range 5 {
				results, err := l.writer.Append(context.Background(),
					append(entries(fmt.Sprint(p, "-", c, "-"), 20), entry(fmt.Sprint("shared ", c), 1)),
					writer.AppendOptions{})
				if err != nil || results[0].Status != event.Appended {
					t.Error(outcomes(results), err)
				}
			}
		})
	}
	wait.Wait()
	events, _ := check(t, log)
	if len(events) != 16*5*20+5 {
		t.Errorf("%d events", len(events))
	}

	other := newLedger(t, log).open()
	other.append(entry("other", 1))
	if _, err := l.writer.Append(t.Context(), entries("x", 1), writer.AppendOptions{}); !errors.Is(err, writer.ErrOtherWriter) {
		t.Errorf("two writers: %v", err)
	}
	_ = l.writer.Close()
	stop()
	if _, err := other.writer.Append(t.Context(), entries("y", 1), writer.AppendOptions{}); err == nil {
		t.Error("appended without a server")
	}
	_ = other.writer.Close()

	l.log, stop = realLog(t, dir)
	defer stop()
	l.restart()
	expect(t, "after the restart", l.append(entry("other", 1), entry("shared 3", 1), entry("z", 1))[:1],
		fmt.Sprint("duplicate ", len(events)+1))
	check(t, l.log)
	_ = l.writer.Close()
}

// BenchmarkBulk is what bulk publishers get: batches of 1,000 of new events, from four at once.
func BenchmarkBulk(b *testing.B) {
	for _, kind := range []string{"memory", "jetstream"} {
		b.Run(kind, func(b *testing.B) {
			log := eventstore.Log(newMemlog())
			if kind == "jetstream" {
				log, _ = realLog(b, b.TempDir())
			}
			l := newLedger(b, log)
			l.opts.Patience = time.Minute
			l.open()
			const publishers, batch = 4, 1000
			var wait sync.WaitGroup
			b.ResetTimer()
			for p := range publishers {
				wait.Go(func() {
					for n := p; n < b.N; n += publishers {
						_, err := l.writer.Append(context.Background(),
							entries(fmt.Sprint("2020-01-31-", n, "-"), batch), writer.AppendOptions{})
						if err != nil {
							b.Error(err)
						}
					}
				})
			}
			wait.Wait()
			b.ReportMetric(float64(b.N)*batch/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkLone compares one publisher with one event at a time with the bare log.
func BenchmarkLone(b *testing.B) {
	report := func(b *testing.B, took []time.Duration) {
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
	}
	b.Run("bare", func(b *testing.B) {
		log, _ := realLog(b, b.TempDir())
		var tail eventstore.Tail
		var took []time.Duration
		for b.Loop() {
			began := time.Now()
			f := eventstore.NewFrameBuilder(tail.Sequence+1, [32]byte{}, start)
			if err := f.Append(start, entry("x", 1).Event); err != nil {
				b.Fatal(err)
			}
			var err error
			if tail, err = log.Append(b.Context(), f.Bytes(), tail); err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(began))
		}
		report(b, took)
	})
	b.Run("writer", func(b *testing.B) {
		log, _ := realLog(b, b.TempDir())
		l := newLedger(b, log).open()
		var took []time.Duration
		for b.Loop() {
			began := time.Now()
			l.append(entry(fmt.Sprint(len(took)), 1))
			took = append(took, time.Since(began))
		}
		report(b, took)
	})
	b.Run("writer with 64 publishers", func(b *testing.B) {
		log, _ := realLog(b, b.TempDir())
		l := newLedger(b, log).open()
		var wait sync.WaitGroup
		for p := range 64 {
			wait.Go(func() {
				for n := p; n < b.N; n += 64 {
					_, err := l.writer.Append(context.Background(),
						[]writer.Entry{entry(fmt.Sprint(n), 1)}, writer.AppendOptions{})
					if err != nil {
						b.Error(err)
					}
				}
			})
		}
		wait.Wait()
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	})
}
