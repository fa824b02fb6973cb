package standing

import (
	"context"
	"math/bits"
	"runtime"

	"cakupan/domain/region"
	"cakupan/projections/facts"
)

// Source gives a state to be read beside its fold. [cakupan/projections/coverage.Projection] is
// one.
type Source interface {
	// Read calls f with the state, which does not change during the call. The fold waits for it.
	Read(f func(s *facts.State) error) error
	Names() *facts.Names
}

// How much is done at a time while the fold waits: less than a millisecond's worth.
const (
	enrolmentsTogether = 1_024
	workersTogether    = 64
)

// Roster is a set of workers: a bit for each.
//
// The zero value is empty. Taking the worker ids of a ledger in it costs an eighth of a byte for
// each.
type Roster struct{ bits []uint64 }

// Residents returns the workers for whom an enrolment was opened of which it was ever said that it
// lies in a region: nobody else can count there, whatever is known and on whatever day.
func Residents(ctx context.Context, source Source, in region.Code) (*Roster, error) {
	roster := &Roster{}
	for from, more := 0, true; more; from += enrolmentsTogether {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		err := source.Read(func(s *facts.State) error {
			until := min(from+enrolmentsTogether, s.EnrolmentCount())
			more = until < s.EnrolmentCount()
			for e := from; e < until; e++ {
				roster.addResident(s, uint32(e), in)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		runtime.Gosched() // others have their turn at the processor, here and below
	}
	return roster, nil
}

// addResident adds the workers of an enrolment, if it ever lay in the region.
func (r *Roster) addResident(s *facts.State, e uint32, in region.Code) {
	lies := false
	s.Placed(e, func(at region.Code) { lies = lies || In(at, in) })
	if lies {
		s.Openers(e, r.add)
	}
}

// add adds a worker, who may be in it.
func (r *Roster) add(w uint32) {
	for int(w>>6) >= len(r.bits) {
		r.bits = append(r.bits, 0)
	}
	r.bits[w>>6] |= 1 << (w & 63)
}

// remove removes workers, who need not be in it.
func (r *Roster) remove(workers []uint32) {
	for _, w := range workers {
		if int(w>>6) < len(r.bits) {
			r.bits[w>>6] &^= 1 << (w & 63)
		}
	}
}

// Each calls visit for one worker of the roster after the other, in order of their numbers. visit
// returns all ids that it has looked at, and is not called for these again; the roster is empty
// then. The state is the same for some calls, and may have grown after them. An error is that of
// the source or of the context, and what was not visited stays in the roster.
func (r *Roster) Each(ctx context.Context, source Source,
	visit func(s *facts.State, w uint32) (seen []uint32),
) error {
	for word := 0; word < len(r.bits); word++ {
		if r.bits[word] == 0 {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		runtime.Gosched()
		err := source.Read(func(s *facts.State) error {
			for r.bits[word] != 0 {
				w := uint32(word<<6 + bits.TrailingZeros64(r.bits[word]))
				r.remove([]uint32{w})
				r.remove(visit(s, w))
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// InSlices calls visit for each index below n, some of them with the same state, and after these
// between, when nothing is held. An error of between ends it and is returned. Both run in the
// goroutine of the caller.
func InSlices(ctx context.Context, source Source, n int, visit func(s *facts.State, i int),
	between func() error,
) error {
	for from := 0; from < n; from += workersTogether {
		if err := ctx.Err(); err != nil {
			return err
		}
		runtime.Gosched()
		err := source.Read(func(s *facts.State) error {
			for i := from; i < min(from+workersTogether, n); i++ {
				visit(s, i)
			}
			return nil
		})
		if err == nil {
			err = between()
		}
		if err != nil {
			return err
		}
	}
	return nil
}
