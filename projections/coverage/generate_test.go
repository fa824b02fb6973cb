package coverage_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
)

// generator makes histories that are short and crowded: few enrolments, workers, commitments,
// regions and days, so that every rule of the contract meets every other within some dozens of
// events. All choices come from the seed.
type generator struct {
	*rand.Rand
	enrolments, workers, commitments int
	regencies                        []region.Code // where people live
	keys                             []event.Key   // of all events, later ones too
	named                            event.Key     // by the retraction before
	choices                          []choice
}

// choice is an event type's share of a history, and how to make one.
type choice struct {
	weight int
	kind   event.Type
	fill   func(*generator, *event.Data)
}

func choices() []choice {
	return []choice{
		{24, event.EnrolmentOpened, (*generator).opened},
		{14, event.EnrolmentAmended, (*generator).amended},
		{6, event.EnrolmentTerminated, (*generator).terminated},
		{8, event.EnrolmentReinstated, (*generator).reinstated},
		{4, event.WorkerDied, (*generator).died},
		{7, event.FundingCommitted, (*generator).committed},
		{1, event.FundingAmended, (*generator).fundingAmended},
		{28, event.FundingGranted, (*generator).granted},
		{7, event.FundingRevoked, (*generator).revoked},
		{6, event.FundingDisbursed, (*generator).disbursed},
		{3, event.FundingClosed, (*generator).closed},
		{13, event.WorkforcePublished, (*generator).published},
		{9, event.TargetSet, (*generator).target},
		{11, event.EventRetracted, (*generator).retracted},
		{14, event.ContributionCredited, (*generator).credited},
		{5, event.WorkerMerged, (*generator).merged},
	}
}

// Generate returns a history of n events, the same for the same seed. Sequences run from 1
// without gaps, record times never decrease, keys differ, and each event would be accepted.
func Generate(seed uint64, n int) []Recorded {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 75)), choices: choices()}
	g.enrolments = 1 + g.IntN(2+n/5)
	g.workers = 1 + max(g.IntN(g.enrolments), g.IntN(g.enrolments))
	return g.history(n)
}

// GenerateMoney returns a history in which most events are about money: few enrolments, mostly of
// a worker each, are granted again and again, what grants pay is disbursed and ends, and much of
// that is taken back.
func GenerateMoney(seed uint64, n int) []Recorded {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 76))}
	weights := map[event.Type]int{
		event.EnrolmentOpened: 10, event.EnrolmentAmended: 3, event.EnrolmentTerminated: 3,
		event.WorkerDied: 1, event.FundingCommitted: 5, event.FundingGranted: 40,
		event.FundingRevoked: 6, event.FundingDisbursed: 14, event.FundingClosed: 5,
		event.EventRetracted: 22, event.ContributionCredited: 3, event.WorkerMerged: 1,
	}
	for _, c := range choices() {
		c.weight = weights[c.kind]
		g.choices = append(g.choices, c)
	}
	g.enrolments = 2 + g.IntN(6)
	g.workers = g.enrolments
	return g.history(n)
}

// history returns a history of n events.
func (g *generator) history(n int) []Recorded {
	g.commitments = 1 + g.IntN(3)
	g.regencies = []region.Code{7503, 7571, 7101, 7171} // two in each of two provinces
	g.Shuffle(len(g.regencies), func(i, j int) {
		g.regencies[i], g.regencies[j] = g.regencies[j], g.regencies[i]
	})
	g.regencies = g.regencies[:1+g.IntN(len(g.regencies))]
	for i := range n { // each id stands under two sources: they are different events
		g.keys = append(g.keys, event.Key{
			Source: []string{"urn:a", "urn:b"}[i%2], ID: strconv.Itoa(i / 2),
		})
	}
	g.Shuffle(n, func(i, j int) { g.keys[i], g.keys[j] = g.keys[j], g.keys[i] })

	history := make([]Recorded, n)
	for i := range history {
		history[i].Event = g.event(g.keys[i])
	}
	if g.IntN(2) == 0 {
		g.reportInTime(history)
	}
	g.record(history)
	return history
}

func (g *generator) event(key event.Key) event.Event {
	total := 0
	for _, c := range g.choices {
		total += c.weight
	}
	pick := g.IntN(total)
	for _, c := range g.choices {
		if pick -= c.weight; pick < 0 {
			e := event.Event{Key: key, Type: c.kind}
			c.fill(g, &e.Data)
			setHas(&e)
			return e
		}
	}
	panic("weights do not add up to their sum") // must not happen
}

