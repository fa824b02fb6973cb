package coverage

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"cakupan/projections/pages"
)

// The buckets of the file. Tables and histories keep pages under their numbers, runs are under
// level and index, lists holds short JSON texts under their names.
const (
	deltasBucket   = "deltas"
	recordedBucket = "recorded"
	cellsBucket    = "cells"
	runsBucket     = "runs"
	listsBucket    = "lists"
)

// ErrFile is returned for a file that does not hold what Store writes.
var ErrFile = errors.New("file of the projection is damaged; rebuild it from the log")

// bucket returns a bucket that Store has made; nil in a file without one.
func bucket(tx *bbolt.Tx, name string) *bbolt.Bucket { return tx.Bucket([]byte(name)) }

// lengths are the numbers of records of what is kept in pages.
type lengths struct {
	Deltas, Recorded, Cells, Placed, Chunks int
	Enrolments, Workers, Memberships, Facts,
	Owners, Deaths, Money, Grants int
}

// paged is what tables and histories have in common here.
type paged interface {
	Len() int
	Store(*bbolt.Bucket) error
	Stored()
	Load(*bbolt.Bucket, int) error
}

// column is one of the projection's paged arrays: its bucket and where its length is noted.
type column struct {
	bucket string
	pages  paged
	length *int
}

// histories lists what readers need.
func (p *Projection) histories(n *lengths) []column {
	return []column{
		{deltasBucket, p.deltas, &n.Deltas},
		{recordedBucket, p.recorded, &n.Recorded},
		{cellsBucket, p.storedCells, &n.Cells},
		{"placed", p.presence.counts, &n.Placed},
	}
}

// tables lists what the fold needs.
func (s *state) tables(n *lengths) []column {
	return []column{
		{"enrolments", s.enrolments, &n.Enrolments},
		{"workers", s.workers, &n.Workers},
		{"memberships", s.memberships, &n.Memberships},
		{"facts", s.facts, &n.Facts},
		{"owners", s.owners, &n.Owners},
		{"deaths", s.deaths, &n.Deaths},
		{"money", s.money, &n.Money},
		{"grants", s.grantsOf, &n.Grants},
	}
}

// Finish waits for the runs that are being made.
func (p *Projection) Finish() error { return p.summer.wait() }

// Store writes all that changed since the last Stored or Load into the transaction. Whoever
// commits it calls Stored then, or Store again later if the commit failed.
func (p *Projection) Store(tx *bbolt.Tx) error {
	if p.state == nil {
		return nil // nothing was applied since Load
	}
	n := lengths{Chunks: p.summer.current().chunks}
	for _, c := range append(p.histories(&n), p.state.tables(&n)...) {
		*c.length = c.pages.Len()
		if err := storeIn(tx, c.bucket, c.pages.Store); err != nil {
			return err
		}
	}
	if err := p.storeNames(tx); err != nil {
		return err
	}
	if err := storeIn(tx, runsBucket, p.summer.store); err != nil {
		return err
	}
	return storeIn(tx, listsBucket, func(b *bbolt.Bucket) error { return p.storeLists(b, &n) })
}

// Settle writes most of what readers read: the full pages of deltas and record times, and the runs.
func (p *Projection) Settle(tx *bbolt.Tx) error {
	for name, history := range p.settling() {
		if err := storeIn(tx, name, history.Settle); err != nil {
			return err
		}
	}
	return storeIn(tx, runsBucket, p.summer.settle)
}

// Settled tells that the transaction of the last Settle has committed.
func (p *Projection) Settled() {
	for _, history := range p.settling() {
		history.Settled()
	}
	p.summer.settled()
}

func (p *Projection) settling() map[string]*pages.History {
	return map[string]*pages.History{deltasBucket: p.deltas, recordedBucket: p.recorded}
}

func storeIn(tx *bbolt.Tx, name string, store func(*bbolt.Bucket) error) error {
	b, err := tx.CreateBucketIfNotExists([]byte(name))
	if err != nil {
		return fmt.Errorf("make bucket %s: %w", name, err)
	}
	if err := store(b); err != nil {
		return fmt.Errorf("store %s: %w", name, err)
	}
	return nil
}

// Stored tells that the transaction of the last Store has committed: what readers can now find
// in the file leaves memory.
func (p *Projection) Stored() {
	if p.state == nil {
		return
	}
	var n lengths
	for _, c := range append(p.histories(&n), p.state.tables(&n)...) {
		c.pages.Stored()
	}
	p.names.mu.Lock()
	for _, names := range p.names.all() {
		names.Stored()
	}
	p.names.mu.Unlock()
	p.summer.evict()
	p.publications.changed, p.presence.changed, p.retracted.changed = false, false, false
	p.publish()
}

// The names of the lists.
const (
	lengthsList      = "lengths"
	publicationsList = "publications"
	presenceList     = "regions"
	retractedList    = "retracted"
)

