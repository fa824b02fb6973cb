package ledger

import (
	"context"
	"time"

	"cakupan/cmd/internal/lifetime"
	"cakupan/eventstore"
)

// Measures are numbers of what is beside the log.
type Measures struct {
	Vault    uint64 // number of the vault's last record; 0 before the vault is open
	Register uint64 // number of the register's last record
	// FreeBytes is how much room the embedded server has on its disk; nil on a cluster, whose
	// servers know, and where it cannot be told.
	FreeBytes *uint64
	// Certificates are those by which the ledger answers, and, as they were last seen, those of the
	// servers of its cluster.
	Certificates []lifetime.Certificate
	LostKeys     int // keys that are missing, damaged or another ledger's
}

// Measures returns them as they are at this moment. It waits for nobody.
func (l *Ledger) Measures() (m Measures) {
	if v := l.positions.Load(); v != nil {
		m.Vault = v.Position()
	}
	m.Register, m.Certificates = l.register.Number(), l.certificates()
	m.LostKeys = len(l.lostKeys())
	if l.server != nil {
		if free, err := l.server.FreeSpace(); err == nil {
			m.FreeBytes = &free
		}
	}
	return m
}

// measured returns the log, telling who wants to know how long it takes to store a frame.
func (l *Ledger) measured() eventstore.Log {
	if l.opts.Stored == nil && l.opts.Trace == nil {
		return l.log
	}
	return &measuredLog{l.log, l}
}

// trace begins to trace a step.
func (l *Ledger) trace(ctx context.Context, name string) (context.Context, func(error)) {
	if l.opts.Trace == nil {
		return ctx, func(error) {}
	}
	return l.opts.Trace(ctx, name)
}

// measuredLog is a log whose appends are measured.
type measuredLog struct {
	eventstore.Log

	ledger *Ledger
}

// Append appends as the log does.
func (m *measuredLog) Append(ctx context.Context, frame []byte, after eventstore.Tail,
) (eventstore.Tail, error) {
	// A frame is of several requests together, and so has a trace of its own.
	ctx, end := m.ledger.trace(ctx, "store frame")
	began := time.Now()
	tail, err := m.Log.Append(ctx, frame, after)
	end(err)
	if err == nil && m.ledger.opts.Stored != nil {
		m.ledger.opts.Stored(len(frame), time.Since(began))
	}
	return tail, err
}
