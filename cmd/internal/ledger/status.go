package ledger

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	natsjs "github.com/nats-io/nats.go/jetstream"

	"cakupan/cmd/internal/natsin"
	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/jetstream/lease"
)

// statusMax bounds how long JetStream is asked about its streams. What JetStream has not told by
// then is left out.
const statusMax = 5 * time.Second

// Status is how the ledger is, with what its role and its safety depend on.
type Status struct {
	Health
	// Writer is the ledger that writes, as far as this one has heard; nil: none that is known.
	Writer  *WriterStatus  `json:"writer,omitempty"`
	Intake  IntakeStatus   `json:"intake"`
	Streams []StreamStatus `json:"streams"`
}

// WriterStatus is who holds the lease of the log.
type WriterStatus struct {
	Name  string    `json:"name,omitempty"` // machine and process
	URL   string    `json:"url,omitempty"`
	Since time.Time `json:"since,omitzero"`
	Here  bool      `json:"here"` // it is the ledger that was asked
}

// IntakeStatus is what waits of what publishers sent by NATS.
type IntakeStatus struct {
	Waiting uint64 `json:"waiting"` // packs that the log has not taken yet
	Refused uint64 `json:"refused"` // to be settled by the operator
	// Removed are refusals that nobody settled in time, since the ledger was started.
	Removed RemovedStatus `json:"removed"`
}

// RemovedStatus is how many refusals were removed by themselves.
type RemovedStatus struct {
	ForRoom uint64 `json:"forRoom"` // their publisher had too many
	ForAge  uint64 `json:"forAge"`
}

// StreamStatus is how a stream is kept.
type StreamStatus struct {
	Name     string `json:"name"`
	Replicas int    `json:"replicas"` // servers that shall keep it
	Current  int    `json:"current"`  // of them, those that have all of it now
	Lacking  int    `json:"lacking"`  // of them, those whose copy lacks what others have
	Leader   string `json:"leader,omitempty"`
	Messages uint64 `json:"messages"`
	Bytes    uint64 `json:"bytes"`
}

// Status asks for all of it anew, as [Ledger.Health] does. What JetStream does not tell is left
// out, and Why says so: how the ledger is must be told above all when something is wrong.
func (l *Ledger) Status(ctx context.Context) Status {
	s := Status{Health: l.Health(ctx), Writer: l.writerStatus(), Streams: []StreamStatus{}}
	s.Intake.Removed.ForRoom, s.Intake.Removed.ForAge = l.quota.Removed()
	ctx, cancel := context.WithTimeout(ctx, statusMax)
	defer cancel()
	if err := l.streamStatus(ctx, &s); err != nil && s.Status == HealthOK {
		s.Status, s.Why = HealthFailing, fmt.Sprintf("JetStream does not tell how its streams are:"+
			" %v", err)
	}
	return s
}

// writerStatus returns who writes.
func (l *Ledger) writerStatus() *WriterStatus {
	if l.roles == nil {
		return &WriterStatus{Here: true}
	}
	holder, here := l.roles.Holder()
	if holder.ID == "" {
		return nil
	}
	return &WriterStatus{Name: holder.Name, URL: holder.URL, Since: holder.Since, Here: here}
}

// streamStatus adds what JetStream tells.
func (l *Ledger) streamStatus(ctx context.Context, s *Status) error {
	js, err := natsjs.New(l.conn)
	if err != nil {
		return err
	}
	streams := js.ListStreams(ctx)
	var told []StreamStatus
	for info := range streams.Info() {
		if isOurs(info.Config.Name) {
			told = append(told, statusOf(info))
		}
	}
	s.Streams = onceEach(told)
	lacks := l.lacking.Lacks()
	for i := range s.Streams {
		stream := &s.Streams[i]
		for _, lack := range lacks {
			if lack.Stream == stream.Name {
				stream.Lacking++
			}
		}
		if stream.Name == natsin.StreamRefused {
			s.Intake.Refused = stream.Messages
		}
	}
	if err := streams.Err(); err != nil {
		return err
	}
	if l.opts.NATS != "" { // an embedded server answers for all that it has
		if err := allTold(ctx, js, s.Streams); err != nil {
			return err
		}
	}
	s.Intake.Waiting, err = natsin.Waiting(ctx, js)
	return err
}

// onceEach returns each stream once, in the order in which they were told first. While a stream
// changes its leader, several servers of a cluster answer for it: the one counts that knows who
// leads.
func onceEach(told []StreamStatus) []StreamStatus {
	once := []StreamStatus{}
	for _, s := range told {
		at := slices.IndexFunc(once, func(o StreamStatus) bool { return o.Name == s.Name })
		switch {
		case at < 0:
			once = append(once, s)
		case once[at].Leader == "":
			once[at] = s
		}
	}
	return once
}

// allTold returns an error that names the streams of which nothing was told. A cluster leaves out
// those that nobody leads, and, when others were answered for twice, any; its list does not say so
// to us, and its names are of what there is.
func allTold(ctx context.Context, js natsjs.JetStream, told []StreamStatus) error {
	var silent []string
	names := js.StreamNames(ctx)
	for name := range names.Name() {
		if isOurs(name) && !slices.ContainsFunc(told, func(s StreamStatus) bool {
			return s.Name == name
		}) {
			silent = append(silent, name)
		}
	}
	if err := names.Err(); err != nil || len(silent) == 0 {
		return err
	}
	slices.Sort(silent)
	return fmt.Errorf("no server answers for %s", strings.Join(silent, ", "))
}

// isOurs tells whether a stream is one of a ledger's. A cluster may have others' streams, which are
// nobody's business here.
func isOurs(name string) bool {
	return name == jetstream.StreamDefault || name == lease.Stream ||
		strings.HasPrefix(name, jetstream.StreamDefault+"_")
}

// statusOf returns how a stream is kept. An embedded server keeps each stream alone, and has all of
// it.
func statusOf(info *natsjs.StreamInfo) StreamStatus {
	s := StreamStatus{
		Name: info.Config.Name, Replicas: info.Config.Replicas, Current: 1,
		Messages: info.State.Msgs, Bytes: info.State.Bytes,
	}
	if info.Cluster == nil {
		return s
	}
	s.Leader = info.Cluster.Leader
	if s.Leader == "" {
		s.Current = 0
	}
	for _, replica := range info.Cluster.Replicas {
		if replica.Current && !replica.Offline {
			s.Current++
		}
	}
	return s
}
