package ledger

import (
	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/eventstore/index"
)

// grounds are a ledger as rights are judged by it and events are taken back from it; see
// [rights.Ledger] and [takeback.Ledger]. The gate must be open: the index is.
type grounds struct{ *Ledger }

// Shown returns how much of the log the coverage shows that answers now.
func (g grounds) Shown() (known eventstore.Sequence, answers bool) {
	p := g.answering()
	if p == nil {
		return 0, false
	}
	return p.View().Known(), true
}

// Lookup asks the index, which is as far as the writer is.
func (g grounds) Lookup(keys []index.Key, found []index.Entry) error {
	return g.index.Lookup(keys, found)
}

// Guarded tells whether the register has anybody.
func (g grounds) Guarded() bool { return g.register.Guarded() }

// LastScope asks the register, which forgets nobody who was revoked.
func (g grounds) LastScope(publisher string) (scope *event.Scope, err error) {
	members, err := g.register.Members()
	for i := range members {
		if m := &members[i]; m.Name == publisher && m.Scope() != nil {
			scope = m.Scope()
		}
	}
	return scope, err
}

// Find returns where an event is in the log, 0 when it is not there. The index is derived from the
// log and as far as the writer is.
func (g grounds) Find(key event.Key) (eventstore.Sequence, error) {
	found := make([]index.Entry, 1)
	err := g.index.Lookup([]index.Key{index.KeyOf(key)}, found)
	return found[0].Sequence, err
}
