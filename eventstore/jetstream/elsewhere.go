package jetstream

import (
	"context"
	"errors"
	"slices"

	"github.com/nats-io/nats.go/jetstream"
)

// elsewhere asks the other replicas for the next message, which the leader has not, each of them
// once in a run: NATS replicates what is stored, and does not find out that a server has lost some
// of it since, by a bit on its disk or a write that failed. Only a leader answers, so each leads in
// turn; writes wait for the moment that takes. One that has the message leads from then on. lost is
// what the leader said, and is returned if nobody has it.
func (r *reader) elsewhere(ctx context.Context, msg message, lost error) (message, error) {
	if r.askedAll {
		return msg, lost
	}
	r.askedAll = true
	leader, others, err := r.log.replicas(ctx)
	if err != nil {
		return msg, lost //nolint:nilerr // it stands as the leader said
	}
	for _, other := range others {
		if err := r.log.lead(ctx, other); err != nil {
			continue
		}
		again, err := r.log.getFrom(ctx, r.next)
		if err == nil && again.number == r.next {
			r.askedAll, r.doubts = false, 0
			if r.log.lacks != nil {
				r.log.lacks(leader, r.next)
			}
			return again, nil
		}
	}
	return msg, errors.Join(lost, ctx.Err())
}

// replicas returns the server that leads the stream and the others that have all of it, in the
// order of their names; none of a stream that only one server has.
func (l *Log) replicas(ctx context.Context) (leader string, others []string, err error) {
	var response struct {
		Cluster *jetstream.ClusterInfo `json:"cluster"`
	}
	err = l.request(ctx, "$JS.API.STREAM.INFO."+l.stream, nil, &response)
	if err != nil || response.Cluster == nil {
		return "", nil, err
	}
	for _, peer := range response.Cluster.Replicas {
		if peer.Current && !peer.Offline {
			others = append(others, peer.Name)
		}
	}
	slices.Sort(others)
	return response.Cluster.Leader, others, nil
}

// lead has a server lead the stream. It returns once that is asked for; who asks the leader for
// something then waits until there is one.
func (l *Log) lead(ctx context.Context, server string) error {
	query := map[string]any{"placement": map[string]string{"preferred": server}}
	var response struct {
		Success bool `json:"success"`
	}
	return l.request(ctx, "$JS.API.STREAM.LEADER.STEPDOWN."+l.stream, query, &response)
}
