package reconcile

import (
	"fmt"
	"math/big"
	"strings"

	"cakupan/domain/event"
	"cakupan/domain/figures"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/coverage"
)

// coordinate is where an answer was asked for. It is the key under which an answer is kept, hence
// all that an answer depends on has to be in it.
type coordinate struct {
	in        region.Code
	on        temporal.Date
	known     eventstore.Sequence
	indicator event.Indicator
}

// answer returns the answer at a coordinate, from those of this search where it was asked before. A
// failed one is not kept.
func (s *search) answer(c coordinate) (coverage.Answer, error) {
	if a, found := s.answers[c]; found {
		return a, nil
	}
	a, err := s.source.Answer(coverage.Query{
		Region: c.in, On: c.on, Known: c.known, Indicator: c.indicator,
	})
	if err == nil {
		s.answers[c] = a
	}
	return a, err
}

// workforce returns the publication of a sector that lies so many before the one in force; nil:
// there is none.
//
// What lies before is found by asking for the day before its reference: coverage has no other list
// of publications. One of the first day there is has none before it.
func (s *search) workforce(c coordinate, sector event.Sector, older int,
) (*coverage.Workforce, error) {
	for {
		a, err := s.answer(c)
		if err != nil {
			return nil, err
		}
		w := workforceOf(&a, sector)
		if w == nil || older == 0 {
			return w, nil
		}
		reference, err := temporal.ParseDate(w.Reference)
		if err != nil {
			return nil, fmt.Errorf("read reference of event %d: %w", w.Sequence, err)
		}
		if reference == temporal.MinDate {
			return nil, nil
		}
		c.on, older = reference-1, older-1
	}
}

// workforceOf returns the workforce of a sector in an answer; nil: there is none of exactly that
// sector (contract, section 3).
func workforceOf(a *coverage.Answer, sector event.Sector) *coverage.Workforce {
	switch sector {
	case event.Formal:
		return a.Sectors.Formal.Workforce
	case event.Informal:
		return a.Sectors.Informal.Workforce
	default:
		return a.Workforce
	}
}

// at adds the readings of a day and a knowledge. What departs too far is left out before it is
// asked for: most of the possible ways are.
func (s *search) at(day dayWay, known knownWay) error {
	for _, who := range counts() {
		ways := []way{day.way, known.way, who.way}
		if departures(ways) > departsMax {
			continue
		}
		// Counts do not depend on the indicator: any will do, and the answer is shared with
		// percentages of the first.
		c := coordinate{s.query.Region, day.on, known.sequence, event.Employed}
		if s.query.Figure.count {
			if err := s.count(c, &who, ways); err != nil {
				return err
			}
			continue
		}
		for _, base := range bases() {
			c.indicator = base.indicator
			if err := s.percents(c, &who, base, ways); err != nil {
				return err
			}
		}
	}
	return nil
}

// count adds how many there are, and how many the regions below have together. A sum that comes to
// the same number is no other way of counting.
func (s *search) count(c coordinate, who *who, ways []way) error {
	a, err := s.answer(c)
	if err != nil {
		return err
	}
	n := who.count(&a)
	s.add(s.counted(c, n), ways)
	if s.belowCosts(ways) {
		return nil
	}
	sum, regions := int64(0), 0
	for _, c.in = range s.below {
		if a, err = s.answer(c); err != nil {
			return err
		}
		if part := who.count(&a); part > 0 {
			sum, regions = sum+part, regions+1
		}
	}
	if regions > 0 && sum != n {
		// The capacity is cut, so that appending does not write into the ways of the caller, which
		// are used again.
		s.add(s.counted(c, sum), append(ways[:len(ways):len(ways)], s.sumWay(regions)))
	}
	return nil
}

// counted returns a reading of a number of its own.
func (s *search) counted(c coordinate, n int64) *Reading {
	return &Reading{
		On: c.on.String(), Known: c.known, Numerator: &n, value: new(big.Rat).SetInt64(n),
	}
}

// belowCosts reports whether readings made of the regions below depart too far. A region without
// any has no such readings at all.
func (s *search) belowCosts(ways []way) bool {
	most := departsMax
	if len(s.below) >= manyBelow {
		most--
	}
	return departures(ways)+1 > most || len(s.below) == 0
}

