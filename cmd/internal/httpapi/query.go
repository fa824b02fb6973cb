package httpapi

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"cakupan/cmd/internal/excerpt"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/coverage"
	"cakupan/projections/findings"
)

// The bounds of questions.
const (
	// pointsMax is how many points a series may have: a century of days.
	pointsMax = 40_000
	// keyBytesMax is the length of worker, enrolment and commitment.
	keyBytesMax = 64
	// lastMax is how many of the last events one may ask for.
	lastMax = 1_000_000
)

// knowledge says how much of the log an answer may rest on. The zero value is sequence 0, which is
// nothing known. Two that are equal mean the same only while the log does not grow.
type knowledge struct {
	sequence eventstore.Sequence // [coverage.Everything] unless one was asked for
	at       temporal.Instant    // meaningful when timed
	timed    bool
}

// coverageQuery is what GET /v1/coverage asks (contract, section 7), and what questions about one
// figure have in common with it. It was judged as a whole: days and codes are what the domain
// knows.
type coverageQuery struct {
	regions   []region.Code // nil: all that are worth listing
	on        temporal.Date
	known     knowledge
	indicator event.Indicator
	by        []coverage.Dimension
	count     coverage.Count
	minSeq    eventstore.Sequence
}

// seriesQuery is what GET /v1/series asks. Its days ascend, and are pointsMax at most.
type seriesQuery struct {
	region    region.Code
	days      []temporal.Date
	known     knowledge
	indicator event.Indicator
	minSeq    eventstore.Sequence
}

// parseCoverage reads the query of GET /v1/coverage. today is what `on` is without being said.
// Without region it is about all that are worth listing, which is not the same as region=ID.
func parseCoverage(raw string, today temporal.Date) (coverageQuery, error) {
	p, err := parseParameters(raw, "region", "on", "known", "indicator", "by", "count",
		"min_seq")
	if err != nil {
		return coverageQuery{}, err
	}
	q := coverageQuery{
		on:        p.date("on", today),
		known:     p.knowledge("known"),
		indicator: p.indicator(),
		by:        p.dimensions(),
		count:     p.count(),
		minSeq:    p.sequence("min_seq", 0),
	}
	if p.has("region") {
		q.regions = []region.Code{p.region(region.Nation)}
	}
	return q, p.err()
}

// parseSeries reads the query of GET /v1/series. Without `until` it ends today, without `from`
// it begins a year before its end.
func parseSeries(raw string, today temporal.Date) (seriesQuery, error) {
	p, err := parseParameters(raw, "region", "from", "until", "step", "known", "indicator",
		"min_seq")
	if err != nil {
		return seriesQuery{}, err
	}
	until := p.date("until", today)
	from := p.date("from", max(until-yearDays, temporal.MinDate))
	q := seriesQuery{
		region:    p.region(region.Nation),
		known:     p.knowledge("known"),
		indicator: p.indicator(),
		minSeq:    p.sequence("min_seq", 0),
		days:      p.days(from, until),
	}
	return q, p.err()
}

const yearDays = 365

// parseEvents reads the query of GET /v1/events. Sequences that are out of the log are no error:
// there is nothing there, or nothing yet. limit counts from the beginning, last from the end; both
// at once would have two meanings.
func parseEvents(raw string) (excerpt.Filter, error) {
	p, err := parseParameters(raw, "from", "to", "type", "enrolment", "worker", "commitment",
		"source", "publisher", "limit", "last", "follow")
	if err != nil {
		return excerpt.Filter{}, err
	}
	f := excerpt.Filter{
		From:       max(p.sequence("from", 1), 1),
		To:         p.sequence("to", coverage.Everything),
		Type:       p.eventType(),
		Enrolment:  p.key("enrolment"),
		Worker:     p.key("worker"),
		Commitment: p.key("commitment"),
		Source:     p.text("source"),
		Publisher:  p.text("publisher"),
		Limit:      uint64(p.sequence("limit", 0)),
		Last:       uint64(p.sequence("last", 0)),
		Follow:     p.flag("follow"),
	}
	if f.To < f.From {
		p.fail("to", "is before from")
	}
	if p.has("limit") && f.Limit == 0 {
		p.fail("limit", "must be 1 or more; leave it out for no limit")
	}
	switch {
	case !p.has("last"):
	case p.has("limit"):
		p.fail("last", "and limit exclude each other: the last ones, or at most so many")
	case f.Last == 0 || f.Last > lastMax:
		p.fail("last", "must be 1 to "+strconv.Itoa(lastMax)+"; leave it out for all")
	}
	return f, p.err()
}

// submission says how events are taken in, and what their receipts tell.
type submission struct {
	intake.Options
	findings bool
	language findings.Language // of the findings
}

