package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"

	"cakupan/cmd/internal/nobody"
	"cakupan/domain/event"
	"cakupan/eventstore/cloudevents"
	"cakupan/eventstore/pubsub"
)

// publishAll publishes every event by one way, and each tenth by another way too. It returns when
// each way has an answer for all of its events.
func (w *ways) publishAll() {
	conn, err := nats.Connect("nats://"+w.nats, nats.UserInfo(waysPublisher, w.secret),
		nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond),
		nats.RetryOnFailedConnect(true), nats.IgnoreAuthErrorAbort())
	if err != nil {
		w.t.Error(err)
		return
	}
	defer conn.Close()
	type send = func(context.Context, []wayEvent) []wayEvent
	over := func(way func(context.Context, *nats.Conn, []wayEvent) []wayEvent) send {
		return func(ctx context.Context, events []wayEvent) []wayEvent { return way(ctx, conn, events) }
	}
	all := []struct {
		share, clients, size int // of 100 events; how many are sent at once
		send                 send
	}{
		{30, 2, 1_000, w.overStream},
		{28, 3, 250, w.overBatch},
		{20, 64, 1, over(w.overIntake)},
		{10, 16, 1, over(w.overRequest)},
		{6, 16, 1, w.overSingle},
		{6, 4, 20, over(w.overWatermill)},
	}
	var wait sync.WaitGroup
	wait.Go(w.importList)
	from := 0
	for i, way := range all {
		until := min(len(w.events), from+len(w.events)*way.share/100)
		if i == len(all)-1 {
			until = len(w.events)
		}
		own := slices.Clone(w.events[from:until])
		for j := i; j < len(w.events); j += 10 * len(all) { // of other ways, most of them
			own = append(own, w.events[j])
		}
		from = until
		chunks := make(chan []wayEvent, len(own))
		for chunk := range slices.Chunk(own, way.size) {
			chunks <- chunk
		}
		close(chunks)
		for range way.clients {
			wait.Go(func() { w.client(chunks, way.send) })
		}
	}
	wait.Wait()
}

// client sends chunk after chunk, each until everything in it is answered.
func (w *ways) client(chunks <-chan []wayEvent, send func(context.Context, []wayEvent) []wayEvent) {
	for chunk := range chunks {
		for len(chunk) > 0 && w.t.Context().Err() == nil {
			ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Second)
			left := send(ctx, chunk)
			cancel()
			if len(left) == len(chunk) {
				time.Sleep(20 * time.Millisecond)
			}
			chunk = left
		}
	}
}

// answered notes receipts of the first events and returns the others.
func (w *ways) answered(events []wayEvent, receipts []event.Receipt) []wayEvent {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, r := range receipts {
		if r.ID != events[i].id {
			w.t.Errorf("the receipt of %s is for %s", events[i].id, r.ID)
		}
		before, again := w.receipts[r.ID]
		now := wayReceipt{r.Status, r.Sequence}
		if again && before.sequence != now.sequence {
			w.t.Errorf("%s is event %d and event %d", r.ID, before.sequence, now.sequence)
		}
		w.receipts[r.ID] = now
	}
	return events[len(receipts):]
}

// post sends a request and returns its answer's body; nil when there was no use of it.
func (w *ways) post(ctx context.Context, mediaType, encoding string, body []byte) []byte {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost,
		"http://"+w.http+"/v1/events", bytes.NewReader(body))
	if err != nil {
		w.t.Error(err)
		return nil
	}
	request.Header.Set("Content-Type", mediaType)
	request.Header.Set("Authorization", "Bearer "+w.secret)
	if encoding != "" {
		request.Header.Set("Content-Encoding", encoding)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil
	}
	text, _ := io.ReadAll(response.Body) // what came before the end is what there is
	_ = response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK, http.StatusUnprocessableEntity:
		return text
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return nil
	}
	w.t.Errorf("%d: %s", response.StatusCode, text)
	return nil
}

func (w *ways) overSingle(ctx context.Context, events []wayEvent) []wayEvent {
	var got cloudevents.Receipts
	if json.Unmarshal(w.post(ctx, "application/cloudevents+json", "", events[0].raw), &got) != nil {
		return events
	}
	return w.answered(events, got)
}

