package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"cakupan/cmd/internal/httpapi"
	"cakupan/cmd/internal/ledger"
)

// askCount is how often each question is asked. At a tenth of a millisecond each, the half that
// counts is long enough for clocks of processors that tick a hundred times a second.
const askCount = 2_000

// asks measures what questions over HTTP take of the processors. The client is in this process too,
// so it does as little as it can. A client of net/http would take more than some answers do, so
// requests are bytes that are written as they are, over one connection. It is called by reads on a
// ledger that is quiet: what runs beside would be counted.
func (b *benchmark) asks(ctx context.Context, l *ledger.Ledger) error {
	b.note("asking over HTTP")
	server, err := httpapi.Listen(ctx, "127.0.0.1:0",
		httpapi.New(l, httpapi.Config{Log: slog.New(slog.DiscardHandler)}))
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve() }()
	err = b.askAll(ctx, strings.TrimPrefix(server.URL(), "http://"))
	return errors.Join(err, server.Shutdown(ctx), <-served)
}

// askAll asks each question over one connection to that address, one answer after the other. Where
// the system does not tell of processors it measures nothing.
func (b *benchmark) askAll(ctx context.Context, address string) (err error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	for _, q := range []struct {
		name, path string
		target     float64 // milliseconds
	}{
		{"/healthz over HTTP, processor time", "/healthz", 0.1},
		{"coverage of a province over HTTP, processor time", "/v1/coverage?region=75", 0.15},
	} {
		request := fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", q.path)
		used, err := askOften(conn, request)
		if err != nil {
			return fmt.Errorf("ask %s: %w", q.path, err)
		}
		if used > 0 {
			b.add(Figure{
				Name: q.name, Value: float64(used.Microseconds()) / 1e3 / askCount, Unit: "ms",
				Target: q.target,
			})
		}
	}
	return nil
}

// askOften asks the same again and again, and returns what that took of the processors. A request
// must be answered with 200; the answer is read to its end, since the next one follows it on the
// connection.
func askOften(conn net.Conn, request []byte) (used time.Duration, err error) {
	answers := bufio.NewReader(conn)
	var before time.Duration
	for i := range 2 * askCount { // the first half warms up
		if i == askCount {
			before = processorTime()
		}
		if _, err := conn.Write(request); err != nil {
			return 0, err
		}
		answer, err := http.ReadResponse(answers, nil)
		if err != nil {
			return 0, err
		}
		_, err = io.Copy(io.Discard, answer.Body)
		if err = errors.Join(err, answer.Body.Close()); err != nil {
			return 0, err
		}
		if answer.StatusCode != http.StatusOK {
			return 0, fmt.Errorf("the answer is %s", answer.Status)
		}
	}
	return processorTime() - before, nil
}
