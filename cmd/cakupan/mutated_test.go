package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf16"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"cakupan/cmd/internal/excerpt"
	"cakupan/cmd/internal/httpapi"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/problem"
	"cakupan/cmd/internal/split"
	"cakupan/domain/event"
	"cakupan/eventstore/cloudevents"
)

const (
	mutatedEvents   = 10_000
	mutatedTogether = 20 // events of a batch or stream
	mutatedSeed     = 20
)

// mutations change an event in one way each.
var mutations = []func(r *rand.Rand, line []byte) []byte{
	func(_ *rand.Rand, line []byte) []byte { return line }, // as it is
	func(r *rand.Rand, line []byte) []byte { // bytes flipped
		for range 1 + r.IntN(3) {
			line[r.IntN(len(line))] ^= byte(1 << r.IntN(8))
		}
		return line
	},
	func(r *rand.Rand, line []byte) []byte { // bytes of any value
		line[r.IntN(len(line))] = byte(r.IntN(256))
		return line
	},
	func(r *rand.Rand, line []byte) []byte { return line[:r.IntN(len(line))] },
	func(r *rand.Rand, line []byte) []byte { // a piece taken out
		from := r.IntN(len(line))
		return slices.Delete(line, from, min(len(line), from+1+r.IntN(20)))
	},
	func(r *rand.Rand, line []byte) []byte { // a piece twice
		from := r.IntN(len(line))
		return slices.Insert(line, from, line[from:min(len(line), from+1+r.IntN(40))]...)
	},
	memberBy(func(r *rand.Rand, name, value string) string { return "" }),
	memberBy(func(r *rand.Rand, name, value string) string { // twice
		return name + ":" + value + "," + name + ":" + value
	}),
	memberBy(func(r *rand.Rand, name, value string) string { // renamed
		return `"` + strings.ToUpper(strings.Trim(name, `"`)) + `":` + value
	}),
	memberBy(func(r *rand.Rand, name, value string) string { return `"office` + fmt.Sprint(r.IntN(9)) + `":` + value }),
	memberBy(func(r *rand.Rand, name, value string) string { // another value
		return name + ":" + pick(r, strange)
	}),
	func(r *rand.Rand, line []byte) []byte { // spaces where they may stand, and elsewhere
		return slices.Insert(line, r.IntN(len(line)), []byte(pick(r, []string{" ", "\t", "  ", "\u00a0"}))...)
	},
	func(_ *rand.Rand, line []byte) []byte { // UTF-16
		var out []byte
		for _, unit := range utf16.Encode([]rune(string(line))) {
			out = append(out, byte(unit), byte(unit>>8))
		}
		return out
	},
	func(_ *rand.Rand, line []byte) []byte { // Latin-1
		return bytes.Replace(line, []byte(`"source": "`), []byte("\"source\": \"caf\xe9"), 1)
	},
	func(r *rand.Rand, line []byte) []byte { // escapes for digits
		at := r.IntN(len(line))
		if c := line[at]; c-'0' <= 9 {
			return slices.Replace(line, at, at+1, fmt.Appendf(nil, `\u%04x`, c)...)
		}
		return line
	},
}

// strange are values that few fields can have.
var strange = []string{
	"null", "true", "[]", "{}", "-1", "1e400", "1.0", strings.Repeat("9", 400), `""`, `"7503014107909999"`,
	"7503014107909999", `"\ud800"`, `"\u0000"`, `"7503"`, `"2020-02-30"`, `"` + strings.Repeat("x", 70_000) + `"`,
	strings.Repeat("[", 5_000) + strings.Repeat("]", 5_000), strings.Repeat(`{"a":`, 12_000) + "1" + strings.Repeat("}", 12_000),
	strings.Repeat("[", 60_000),
}

func pick(r *rand.Rand, from []string) string { return from[r.IntN(len(from))] }

var memberPattern = regexp.MustCompile(`("[a-zA-Z]+"): ?("[^"]*"|[0-9]+)`)

// memberBy returns a mutation of one member of the event or its data.
func memberBy(change func(r *rand.Rand, name, value string) string,
) func(r *rand.Rand, line []byte) []byte {
	return func(r *rand.Rand, line []byte) []byte {
		found := memberPattern.FindAllSubmatchIndex(line, -1)
		if len(found) == 0 {
			return line
		}
		at := found[r.IntN(len(found))]
		with := change(r, string(line[at[2]:at[3]]), string(line[at[4]:at[5]]))
		end := at[1]
		if with == "" && end < len(line) && line[end] == ',' {
			end++
		}
		return slices.Replace(line, at[0], end, []byte(with)...)
	}
}

