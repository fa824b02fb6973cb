package ledger

import (
	"context"

	natsjs "github.com/nats-io/nats.go/jetstream"

	"cakupan/cmd/internal/clock"
	"cakupan/domain/temporal"
)

// serverClocks asks the servers that lead a stream of the ledger, each of which says when it
// answered. What comes late is left out: without any, nothing is known of the clock.
func (l *Ledger) serverClocks(ctx context.Context) (clocks []clock.Server) {
	js, err := natsjs.New(l.conn)
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, statusMax)
	defer cancel()
	for info := range js.ListStreams(ctx).Info() {
		if !isOurs(info.Config.Name) || info.TimeStamp.IsZero() {
			continue
		}
		name := l.conn.ConnectedServerName()
		if info.Cluster != nil && info.Cluster.Leader != "" {
			name = info.Cluster.Leader
		}
		at := temporal.Instant(info.TimeStamp.UnixNano())
		clocks = append(clocks, clock.Server{Name: name, At: at})
	}
	return clocks
}
