package httpapi

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
	"weak"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"cakupan/cmd/internal/problem"
)

// flusher is a compressor.
type flusher interface {
	io.WriteCloser
	Flush() error
}

// compressor returns what compresses to w.
func compressor(t testing.TB, encoding string, w io.Writer) flusher {
	t.Helper()
	if encoding == zstdName {
		z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
		if err != nil {
			t.Fatal(err)
		}
		return z
	}
	return gzip.NewWriter(w)
}

// encoded returns a body as it is sent.
func encoded(t testing.TB, encoding, body string) string {
	t.Helper()
	var b bytes.Buffer
	z := compressor(t, encoding, &b)
	if _, err := io.WriteString(z, body); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// postEncoded sends a body that is encoded already.
func postEncoded(t *testing.T, url, contentType, encoding, body string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), "POST", url+"/v1/events",
		strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("Content-Encoding", encoding)
	if contentType == dataType {
		request.Header.Set("Ce-Specversion", "1.0")
		request.Header.Set("Ce-Id", "binary")
		request.Header.Set("Ce-Source", "urn:test")
		request.Header.Set("Ce-Type", "id.cakupan.enrolment.reinstated.v1")
	}
	return do(t, request)
}

// TestEncodedBodies sends every kind of body in every encoding. The answers are those of the same
// bodies as they are.
func TestEncodedBodies(t *testing.T) {
	bodies := map[string]string{
		eventType:  opened("1") + "\n",
		batchType:  "[" + opened("1") + "," + opened("2") + `,{"bad":1}]`,
		streamType: opened("1") + "\n" + opened("2") + "\r\nbad\n",
		dataType:   `{"enrolment":"e-1","from":"2020-01-01"}`,
	}
	for contentType, body := range bodies {
		want := ""
		for _, encoding := range []string{"identity", "gzip", "GZip", "x-gzip", "zstd", "identity, zstd"} {
			url := serve(t, newMemory(t), Config{}).URL()
			sent := body
			switch {
			case strings.Contains(encoding, "zstd"):
				sent = encoded(t, zstdName, body)
			case encoding != "identity":
				sent = encoded(t, gzipName, body)
			}
			response, got := postEncoded(t, url, contentType, encoding, sent)
			if want == "" {
				want = got
			}
			if response.StatusCode != 200 || got != want {
				t.Errorf("%s in %s: %d %s, want %s", contentType, encoding, response.StatusCode, got, want)
			}
		}
	}
}

// TestMembersAndFrames sends a body in several pieces, each compressed by itself: what `cat` makes
// of files.
func TestMembersAndFrames(t *testing.T) {
	for _, encoding := range []string{gzipName, zstdName} {
		url := serve(t, newMemory(t), Config{}).URL()
		// The windows of zstd grow from one to the next.
		body := encoded(t, encoding, "["+opened("1")) + encoded(t, encoding, "") +
			encoded(t, encoding, ","+opened("2")+strings.Repeat(" ", 1<<20)) +
			encoded(t, encoding, "]")
		response, got := postEncoded(t, url, batchType, encoding, body)
		if response.StatusCode != 200 || !strings.Contains(got, `"appended":2`) {
			t.Errorf("%s: %d %s", encoding, response.StatusCode, got)
		}
	}
}