// mutate returns mutated events: any mutation of any line of the vectors.
func mutate(t *testing.T) (events [][]byte) {
	t.Helper()
	var lines [][]byte
	for _, name := range e2eNames {
		text, err := os.ReadFile(filepath.Join(e2eVectors, name, "events.ndjson"))
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, bytes.Split(bytes.TrimSpace(text), []byte("\n"))...)
	}
	r := rand.New(rand.NewPCG(mutatedSeed, 0))
	for len(events) < mutatedEvents {
		line := slices.Clone(lines[r.IntN(len(lines))])
		line = mutations[r.IntN(len(mutations))](r, line)
		if len(line) > 0 {
			events = append(events, line)
		}
	}
	return events
}

// mutatedSender sends mutated events in every way, and keeps what was accepted.
type mutatedSender struct {
	t    *testing.T
	url  string
	zstd *zstd.Encoder

	mu       sync.Mutex
	accepted map[uint64][]byte // by sequence
	codes    map[string]int
	events   int // that have a receipt, or a problem for all of their request
}

// TestMutatedEvents sends ten thousand broken events over HTTP, in every way and encoding: each has
// a receipt, or its request a problem, with a code that is known. The log then is what the
// accepted ones alone give.
func TestMutatedEvents(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	l, err := ledger.Open(t.Context(), ledger.Options{Dir: t.TempDir(), Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	var log bytes.Buffer
	server, err := httpapi.Listen(t.Context(), "127.0.0.1:0", httpapi.New(l, httpapi.Config{
		Log: slog.New(slog.NewTextHandler(&log, nil)),
	}))
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve() }()
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &mutatedSender{
		t: t, zstd: z, url: server.URL() + "/v1/events", accepted: map[uint64][]byte{}, codes: map[string]int{},
	}
	events := mutate(t)
	if underRace {
		events = events[:mutatedEvents/4]
	}
	peak, stop := watchHeap()
	s.sendAll(events)
	stop()
	http.DefaultClient.CloseIdleConnections()
	for _, err := range []error{server.Shutdown(t.Context()), <-served} {
		if err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d events, %d accepted, heap at most %d MB, %v", s.events, len(s.accepted), peak.Load()>>20, s.codes)
	if len(s.accepted) < len(events)/20 || len(s.codes) < 8 {
		t.Error("too few kinds to tell")
	}
	if peak.Load() > 256<<20 {
		t.Errorf("the heap grew by %d MB", peak.Load()>>20)
	}
	if log.Len() > 0 {
		t.Errorf("the operator was told: %s", &log)
	}
	s.compare(l)
}

// sendAll sends the events, some in each way.
func (s *mutatedSender) sendAll(events [][]byte) {
	encodings := []string{"", "gzip", "zstd"}
	work := make(chan func(), 16)
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for send := range work {
				send()
			}
		})
	}
	alone := len(events) / 5
	for i, raw := range events[:alone] {
		work <- func() { s.single(raw, encodings[i%3]) }
	}
	for i := 0; alone+i < len(events); i += mutatedTogether {
		part := events[alone+i : min(alone+i+mutatedTogether, len(events))]
		encoding := encodings[i/mutatedTogether%3]
		if i/mutatedTogether%2 == 0 {
			work <- func() { s.batch(part, encoding) }
		} else {
			work <- func() { s.stream(part, encoding) }
		}
	}
	close(work)
	workers.Wait()
}

// post sends a body, and returns the answer.
func (s *mutatedSender) post(contentType, encoding string, body []byte) (int, []byte) {
	switch encoding {
	case "gzip":
		var sent bytes.Buffer
		z := gzip.NewWriter(&sent)
		_, _ = z.Write(body) // a buffer takes everything
		_ = z.Close()
		body = sent.Bytes()
	case "zstd":
		body = s.zstd.EncodeAll(body, nil)
	}
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		s.t.Error(err)
		return 0, nil
	}
	request.Header.Set("Content-Type", contentType)
	if encoding != "" {
		request.Header.Set("Content-Encoding", encoding)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Errorf("%s: %v", contentType, err)
		return 0, nil
	}
	defer func() { _ = response.Body.Close() }()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Errorf("%s: %v", contentType, err)
	}
	if response.StatusCode >= 500 || event.HasNIK(string(got)) {
		s.t.Errorf("%s: %d %s", contentType, response.StatusCode, event.MaskNIK(string(got)))
	}
	return response.StatusCode, got
}

// note takes note of the receipt of an event.
func (s *mutatedSender) note(raw []byte, receipt *event.Receipt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events++
	why := receipt.Why()
	switch {
	case receipt.Status == event.Appended && receipt.Sequence > 0:
		s.accepted[receipt.Sequence] = raw
	case receipt.Status == event.Duplicate && receipt.Sequence > 0:
	case receipt.Status == event.Refused && problem.Code(why.Code).OfEvent() && why.Detail != "":
		s.codes[string(why.Code)]++
	default:
		s.t.Errorf("receipt %+v", receipt)
	}
}

