package findings_test

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"cakupan/domain/event"
	"cakupan/domain/figures"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/projections"
)

// model is the contract's definitions, evaluated day by day and month by month over the events in
// force as known at one event.
type model struct {
	in    []*projections.Event // in force, in order of the log
	today temporal.Date

	enrolments, commitments, workers []string
	person                           map[string]string // id → least id
	days                             map[string][]stand
	byEnrolment                      map[string][]*projections.Event
	byType                           map[event.Type][]*projections.Event
	moneyOf                          map[string]*event.Data
	openFor                          map[string][]string // least id → enrolments ever opened for it
	pays                             map[string]map[temporal.Month][]*projections.Event
	found                            map[string]string // finding → its details
}

// stand is an enrolment on a day.
type stand struct {
	open, covered bool
	worker        string
	terms         terms
}

// terms are what an enrolment says of its worker.
type terms struct {
	Region   region.Code
	Segment  event.Segment
	Category event.Category
	Payer    event.Payer
}

func newModel(events []projections.Event, k int) *model {
	retracted := map[event.Key]bool{}
	for i := range events[:k] {
		if e := &events[i]; e.Type == event.EventRetracted {
			retracted[event.Key{Source: e.Data.RetractedSource, ID: e.Data.RetractedID}] = true
		}
	}
	m := &model{
		today: events[k-1].RecordedAt.Date(), person: map[string]string{},
		days: map[string][]stand{}, found: map[string]string{},
		byEnrolment: map[string][]*projections.Event{},
		byType:      map[event.Type][]*projections.Event{},
		moneyOf:     map[string]*event.Data{}, openFor: map[string][]string{},
		pays: map[string]map[temporal.Month][]*projections.Event{},
	}
	for i := range events[:k] {
		if e := &events[i]; e.Type != event.EventRetracted && !retracted[e.Key] {
			m.in = append(m.in, e)
			m.byType[e.Type] = append(m.byType[e.Type], e)
			of := e.Data.Enrolment
			m.byEnrolment[of] = append(m.byEnrolment[of], e)
		}
	}
	m.names()
	for _, e := range m.enrolments {
		m.pays[e] = map[temporal.Month][]*projections.Event{}
		for month := firstMonth - 9; month <= lastMonth; month++ {
			m.pays[e][month] = m.grantsThatPay(e, month)
		}
	}
	for _, e := range m.enrolments {
		m.days[e] = m.stands(e)
		for _, o := range m.about(e, event.EnrolmentOpened) {
			w := m.person[o.Data.Worker]
			if !slices.Contains(m.openFor[w], e) {
				m.openFor[w] = append(m.openFor[w], e)
			}
		}
	}
	for _, c := range m.commitments {
		m.moneyOf[c] = m.money(c)
	}
	return m
}

func (m *model) names() {
	distinct := func(all []string) []string {
		sort.Strings(all)
		all = slices.Compact(all)
		return slices.DeleteFunc(all, func(s string) bool { return s == "" })
	}
	for _, e := range m.in {
		m.enrolments = append(m.enrolments, e.Data.Enrolment)
		m.commitments = append(m.commitments, e.Data.Commitment)
		m.workers = append(m.workers, e.Data.Worker, e.Data.Into)
	}
	m.enrolments, m.commitments = distinct(m.enrolments), distinct(m.commitments)
	m.workers = distinct(m.workers)
	for _, w := range m.workers {
		m.person[w] = w
	}
	for range m.workers {
		for _, e := range m.of(event.WorkerMerged) {
			least := min(m.person[e.Data.Worker], m.person[e.Data.Into])
			m.person[e.Data.Worker], m.person[e.Data.Into] = least, least
		}
	}
}

// of returns the events of such types.
func (m *model) of(types ...event.Type) (all []*projections.Event) {
	if len(types) == 1 {
		return m.byType[types[0]]
	}
	for _, e := range m.in {
		if slices.Contains(types, e.Type) {
			all = append(all, e)
		}
	}
	return all
}

// about returns the events of such types about an enrolment.
func (m *model) about(enrolment string, types ...event.Type) (all []*projections.Event) {
	for _, e := range m.byEnrolment[enrolment] {
		if slices.Contains(types, e.Type) {
			all = append(all, e)
		}
	}
	return all
}

func on(e *projections.Event) temporal.Date {
	switch e.Type {
	case event.EnrolmentTerminated:
		return e.Data.Until
	case event.WorkerDied:
		return e.Data.On
	default:
		return e.Data.From
	}
}

