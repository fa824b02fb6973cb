package index

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"cakupan/eventstore"
	"cakupan/eventstore/durable"
)

// Open opens the index of the given ledger in a folder of its own, which it creates when there is
// none. Afterwards the index is at Last, an event where a frame ends: read on from there in the
// log and Add what follows.
//
// Files that are damaged, half written or no longer needed are removed. The folder must not be
// open twice; whoever owns the data folder sees to that. A folder of another ledger gives an
// *OtherLedgerError and is left as it is.
func Open(dir string, identity eventstore.Identity) (*Index, error) {
	return open(dir, identity, tableEntries, form{})
}

// OpenShort is Open for entries of which the keys are of [KeyOf] and the digests as [Index.Kept]
// returns them: a third smaller, and enough to tell whether two events are the same.
func OpenShort(dir string, identity eventstore.Identity) (*Index, error) {
	fresh, err := newForm(true)
	if err != nil {
		return nil, fmt.Errorf("open index: %w", err)
	}
	return open(dir, identity, tableEntries, fresh)
}

// open is Open with tables of any size, and with the form that runs have if there are none yet.
// The ledger is compared before anything is removed: a folder that was mixed up with another one's
// stays as it is.
func open(dir string, identity eventstore.Identity, limit int, fresh form) (*Index, error) {
	if err := durable.MakeFolder(dir, dirMode); err != nil {
		return nil, fmt.Errorf("open index: %w", err)
	}
	found, dropped, err := openRuns(dir)
	if err != nil {
		return nil, fmt.Errorf("open index: %w", err)
	}
	for _, r := range found {
		if r.identity != identity {
			other := &OtherLedgerError{Dir: dir, Index: r.identity, Log: identity}
			return nil, errors.Join(other, closeRuns(found))
		}
	}
	used, unused := cover(found, fresh.short)
	if len(used) > 0 {
		fresh = used[0].form
	}
	block, err := fresh.cipher()
	if err != nil {
		return nil, errors.Join(err, closeRuns(found))
	}
	if err := errors.Join(closeRuns(unused), removeOthers(dir, used)); err != nil {
		return nil, errors.Join(fmt.Errorf("clean index: %w", err), closeRuns(used))
	}
	x := &Index{
		dir: dir, identity: identity, limit: limit, form: fresh, cipher: block,
		runs: used, active: newTable(limit), spare: newTable(limit), dropped: dropped,
	}
	x.changed = sync.NewCond(&x.mu)
	if n := len(used); n > 0 {
		x.last, x.tree = used[n-1].last, used[n-1].tree
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.startMerge()
	return x, nil
}

// openRuns opens every usable run of the folder. Files that cannot be read for want of rights
// are an error: they are not ours to judge.
func openRuns(dir string) (runs []*run, dropped []error, err error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, err
	}
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), runSuffix) {
			continue
		}
		r, err := openRun(filepath.Join(dir, file.Name()))
		switch {
		case errors.Is(err, errUnusable):
			dropped = append(dropped, err)
			continue
		case err != nil:
			return nil, nil, errors.Join(err, closeRuns(runs))
		}
		runs = append(runs, r)
	}
	return runs, dropped, nil
}

// cover chooses the runs that cover the log from its first event as far as possible without a
// hole, the largest first: when both a merged run and those it was made of are there, it wins. All
// have one form: runs of another secret, from a copy of the folder maybe, say nothing here.
func cover(runs []*run, short bool) (used, unused []*run) {
	slices.SortFunc(runs, func(a, b *run) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(b.last, a.last))
	})
	next := eventstore.Sequence(1)
	for _, r := range runs {
		alike := r.form.short == short && (len(used) == 0 || r.form == used[0].form)
		if alike && r.first == next {
			used = append(used, r)
			next = r.last + 1
		} else {
			unused = append(unused, r)
		}
	}
	return used, unused
}

// removeOthers removes every file of ours that is not one of the runs in use.
func removeOthers(dir string, used []*run) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, file := range files {
		path := filepath.Join(dir, file.Name())
		suffixes := []string{runSuffix, durable.Temporary(runSuffix), damagedSuffix}
		ours := slices.ContainsFunc(suffixes,
			func(suffix string) bool { return strings.HasSuffix(path, suffix) })
		if !ours || slices.ContainsFunc(used, func(r *run) bool { return r.path == path }) {
			continue
		}
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}

// closeRuns closes runs that nobody uses any more.
func closeRuns(runs []*run) error {
	var errs []error
	for _, r := range runs {
		errs = append(errs, r.close())
	}
	return errors.Join(errs...)
}