// whole takes note of a request that was refused as a whole.
func (s *mutatedSender) whole(status, events int, body []byte) {
	var p struct {
		Code   problem.Code
		Detail string
	}
	if err := json.Unmarshal(body, &p); err != nil || !p.Code.Known() || p.Detail == "" || status < 400 {
		s.t.Errorf("%d %.300s: %v", status, body, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events += events
	s.codes[string(p.Code)]++
}

func (s *mutatedSender) single(raw []byte, encoding string) {
	status, body := s.post("application/cloudevents+json", encoding, raw)
	var got cloudevents.Receipts
	if err := json.Unmarshal(body, &got); err != nil || len(got) > 1 {
		s.t.Errorf("%d %s: %v", status, body, err)
	}
	if len(got) == 0 { // too long to be looked at
		s.whole(status, 1, body)
		return
	}
	if (status == 200) == (got[0].Status == event.Refused) {
		s.t.Errorf("%d %s", status, body)
	}
	s.note(raw, &got[0])
}

func (s *mutatedSender) batch(events [][]byte, encoding string) {
	array := slices.Concat([]byte("["), bytes.Join(events, []byte(",")), []byte("]"))
	status, body := s.post("application/cloudevents-batch+json", encoding, array)
	if status != http.StatusOK {
		s.whole(status, len(events), body)
		for _, raw := range events { // they were not looked at
			s.single(raw, encoding)
		}
		return
	}
	var got cloudevents.Receipts
	elements, err := split.Cut(nil, array, len(array))
	if err := json.Unmarshal(body, &got); err != nil {
		s.t.Error(err)
	}
	if err != nil || len(elements) != len(got) {
		s.t.Errorf("%d receipts for %d elements, %v", len(got), len(elements), err)
		return
	}
	for i := range elements {
		s.note(elements[i], &got[i])
	}
}

func (s *mutatedSender) stream(events [][]byte, encoding string) {
	status, body := s.post("application/x-ndjson", encoding, bytes.Join(events, []byte("\n")))
	var lines [][]byte
	reader := split.NewLines(bytes.NewReader(bytes.Join(events, []byte("\n"))))
	for {
		raw, _, err := reader.Next()
		if err != nil {
			break
		}
		lines = append(lines, slices.Clone(raw))
	}
	receipts := bytes.Split(bytes.TrimSpace(body), []byte("\n"))
	if status != http.StatusOK || len(receipts) != len(lines) {
		s.t.Errorf("%d, %d receipts for %d lines: %.300s", status, len(receipts), len(lines), body)
		return
	}
	for i := range lines {
		got, err := cloudevents.ParseReceipt(receipts[i])
		if err != nil {
			s.t.Error(err)
		}
		s.note(lines[i], &got)
	}
}

// compare makes sure that the log is what the accepted events give to another ledger.
func (s *mutatedSender) compare(l *ledger.Ledger) {
	other, err := ledger.Open(s.t.Context(), ledger.Options{Dir: s.t.TempDir(), Create: true})
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	var raw [][]byte
	for sequence := uint64(1); s.accepted[sequence] != nil; sequence++ {
		raw = append(raw, s.accepted[sequence])
	}
	receipts, err := other.Submit(s.t.Context(), raw, intake.Options{})
	if err != nil || len(raw) != len(s.accepted) {
		s.t.Fatalf("%d of %d accepted events in a row, %v", len(raw), len(s.accepted), err)
	}
	for i := range receipts {
		if receipts[i].Status != event.Appended || receipts[i].Sequence != uint64(i+1) {
			s.t.Errorf("%s: %+v", event.MaskNIK(string(raw[i])), receipts[i])
		}
	}
	got, want := plainLog(s.t, l), plainLog(s.t, other)
	if len(got) != len(want) {
		s.t.Errorf("%d events, want %d", len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			s.t.Errorf("event %d is\n%s\nwant\n%s", i+1, got[i], want[i])
		}
	}
}

// plainLog returns the events of a log without what differs from one ledger to another: the record
// times, and the ids of workers known by a NIK, which are numbered here as they come.
func plainLog(t *testing.T, l *ledger.Ledger) (lines []string) {
	t.Helper()
	recorded := regexp.MustCompile(`,"recordedat":"[^"]*"}$`)
	made := regexp.MustCompile(`"(worker|into)":"([0-9a-f]{32})"`)
	workers := map[string]int{}
	err := l.Events(context.Background(), excerpt.Filter{From: 1, To: 1 << 62}, func(line []byte) error {
		text := recorded.ReplaceAllString(string(line), "}")
		lines = append(lines, made.ReplaceAllStringFunc(text, func(field string) string {
			found := made.FindStringSubmatch(field)
			worker := found[2]
			if workers[worker] == 0 {
				workers[worker] = len(workers) + 1
			}
			return fmt.Sprintf(`"%s":#%d`, found[1], workers[worker])
		}))
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return lines
}