// changes returns the events that open, amend and close an enrolment, by effective date.
func (m *model) changes(enrolment string) []*projections.Event {
	all := m.about(enrolment, event.EnrolmentOpened, event.EnrolmentAmended,
		event.EnrolmentTerminated, event.EnrolmentReinstated)
	sort.SliceStable(all, func(i, j int) bool { return on(all[i]) < on(all[j]) })
	return all
}

// stands folds the changes up to each day.
func (m *model) stands(enrolment string) []stand {
	all := make([]stand, lastDay-firstDay+1)
	changes := m.changes(enrolment)
	paid, credited := map[temporal.Month]bool{}, map[temporal.Month]bool{}
	for month := firstMonth - 9; month <= lastMonth; month++ {
		paid[month] = len(m.paying(enrolment, month)) > 0
		credited[month] = m.credited(enrolment, month)
	}
	money, month := false, firstMonth-1
	var payer event.Payer
	for day := firstDay; day <= lastDay; day++ {
		s := &all[day-firstDay]
		known := false
		for _, c := range changes {
			if on(c) > day {
				break
			}
			switch d := &c.Data; c.Type {
			case event.EnrolmentOpened:
				s.worker, s.open, known = d.Worker, true, true
				s.terms = terms{d.Region, d.Segment, d.Category, d.Payer}
			case event.EnrolmentAmended:
				if known {
					amend(&s.terms, d)
				}
			case event.EnrolmentTerminated:
				s.open = false
			default:
				s.open = known
			}
		}
		if is := day.Month(); is != month || payer != s.terms.Payer {
			month, payer = is, s.terms.Payer
			money = m.hasMoney(enrolment, payer, month, paid, credited)
		}
		s.covered = s.open && money && m.died(s.worker) >= day
	}
	return all
}

func amend(terms *terms, d *event.Data) {
	if d.Has.Has(event.FieldRegion) {
		terms.Region = d.Region
	}
	if d.Has.Has(event.FieldSegment) {
		terms.Segment = d.Segment
	}
	if d.Has.Has(event.FieldCategory) {
		terms.Category = d.Category
	}
	if d.Has.Has(event.FieldPayer) {
		terms.Payer = d.Payer
	}
}

func (m *model) hasMoney(enrolment string, payer event.Payer, month temporal.Month,
	paid, credited map[temporal.Month]bool,
) bool {
	if payer == event.APBD {
		return paid[month] || credited[month]
	}
	presumed := true
	for _, c := range m.about(enrolment, event.ContributionCredited) {
		presumed = presumed && c.Data.FromMonth > month
	}
	due := credited[month-1] || credited[month-2] || credited[month-3]
	return credited[month] || presumed || payer == event.Employer && due
}

// died returns the last day of life of the person that a worker is.
func (m *model) died(worker string) temporal.Date {
	died := lastDay + 1
	for _, e := range m.of(event.WorkerDied) {
		if m.person[e.Data.Worker] == m.person[worker] {
			died = min(died, e.Data.On)
		}
	}
	return died
}

// paying returns the grants that pay a month of an enrolment.
func (m *model) paying(enrolment string, month temporal.Month) []*projections.Event {
	return m.pays[enrolment][month]
}

func (m *model) grantsThatPay(enrolment string, month temporal.Month) (all []*projections.Event) {
	for _, g := range m.about(enrolment, event.FundingGranted) {
		pays := g.Data.FromMonth <= month && month < g.Data.UntilMonth
		for _, r := range m.about(enrolment, event.FundingRevoked) {
			pays = pays && (r.Data.Commitment != g.Data.Commitment || r.Sequence < g.Sequence ||
				r.Data.FromMonth > month)
		}
		for _, c := range m.of(event.FundingClosed) {
			pays = pays && (c.Data.Commitment != g.Data.Commitment || c.Data.FromMonth > month)
		}
		if pays {
			all = append(all, g)
		}
	}
	return all
}

func (m *model) credited(enrolment string, month temporal.Month) bool {
	for _, c := range m.about(enrolment, event.ContributionCredited) {
		if c.Data.FromMonth <= month && month < c.Data.UntilMonth {
			return true
		}
	}
	return false
}

// inMonth calls yield with each day of a month on which an enrolment is open.
func (m *model) inMonth(enrolment string, month temporal.Month, yield func(s *stand)) (days int) {
	for day := max(month.First(), firstDay); day <= min(month.Last(), lastDay); day++ {
		if s := &m.days[enrolment][day-firstDay]; s.open {
			days++
			yield(s)
		}
	}
	return days
}

// anyDay reports whether something holds on a day of a month on which an enrolment is open.
func (m *model) anyDay(enrolment string, month temporal.Month, holds func(s *stand) bool) bool {
	any := false
	m.inMonth(enrolment, month, func(s *stand) { any = any || holds(s) })
	return any
}

