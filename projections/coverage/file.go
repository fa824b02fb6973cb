package coverage

import (
	"encoding/json"
	"errors"
	"fmt"

	"cakupan/projections/checked"
	"cakupan/projections/counts"
	"cakupan/projections/facts"
	"cakupan/projections/pages"
)

// The buckets of the file. Tables and histories keep pages under their numbers, runs are under
// level and index, lists holds short JSON texts under their names.
const (
	recordedBucket = "recorded"
	headsBucket    = "heads"
	placedBucket   = "placed"
	listsBucket    = "lists"

	costGrantsBucket     = "cost-grants"
	costEnrolmentsBucket = "cost-enrolments"
	costFactsBucket      = "cost-facts"
	publicationsBucket   = "publications"
	flipsBucket          = "flips"
)

// ErrFile is returned for a file that does not hold what Store writes. To the runner that is
// damage: the file is dropped and built anew from the log.
var ErrFile = fmt.Errorf("coverage: %w", checked.ErrDamaged)

// errDigestOnly stops who would store a projection that has dropped what it was to store.
var errDigestOnly = errors.New("coverage: what was applied was not kept, for its digest only")

// bucket returns a bucket that Store has made; nil in a file without one.
func bucket(tx *checked.Tx, name string) *checked.Bucket { return tx.Bucket([]byte(name)) }

// lengths are the numbers of records of what is kept in pages. It is stored as JSON by these names.
type lengths struct {
	Counts                  counts.Lengths
	Facts                   facts.Lengths
	Recorded, Heads, Placed int

	CostGrants, CostEnrolments, CostFacts int

	Publications, Flips int
}

// columns lists what readers need beside the counts. The order says nothing; each column is found
// by its bucket.
func (p *Projection) columns(n *lengths) []pages.Column {
	return []pages.Column{
		{Bucket: recordedBucket, Pages: p.recorded, Length: &n.Recorded},
		{Bucket: headsBucket, Pages: p.chain.heads, Length: &n.Heads},
		{Bucket: placedBucket, Pages: p.presence.counts, Length: &n.Placed},
		{Bucket: costGrantsBucket, Pages: p.costs.grants, Length: &n.CostGrants},
		{Bucket: costEnrolmentsBucket, Pages: p.costs.enrolments, Length: &n.CostEnrolments},
		{Bucket: costFactsBucket, Pages: p.costs.facts, Length: &n.CostFacts},
		{Bucket: publicationsBucket, Pages: p.publications.lines.Pages, Length: &n.Publications},
		{Bucket: flipsBucket, Pages: p.presence.flips, Length: &n.Flips},
	}
}

// Finish waits for the sums that are being made. Their error is that of a sum that Show has left to
// another goroutine.
func (p *Projection) Finish() error { return p.counts.Wait() }

// Store writes all that changed since the last Stored or Load into the transaction. Whoever
// commits it calls Stored then, or Store again later if the commit failed.
//
// It goes into the transaction of the position. After a crash before the commit the file is as the
// last one left it, and what was settled behind that is written again.
func (p *Projection) Store(tx *checked.Tx) error {
	if p.digestOnly {
		return errDigestOnly
	}
	if !p.loaded() {
		return nil // nothing was applied since Load
	}
	var n lengths
	var err error
	if n.Counts, err = p.counts.Store(tx); err != nil {
		return err
	}
	if n.Facts, err = p.fold.state.Store(tx); err != nil {
		return err
	}
	for _, c := range p.columns(&n) {
		if err := c.Store(tx); err != nil {
			return err
		}
	}
	if err := p.names.Store(tx); err != nil {
		return err
	}
	return pages.StoreIn(tx, listsBucket, func(b *checked.Bucket) error {
		return putJSON(b, lengthsList, &n)
	})
}

// Settle writes most of what readers read: counts, and the full pages of record times. They never
// change, so that they need not wait for the commit that says how many of them count; a crash
// between both leaves pages that nobody reads.
func (p *Projection) Settle(tx *checked.Tx) error {
	if err := pages.StoreIn(tx, recordedBucket, p.recorded.Settle); err != nil {
		return err
	}
	return p.counts.Settle(tx)
}

