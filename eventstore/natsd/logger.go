package natsd

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
)

// LogMessage is the message of every line that the server says of itself.
const LogMessage = "nats server"

// serverLog passes the server's log lines on. Notices become debug lines: what the server has to
// say about itself at each start is no news for the operator of a ledger. It is safe for concurrent
// use, and is called by the server's goroutines: it must not wait for any of them.
type serverLog struct {
	log    *slog.Logger
	gaveUp chan<- string     // gets the reason when the server gives up; it tells nobody else
	failed func(line string) // is told of each error
}

// numbers are what could be an identity number. Lines about a connection show names that whoever
// connects has chosen, and people call themselves by their numbers.
var numbers = regexp.MustCompile(`[0-9]{16,}`)

// theirs begins what is said of a connection from elsewhere, by its address: that somebody asked
// for what is not his, sent what is no NATS, or broke off. Those who connect can do no more to the
// ledger, so it is no error of its own. Connections through memory have no address.
var theirs = regexp.MustCompile(`^\S+:[0-9]+ - ([cw]id:[0-9]+|websocket handshake error)\b` +
	`|^websocket: (http: )?TLS handshake error from `)

// known is what the server says of settings that the ledger has chosen: WebSockets without TLS are
// for the machine itself, or behind a proxy.
var known = regexp.MustCompile(`^Websocket not configured with TLS`)

func (l serverLog) Noticef(format string, v ...any) { l.write(slog.LevelDebug, format, v) }

// Warnf too: of a permission that is missing the server only warns.
func (l serverLog) Warnf(format string, v ...any) {
	l.write(slog.LevelWarn, format, v)
	l.failed(fmt.Sprintf(format, v...))
}

// Errorf also tells who looks for writes that failed.
func (l serverLog) Errorf(format string, v ...any) {
	l.write(slog.LevelError, format, v)
	l.failed(fmt.Sprintf(format, v...))
}
func (l serverLog) Debugf(string, ...any) {}
func (l serverLog) Tracef(string, ...any) {}

// Fatalf does not end the process, as the server's own logger would.
func (l serverLog) Fatalf(format string, v ...any) {
	l.write(slog.LevelError, format, v)
	tell(l.gaveUp, fmt.Sprintf(format, v...))
}

// write passes one line on, at a lower level where nobody need do anything about it. The server's
// words are kept as they are, as people look for them. Numbers that may be a NIK are masked: none
// may be in the operator's log, contract, section 1.
func (l serverLog) write(level slog.Level, format string, v []any) {
	ctx := context.Background() // the server gives none
	line := fmt.Sprintf(format, v...)
	switch {
	case known.MatchString(line):
		level = slog.LevelDebug
	case theirs.MatchString(line):
		level = min(level, slog.LevelInfo)
	}
	if l.log.Enabled(ctx, level) {
		line = numbers.ReplaceAllString(line, "****************")
		l.log.LogAttrs(ctx, level, LogMessage, slog.String("line", line))
	}
}