// money is what a commitment comes to; nil: it was never committed.
func (m *model) money(commitment string) *event.Data {
	var terms *event.Data
	for _, e := range m.of(event.FundingCommitted, event.FundingAmended) {
		d := e.Data
		switch {
		case d.Commitment != commitment:
		case e.Type == event.FundingCommitted:
			terms = &d
		case terms != nil:
			if d.Has.Has(event.FieldHeads) {
				terms.Heads = d.Heads
			}
			if d.Has.Has(event.FieldCeiling) {
				terms.Ceiling = d.Ceiling
			}
			if d.Has.Has(event.FieldUntilMonth) {
				terms.UntilMonth = d.UntilMonth
			}
		}
	}
	return terms
}

// monthsWhere returns the months for which something holds.
func monthsWhere(holds func(month temporal.Month) bool) (all []temporal.Month) {
	for month := firstMonth - 9; month <= lastMonth; month++ {
		if holds(month) {
			all = append(all, month)
		}
	}
	return all
}

// raise notes a finding about a subject, such as "e=e-1 c=c-2".
func (m *model) raise(code, subject string, months []temporal.Month, rupiah int64) {
	texts := make([]string, len(months))
	for i, month := range months {
		texts[i] = month.String()
	}
	m.found[code+" "+subject] = details(texts, rupiah)
}

func details(months []string, rupiah int64) string {
	return fmt.Sprintf("[%s] Rp%d", strings.Join(months, " "), rupiah)
}

// all finds what is wrong.
func (m *model) all() map[string]string {
	for _, e := range m.enrolments {
		for _, c := range m.commitments {
			m.ofPair(e, c)
		}
		m.ofEnrolment(e)
		m.overTime(e)
	}
	for _, w := range m.workers {
		if m.person[w] == w {
			m.ofPerson(w)
		}
	}
	for _, c := range m.commitments {
		m.ofCommitment(c)
	}
	for _, r := range []region.Code{region.Nation, 75, 71, 7503, 7571, 7101} {
		m.ofRegion(r)
	}
	m.ofDates()
	return m.found
}

func publisher(e *projections.Event) string {
	if e.Publisher != "" {
		return e.Publisher
	}
	return e.Source
}

// percent returns that of a region on the last day of a month, in hundredths.
func (m *model) percent(r region.Code, month temporal.Month) (int64, bool) {
	var workforce *projections.Event
	for _, e := range m.of(event.WorkforcePublished) {
		d := &e.Data
		if d.Region == r && d.Sector == event.AllSectors && d.Indicator == event.Employed &&
			d.Reference <= month.Last() &&
			(workforce == nil || d.Reference >= workforce.Data.Reference) {
			workforce = e
		}
	}
	if workforce == nil {
		return 0, false
	}
	covered := map[string]bool{}
	for _, e := range m.enrolments {
		s := &m.days[e][month.Last()-firstDay]
		in := r == region.Nation || s.terms.Region == r || s.terms.Region.Parent() == r
		if s.covered && in {
			covered[m.person[s.worker]] = true
		}
	}
	return figures.ParsePercent(figures.Percent(int64(len(covered)), workforce.Data.Count))
}

func (m *model) ofRegion(r region.Code) {
	for month := firstMonth + 1; month < m.today.Month(); month++ {
		is, known := m.percent(r, month)
		was, knew := m.percent(r, month-1)
		subject := fmt.Sprintf("r=%s m=%s", r, month)
		if known && is > 100_00 {
			m.raise("COVERAGE_ABOVE_100", subject, []temporal.Month{month}, -1)
		}
		if known && knew && max(is, was)-min(is, was) > 10_00 {
			m.raise("JUMP", subject, []temporal.Month{month}, -1)
		}
	}
}

func (m *model) ofDates() {
	for _, e := range m.of(event.EnrolmentOpened, event.EnrolmentAmended,
		event.EnrolmentTerminated, event.EnrolmentReinstated, event.WorkerDied, event.TargetSet) {
		subject, recorded := fmt.Sprintf("s=%d", e.Sequence), e.RecordedAt.Date()
		if recorded-on(e) > 31 {
			m.raise("REPORTED_LATE", subject, nil, -1)
		}
		next, _ := temporal.ParseDate(fmt.Sprint(2020+recordedYear(recorded),
			recorded.String()[4:]))
		if on(e) > next {
			m.raise("FAR_FUTURE", subject, nil, -1)
		}
	}
}

// recordedYear is how many years after 2019 a day lies: no test records anything on 29 February.
func recordedYear(day temporal.Date) int { return int(day.String()[3]-'0') + 1 }
