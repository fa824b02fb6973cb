package findings_test

import (
	"fmt"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/projections"
)

// ofPair evaluates what is about an enrolment and a commitment.
func (m *model) ofPair(e, c string) {
	subject := fmt.Sprintf("e=%s c=%s", e, c)
	money := m.moneyOf[c]
	var grants []*projections.Event
	for _, g := range m.about(e, event.FundingGranted) {
		if g.Data.Commitment == c {
			grants = append(grants, g)
		}
	}
	pays := func(month temporal.Month) bool {
		for _, g := range m.paying(e, month) {
			if g.Data.Commitment == c {
				return true
			}
		}
		return false
	}
	check := func(code string, holds func(month temporal.Month) bool) {
		months := monthsWhere(func(month temporal.Month) bool {
			return pays(month) && holds(month)
		})
		if len(months) > 0 {
			m.raise(code, subject, months, m.price(int64(len(months)), money))
		}
	}
	paid := monthsWhere(pays)
	if len(grants) > 0 && len(m.about(e, event.EnrolmentOpened)) == 0 {
		m.raise("GRANT_UNKNOWN_ENROLMENT", subject, paid, m.price(int64(len(paid)), money))
	}
	if len(grants) > 0 && money == nil {
		m.raise("GRANT_UNKNOWN_COMMITMENT", subject, paid, -1)
	}
	check("GRANT_NOT_APBD", func(month temporal.Month) bool {
		return !m.anyDay(e, month, func(s *stand) bool { return s.terms.Payer == event.APBD })
	})
	check("ASN_FUNDED", func(month temporal.Month) bool {
		return m.anyDay(e, month, func(s *stand) bool { return s.terms.Category == event.ASN })
	})
	if money != nil {
		check("GRANT_BEYOND_PERIOD", func(month temporal.Month) bool {
			return month < money.FromMonth || month >= money.UntilMonth
		})
		check("FUNDER_OUTSIDE", func(month temporal.Month) bool {
			return m.anyDay(e, month, func(s *stand) bool {
				in := s.terms.Region
				return in != money.Funder && in.Parent() != money.Funder
			})
		})
	}
	m.afterRevocation(e, c, subject, money, grants)
}

func (m *model) afterRevocation(e, c, subject string, money *event.Data,
	grants []*projections.Event,
) {
	raised := map[temporal.Month]bool{}
	for _, r := range m.about(e, event.FundingRevoked) {
		for _, g := range grants {
			if r.Data.Commitment != c || g.Sequence < r.Sequence {
				continue
			}
			pays := func(month temporal.Month) bool {
				for _, paying := range m.paying(e, month) {
					if paying == g {
						return true
					}
				}
				return false
			}
			for month := r.Data.FromMonth; pays(r.Data.FromMonth) && pays(month); month++ {
				raised[month] = true
			}
		}
	}
	months := monthsWhere(func(month temporal.Month) bool { return raised[month] })
	if len(months) > 0 {
		m.raise("GRANT_AFTER_REVOCATION", subject, months, m.price(int64(len(months)), money))
	}
}

// price is what months of a commitment cost, -1 when that is nothing or unknown.
func (m *model) price(months int64, money *event.Data) int64 {
	if money == nil || months*money.Tariff == 0 {
		return -1
	}
	return months * money.Tariff
}

