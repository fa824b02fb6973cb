package backups

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"cakupan/cmd/internal/access"
	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/natsin"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore"
	"cakupan/eventstore/backup"
	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/lookups"
	"cakupan/eventstore/vault"
)

// restoringStream is on a cluster whose restore has not come to its end: no ledger opens its
// streams, and a restore that is started again removes them. It has no messages: that it is there
// is what counts.
const restoringStream = "CAKUPAN_RESTORING"

// markOf is the key of its metadata under which it says which restore it is of: the last one that
// has begun.
const markOf = "cakupan.restore"

// connectCluster connects to the cluster, and refuses one that has a ledger, before the folder is
// marked: so the mark of the folder says that the cluster had none. With an unfinished restore of
// this folder the streams that are there are its own. The connection is that of the whole restore.
// A cluster that is starting is waited for, as by whoever opens a ledger.
func (r *restoring) connectCluster(ctx context.Context) error {
	return r.on.Patiently(ctx, func(ctx context.Context) (err error) {
		if r.conn, err = r.on.Connect("cakupan restore"); err != nil {
			return err
		}
		if err = r.checkCluster(ctx); err != nil {
			r.conn.Close()
		}
		return err
	})
}

// checkCluster refuses a cluster that has a ledger, and finds out that one without answers.
func (r *restoring) checkCluster(ctx context.Context) error {
	js, err := natsjs.New(r.conn)
	if err != nil {
		return err
	}
	if marked, err := has(ctx, js, restoringStream); marked || err != nil || r.again {
		return err
	}
	for _, name := range clusterStreams() {
		there, err := has(ctx, js, name)
		if err != nil {
			return err
		}
		if there {
			return problem.New(problem.FolderNotEmpty, "the cluster has a stream "+name+
				" already: a backup is restored into a cluster without a ledger")
		}
	}
	return nil
}

// clusterStreams are those that a restore makes. That of the roles is not among them: it says
// nothing that outlives a ledger's run.
func clusterStreams() []string {
	return []string{
		jetstream.StreamDefault, vault.StreamName, access.StreamName, natsin.StreamIntake,
		natsin.StreamRefused, lookups.StreamName,
	}
}

// has tells whether the cluster has a stream.
func has(ctx context.Context, js natsjs.JetStream, name string) (bool, error) {
	_, err := js.Stream(ctx, name)
	if errors.Is(err, natsjs.ErrStreamNotFound) {
		return false, nil
	}
	if err != nil {
		return false, problem.Wrap(problem.LogUnavailable, "the cluster does not answer", err)
	}
	return true, nil
}