// TestWrongEncodings makes sure that what cannot be decoded is told by its code, and that nothing
// of it is taken; of a stream, nothing after the damage.
func TestWrongEncodings(t *testing.T) {
	flipped := func(encoding string) string {
		body := []byte(encoded(t, encoding, strings.Repeat(opened("1")+"\n", 10)))
		body[len(body)/2] ^= 0x55
		return string(body)
	}
	cut := func(encoding string) string {
		body := encoded(t, encoding, opened("1"))
		return body[:len(body)-5]
	}
	var far bytes.Buffer
	z, err := zstd.NewWriter(&far, zstd.WithWindowSize(64<<20), zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	for range 100_000 { // more than fits a frame that says how long it is
		fmt.Fprint(z, opened("1")) //nolint:errcheck // a buffer
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	ledger := newMemory(t)
	url := serve(t, ledger, Config{}).URL()
	for _, c := range []struct{ encoding, body, code string }{
		{"br", opened("1"), "encoding.unsupported"},
		{"deflate", opened("1"), "encoding.unsupported"},
		{"gzip, gzip", opened("1"), "encoding.unsupported"},
		{"gzip", opened("1"), "encoding.damaged"},
		{"zstd", opened("1"), "encoding.damaged"},
		{"gzip", cut(gzipName), "encoding.damaged"},
		{"zstd", cut(zstdName), "encoding.damaged"},
		{"gzip", flipped(gzipName), "encoding.damaged"},
		{"zstd", flipped(zstdName), "encoding.damaged"},
		{"gzip", encoded(t, gzipName, opened("1")) + "rest", "encoding.damaged"},
		{"zstd", encoded(t, zstdName, opened("1")) + "rest", "encoding.damaged"},
		{"zstd", far.String(), "encoding.unsupported"},
	} {
		for _, contentType := range []string{eventType, batchType, dataType, streamType} {
			response, got := postEncoded(t, url, contentType, c.encoding, c.body)
			lines := strings.Split(strings.TrimSpace(got), "\n")
			if !strings.Contains(lines[len(lines)-1], `"code":"`+c.code+`"`) {
				t.Errorf("%s as %s: %d %s, want %s", c.encoding, contentType, response.StatusCode, got, c.code)
			}
			accept := response.Header.Get("Accept-Encoding")
			if strings.Contains(c.encoding, "br") && accept != acceptEncoding {
				t.Errorf("%s: Accept-Encoding is %q", c.encoding, accept)
			}
		}
	}
	if n := len(ledger.records); n > 1 { // a stream may have given the first before its damage
		t.Errorf("%d events were appended", n)
	}
}

// bomb returns so many MiB of one kind, compressed: the same one again and again.
func bomb(t testing.TB, encoding, of string, size int) string {
	t.Helper()
	return strings.Repeat(encoded(t, encoding, strings.Repeat(of, 1<<20/len(of))), size)
}

// TestBombs sends little that unfolds to much: the limits hold for what is decoded, and little
// memory is used to see that.
func TestBombs(t *testing.T) {
	url := serve(t, newMemory(t), Config{}).URL()
	for _, encoding := range []string{gzipName, zstdName} {
		spaces := bomb(t, encoding, " ", 20)
		lines := bomb(t, encoding, strings.Repeat(" ", 255)+"\n", 20)
		for _, c := range []struct {
			contentType, body string
			status            int
			code              string
		}{
			{eventType, spaces, 413, "event.too_large"},
			{dataType, spaces, 413, "event.too_large"},
			{batchType, spaces, 413, "body.too_large"},
			{batchType, encoded(t, encoding, "["+strings.Repeat("1,", 10_000)+"1]"), 413, "body.too_large"},
			{streamType, spaces, 413, "body.too_large"},
			{streamType, lines, 413, "body.too_large"},
			{eventType, encoded(t, encoding, opened("1")+strings.Repeat(" ", 1<<16)), 413, "event.too_large"},
		} {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			response, got := postEncoded(t, url, c.contentType, encoding, c.body)
			runtime.ReadMemStats(&after)
			if response.StatusCode != c.status || !strings.Contains(got, `"code":"`+c.code+`"`) {
				t.Errorf("%s as %s: %d %s", encoding, c.contentType, response.StatusCode, got)
			}
			// A whole batch in the growing, a window of zstd, and the decoders' own.
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 64<<20 {
				t.Errorf("%s as %s: %d MB for it", encoding, c.contentType, grown>>20)
			}
		}
	}
	// A line too long for an event is told of and passed over, as it is without encoding.
	long := encoded(t, zstdName, strings.Repeat("x", 5<<20)+"\n"+opened("1"))
	_, got := postEncoded(t, url, streamType, zstdName, long)
	if strings.Count(got, "\n") != 2 || !strings.Contains(got, `"code":"event.too_large"`) ||
		!strings.Contains(got, `"sequence":1`) {
		t.Errorf("%s", got)
	}
}

// TestEncodedStream sends lines one by one, flushed, and waits for each receipt.
func TestEncodedStream(t *testing.T) {
	for _, encoding := range []string{gzipName, zstdName} {
		t.Run(encoding, func(t *testing.T) {
			url := serve(t, newMemory(t), Config{}).URL()
			reader, writer := io.Pipe()
			request, err := http.NewRequestWithContext(t.Context(), "POST", url+"/v1/events", reader)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", streamType)
			request.Header.Set("Content-Encoding", encoding)
			z := compressor(t, encoding, writer)
			send := func(id int) {
				_, err := fmt.Fprintln(z, opened(fmt.Sprint(id)))
				if err := errors.Join(err, z.Flush()); err != nil {
					t.Error(err)
				}
			}
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				send(1)
			}()
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = response.Body.Close() }()
			<-sent
			receipts := json.NewDecoder(response.Body)
			for i := 1; i <= 20; i++ {
				got, err := nextReceipt(receipts)
				if err != nil || got.Sequence != uint64(i) {
					t.Fatalf("%d: %+v, %v", i, got, err)
				}
				if i < 20 {
					send(i + 1)
				}
			}
			if err := errors.Join(z.Close(), writer.Close()); err != nil {
				t.Fatal(err)
			}
			if rest, err := io.ReadAll(response.Body); err != nil || len(bytes.TrimSpace(rest)) > 0 {
				t.Errorf("%s, %v", rest, err)
			}
		})
	}
}

