package index

import "cakupan/eventstore"

// What tests reach for inside the package.

// OpenSmall is Open with tables of so many entries (a power of two), so that tests need not
// write megabytes.
func OpenSmall(dir string, identity eventstore.Identity, limit int) (*Index, error) {
	return open(dir, identity, limit, form{})
}

// OpenSmallShort is OpenShort as OpenSmall is Open, with the secret of a new folder.
func OpenSmallShort(dir string, identity eventstore.Identity, limit int, secret [16]byte,
) (*Index, error) {
	return open(dir, identity, limit, form{short: true, secret: secret})
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
