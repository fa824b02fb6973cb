package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"cakupan/cmd/internal/httpapi"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/sample"
	"cakupan/eventstore/cloudevents"
)

const (
	// As many as appends has bulk publishers, so that the two rates can be compared.
	connections = 4
	// postedMax bounds the events that are posted in batches: their bodies wait in memory.
	postedMax = 100_000
	// postsEach is how many requests each client of the crowd sends, one event each. With 64
	// clients some 19,000 requests: some seconds of work at the target.
	postsEach = 300
)

// posts measures publishing over HTTP, through real connections on this machine, client and server
// in one process: batches, and a crowd of clients that send one event a request. The ledger is as
// `serve` has it, without the projections: what is measured is the way from a request to durable
// events and back. What is logged is thrown away.
func (b *benchmark) posts(ctx context.Context) (err error) {
	events := min(max(b.events/4, 1), postedMax)
	b.note("posting %d events over HTTP", events)
	l, err := ledger.Open(ctx, ledger.Options{Dir: filepath.Join(b.dir, "posted"), Create: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	if _, err := l.Submit(ctx, nil, intake.Options{}); err != nil { // opens what it takes
		return err
	}
	// Port 0: the system gives a free one, so that a ledger that runs here already is in nobody's
	// way.
	server, err := httpapi.Listen(ctx, "127.0.0.1:0",
		httpapi.New(l, httpapi.Config{Log: slog.New(slog.DiscardHandler)}))
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve() }()
	defer func() { err = errors.Join(err, server.Shutdown(ctx), <-served) }()
	// Each client of the crowd keeps its connection; with the default of two they would open one
	// for each request.
	transport := &http.Transport{MaxIdleConnsPerHost: crowdPublishers}
	defer transport.CloseIdleConnections()
	p := poster{client: &http.Client{Transport: transport}, url: server.URL() + "/v1/events"}
	if err := b.postBatches(ctx, &p, events); err != nil {
		return err
	}
	return b.postCrowd(ctx, &p)
}

// poster sends events to a server. It is safe for concurrent use.
type poster struct {
	client *http.Client
	url    string
}

// post sends a body and makes sure that all of its events were appended. Anything but a 200 with as
// many appended is an error: a duplicate or a refused event costs less, so that a rate with some
// among them would be a lie. The receipts are read to the end, as a publisher must, and not
// decoded.
func (p *poster) post(ctx context.Context, contentType string, body []byte, events int) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", contentType)
	response, err := p.client.Do(request)
	if err != nil {
		return fmt.Errorf("post %d events: %w", events, err)
	}
	defer func() { _ = response.Body.Close() }()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("read receipts of %d events: %w", events, err)
	}
	// The answer begins with the number, contract, section 7.
	want := fmt.Appendf(nil, `{"appended":%d,`, events)
	if response.StatusCode != http.StatusOK || !bytes.HasPrefix(got, want) {
		return fmt.Errorf("post %d events: %s: %.200s", events, response.Status, got)
	}
	return nil
}

// postBatches measures batches over a few connections. The bodies are made before the clock starts;
// see postedMax for what that costs.
func (b *benchmark) postBatches(ctx context.Context, p *poster, events int) error {
	type batch struct {
		body   []byte
		events int
	}
	// All of them have room, since nobody reads before the last is made.
	batches := make(chan batch, events/batchEvents+1)
	next := batch{}
	for dated := range sample.Nation(seed+2, events) {
		// The opening bracket stands where a comma would.
		separator := byte(',')
		if next.events == 0 {
			separator = '['
		}
		next.body = cloudevents.AppendJSON(append(next.body, separator), &dated.Event, 0,
			dated.RecordedAt)
		if next.events++; next.events == batchEvents {
			next.body = append(next.body, ']')
			batches <- next
			next = batch{}
		}
	}
	if next.events > 0 {
		next.body = append(next.body, ']')
		batches <- next
	}
	close(batches)
	used, started := processorTime(), time.Now()
	err := together(connections, func(int) error {
		for batch := range batches {
			err := p.post(ctx, "application/cloudevents-batch+json", batch.body, batch.events)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	b.add(Figure{
		Name:  "HTTP, batches of 1,000 over 4 connections, to durable",
		Value: float64(events) / time.Since(started).Seconds(), Unit: "events/s", More: true,
		Target: 50_000, Floor: b.measured(floorPublishRate), FloorName: "events/s",
	})
	b.addProcessorTime("HTTP, processor time per event of a batch", used, events)
	return nil
}

// postCrowd measures 64 clients that send one event a request, and wait for its receipt. The floor
// is one publisher that waits for each sync; the crowd is above it as far as frames are shared.
func (b *benchmark) postCrowd(ctx context.Context, p *poster) error {
	// Two runs of it would be duplicates: the ledger is new in each run.
	const body = `{"specversion":"1.0","id":"%d-%d","source":"urn:cakupan:bench:http",` +
		`"type":"id.cakupan.enrolment.reinstated.v1",` +
		`"data":{"enrolment":"http-%d-%d","from":"2021-01-01"}}`
	used, started := processorTime(), time.Now()
	err := together(crowdPublishers, func(n int) error {
		for i := range postsEach {
			one := fmt.Appendf(nil, body, n, i, n, i)
			if err := p.post(ctx, "application/cloudevents+json", one, 1); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	b.add(Figure{
		Name:  "HTTP, 64 clients of single events, to durable",
		Value: crowdPublishers * postsEach / time.Since(started).Seconds(), Unit: "events/s",
		More: true, Target: 5_000, Floor: b.measured(floorPublishRate), FloorName: "events/s",
	})
	b.addProcessorTime("HTTP, processor time per single event", used, crowdPublishers*postsEach)
	return nil
}

// addProcessorTime adds what client and server together took of the processors since before. Where
// the system does not tell, there is no such figure, rather than one of 0. It is an upper bound of
// what the ledger takes, since the client is counted too.
func (b *benchmark) addProcessorTime(name string, before time.Duration, events int) {
	if used := processorTime() - before; used > 0 {
		b.add(Figure{
			Name: name, Value: float64(used.Microseconds()) / float64(events), Unit: "µs",
		})
	}
}

// together runs so many workers at once, and returns their errors. It returns when all have ended,
// whether or not one has failed: none is stopped by the error of another. Workers are numbered from
// 0.
func together(workers int, work func(n int) error) error {
	errs := make([]error, workers)
	var wait sync.WaitGroup
	for n := range workers {
		wait.Go(func() { errs[n] = work(n) })
	}
	wait.Wait()
	return errors.Join(errs...)
}