// fillCluster makes the mark of the cluster, fills it, and removes the mark. If we crash after
// that, the folder is marked still, and the next restore finds that the cluster is filled. If we
// crash before the mark is removed, the next restore of this folder, or of another one, empties the
// cluster and begins again.
func (r *restoring) fillCluster(ctx context.Context) error {
	js, err := natsjs.New(r.conn)
	if err != nil {
		return err
	}
	var marked, filled bool
	err = r.step(ctx, func(ctx context.Context) (err error) {
		if marked, err = has(ctx, js, restoringStream); err != nil || marked || !r.again {
			return err
		}
		// The mark of the folder without that of the cluster: it is not marked yet, or filled
		// already.
		filled, err = r.isFilled(ctx)
		return err
	})
	if err != nil || filled {
		return err
	}
	// Before the mark, which nobody can take away again who may not remove a stream.
	if !marked {
		if err := r.remove(ctx, js, restoringStream); err != nil {
			return err
		}
	}
	err = r.step(ctx, func(ctx context.Context) error {
		_, err := js.CreateOrUpdateStream(ctx, natsjs.StreamConfig{
			Name: restoringStream, Subjects: []string{"cakupan.restoring"},
			Description: "a restore was begun and has not come to its end: run cakupan restore" +
				" again",
			Replicas: jetstream.Replicas(r.conn, r.opts.Replicas),
			Metadata: map[string]string{markOf: r.nonce},
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("mark the cluster: %w", err)
	}
	for _, name := range clusterStreams() {
		if err := r.remove(ctx, js, name); err != nil {
			return err
		}
	}
	if err := r.fillStreams(ctx); err != nil {
		return err
	}
	if err := r.step(ctx, r.checkMark); err != nil {
		return err
	}
	return r.remove(ctx, js, restoringStream)
}

// checkMark refuses to go on where another restore has begun: it has removed what is here, and
// fills streams of the same names.
func (r *restoring) checkMark(ctx context.Context) error {
	js, err := natsjs.New(r.conn)
	if err != nil {
		return err
	}
	mark, err := js.Stream(ctx, restoringStream)
	switch {
	case err != nil && !errors.Is(err, natsjs.ErrStreamNotFound):
		return err
	case err != nil || mark.CachedInfo().Config.Metadata[markOf] != r.nonce:
		return problem.New(problem.FolderRestoring, "another restore into this cluster has begun"+
			" meanwhile, and this one ends: have one of them come to its end")
	}
	return nil
}

// isFilled tells whether the cluster, which is not marked, has the log of this backup. One that has
// another log is refused.
func (r *restoring) isFilled(ctx context.Context) (bool, error) {
	log, err := jetstream.Open(ctx, r.conn, jetstream.Options{})
	switch {
	case errors.Is(err, eventstore.ErrNoLog):
		return false, nil
	case err != nil:
		return false, err
	case log.Identity() != r.chain.Identity:
		return false, problem.New(problem.FolderNotEmpty,
			"the cluster has the log of another ledger by now")
	}
	return true, nil
}

// step does a step of a restore that asks the cluster. What passes by itself, such as a cluster
// that is between two leaders, or has too few servers yet, is waited for: who restores does not
// stay with it for hours. A cluster that says that it is full is told at once; one whose disks are
// full says nothing, and is waited for. Without a cluster it is done once. An earlier attempt may
// have done what had no answer.
func (r *restoring) step(ctx context.Context, do func(context.Context) error) error {
	var full error
	err := r.on.Patiently(ctx, func(ctx context.Context) error {
		err := do(ctx)
		if errors.Is(err, eventstore.ErrFull) {
			full, err = err, nil
		}
		return err
	})
	return cmp.Or(full, err)
}

// publish stores a message after the given one, 0 where there is none, and returns its number.
func (r *restoring) publish(ctx context.Context, m *backup.Message, after uint64,
) (at uint64, err error) {
	err = r.step(ctx, func(ctx context.Context) error {
		to := jetstream.Target{Stream: m.Stream, Subject: m.Subject}
		at, err = jetstream.Publish(ctx, r.conn, to, m.Data, after)
		if errors.Is(err, eventstore.ErrFenced) {
			at, err = after+1, r.checkStored(ctx, m, after+1, err)
		}
		return err
	})
	return at, err
}

// checkStored returns nil where an attempt that had no answer has stored a message, or the error
// that the last one had, while nothing is there yet.
func (r *restoring) checkStored(ctx context.Context, m *backup.Message, at uint64, had error,
) error {
	is, err := jetstream.NewPassing(r.conn, m.Stream, nil).Get(ctx, at)
	switch {
	case errors.Is(err, jetstream.ErrNoMessage):
		return cmp.Or(r.checkMark(ctx), had)
	case err != nil:
		return err
	case is.Subject != m.Subject || !bytes.Equal(is.Data, m.Data):
		return problem.New(problem.LogUnavailable, fmt.Sprintf("somebody else has written message"+
			" %d of %s: end what publishes to the cluster, and run cakupan restore again", at,
			m.Stream))
	}
	return nil
}

// remove removes a stream, if it is there. A server does not answer who may not do that: it tells
// the connection, and whoever asks would wait in vain.
func (r *restoring) remove(ctx context.Context, js natsjs.JetStream, name string) error {
	return r.step(ctx, func(ctx context.Context) error { return r.removeOnce(ctx, js, name) })
}

func (r *restoring) removeOnce(ctx context.Context, js natsjs.JetStream, name string) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	tell := r.conn.ErrorHandler()
	defer r.conn.SetErrorHandler(tell)
	r.conn.SetErrorHandler(func(conn *nats.Conn, of *nats.Subscription, err error) {
		tell(conn, of, err)
		if errors.Is(err, nats.ErrPermissionViolation) {
			stop(err)
		}
	})
	err := js.DeleteStream(ctx, name)
	switch {
	case err == nil || errors.Is(err, natsjs.ErrStreamNotFound):
		return nil
	case errors.Is(context.Cause(ctx), nats.ErrPermissionViolation):
		return problem.New(problem.Forbidden, "the login of --nats may not remove streams, as a"+
			" restore does with what another one has left: name one that may; cakupan setup makes"+
			" authority/restore.url for it")
	}
	return fmt.Errorf("remove stream %s: %w", name, err)
}

// Underway tells whether a restore on the cluster has not come to its end. Nil: none is under
// way.
func Underway(ctx context.Context, conn *nats.Conn) error {
	var info struct{}
	err := jetstream.Ask(ctx, conn, "$JS.API.STREAM.INFO."+restoringStream, nil, &info)
	if isNot(err, natsjs.JSErrCodeStreamNotFound) {
		return nil
	}
	if err == nil {
		err = folder.Unfinished("the cluster")
	}
	return err
}