func (p *Projection) storeLists(b *bbolt.Bucket, n *lengths) error {
	if err := putJSON(b, lengthsList, n); err != nil {
		return err
	}
	if p.publications.changed {
		if err := putJSON(b, publicationsList, p.publications.all); err != nil {
			return err
		}
	}
	if p.presence.changed {
		if err := putJSON(b, presenceList, p.presence.flips); err != nil {
			return err
		}
	}
	if p.retracted.changed {
		return putJSON(b, retractedList, p.retracted.order)
	}
	return nil
}

func putJSON(b *bbolt.Bucket, name string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return b.Put([]byte(name), text)
}

// getJSON reads a list; one that was never stored leaves value as it is.
func getJSON(b *bbolt.Bucket, name string, value any) error {
	text := b.Get([]byte(name))
	if text == nil {
		return nil
	}
	if err := json.Unmarshal(text, value); err != nil {
		return fmt.Errorf("%w: list %s: %w", ErrFile, name, err)
	}
	return nil
}

// Load reads what readers need from the file; the state of the fold waits for the first Apply.
func (p *Projection) Load(tx *bbolt.Tx) error {
	lists := bucket(tx, listsBucket)
	if lists == nil {
		return fmt.Errorf("%w: no lists", ErrFile)
	}
	var n lengths
	var published []publication
	for name, value := range map[string]any{
		lengthsList: &n, publicationsList: &published,
		presenceList: &p.presence.flips, retractedList: &p.retracted.order,
	} {
		if err := getJSON(lists, name, value); err != nil {
			return err
		}
	}
	for _, c := range p.histories(&n) {
		if err := loadFrom(tx, c.bucket, c.pages, *c.length); err != nil {
			return err
		}
	}
	for _, pub := range published {
		p.publications.append(pub)
	}
	p.publications.changed = false
	p.retracted.load()
	p.state, p.names.loaded = nil, false
	p.summer = newSummer(p.db, p.layout, p.deltas, n.Chunks)
	if err := p.loadIndexes(tx); err != nil {
		return err
	}
	p.publish()
	return nil
}

func loadFrom(tx *bbolt.Tx, name string, into paged, length int) error {
	b := bucket(tx, name)
	if b == nil {
		return fmt.Errorf("%w: no bucket %s", ErrFile, name)
	}
	if err := into.Load(b, length); err != nil {
		return fmt.Errorf("load %s: %w", name, err)
	}
	return nil
}

// loadIndexes derives the cells and the first records of pages from what is stored in pages.
func (p *Projection) loadIndexes(tx *bbolt.Tx) error {
	err := eachPage(tx, p.storedCells, cellsBucket, func(page []byte, records int) {
		for i := range records {
			p.cells.number(cell(binary.LittleEndian.Uint64(page[8*i:])))
		}
	})
	if err != nil {
		return err
	}
	err = eachPage(tx, p.deltas, deltasBucket, func(page []byte, _ int) {
		p.firstSequence = append(p.firstSequence, deltaSequence(page))
	})
	if err != nil {
		return err
	}
	return eachPage(tx, p.recorded, recordedBucket, func(page []byte, _ int) {
		p.firstRecorded = append(p.firstRecorded, recordTime(page, 0))
	})
}

// eachPage calls visit with every page of a history and the number of its records.
func eachPage(tx *bbolt.Tx, h *pages.History, name string, visit func([]byte, int)) error {
	view := h.View()
	for first := 0; first < view.Len(); first += h.PageRecords() {
		page, err := h.Page(&view, bucket(tx, name), first/h.PageRecords())
		if err != nil {
			return fmt.Errorf("load %s: %w", name, err)
		}
		visit(page, min(view.Len()-first, h.PageRecords()))
	}
	return nil
}

// loadState reads the state of the fold, unless it is in memory already.
func (p *Projection) loadState() error {
	if p.state != nil {
		return nil
	}
	s := newState()
	err := p.db.View(func(tx *bbolt.Tx) error {
		var stored, n lengths
		if err := getJSON(bucket(tx, listsBucket), lengthsList, &stored); err != nil {
			return err
		}
		want := s.tables(&stored)
		for i, c := range s.tables(&n) {
			if err := loadFrom(tx, c.bucket, c.pages, *want[i].length); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.derive()
	p.state = s
	return nil
}

// derive makes what is kept beside the tables: deaths by worker, money and purses by
// commitment.
func (s *state) derive() {
	for i := range s.deaths.Len() {
		if d := s.deaths.At(i); d.sequenceHigh != retractedDeath {
			s.noteDeath(d.worker, uint32(i))
		}
	}
	s.moneyOf = make([][]uint32, s.grantsOf.Len())
	for i := range s.money.Len() {
		if f := s.money.At(i); f.kind != 0 {
			s.moneyOf[f.commitment] = append(s.moneyOf[f.commitment], uint32(i))
		}
	}
	s.purses = make([]purse, len(s.moneyOf))
	for c := range s.purses {
		s.reckon(uint32(c))
	}
}
