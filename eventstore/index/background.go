package index

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

// The work on files that goes on beside appending: one goroutine writes the sealed table, another
// merges. Writing only appends to runs and merging only replaces a stretch of them, so neither
// waits for the other.

// startWrite has the sealed table written as a run. The caller holds mu.
func (x *Index) startWrite() {
	x.writing = true
	go x.write(x.sealed)
}

// write makes a run of the sealed table, in a goroutine of its own. When it fails the table stays
// sealed, and is written again after a pause, or before that by Reserve: nothing is lost, and
// nothing more is taken than two tables hold.
func (x *Index) write(t *table) {
	r, err := writeTable(x.dir, header{identity: x.identity, form: x.form}, t)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.writing, x.writeErr = false, err
	if err == nil {
		x.runs = append(x.runs, r)
		x.sealed, x.spare = nil, t
		t.reset()
		x.startMerge()
	} else {
		time.AfterFunc(retryPause, x.retry)
	}
	x.changed.Broadcast()
}

// retryPause is how long after a failure the same is tried again, whether or not anybody appends:
// an index that is whole again must not say that it is not because nobody has come since.
const retryPause = time.Second

// retry tries again what has failed. What is under way by then is left alone.
func (x *Index) retry() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.state() != nil {
		return
	}
	if x.sealed != nil && !x.writing {
		x.startWrite()
	}
	if !x.merging {
		x.mergeErr = nil
		x.startMerge()
	}
}

// writeTable writes the entries of a table as a run.
func writeTable(dir string, h header, t *table) (*run, error) {
	h.first, h.last, h.tree = t.first(), t.last(), t.tree
	w, err := createRun(dir, h)
	if err != nil {
		return nil, err
	}
	entries := t.sorted()
	for i := range entries {
		if err := w.add(&entries[i]); err != nil {
			return nil, errors.Join(err, w.abort())
		}
	}
	return w.finish()
}

// startMerge merges in the background as long as there is something to merge. The caller holds
// mu.
func (x *Index) startMerge() {
	if x.merging {
		return
	}
	if from, to, ok := plan(x.runs, x.limit); ok && x.state() == nil {
		x.merging = true
		go x.merge(slices.Clone(x.runs[from:to]))
	}
}

// merge makes one run of several, in a goroutine of its own. When it fails the inputs stay in use;
// lookups are slower, and no less right.
func (x *Index) merge(inputs []*run) {
	merged, err := mergeRuns(x.dir, inputs, x.stopped)
	if err == nil {
		x.replace(inputs, merged)
		// If we crash here, the inputs are still there beside the merged run: Open prefers it.
		// No lookup uses them any more: replace had mu for itself. Removing a large file takes
		// a while, so it is done without mu; what cannot be removed is removed by Open.
		for _, r := range inputs {
			err = errors.Join(err, r.close(), os.Remove(r.path))
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if broken := new(runError); errors.As(err, &broken) && errors.Is(err, errUnusable) {
		_ = x.setAside(broken) // whoever uses the index next is told
	}
	x.merging, x.mergeErr = false, err
	switch {
	case err == nil:
		x.startMerge()
	case !errors.Is(err, errStopped):
		time.AfterFunc(retryPause, x.retry)
	}
	x.changed.Broadcast()
}

// replace puts the merged run in the place of those that it was made of.
func (x *Index) replace(inputs []*run, merged *run) {
	x.mu.Lock()
	defer x.mu.Unlock()
	from := slices.Index(x.runs, inputs[0])
	x.runs = slices.Replace(x.runs, from, from+len(inputs), merged)
}

// stopped reports whether a merge should be abandoned.
func (x *Index) stopped() bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.state() != nil
}

// Err returns what went wrong in the background and is being tried again, nil when all is well.
// The index answers correctly meanwhile, only more slowly; a damaged one does not answer.
func (x *Index) Err() error {
	x.mu.RLock()
	defer x.mu.RUnlock()
	err := errors.Join(x.writeErr, x.mergeErr)
	switch {
	case x.damage != nil:
		return x.damage
	case err == nil || errors.Is(err, errStopped):
		return nil
	}
	return fmt.Errorf("write index: %w", err)
}