// Settled tells that the transaction of the last Settle has committed.
func (p *Projection) Settled() {
	p.recorded.Settled()
	p.counts.Settled()
}

// Stored tells that the transaction of the last Store has committed: what readers can now find in
// the file leaves memory. A view from before that is still good: it has the pages itself.
func (p *Projection) Stored() {
	if !p.loaded() {
		return
	}
	var n lengths
	for _, c := range p.columns(&n) {
		c.Pages.Stored()
	}
	p.fold.state.Stored()
	p.names.Stored()
	p.counts.Stored()
	p.publish()
}

// lengthsList is the name of the list of lengths.
const lengthsList = "lengths"

// putJSON writes a list under its name.
func putJSON(b *checked.Bucket, name string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return b.Put([]byte(name), text)
}

// getJSON reads a list; one that was never stored leaves value as it is.
func getJSON(b *checked.Bucket, name string, value any) error {
	text, err := b.Get([]byte(name))
	if text == nil || err != nil {
		return err
	}
	if err := json.Unmarshal(text, value); err != nil {
		return fmt.Errorf("%w: list %s: %w", ErrFile, name, err)
	}
	return nil
}

// Load reads what readers need from the file; the state of the fold waits for the first Apply.
//
// So a ledger answers as soon as it is opened, and the state, which may be large, is read when an
// event or an explanation needs it. It must not be called while anybody asks. After an error the
// projection must be dropped.
func (p *Projection) Load(tx *checked.Tx) error {
	lists := bucket(tx, listsBucket)
	if lists == nil {
		return fmt.Errorf("%w: no lists", ErrFile)
	}
	var n lengths
	if err := getJSON(lists, lengthsList, &n); err != nil {
		return err
	}
	if err := p.counts.Load(tx, n.Counts); err != nil {
		return err
	}
	for _, c := range p.columns(&n) {
		if err := c.Load(tx); err != nil {
			return err
		}
	}
	p.fold = nil
	p.names.Reopen()
	if err := p.loadRare(tx); err != nil {
		return err
	}
	err := p.recorded.EachWords(bucket(tx, recordedBucket), func(page pages.Words) {
		times := newRecordTimes(&page)
		p.firstRecorded = append(p.firstRecorded, times.at(0))
	})
	if err != nil {
		return fmt.Errorf("load %s: %w", recordedBucket, err)
	}
	p.publish()
	return nil
}

// loadRare makes what is looked up of the publications and flips. Both are rare, and all of them
// are kept in memory.
func (p *Projection) loadRare(tx *checked.Tx) error {
	err := facts.EachLine(p.publications.lines, bucket(tx, publicationsBucket), p.publications.load)
	if err != nil {
		return fmt.Errorf("load %s: %w", publicationsBucket, err)
	}
	err = p.presence.flips.Each(bucket(tx, flipsBucket), func(page []byte, records int) {
		for i := range records {
			p.presence.load(page[i*flipBytes:])
		}
	})
	if err != nil {
		return fmt.Errorf("load %s: %w", flipsBucket, err)
	}
	return nil
}

// loaded reports whether the state of the fold is in memory.
func (p *Projection) loaded() bool {
	p.reading.RLock()
	defer p.reading.RUnlock()
	return p.fold != nil
}

// loadState reads the state of the fold and of the digest, unless it is in memory already.
//
// Whoever comes first reads it, the others wait. Nothing is changed by a failure, and the next call
// tries again.
func (p *Projection) loadState() error {
	if p.loaded() {
		return nil
	}
	p.reading.Lock()
	defer p.reading.Unlock()
	if p.fold != nil { // by somebody else meanwhile
		return nil
	}
	return p.db.View(func(tx *checked.Tx) error {
		var n lengths
		if err := getJSON(bucket(tx, listsBucket), lengthsList, &n); err != nil {
			return err
		}
		state, err := facts.Load(tx, n.Facts)
		if err != nil {
			return err
		}
		if err := p.chain.resume(tx, p.View()); err != nil {
			return err
		}
		p.fold = newFold(state, p)
		return nil
	})
}