// ofEnrolment evaluates what is about the events of one enrolment.
func (m *model) ofEnrolment(e string) {
	subject := "e=" + e
	openings := m.about(e, event.EnrolmentOpened)
	if len(openings) == 0 {
		if len(m.about(e, event.EnrolmentTerminated, event.EnrolmentReinstated)) > 0 {
			m.raise("END_UNKNOWN", subject, nil, -1)
		}
		if len(m.about(e, event.EnrolmentAmended)) > 0 {
			m.raise("AMENDMENT_UNKNOWN", subject, nil, -1)
		}
		if len(m.about(e, event.ContributionCredited)) > 0 {
			credited := monthsWhere(func(month temporal.Month) bool { return m.credited(e, month) })
			m.raise("CREDIT_UNKNOWN", subject, credited, -1)
		}
	} else {
		for _, other := range m.changes(e) {
			if publisher(other) != publisher(openings[0]) {
				m.raise("FOREIGN_CHANGE", subject, nil, -1)
			}
		}
	}
	if len(openings) > 1 {
		m.raise("OPENED_TWICE", subject, nil, -1)
	}
	ended := false
	for _, c := range m.changes(e) {
		switch c.Type {
		case event.EnrolmentTerminated:
			if ended {
				m.raise("ENDED_TWICE", subject, nil, -1)
			}
			ended = true
		case event.EnrolmentOpened, event.EnrolmentReinstated:
			ended = false
		default:
		}
	}
}

// overTime evaluates what the months up to the last one say of an enrolment.
func (m *model) overTime(e string) {
	unfunded := func(month temporal.Month) bool {
		days := m.inMonth(e, month, func(*stand) {})
		return days == int(month.Last()-month.First())+1 && len(m.paying(e, month)) == 0 &&
			!m.credited(e, month) &&
			m.anyDay(e, month, func(s *stand) bool { return s.terms.Payer == event.APBD })
	}
	stopped := func(month temporal.Month) bool {
		return m.anyDay(e, month, func(s *stand) bool { return s.terms.Payer != event.APBD }) &&
			!m.anyDay(e, month, func(s *stand) bool { return s.covered })
	}
	m.inARow("NEVER_FUNDED", e, unfunded)
	if len(m.about(e, event.ContributionCredited)) > 0 {
		m.inARow("CONTRIBUTIONS_STOPPED", e, stopped)
	}
}

func (m *model) inARow(code, e string, holds func(month temporal.Month) bool) {
	var row []temporal.Month
	for month := m.today.Month() - 1; month >= firstMonth && holds(month); month-- {
		row = append([]temporal.Month{month}, row...)
	}
	if len(row) >= 4 {
		m.raise(code, "e="+e, row, -1)
	}
}

// opensFor reports whether an opening of an enrolment names a person.
func (m *model) opensFor(e, person string) bool {
	for _, o := range m.about(e, event.EnrolmentOpened) {
		if m.person[o.Data.Worker] == person {
			return true
		}
	}
	return false
}

// ofPerson evaluates what is about one worker.
func (m *model) ofPerson(w string) {
	died := m.died(w)
	var doubled, dead []temporal.Month
	var lost, paid int64
	for month := firstMonth - 9; month <= lastMonth; month++ {
		payers, money := map[string]bool{}, false
		deadPairs := int64(0)
		for _, e := range m.enrolments {
			if !m.opensFor(e, w) {
				continue
			}
			mine := map[string]bool{}
			for _, g := range m.paying(e, month) {
				payers[g.Data.Commitment], mine[g.Data.Commitment] = true, true
			}
			for c := range mine {
				deadPairs += max(0, m.price(1, m.moneyOf[c]))
			}
			money = money || m.credited(e, month) || len(mine) > 0
		}
		if len(payers) > 1 {
			doubled = append(doubled, month)
			sum, dearest := int64(0), int64(0)
			for c := range payers {
				price := max(0, m.price(1, m.moneyOf[c]))
				sum, dearest = sum+price, max(dearest, price)
			}
			lost += sum - dearest
		}
		if money && died <= lastDay && month > died.Month() {
			dead = append(dead, month)
			paid += deadPairs
		}
	}
	orNone := func(rupiah int64) int64 {
		if rupiah == 0 {
			return -1
		}
		return rupiah
	}
	if len(doubled) > 0 {
		m.raise("DOUBLE_FUNDED", "w="+w, doubled, orNone(lost))
	}
	if len(dead) > 0 {
		m.raise("PAID_AFTER_DEATH", "w="+w, dead, orNone(paid))
	}
	m.twoOpen(w)
}

