package httpapi

import (
	"io"
	"net/http"
)

// InProcess returns a client's transport that asks the handler without a network. It counts as a
// client on the same machine. Answers stream: a body is read as the handler writes it.
func InProcess(handler http.Handler) http.RoundTripper { return inProcess{handler} }

type inProcess struct{ handler http.Handler }

// RoundTrip answers a request.
func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	asked := r.Clone(r.Context())
	asked.RemoteAddr, asked.Host = "127.0.0.1:0", "localhost"
	if asked.Body == nil {
		asked.Body = http.NoBody
	}
	reader, writer := io.Pipe()
	answer := &pipedResponse{header: http.Header{}, body: writer, begun: make(chan int, 1)}
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

// pipedResponse is the handler's side of an answer.
type pipedResponse struct {
	header http.Header
	sent   http.Header // the header as it was when the answer began
	body   *io.PipeWriter
	begun  chan int // gets the status, once
	done   bool
}

func (p *pipedResponse) Header() http.Header { return p.header }

func (p *pipedResponse) WriteHeader(status int) {
	if !p.done {
		p.done = true
		p.sent = p.header.Clone()
		p.begun <- status
	}
}

func (p *pipedResponse) Write(b []byte) (int, error) {
	p.WriteHeader(http.StatusOK)
	return p.body.Write(b)
}

// Flush has nothing to do: what is written is there at once.
func (p *pipedResponse) Flush() {}