// TestSlowEncodedClients stops in the middle of an encoded body, or hangs up there.
func TestSlowEncodedClients(t *testing.T) {
	ledger := newMemory(t)
	server := serve(t, ledger, Config{Limits: hasty})
	for _, encoding := range []string{gzipName, zstdName} {
		for _, contentType := range []string{eventType, batchType, streamType} {
			for _, leave := range []bool{false, true} {
				conn, in := dial(t, server)
				body := encoded(t, encoding, strings.Repeat(" ", 100)+opened("1"))
				_, err := fmt.Fprintf(conn, "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\n"+
					"Content-Encoding: %s\r\nContent-Length: 1000\r\n\r\n%s", contentType, encoding,
					body[:len(body)-20])
				if err != nil {
					t.Fatal(err)
				}
				want := "request.timeout"
				if leave {
					want = "body.incomplete"
					if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
						t.Fatal(err)
					}
				}
				began := time.Now()
				answer, err := io.ReadAll(in)
				if !strings.Contains(string(answer), `"code":"`+want+`"`) || time.Since(began) > time.Minute {
					t.Errorf("%s as %s, leaves %t: %s, %v", encoding, contentType, leave, answer, err)
				}
			}
		}
	}
	if len(ledger.records) != 0 {
		t.Errorf("%d events of half bodies were taken", len(ledger.records))
	}
	alive(t, server)
}

// FuzzDecode decodes anything, as gzip and as zstd: within the bounds, and with an error that
// has a place in the table.
func FuzzDecode(f *testing.F) {
	for _, encoding := range []string{gzipName, zstdName} {
		whole := encoded(f, encoding, opened("1"))
		for _, seed := range []string{whole, whole + whole, whole[:20], whole[:len(whole)-1], ""} {
			f.Add([]byte(seed))
		}
		f.Add([]byte(bomb(f, encoding, "x", 1)))
	}
	f.Add([]byte("\x50\x2a\x4d\x18\x04\x00\x00\x00abcd")) // a frame to be passed over
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, encoding := range []string{gzipName, zstdName} {
			r, err := http.NewRequestWithContext(t.Context(), "POST", "/", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Encoding", encoding)
			c := claim{room: newRoom(32 << 20)}
			d := decode(r, bufio.NewReader(bytes.NewReader(body)), &c)
			n, err := io.Copy(io.Discard, io.LimitReader(d, 4<<20))
			if err != nil && problem.From(bodyProblem(err)).Status() >= 500 {
				t.Errorf("%v after %d bytes", err, n)
			}
			d.close()
			if c.release(); c.held != 0 {
				t.Errorf("%d bytes are still claimed", c.held)
			}
		}
	})
}

// TestNothingKept lets go of a body once it is read: what waits for the next one in a pool must not
// hold it.
func TestNothingKept(t *testing.T) {
	for _, encoding := range []string{gzipName, zstdName} {
		kept := readOnce(t, encoding, encoded(t, encoding, "of somebody"))
		runtime.GC() // a pool gives up nothing in the first collection
		if kept.Value() != nil {
			t.Errorf("%s: the body is held", encoding)
		}
	}
}

// readOnce reads a body, puts its decoder back, and returns what tells whether the body is held.
func readOnce(t *testing.T, encoding, body string) weak.Pointer[strings.Reader] {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "POST", "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Encoding", encoding)
	c := claim{room: newRoom(32 << 20)}
	in := strings.NewReader(body)
	d := decode(r, in, &c)
	if text, err := io.ReadAll(d); err != nil || string(text) != "of somebody" {
		t.Fatalf("%s: %q, %v", encoding, text, err)
	}
	d.close()
	c.release()
	return weak.Make(in)
}