func (m *model) twoOpen(w string) {
	for day := firstDay; day <= lastDay; day++ {
		open := map[event.Segment]int{}
		for _, e := range m.openFor[w] {
			if s := &m.days[e][day-firstDay]; s.open && m.person[s.worker] == w {
				if open[s.terms.Segment]++; open[s.terms.Segment] > 1 {
					m.found["TWO_OPEN w="+w] = ""
				}
			}
		}
	}
}

// ofCommitment evaluates what is about one commitment.
func (m *model) ofCommitment(c string) {
	subject, money := "c="+c, m.moneyOf[c]
	if money == nil {
		return
	}
	var crowded []temporal.Month
	over := int64(0)
	for month := firstMonth - 9; month <= lastMonth; month++ {
		if pays := int64(len(m.paidBy(c, month))); pays > money.Heads {
			crowded, over = append(crowded, month), over+pays-money.Heads
		}
	}
	if len(crowded) > 0 {
		m.raise("GRANT_BEYOND_HEADS", subject, crowded, over*money.Tariff)
	}
	spent, named := int64(0), map[temporal.Month]bool{}
	for _, d := range m.of(event.FundingDisbursed) {
		if d.Data.Commitment == c {
			spent += d.Data.Amount
			for _, month := range d.Data.PaidMonths {
				named[month] = true
			}
		}
	}
	if spent > money.Ceiling {
		m.raise("DISBURSED_ABOVE_CEILING", subject, nil, spent-money.Ceiling)
	}
	missing := monthsWhere(func(month temporal.Month) bool {
		return money.FromMonth <= month && month < money.UntilMonth && !named[month]
	})
	if len(missing) > 0 && m.today >= money.UntilMonth.First() {
		m.raise("DISBURSED_SHORT", subject, missing,
			int64(len(missing))*money.Heads*money.Tariff)
	}
	if need := money.Heads * money.Months * money.Tariff; need > money.Ceiling {
		buys := money.Ceiling * 100 / (money.Heads * money.Tariff)
		m.found["MONEY_SHORT "+subject] = details(
			[]string{fmt.Sprintf("%d.%02d", buys/100, buys%100)}, need-money.Ceiling)
	}
	m.foreign(c)
	m.ends(c, money)
}

// paidBy returns the enrolments of which a commitment pays a month.
func (m *model) paidBy(c string, month temporal.Month) (all []string) {
	for _, e := range m.enrolments {
		for _, g := range m.paying(e, month) {
			if g.Data.Commitment == c {
				all = append(all, e)
				break
			}
		}
	}
	return all
}

func (m *model) foreign(c string) {
	var first *projections.Event
	for _, e := range m.of(event.FundingCommitted) {
		if first == nil && e.Data.Commitment == c {
			first = e
		}
	}
	for _, e := range m.of(event.FundingCommitted, event.FundingAmended, event.FundingRevoked,
		event.FundingClosed) {
		if e.Data.Commitment == c && publisher(e) != publisher(first) {
			m.raise("FOREIGN_CHANGE", "c="+c, nil, -1)
		}
	}
}

func (m *model) ends(c string, money *event.Data) {
	end := money.UntilMonth
	for _, e := range m.of(event.FundingClosed) {
		if e.Data.Commitment == c {
			end = min(end, e.Data.FromMonth)
		}
	}
	last := end.First() - 1
	if end <= money.FromMonth || m.today > last || last-m.today > 90 {
		return
	}
	losing := int64(0)
	for _, e := range m.paidBy(c, end-1) {
		later := false
		for month := end; month <= lastMonth; month++ {
			later = later || len(m.paying(e, month)) > 0
		}
		if m.days[e][last-firstDay].covered && !later {
			losing++
		}
	}
	if losing > 0 {
		m.raise("FUNDING_ENDS", "c="+c, []temporal.Month{end}, losing*money.Tariff)
	}
}