// parseSubmit reads the query of POST /v1/events. Neither atomic nor dry_run is judged here by what
// is sent: a stream refuses atomic itself.
func parseSubmit(raw string) (submission, error) {
	p, err := parseParameters(raw, "atomic", "keep_recorded", "dry_run", "findings", "lang",
		"list_seen")
	if err != nil {
		return submission{}, err
	}
	opts := submission{findings: p.flag("findings"), language: p.language()}
	opts.Options = intake.Options{
		Atomic: p.flag("atomic"), KeepRecorded: p.flag("keep_recorded"), DryRun: p.flag("dry_run"),
	}
	if p.has("list_seen") {
		opts.Seen = &intake.Seen{Sequence: uint64(p.sequence("list_seen", 0))}
		if !opts.Atomic {
			p.fail("list_seen", "is for what is appended as a whole: say atomic=true too")
		}
	}
	return opts, p.err()
}

// parseReplay reads the query of POST /v1/replay. A projection that there is not is refused by the
// ledger, which knows them.
func parseReplay(raw string) (ledger.ReplayOptions, error) {
	p, err := parseParameters(raw, "projection", "to", "swap")
	if err != nil {
		return ledger.ReplayOptions{}, err
	}
	opts := ledger.ReplayOptions{
		Projection: p.values.Get("projection"), To: p.sequence("to", 0), Swap: p.flag("swap"),
	}
	return opts, p.err()
}

// parameters reads the parameters of a query. The first one that is wrong is kept; what the readers
// return then does not matter. Only the first is told: a person corrects one thing at a time, and a
// machine reads one field. It belongs to one request. Ask err before anything that was read is
// used.
type parameters struct {
	values url.Values
	first  *problem.Error
}

// parseParameters refuses what the route does not know, what comes twice (but "by"), and what holds
// a NIK: people would otherwise look one up by it, and it would stand in every log of requests on
// the way. Unknown ones are refused by name (contract, section 7): a typing error in a filter would
// otherwise widen the answer without a word. The first in the order of names is told, so that the
// same request gets the same answer.
func parseParameters(raw string, known ...string) (*parameters, error) {
	return parseRepeatable(raw, []string{"by"}, known...)
}

// parseRepeatable is the same where others than "by" may come more than once. The words of the
// library's own error would repeat what was sent, so they are not shown.
func parseRepeatable(raw string, repeatable []string, known ...string) (*parameters, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, problem.New(problem.QueryInvalid,
			"the query cannot be read: write % and what follows it as two hexadecimal digits,"+
				" and & between parameters")
	}
	p := &parameters{values: values}
	for _, name := range sortedNames(values) {
		switch {
		case event.HasNIK(name):
			return nil, problem.Query(shorten(event.MaskNIK(name)),
				"a parameter's name holds a NIK")
		case !slices.Contains(known, name):
			return nil, problem.Query(shorten(name), "there is no such parameter here; "+
				thereAre(known))
		case len(values[name]) > 1 && !slices.Contains(repeatable, name):
			return nil, problem.Query(name, "may be given once only")
		case slices.ContainsFunc(values[name], event.HasNIK):
			return nil, problem.Query(name, "holds a NIK: the ledger knows people by worker ids")
		}
	}
	return p, nil
}

// thereAre says which parameters a route knows, for whoever has mistyped one.
func thereAre(known []string) string {
	if len(known) == 0 {
		return "there are none"
	}
	return "there are " + strings.Join(known, ", ")
}

