package ledger

import (
	"context"
	"fmt"
	"sync"

	"github.com/cespare/xxhash/v2"

	"cakupan/cmd/internal/excerpt"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/projections/history"
)

// fences keep what corrects a list apart from everything else of it, from where it is compared with
// what was seen until it is in the log. Lists share 64 of them, by their ids: that two of them
// sometimes wait for each other costs less than to remember which there are.
//
// They are held in ascending order and before the subjects of rights, so that nobody waits for
// somebody who waits for him.
type fences [64]sync.RWMutex

// fenceOf returns the fence of a list, as the bit of its place.
func fenceOf(list string) uint64 { return 1 << (xxhash.Sum64String(list) % uint64(len(fences{}))) }

// hold holds the fences of those bits, alone or with others who do not correct.
func (f *fences) hold(bits uint64, alone bool) (release func()) {
	each := func(do func(*sync.RWMutex)) {
		for i := range f {
			if bits&(1<<i) != 0 {
				do(&f[i])
			}
		}
	}
	if alone {
		each((*sync.RWMutex).Lock)
		return func() { each((*sync.RWMutex).Unlock) }
	}
	each((*sync.RWMutex).RLock)
	return func() { each((*sync.RWMutex).RUnlock) }
}

// fence holds the lists that a batch is of until release, and refuses one that corrects a list
// which is not as it was seen any more: [problem.ListChanged]. What was appended before and of
// which nobody knew what became of it counts by then, or never will. A dry run is compared and
// holds nothing.
func (l *Ledger) fence(ctx context.Context, in *intake.Intake, b *Batch,
) (release func(), err error) {
	free := func() {}
	if b.batch.Seen() == nil {
		if bits := b.lists.Load(); bits != 0 {
			free = l.fences.hold(bits, false)
		}
		return free, nil
	}
	// First without the fence: the history may have far to come, and others need not wait for it.
	if err := l.judgeSeen(ctx, b.batch); err != nil || b.dryRun {
		return free, err
	}
	release = l.fences.hold(b.lists.Load(), true)
	if err = in.FindOut(ctx); err == nil {
		err = l.judgeSeen(ctx, b.batch)
	}
	if err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// listOf names a list as an event does.
type listOf struct{ id, source string }

// judgeSeen compares the lists of a batch with what was seen of them. Events of the batch itself
// may be there already: it is sent again.
func (l *Ledger) judgeSeen(ctx context.Context, b *intake.Batch) error {
	events, err := b.Events()
	if err != nil {
		return err
	}
	own, lists := map[event.Key]bool{}, map[listOf]bool{}
	for i := range events {
		e := &events[i]
		if e.Key == (event.Key{}) {
			continue // it is refused
		}
		list := listOf{history.ListOf(e), e.Source}
		if list.id == "" {
			return problem.Query("list_seen", "list_seen is for events of lists: event "+
				fmt.Sprint(i+1)+" has no attribute list")
		}
		own[e.Key], lists[list] = true, true
	}
	_, tail, err := l.log.Last(ctx)
	if err != nil {
		return err
	}
	seen := b.Seen()
	if seen.Sequence > uint64(tail.Sequence) {
		return problem.Query("list_seen", fmt.Sprintf("list_seen is beyond the log, which ends"+
			" with event %d", tail.Sequence))
	}
	for list := range lists {
		of := &excerpt.About{
			Subject: history.Subject{Kind: history.List, Name: list.id}, Known: tail.Sequence,
		}
		from := eventstore.Sequence(seen.Sequence) + 1
		err := l.reader.ReportedFrom(ctx, from, of, func(r *history.Reported) error {
			e := r.Event
			if e.Source != list.source || own[e.Key] || !seen.Shows(e) {
				return nil
			}
			return listChanged(list.id, uint64(r.Sequence))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// listChanged is the error of a correction that somebody else was ahead of.
func listChanged(list string, seq uint64) error {
	return problem.New(problem.ListChanged, fmt.Sprintf("the list %s was changed meanwhile, by"+
		" event %d: nothing was appended. See cakupan list history %s, and send it again, which"+
		" compares it anew (daftar %s berubah sementara itu, oleh peristiwa %d: tidak ada yang"+
		" dicatat. Lihat cakupan list history %s, lalu kirim lagi daftarnya)", list, seq, list,
		list, seq, list))
}
