package findings

import (
	"encoding/binary"
	"encoding/json"
	"fmt"

	"cakupan/projections/checked"
	"cakupan/projections/facts"
	"cakupan/projections/pages"
)

// ErrFile is returned for a file that does not hold what Store writes. It is damage to whoever
// opens the projection: the file is dropped and built anew from the log.
var ErrFile = fmt.Errorf("findings: %w", checked.ErrDamaged)

// listsBucket holds one key, "lengths": how much of each column is meant. Pages are written whole,
// and only the lengths say where their records end.
const listsBucket = "lists"

// lengths are the numbers of records of what is kept in pages. It is stored as JSON by these names:
// a field that is renamed needs another version. Facts has those of the state, which knows its own
// columns; names of workers and the like count themselves.
type lengths struct {
	Facts facts.Lengths

	Money, Publications, Days, Publishers, Chain, Names, Records int
}

// columns lists what is kept in pages, and where the lengths of that are: the same list for
// storing, loading and letting go, so that none of them can leave one out. Publications and records
// belong to Show, all else to Apply; it is called when neither is at work.
func (f *fold) columns(n *lengths) []pages.Column {
	l := f.l
	return []pages.Column{
		{Bucket: "money-terms", Pages: l.money, Length: &n.Money},
		{Bucket: "workforces", Pages: l.publications, Length: &n.Publications},
		{Bucket: "days", Pages: l.days, Length: &n.Days},
		{Bucket: "publishers", Pages: l.publishers, Length: &n.Publishers},
		{Bucket: chainBucket, Pages: l.chain, Length: &n.Chain},
		{Bucket: namesBucket, Pages: l.names.Pages, Length: &n.Names},
		{Bucket: "findings", Pages: f.shown.records.table, Length: &n.Records},
	}
}

// The buckets that are read by themselves too, beside the columns.
const (
	namesBucket = "publisher-names"
	chainBucket = "chain"
)

// Finish has nothing to wait for. Show leaves nothing to other goroutines.
func (p *Projection) Finish() error { return nil }

// Settle leaves all to Store. Nothing here is large and final enough to be written ahead of a
// commit: even an old record gets its until some day.
func (p *Projection) Settle(*checked.Tx) error { return nil }

// Settled tells that the transaction of the last Settle has committed. There is nothing to let go
// of.
func (p *Projection) Settled() {}

// Store writes all that changed since the last Stored or Load into the transaction.
//
// State, ledger, records and names go into one transaction with the position. After a crash before
// the commit the file is as the last one left it, and the same events are folded again; what was
// written is dirty until Stored, so that a commit that failed costs nothing but time.
func (p *Projection) Store(tx *checked.Tx) error {
	if !p.loaded() {
		return nil // nothing was applied since Load
	}
	var n lengths
	var err error
	if n.Facts, err = p.fold.s.Store(tx); err != nil {
		return err
	}
	for _, c := range p.fold.columns(&n) {
		if err := c.Store(tx); err != nil {
			return err
		}
	}
	if err := p.names.Store(tx); err != nil {
		return err
	}
	return pages.StoreIn(tx, listsBucket, func(b *checked.Bucket) error {
		text, err := json.Marshal(&n)
		if err != nil {
			return err
		}
		return b.Put([]byte("lengths"), text)
	})
}

// Stored tells that the transaction of the last Store has committed. Only now may readers look for
// it in the file: until then a transaction that failed would leave them with nothing.
func (p *Projection) Stored() {
	if !p.loaded() {
		return
	}
	// The chain drops its full pages, which Digest reads under reading: nobody may take a view
	// meanwhile.
	p.reading.Lock() // the chain leaves memory
	defer p.reading.Unlock()
	p.showing.Lock()
	defer p.showing.Unlock()
	var n lengths
	for _, c := range p.fold.columns(&n) {
		c.Pages.Stored()
	}
	p.fold.s.Stored()
	p.names.Stored()
}

// Load takes over what Store wrote. It is read when the first event comes, or the first question.
//
// Opening a ledger so costs nothing, however many events there were. Load itself finds out only
// that the file is of this projection at all; other damage is the error of that first call. It must
// not be called while anybody asks.
func (p *Projection) Load(tx *checked.Tx) error {
	if tx.Bucket([]byte(listsBucket)) == nil {
		return fmt.Errorf("%w: no lists", ErrFile)
	}
	p.fold = nil
	p.names.Reopen()
	return nil
}

// loaded reports whether the fold is in memory.
func (p *Projection) loaded() bool {
	p.reading.RLock()
	defer p.reading.RUnlock()
	return p.fold != nil
}

// load reads the fold, unless it is in memory already. Many may call it at the same time: one
// reads, which for a large ledger takes seconds, and the others wait. After an error nothing is in
// memory, and the next call tries again.
func (p *Projection) load() error {
	if p.loaded() {
		return nil
	}
	p.reading.Lock()
	defer p.reading.Unlock()
	if p.fold != nil { // by somebody else meanwhile
		return nil
	}
	return p.db.View(func(tx *checked.Tx) error {
		f, err := loadFold(tx, p)
		if err == nil {
			p.fold = f
		}
		return err
	})
}

// loadFold reads the columns, and derives the rest. The order is needed: the ledger's names before
// its accounts, records before the fold, because the fold looks at which owners have something
// open.
func loadFold(tx *checked.Tx, p *Projection) (*fold, error) {
	var n lengths
	text, err := tx.Bucket([]byte(listsBucket)).Get([]byte("lengths"))
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &n); err != nil {
		return nil, fmt.Errorf("%w: lengths: %w", ErrFile, err)
	}
	state, err := facts.Load(tx, n.Facts)
	if err != nil {
		return nil, err
	}
	f := newFold(state, newLedger(), newRecords(), p)
	for _, c := range f.columns(&n) {
		if err := c.Load(tx); err != nil {
			return nil, err
		}
	}
	add := func(line *name) { f.l.addName(line.Name) }
	if err := facts.EachLine(f.l.names, tx.Bucket([]byte(namesBucket)), add); err != nil {
		return nil, fmt.Errorf("load %s: %w", namesBucket, err)
	}
	f.l.derive()
	f.shown.records.derive()
	if f.l.head, err = f.l.headAt(tx, n.Chain); err != nil {
		return nil, err
	}
	f.derive()
	return f, nil
}

// headAt returns the hash over the first events. It reads one page: of the file, or of memory when
// it is not stored yet. k must not be beyond what the chain has.
func (l *ledger) headAt(tx *checked.Tx, k int) (uint64, error) {
	if k == 0 {
		return 0, nil
	}
	view := l.chain.View()
	page, err := l.chain.Page(&view, tx.Bucket([]byte(chainBucket)), (k-1)>>chainShift)
	if err != nil {
		return 0, err
	}
	at := (k - 1) & (1<<chainShift - 1)
	return binary.LittleEndian.Uint64(page[8*at:]), nil
}
