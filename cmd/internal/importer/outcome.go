package importer

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"

	"cakupan/cmd/internal/lists"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/effect"
)

// outcome is what all rows of a list have done: the sum of what the ledger says of parts of them.
// No person is in two parts, so that nobody is counted twice.
type outcome struct {
	on      string
	dryRun  bool
	places  map[string]*place
	notices map[outcomeKey]*outcomeNotice
}

// place is a region, and how many are covered there and, of them, confirmed.
type place struct {
	name               string
	covered, confirmed moved
}

// moved is how many more there are by the rows, and how many of all there were when it was asked
// last, with the rows that are in the log.
type moved struct{ change, total int64 }

func (m *moved) add(c effect.Counts, dryRun bool) {
	m.change += c.After - c.Before
	if m.total = c.Total; dryRun { // it has these rows, and not those of other parts
		m.total -= c.After - c.Before
	}
}

func (m *moved) sides(dryRun bool) EffectCounts {
	if dryRun {
		return EffectCounts{m.total, m.total + m.change}
	}
	return EffectCounts{m.total - m.change, m.total}
}

// outcomeKey is what rows of one notice have in common.
type outcomeKey struct{ code, date, name string }

// outcomeNotice is what is to be known of some rows, by their numbers. They ascend when all parts
// are in.
type outcomeNotice struct {
	outcomeKey
	rows []int32
}

// effect returns the notice for people.
func (n *outcomeNotice) effect() lists.Effect {
	e := lists.Effect{Code: n.code, Date: n.date, Name: n.name, Rows: make([]int, len(n.rows))}
	for i, row := range n.rows {
		e.Rows[i] = int(row)
	}
	return e
}

// askEffect asks the ledger what rows have done, in parts where they are many. Persons of several
// enrolments, whose rows may be in several parts, are left out of them at first: of those it is
// asked once more, when the ledger has said who they are.
func (l *Import) askEffect(ctx context.Context, k *taken) (*outcome, error) {
	done := &outcome{
		dryRun: l.Options.DryRun, places: map[string]*place{},
		notices: map[outcomeKey]*outcomeNotice{},
	}
	ask := effect.Asked{}
	since := eventstore.Sequence(k.first)
	most := effectRowsMax
	if l.rowsMax > 0 || k.rows.count > effectRowsMax {
		most = cmp.Or(l.rowsMax, effectPart)
	}
	if k.rows.count > most {
		// All parts count on one day. Which one is shown; where the clock here is wrong, it is
		// another day than the ledger would have chosen, and true of that day.
		ask.On, ask.Part = k.day(temporal.Instant(l.now().UnixNano()).Date().String()), true
		done.on = ask.On
	}
	var apart spool
	part := func(rows []spooled) error {
		raw := make([][]byte, len(rows))
		for i := range rows {
			raw[i] = rows[i].event
		}
		report, err := l.From.Effect(ctx, raw, since, ask)
		if err != nil {
			return err
		}
		for _, a := range report.Apart {
			row := &rows[a.Row]
			if a.Person != "" {
				row.person = xxhash.Sum64String(a.Person)
			}
			apart.add(row.row, row.person, row.event)
		}
		done.add(&report, rows)
		return nil
	}
	err := k.rows.chunks(most, part)
	if ask.Part = false; err == nil {
		err = apart.chunks(most, part)
	}
	for _, n := range done.notices {
		slices.Sort(n.rows)
	}
	return done, err
}

// now returns the time, by the clock of this machine.
func (l *Import) now() time.Time {
	if l.Now != nil {
		return l.Now()
	}
	return time.Now()
}

// add adds what the ledger says of some rows.
func (o *outcome) add(report *effect.Report, rows []spooled) {
	o.on = cmp.Or(o.on, report.On)
	for i := range report.Regions {
		r := &report.Regions[i]
		p := o.places[r.Region]
		if p == nil {
			p = &place{name: r.Name}
			o.places[r.Region] = p
		}
		p.covered.add(r.Counts, o.dryRun)
		p.confirmed.add(r.Confirmed, o.dryRun)
	}
	for i := range report.Notices {
		n := &report.Notices[i]
		key := outcomeKey{n.Code, n.Date, n.Name}
		to := o.notices[key]
		if to == nil {
			to = &outcomeNotice{outcomeKey: key}
			o.notices[key] = to
		}
		for _, at := range n.Rows {
			to.rows = append(to.rows, int32(rows[at].row))
		}
	}
}

// regions returns how many are covered and confirmed, by the codes of the regions.
func (o *outcome) regions() []EffectRegion {
	all := []EffectRegion{}
	for _, code := range slices.Sorted(maps.Keys(o.places)) {
		p := o.places[code]
		all = append(all, EffectRegion{
			code, p.name, p.covered.sides(o.dryRun), p.confirmed.sides(o.dryRun),
		})
	}
	return all
}

// byCode returns the notices in the order of their codes, and those of a code by their first rows.
func (o *outcome) byCode() (all [][]*outcomeNotice) {
	for _, code := range effect.Codes() {
		var some []*outcomeNotice
		for key, n := range o.notices {
			if key.code == code {
				some = append(some, n)
			}
		}
		slices.SortFunc(some, func(a, b *outcomeNotice) int {
			return cmp.Or(cmp.Compare(a.rows[0], b.rows[0]), cmp.Compare(a.date, b.date),
				cmp.Compare(a.name, b.name))
		})
		if len(some) > 0 {
			all = append(all, some)
		}
	}
	return all
}