// setHas says which fields the data carry: all of the type's, but for those an amendment does
// not name, and a basis and a NIK, which no event here has.
func setHas(e *event.Event) {
	d := &e.Data
	amends := e.Type == event.EnrolmentAmended || e.Type == event.FundingAmended
	absent := map[event.Field]bool{
		event.FieldNIK:        true,
		event.FieldIntoNIK:    true,
		event.FieldBasis:      true,
		event.FieldRegion:     amends && d.Region == 0,
		event.FieldSegment:    amends && d.Segment == 0,
		event.FieldCategory:   amends && d.Category == 0,
		event.FieldProgrammes: amends && len(d.Programmes) == 0,
		event.FieldPayer:      amends && d.Payer == 0,
		event.FieldHeads:      amends && d.Heads == 0,
		event.FieldMonths:     amends && d.Months == 0,
		event.FieldTariff:     amends && d.Tariff == 0,
		event.FieldCeiling:    amends && d.Ceiling == 0,
		event.FieldUntilMonth: amends && d.UntilMonth == 0,
	}
	for _, field := range e.Type.Fields() {
		if !absent[field] {
			d.Has = d.Has.With(field)
		}
	}
}

// reportInTime orders events about as they happen, as a good publisher would.
func (g *generator) reportInTime(history []Recorded) {
	at := map[event.Key]temporal.Date{}
	for _, e := range history {
		day := g.anyDay()
		if edges := edgesOf(e.Event); len(edges) > 0 {
			day = edges[0]
		}
		at[e.Key] = day + temporal.Date(g.IntN(40))
	}
	slices.SortStableFunc(history, func(a, b Recorded) int { return int(at[a.Key] - at[b.Key]) })
}

// record gives the events their sequences and record times: many at one moment, some at the
// first and last nanosecond of a day in Makassar.
func (g *generator) record(history []Recorded) {
	day, now := must(parseDate("2019-12-01")), temporal.Instant(0)
	for i := range history {
		switch g.IntN(6) {
		case 0, 1:
			now = max(now, endOfDay(day)-temporal.Instant(g.Int64N(86400e9)))
		case 2:
			day += temporal.Date(g.IntN(30))
			now = max(now, endOfDay(day))
		case 3:
			now = max(now+1, endOfDay(day)+1)
			day++
		}
		history[i].Sequence, history[i].RecordedAt = uint64(i+1), max(now, 1)
	}
}

// renumber returns a copy of the history with dense sequences.
func renumber(history []Recorded) []Recorded {
	history = slices.Clone(history)
	for i := range history {
		history[i].Sequence = uint64(i + 1)
	}
	return history
}

// retracts returns the sequence of the event that the retraction history[i] names when the log
// has it already, and 0 otherwise.
func retracts(history []Recorded, i int) uint64 {
	data := history[i].Data
	for _, e := range history[:i] {
		if history[i].Type == event.EventRetracted && e.Source == data.RetractedSource &&
			e.ID == data.RetractedID {
			return e.Sequence
		}
	}
	return 0
}

func (g *generator) opened(d *event.Data) {
	g.enrolment(d)
	g.terms(d)
	d.From = g.dayOf(g.IntN(5))
	d.Worker = g.worker()
	if g.IntN(5) > 0 { // the same worker each time, so that openings can replace each other
		number, _ := strconv.Atoi(d.Enrolment[1:])
		d.Worker = fmt.Sprintf("w%d", number%g.workers)
	}
}

// terms sets all terms of an enrolment but its first day.
func (g *generator) terms(d *event.Data) {
	d.Region = g.regency()
	d.Segment = event.Segment(1 + g.IntN(4))
	d.Category = event.Category(1 + g.IntN(7))
	for range 1 + g.IntN(3) { // some twice
		d.Programmes = append(d.Programmes, event.Programme(1+g.IntN(5)))
	}
	d.Payer = pick(g, event.Employer, event.Self, event.APBD, event.APBD, event.APBD)
}

func (g *generator) amended(d *event.Data) {
	g.enrolment(d)
	d.From = g.anyDay()
	var all event.Data
	g.terms(&all)
	named := 1 + g.IntN(1<<5-1)
	if named&1 != 0 {
		d.Region = all.Region
	}
	if named&2 != 0 {
		d.Segment = all.Segment
	}
	if named&4 != 0 {
		d.Category = all.Category
	}
	if named&8 != 0 {
		d.Programmes = all.Programmes
	}
	if named&16 != 0 {
		d.Payer = all.Payer
	}
}

func (g *generator) terminated(d *event.Data) {
	g.enrolment(d)
	d.Until, d.Reason = g.anyDay(), event.Reason(1+g.IntN(12))
}

func (g *generator) reinstated(d *event.Data) {
	g.enrolment(d)
	d.From = g.anyDay()
}

func (g *generator) died(d *event.Data) {
	d.Worker, d.On = g.worker(), max(g.anyDay(), g.anyDay(), g.anyDay())
}

func (g *generator) committed(d *event.Data) {
	g.commitment(d)
	d.Funder = pick(g, g.regency(), region.Nation, 75)
	d.Funding = event.Funding(1 + g.IntN(7))
	d.FiscalYear, d.Heads, d.Months, d.Tariff, d.Ceiling = 2020, 2, 12, 16800, 403200
	g.period(d)
}

func (g *generator) fundingAmended(d *event.Data) {
	g.commitment(d)
	d.Heads, d.UntilMonth = 1, g.month()
}

func (g *generator) granted(d *event.Data) {
	g.commitment(d)
	g.enrolment(d)
	g.period(d)
}

