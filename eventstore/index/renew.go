package index

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"cakupan/eventstore/merkle"
)

// Renew begins to make an index that is damaged usable again: it keeps the runs before the one that
// is damaged, and nothing else. Afterwards the index is at Last, as after Open. Add what follows in
// the log, and call Renewed: lookups fail until then, since they would not know what is missing.
func (x *Index) Renew() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	for x.writing || x.merging {
		x.changed.Wait()
	}
	if x.damage == nil || x.closed {
		return x.state()
	}
	kept := max(slices.Index(x.runs, x.broken), 0)
	var errs []error
	for _, r := range x.runs[kept:] {
		errs = append(errs, r.close())
		if err := os.Remove(r.path); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	x.runs = slices.Clip(x.runs[:kept])
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("renew index: %w", err)
	}
	x.renewing, x.broken, x.writeErr, x.mergeErr = true, nil, nil, nil
	x.sealed, x.active, x.spare = nil, newTable(x.limit), newTable(x.limit)
	x.last, x.tree = 0, merkle.Tree{}
	if kept > 0 {
		x.last, x.tree = x.runs[kept-1].last, x.runs[kept-1].tree
	}
	return nil
}

// Renewed says that all is added again that was missing after Renew.
func (x *Index) Renewed() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.renewing {
		x.renewing, x.damage = false, nil
	}
}

// Dropped says of which files Open could make no use, and why.
func (x *Index) Dropped() []error { return x.dropped }