// percents adds the percentage of a base, what is left of a hundred, the percentage of all that the
// regions below have together, and the mean of their percentages. A workforce of 0 gives no
// percentage (contract, section 3), so no reading.
func (s *search) percents(c coordinate, who *who, base base, ways []way) error {
	w, err := s.workforce(c, who.sector, base.older)
	if err != nil {
		return err
	}
	a, err := s.answer(c)
	if err != nil {
		return err
	}
	if w != nil && w.Count > 0 {
		all := append(ways[:len(ways):len(ways)], base.named(w).way)
		if departures(all) <= departsMax {
			s.add(s.share(c, who.count(&a), w.Count), all)
		}
		s.rest(c, who.count(&a), w.Count, all)
	}
	// Of older publications the regions below are not asked: each would have one of another day.
	if base.older > 0 || s.belowCosts(ways) {
		return nil
	}
	return s.fromBelow(c, who, base, ways, w)
}

// share returns a reading of a part of a whole, which is above 0.
func (s *search) share(c coordinate, n, of int64) *Reading {
	r := s.counted(c, n)
	r.Denominator, r.value = &of, shareOf(n, of)
	return r
}

// rest adds the percentage of those who are not counted. Where more are covered than there are,
// nothing is left to be told.
func (s *search) rest(c coordinate, n, of int64, ways []way) {
	if n > of || departures(ways)+1 > departsMax {
		return
	}
	s.add(s.share(c, of-n, of), append(ways[:len(ways):len(ways)], way{"REST", Words{
		"those who are not covered", "mereka yang belum terlindungi",
	}}))
}

// fromBelow adds what is made of the regions below.
//
// The mean takes each percentage as it is published, with two decimals, since that is what whoever
// made such a mean had at hand. Regions without a workforce are not in it; the words tell how many
// are.
func (s *search) fromBelow(c coordinate, who *who, base base, ways []way, w *coverage.Workforce,
) error {
	total, regions, sum := new(big.Rat), 0, int64(0)
	reference := w
	in := c
	for _, in.in = range s.below {
		a, err := s.answer(in)
		if err != nil {
			return err
		}
		sum += who.count(&a)
		if of := workforceOf(&a, who.sector); of != nil && of.Count > 0 {
			percent, ok := new(big.Rat).SetString(figures.Percent(who.count(&a), of.Count))
			if !ok {
				return fmt.Errorf("%s has a percentage that is none", in.in)
			}
			total.Add(total, percent)
			regions++
			reference = of
		}
	}
	if regions > 1 {
		all := append(ways[:len(ways):len(ways)], base.named(reference).way, s.meanWay(regions))
		if departures(all) <= departsMax {
			s.add(&Reading{
				On: c.on.String(), Known: c.known,
				value: total.Quo(total, big.NewRat(int64(regions), 1)),
			}, all)
		}
	}
	// A sum that is the region's own count is the contract's number, and is there already.
	own, err := s.answer(c)
	if err != nil || w == nil || w.Count == 0 || sum == who.count(&own) {
		return err
	}
	all := append(ways[:len(ways):len(ways)], base.named(w).way, s.sumWay(len(s.below)))
	if departures(all) <= departsMax {
		s.add(s.share(c, sum, w.Count), all)
	}
	return nil
}

// meanWay returns the way of a mean of so many percentages.
func (s *search) meanWay(n int) way {
	words := belowWords(s.query.Region, n)
	return way{"MEAN", Words{
		"mean of " + words.EN + " percents", "rata-rata persentase " + words.ID,
	}}
}

// sumWay returns the way of a sum over so many regions. It counts people twice who are in several,
// which its words say.
func (s *search) sumWay(n int) way {
	words := belowWords(s.query.Region, n)
	return way{"SUM", Words{
		"sum of " + words.EN + " workers, some of whom are in several",
		"jumlah pekerja " + words.ID + ", sebagian dihitung lebih dari sekali",
	}}
}

// wordsOf says a reading in one sentence. The contract's way has no words of its own, so it gets
// some here.
func wordsOf(r *Reading, ways []way, f *Figure) Words {
	var en, id []string
	for _, w := range ways {
		if w.name != "" {
			en, id = append(en, w.EN), append(id, w.ID)
		}
	}
	said := Words{strings.Join(en, "; "), strings.Join(id, "; ")}
	if len(en) == 0 {
		said = Words{
			"covered workers, as the ledger counts them",
			"pekerja terlindungi, sebagaimana dihitung buku besar ini",
		}
	}
	switch {
	case f.count:
	case r.Denominator == nil:
		said = Words{r.Value + " %: " + said.EN, r.Value + " %: " + said.ID}
	default:
		said.EN = fmt.Sprintf("%s %%: %s (%s of %s)", r.Value, said.EN, grouped(*r.Numerator),
			grouped(*r.Denominator))
		said.ID = fmt.Sprintf("%s %%: %s (%s dari %s)", r.Value, said.ID, grouped(*r.Numerator),
			grouped(*r.Denominator))
	}
	if f.count {
		said = Words{grouped(*r.Numerator) + ": " + said.EN, grouped(*r.Numerator) + ": " + said.ID}
	}
	return said
}