func (g *generator) revoked(d *event.Data) {
	g.commitment(d)
	g.enrolment(d)
	d.FromMonth = g.month()
}

func (g *generator) disbursed(d *event.Data) {
	g.commitment(d)
	d.Amount, d.PaidOn, d.PaymentReference = 16800, g.anyDay(), "SP2D"
	for range 1 + g.IntN(6) { // some twice
		d.PaidMonths = append(d.PaidMonths, g.month())
	}
}

func (g *generator) credited(d *event.Data) {
	g.enrolment(d)
	g.period(d)
	d.PaidOn, d.Amount, d.PaymentReference = g.anyDay(), 16800, "VA"
}

// merged joins two of the workers, who are different ones; the second may be in no enrolment.
func (g *generator) merged(d *event.Data) {
	d.Worker, d.Into = g.worker(), g.worker()
	if d.Worker == d.Into {
		d.Into = "w" + d.Into
	}
}

func (g *generator) closed(d *event.Data) {
	g.commitment(d)
	d.FromMonth, d.ReasonText = max(g.month(), g.month(), g.month()), "spent"
}

func (g *generator) published(d *event.Data) {
	d.Region, d.Sector = g.anyRegion(), g.sector()
	d.Indicator = g.indicator()
	d.Count = pick[int64](g, 0, 1, 1, 2, 2, 3, 4, 20, 150_000_000)
	d.Reference = g.statisticsDay()
	d.Publication = pick(g, "", "Sakernas", `<"&'> `+"\u2028 é №")
}

func (g *generator) target(d *event.Data) {
	d.Region, d.Sector = g.anyRegion(), g.sector()
	d.Percent = pick(g, "0", "0.01", "33.33", "33.34", "50", "50.0", "100", "100.00", "250.5")
	d.From = g.statisticsDay()
}

func (g *generator) sector() event.Sector {
	return pick(g, event.AllSectors, event.AllSectors, event.Formal, event.Informal)
}

func (g *generator) indicator() event.Indicator {
	return pick(g, event.Employed, event.Employed, event.Employed, event.Employed,
		event.LabourForce, event.Eligible)
}

// statisticsDay returns one of few days, the so that several speak of one.
func (g *generator) statisticsDay() temporal.Date {
	if g.IntN(8) == 0 {
		return g.anyDay()
	}
	return firstOf(must(parseMonth("2019-11")) + temporal.Month(g.IntN(3)))
}

// retracted names any event of the history, reported already or not, retraction or not; at
// times the same one as before, at times none.
func (g *generator) retracted(d *event.Data) {
	d.RetractedSource, d.RetractedID, d.ReasonText = "urn:nobody", "0", "a mistake"
	if g.IntN(12) == 0 {
		return
	}
	if g.named.ID == "" || g.IntN(4) > 0 {
		g.named = g.keys[g.IntN(len(g.keys))]
	}
	d.RetractedSource, d.RetractedID = g.named.Source, g.named.ID
}

func (g *generator) enrolment(d *event.Data) {
	d.Enrolment = fmt.Sprintf("e%d", g.IntN(g.enrolments))
}

func (g *generator) worker() string { return fmt.Sprintf("w%d", g.IntN(g.workers)) }

func (g *generator) commitment(d *event.Data) {
	d.Commitment = fmt.Sprintf("c%d", g.IntN(g.commitments))
}

// period sets months: short and long ones, some from the first month there is to the last.
func (g *generator) period(d *event.Data) {
	d.FromMonth = g.month()
	d.UntilMonth = d.FromMonth + 1 + temporal.Month(g.IntN(8))
	if g.IntN(40) == 0 {
		d.FromMonth, d.UntilMonth = must(parseMonth("0001-01")), must(parseMonth("9999-12"))
	}
}

// month returns one of twelve months.
func (g *generator) month() temporal.Month {
	return must(parseMonth("2019-11")) + temporal.Month(g.IntN(12))
}

// anyDay returns a day of those twelve months.
func (g *generator) anyDay() temporal.Date { return g.dayOf(g.IntN(12)) }

// dayOf returns a day of the month: mostly one of four, where events can meet, and once in a
// while the first or last day there is.
func (g *generator) dayOf(number int) temporal.Date {
	if g.IntN(60) == 0 {
		return must(parseDate(pick(g, "0001-01-01", "9999-12-31")))
	}
	first := firstOf(must(parseMonth("2019-11")) + temporal.Month(number))
	last := firstOf(monthOf(first)+1) - 1
	return pick(g, first, first, first+1, first+temporal.Date(g.IntN(28)), last)
}

// firstOf returns the first day of the month.
func firstOf(m temporal.Month) temporal.Date { return must(parseDate(monthText(m) + "-01")) }

func (g *generator) regency() region.Code { return pick(g, g.regencies...) }

// anyRegion returns a region of any level: mostly one where people live or what it lies in, and
// at times one where nobody does.
func (g *generator) anyRegion() region.Code {
	home := g.regency()
	return pick(g, region.Nation, parent(home), parent(home), home, home, home, 7502, 71)
}

func pick[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }

// must returns a value made from a constant.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
