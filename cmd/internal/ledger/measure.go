package ledger

import (
	"context"
	"time"

	"cakupan/eventstore"
)

// Measures are numbers of what is beside the log.
type Measures struct {
	Vault    uint64 // number of the vault's last record; 0 before the vault is open
	Register uint64 // number of the register's last record
	// FreeBytes is how much room the embedded server has on its disk; nil on a cluster, whose
	// servers know, and where it cannot be told.
	FreeBytes *uint64
}

// Measures returns them as they are at this moment. It waits for nobody.
func (l *Ledger) Measures() (m Measures) {
	if v := l.positions.Load(); v != nil {
		m.Vault = v.Position()
	}
	m.Register = l.register.Number()
	if l.server != nil {
		if free, err := l.server.FreeSpace(); err == nil {
			m.FreeBytes = &free
		}
	}
	return m
}

// measured returns the log, telling who wants to know how long it takes to store a frame.
func (l *Ledger) measured() eventstore.Log {
	if l.opts.Stored == nil {
		return l.log
	}
	return &measuredLog{l.log, l.opts.Stored}
}

// measuredLog is a log whose appends are measured.
type measuredLog struct {
	eventstore.Log

	stored func(bytes int, took time.Duration)
}

// Append appends as the log does.
func (m *measuredLog) Append(ctx context.Context, frame []byte, after eventstore.Tail,
) (eventstore.Tail, error) {
	began := time.Now()
	tail, err := m.Log.Append(ctx, frame, after)
	if err == nil {
		m.stored(len(frame), time.Since(began))
	}
	return tail, err
}
