package facts

import (
	"fmt"

	"cakupan/domain/enrolment"
	"cakupan/projections/checked"
	"cakupan/projections/pages"
)

// Lengths are what must be noted of a state beside its buckets. Projections keep them with their
// position, in the transaction that writes the pages: one without the other cannot be there after a
// crash.
type Lengths struct {
	Enrolments, Workers, Memberships, Facts,
	Owners, Deaths, Merges, Money, Grants, Former, Early int
}

// earlyBucket is that of the retractions that came too early.
const earlyBucket = "early"

// columns returns where each table is kept, and where its length is noted. The names are of the
// file's format.
func (s *State) columns(n *Lengths) [11]pages.Column {
	return [...]pages.Column{
		{Bucket: "enrolments", Pages: s.enrolments, Length: &n.Enrolments},
		{Bucket: "workers", Pages: s.workers, Length: &n.Workers},
		{Bucket: "memberships", Pages: s.memberships, Length: &n.Memberships},
		{Bucket: "facts", Pages: s.facts, Length: &n.Facts},
		{Bucket: "owners", Pages: s.owners, Length: &n.Owners},
		{Bucket: "deaths", Pages: s.deaths, Length: &n.Deaths},
		{Bucket: "merges", Pages: s.merges, Length: &n.Merges},
		{Bucket: "money", Pages: s.money, Length: &n.Money},
		{Bucket: "grants", Pages: s.grantsOf, Length: &n.Grants},
		{Bucket: "former", Pages: s.former, Length: &n.Former},
		{Bucket: earlyBucket, Pages: s.early.lines.Pages, Length: &n.Early},
	}
}

// Store writes all that changed since the last Stored or Load into the transaction. Call Stored
// once it has committed; when it has failed, Store again. The state stays as it is, and may be
// changed before the transaction commits. What it returns belongs to what was written.
func (s *State) Store(tx *checked.Tx) (n Lengths, err error) {
	for _, column := range s.columns(&n) {
		if err := column.Store(tx); err != nil {
			return n, err
		}
	}
	return n, nil
}

// Stored tells that the transaction of the last Store has committed. Without it the same pages
// would be written again, which costs time and is no fault.
func (s *State) Stored() {
	var n Lengths
	for _, column := range s.columns(&n) {
		column.Pages.Stored()
	}
}

// Load returns the state that was stored. An error says that the file cannot be read or is damaged.
// The state is nil then: it has to be folded from the log anew.
func Load(tx *checked.Tx, n Lengths) (*State, error) {
	s := New()
	for _, column := range s.columns(&n) {
		if err := column.Load(tx); err != nil {
			return nil, err
		}
	}
	err := EachLine(s.early.lines, tx.Bucket([]byte(earlyBucket)), s.early.insert)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", earlyBucket, err)
	}
	s.derive()
	return s, nil
}

// derive makes what is kept beside the tables. The order of each table is that of the log, in which
// those who list their indexes want them. Accounts are there before the money that is noted in
// them. Nobody is known to be steady: to find out would mean to read all facts, and who asks has
// another way.
func (s *State) derive() {
	s.several = make([]uint64, s.workers.Len()>>6+1)
	for w := range s.workers.Len() {
		if s.workers.At(w).more != 0 {
			s.noteSeveral(uint32(w))
		}
	}
	for i := range s.deaths.Len() {
		if d := s.deaths.At(i); d.sequenceHigh&retracted == 0 {
			s.noteDeath(d.worker, uint32(i))
		}
	}
	for i := range s.merges.Len() {
		if m := s.merges.At(i); m.sequenceHigh&retracted == 0 {
			s.noteMerge(uint32(i))
		}
	}
	s.accounts = make([]*account, s.grantsOf.Len())
	for i := range s.money.Len() {
		if s.money.At(i).kind != 0 {
			s.noteMoney(uint32(i))
		}
	}
	s.purses = make([]enrolment.Purse, len(s.accounts))
	s.granted = make([]*granted, len(s.accounts))
	for c := range s.purses {
		s.reckon(uint32(c))
	}
	s.steady = make([]uint64, s.enrolments.Len()>>6+1)
	for i := range s.former.Len() {
		s.formers.note(s.former.At(i), link(i+1))
	}
}