func (w *ways) overBatch(ctx context.Context, events []wayEvent) []wayEvent {
	var body bytes.Buffer
	zip := gzip.NewWriter(&body)
	_, _ = zip.Write(join(events, "[", ",", "]"))
	_ = zip.Close()
	var got cloudevents.Receipts
	answer := w.post(ctx, "application/cloudevents-batch+json", "gzip", body.Bytes())
	if json.Unmarshal(answer, &got) != nil {
		return events
	}
	return w.answered(events, got)
}

func (w *ways) overStream(ctx context.Context, events []wayEvent) []wayEvent {
	answer := w.post(ctx, "application/x-ndjson", "", join(events, "", "\n", "\n"))
	var receipts []event.Receipt
	lines := bufio.NewScanner(bytes.NewReader(answer))
	for lines.Scan() {
		r, err := cloudevents.ParseReceipt(lines.Bytes())
		if err != nil || r.Status == "" {
			break // cut off, or the reason why there are no more
		}
		receipts = append(receipts, r)
	}
	return w.answered(events, receipts)
}

func join(events []wayEvent, before, between, after string) []byte {
	raw := make([][]byte, len(events))
	for i := range events {
		raw[i] = events[i].raw
	}
	return slices.Concat([]byte(before), bytes.Join(raw, []byte(between)), []byte(after))
}

// overIntake sends an event to be stored and forwarded.
func (w *ways) overIntake(ctx context.Context, conn *nats.Conn, events []wayEvent) []wayEvent {
	answer, err := conn.RequestWithContext(ctx, "cakupan.intake."+waysPublisher, events[0].raw)
	var ack struct {
		Stream string
		Seq    uint64
	}
	if err != nil || json.Unmarshal(answer.Data, &ack) != nil || ack.Seq == 0 {
		return events
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.received[events[0].id] = true
	return events[1:]
}

func (w *ways) overRequest(ctx context.Context, conn *nats.Conn, events []wayEvent) []wayEvent {
	answer, err := conn.RequestWithContext(ctx, "cakupan.request."+waysPublisher, events[0].raw)
	var got cloudevents.Receipts
	if err != nil || json.Unmarshal(answer.Data, &got) != nil {
		return events
	}
	return w.answered(events, got)
}

func (w *ways) overWatermill(ctx context.Context, conn *nats.Conn, events []wayEvent) []wayEvent {
	var receipts []event.Receipt
	publisher := pubsub.NewPublisher(pubsub.OverNATS(conn, waysPublisher), pubsub.PublisherConfig{
		Receipt: func(_ *message.Message, r event.Receipt) { receipts = append(receipts, r) },
	})
	messages := make([]*message.Message, len(events))
	for i := range events {
		messages[i] = message.NewMessage(events[i].id, events[i].raw)
		messages[i].SetContext(ctx)
	}
	err := publisher.Publish(pubsub.TopicEvents, messages...)
	var refused *pubsub.RefusedError
	if err != nil && !errors.As(err, &refused) && !errors.Is(err, pubsub.ErrUnavailable) &&
		ctx.Err() == nil {
		w.t.Errorf("publish by Watermill: %v", err)
	}
	return w.answered(events, receipts)
}

// importList imports a list until the program says that all of it is in the log.
func (w *ways) importList() {
	var list strings.Builder
	list.WriteString("NIK;Kode Wilayah;Segmen;Kategori;Program;Penanggung Iuran;Tanggal Mulai\n")
	for i := range w.rows {
		fmt.Fprintf(&list, "%s;75.71;BPU;VULNERABLE;JKK, JKM;APBD;01/02/2020\n",
			"757198"+nobody.NIK(i)[6:]) // other persons than the events name
	}
	path := filepath.Join(w.t.TempDir(), "daftar.csv")
	if err := os.WriteFile(path, []byte(list.String()), 0o600); err != nil {
		w.t.Error(err)
		return
	}
	for w.t.Context().Err() == nil {
		command := w.command("import", path, "--list", "ways-1", "--server", "http://"+w.http)
		output, err := command.CombinedOutput()
		if err == nil {
			return
		}
		if code := command.ProcessState.ExitCode(); code != 1 {
			w.t.Errorf("the import ended with %d: %s", code, output)
			return
		}
	}
}

func httpGet(ctx context.Context, url string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	return http.DefaultClient.Do(request)
}
