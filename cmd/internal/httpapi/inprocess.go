package httpapi

import (
	"io"
	"net/http"
)

// InProcess returns a client's transport that asks the handler without a network. It counts as a
// client on the same machine. Answers stream: a body is read as the handler writes it. It is safe
// for concurrent use. The ledger behind the handler must stay open until all bodies are read or
// closed. Nobody logs in here by the way of it alone: an Authorization header counts as it does on
// a network.
func InProcess(handler http.Handler) http.RoundTripper { return inProcess{handler} }

type inProcess struct{ handler http.Handler }

// RoundTrip answers a request.
func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	asked := r.Clone(r.Context())
	// What is for the machine itself is asked so by the program on it.
	asked.RemoteAddr, asked.Host = "127.0.0.1:0", "localhost"
	if asked.Body == nil {
		asked.Body = http.NoBody
	}
	reader, writer := io.Pipe()
	answer := &pipedResponse{header: http.Header{}, body: writer, begun: make(chan int, 1)}
	// A handler that writes waits for the reader, and is woken by an error once the body is closed,
	// or the request given up before the answer began. Later on it sees by the context that nobody
	// waits.
	go func() {
		t.handler.ServeHTTP(answer, asked)
		answer.WriteHeader(http.StatusOK)
		_ = writer.Close()     // never fails
		_ = asked.Body.Close() // as RoundTripper promises; there is nobody to tell
	}()
	select {
	case status := <-answer.begun:
		return &http.Response{
			Status: http.StatusText(status), StatusCode: status,
			Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: answer.sent, Body: reader, ContentLength: -1, Request: r,
		}, nil
	case <-r.Context().Done():
		_ = reader.Close() // never fails
		return nil, r.Context().Err()
	}
}

// pipedResponse is the handler's side of an answer. It is the handler's alone, but for the channel
// and the header as it was sent, which go to whoever asked by way of the channel. It knows no
// deadlines, so a [reply] cannot set any.
type pipedResponse struct {
	header http.Header
	sent   http.Header // the header as it was when the answer began
	body   *io.PipeWriter
	begun  chan int // gets the status, once
	done   bool
}

// Header returns what the handler may change until the answer begins; later changes are lost.
func (p *pipedResponse) Header() http.Header { return p.header }

// WriteHeader begins the answer; only the first call counts.
func (p *pipedResponse) WriteHeader(status int) {
	if !p.done {
		p.done = true
		p.sent = p.header.Clone()
		p.begun <- status
	}
}

// Write hands a piece to the reader and waits until it is taken. The error says that nobody reads
// any more.
func (p *pipedResponse) Write(b []byte) (int, error) {
	p.WriteHeader(http.StatusOK)
	return p.body.Write(b)
}

// Flush has nothing to do: what is written is there at once.
func (p *pipedResponse) Flush() {}
