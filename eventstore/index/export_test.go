package index

import (
	"errors"

	"cakupan/eventstore"
)

// What tests reach for inside the package.

// OpenSmall is Open with tables of so many entries (a power of two), so that tests need not
// write megabytes.
func OpenSmall(dir string, identity eventstore.Identity, limit int) (*Index, error) {
	return open(dir, identity, limit)
}

// Unmap makes lookups read from the files, as on systems without memory mapping.
func (x *Index) Unmap() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	var errs []error
	for _, r := range x.runs {
		if r.data != nil {
			errs = append(errs, unmapFile(r.data))
			r.data = nil
		}
	}
	return errors.Join(errs...)
}

// Uncheck forgets that the checksums of blocks were compared, as for runs too large to be checked
// when they are opened.
func (x *Index) Uncheck() {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, r := range x.runs {
		for i := range r.checked {
			r.checked[i].Store(0)
		}
	}
}

// Quiet waits until no work goes on in the background.
func (x *Index) Quiet() {
	x.mu.Lock()
	defer x.mu.Unlock()
	for x.writing || x.merging {
		x.changed.Wait()
	}
}

// Rewrite writes all runs of a quiet index as one, as a merge does.
func (x *Index) Rewrite() error {
	merged, err := mergeRuns(x.dir, x.runs, func() bool { return false })
	if err != nil {
		return err
	}
	return merged.close()
}