// sortedNames returns the names of parameters in order: those of a map have none.
func sortedNames(values url.Values) []string {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// shorten returns a name as an answer may repeat it. A name is of any length and any bytes as it
// comes; what is shown is valid UTF-8 and some 40 bytes.
func shorten(name string) string {
	const bytesMax = 40
	if len(name) > bytesMax {
		name = strings.ToValidUTF8(name[:bytesMax], "") + "…"
	}
	return strings.ToValidUTF8(name, "\ufffd")
}

// err returns what is wrong with the parameters read so far, nil when nothing is. A nil
// *problem.Error in an error would not be nil.
func (p *parameters) err() error {
	if p.first == nil {
		return nil
	}
	return p.first
}

// fail notes that a parameter is wrong; detail goes on from its name as a sentence does.
func (p *parameters) fail(name, detail string) { p.failAs(problem.Query(name, name+" "+detail)) }

// failAs notes an error, unless there is one already.
func (p *parameters) failAs(e *problem.Error) {
	if p.first == nil {
		p.first = e
	}
}

// has tells whether a parameter is there, also when it is empty: an empty one is wrong for most,
// and not the same as one that was left out.
func (p *parameters) has(name string) bool { return p.values.Has(name) }

// date reads a day, YYYY-MM-DD, of the years 0001 to 9999.
func (p *parameters) date(name string, otherwise temporal.Date) temporal.Date {
	if !p.has(name) {
		return otherwise
	}
	date, err := temporal.ParseDate(p.values.Get(name))
	if err != nil {
		p.fail(name, "is no date: "+err.Error())
	}
	return date
}

// region reads the parameter "region".
func (p *parameters) region(otherwise region.Code) region.Code {
	return p.regionOf("region", otherwise)
}

// regionOf reads the code of a region. One that is not in the register is 404 region.unknown, with
// the code that was perhaps meant; it is never guessed (contract, section 1).
func (p *parameters) regionOf(name string, otherwise region.Code) region.Code {
	if !p.has(name) {
		return otherwise
	}
	text := p.values.Get(name)
	code, ok := region.Parse(text)
	if !ok {
		p.failAs(&problem.Error{
			Code: problem.RegionUnknown, Field: name, Detail: region.Explain(text),
		})
	}
	return code
}

// indicator reads what a percentage is of; EMPLOYED unless it says so (contract, section 6).
func (p *parameters) indicator() event.Indicator {
	if !p.has("indicator") {
		return event.Employed
	}
	indicator, ok := event.ParseIndicator(p.values.Get("indicator"))
	if !ok {
		p.fail("indicator", "must be LABOUR_FORCE, EMPLOYED or ELIGIBLE")
	}
	return indicator
}

// dimensions reads by what a figure is divided: each once, in the order of section 3 of the
// contract, whatever the order they were asked for in.
func (p *parameters) dimensions() (by []coverage.Dimension) {
	for _, name := range p.values["by"] {
		dimension, ok := coverage.ParseDimension(name)
		if !ok {
			p.fail("by", "must be one of "+strings.Join(coverage.DimensionNames(), ", "))
		}
		if !slices.Contains(by, dimension) {
			by = append(by, dimension)
		}
	}
	slices.Sort(by)
	return by
}

// count reads what the cells of a division count: workers, unless it says otherwise.
func (p *parameters) count() coverage.Count {
	if !p.has("count") {
		return coverage.Workers
	}
	count, ok := coverage.ParseCount(p.values.Get("count"))
	if !ok {
		p.fail("count", "must be one of "+strings.Join(coverage.CountNames(), ", "))
	}
	return count
}

// sequence reads a number of an event; one that is too large for any log is the largest. What one
// beyond the log's end means is for the question to say; for known it is the end (contract, section
// 3).
func (p *parameters) sequence(name string, otherwise eventstore.Sequence) eventstore.Sequence {
	if !p.has(name) {
		return otherwise
	}
	sequence, ok := parseSequence(p.values.Get(name))
	if !ok {
		p.fail(name, "must be a whole number, 0 or more")
	}
	return sequence
}

// parseSequence reads decimal digits, without sign or space.
func parseSequence(text string) (eventstore.Sequence, bool) {
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	number, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return coverage.Everything, true // all digits, so it is out of range
	}
	return eventstore.Sequence(number), true
}

// knowledge reads a sequence, a time or a date, whose end in Asia/Makassar is meant. A "+" that
// arrived as a space is put back: people forget to write it as %2B. Left out, it is everything
// recorded. Digits alone are a sequence, so a date needs its hyphens.
func (p *parameters) knowledge(name string) knowledge {
	if !p.has(name) {
		return knowledge{sequence: coverage.Everything}
	}
	text := strings.ReplaceAll(p.values.Get(name), " ", "+")
	if sequence, ok := parseSequence(text); ok {
		return knowledge{sequence: sequence}
	}
	if date, err := temporal.ParseDate(text); err == nil {
		return knowledge{at: temporal.EndOfDay(date), timed: true}
	}
	at, err := temporal.ParseInstant(text)
	if err != nil {
		p.fail(name, "must be a sequence such as 4711, a date such as 2020-12-31,"+
			" or a time such as 2020-12-31T23:59:59+08:00")
	}
	return knowledge{at: at, timed: true}
}

// flag reads a yes or no, no when it is left out. Other words, and an empty one, are refused:
// "?atomic" without a value may have been meant either way.
func (p *parameters) flag(name string) bool {
	switch text := p.values.Get(name); {
	case !p.has(name) || text == "false":
		return false
	case text != "true":
		p.fail(name, "must be true or false")
	}
	return true
}

// eventType reads a type by its name, with or without what all names begin with; 0 when it is left
// out, which is all types.
func (p *parameters) eventType() event.Type {
	if !p.has("type") {
		return 0
	}
	text := p.values.Get("type")
	for _, name := range []string{text, event.TypePrefix + text} {
		if t, ok := event.ParseType(name); ok {
			return t
		}
	}
	p.fail("type", "is no type of event; types are such as "+event.EnrolmentOpened.Name())
	return 0
}

// text reads a parameter that is compared as it is. It is "" when it is left out, which is all.
func (p *parameters) text(name string) string {
	text := p.values.Get(name)
	if p.has(name) && text == "" {
		p.fail(name, "is empty; leave it out for all")
	}
	return text
}

// key reads the id of a worker, an enrolment or a commitment, and so on what it can be at most; one
// that nobody has is no error, and there is nothing about it.
func (p *parameters) key(name string) string {
	text := p.values.Get(name)
	if p.has(name) && (text == "" || len(text) > keyBytesMax) {
		p.fail(name, "must have 1 to 64 characters")
	}
	return text
}
