package coverage_test

import (
	"encoding/json"
	"fmt"
	"slices"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
)

// lineReader reads accepted events from JSON lines. It is apart from the ledger's intake on
// purpose and checks nothing: lines that must be refused are left out before.
type lineReader struct {
	workers map[string]string // NIK => worker id, by first sight
}

// line is an event as sent: the union of the fields of all types. Fields that types share
// under one name with different meanings are sorted out by [fill].
type line struct {
	Source, ID, Type, RecordedAt string

	Data struct {
		Enrolment, Worker, NIK, Into, IntoNIK, Commitment string

		Region, Funder, Segment, Category, Payer, Funding, Sector, Indicator, Percent string
		Programmes                                                                    []string

		From, Until, On, PaidOn, Reference, Reason, Basis, Publication string

		Source, ID string

		Count, FiscalYear, Heads, Tariff, Ceiling, Amount int64
		Months                                            json.RawMessage // a number or a list
	}
}

func (r *lineReader) read(text []byte) (Recorded, error) {
	var sent line
	if err := json.Unmarshal(text, &sent); err != nil {
		return Recorded{}, err
	}
	e := Recorded{Event: event.Event{Key: event.Key{Source: sent.Source, ID: sent.ID}}}
	var err error
	if e.RecordedAt, err = parseInstant(sent.RecordedAt); err != nil {
		return e, err
	}
	const prefix = "id.cakupan."
	if len(sent.Type) < len(prefix) {
		return e, fmt.Errorf("type %q", sent.Type)
	}
	if err := code(typeNames[:], sent.Type[len(prefix):], &e.Type); err != nil {
		return e, err
	}
	if err := r.fill(&e, sent); err != nil {
		return e, err
	}
	setHas(&e.Event)
	return e, nil
}

// fill sets the fields of e's data that the model reads.
func (r *lineReader) fill(e *Recorded, sent line) error {
	in, out := sent.Data, &e.Data
	out.Enrolment, out.Commitment, out.Percent = in.Enrolment, in.Commitment, in.Percent
	out.Count, out.Publication = in.Count, in.Publication
	out.RetractedSource, out.RetractedID = in.Source, in.ID
	if e.Type == event.EnrolmentTerminated {
		out.Reason = event.OtherReason // a code must be one of the list; coverage reads none
	}
	out.Worker = in.Worker
	if in.NIK != "" {
		out.Worker = r.worker(in.NIK)
	}
	out.Into = in.Into
	if in.IntoNIK != "" {
		out.Into = r.worker(in.IntoNIK)
	}
	if e.Type == event.FundingDisbursed {
		var months []string
		if err := json.Unmarshal(in.Months, &months); err != nil {
			return err
		}
		for _, text := range months {
			month, err := parseMonth(text)
			if err != nil {
				return err
			}
			out.PaidMonths = append(out.PaidMonths, month)
		}
	}
	for _, name := range in.Programmes {
		var p event.Programme
		if err := code(programmeNames[:], name, &p); err != nil {
			return err
		}
		out.Programmes = append(out.Programmes, p)
	}
	return firstError(
		optional(in.Region, &out.Region, regionOf),
		optional(in.On, &out.On, parseDate),
		optional(in.Segment, &out.Segment, coded[event.Segment](segmentNames[:])),
		optional(in.Category, &out.Category, coded[event.Category](categoryNames[:])),
		optional(in.Payer, &out.Payer, coded[event.Payer](payerNames[:])),
		optional(in.Funding, &out.Funding, coded[event.Funding](fundingNames[:])),
		optional(in.Sector, &out.Sector, coded[event.Sector](sectorNames[:])),
		optional(in.Indicator, &out.Indicator, coded[event.Indicator](indicatorNames[:])),
		fillPeriod(e, in.From, in.Until, in.Reference),
	)
}

// fillPeriod sets the fields that are dates in some types and months or texts in others.
func fillPeriod(e *Recorded, from, until, reference string) error {
	switch e.Type {
	case event.FundingCommitted, event.FundingAmended, event.FundingGranted,
		event.FundingRevoked, event.FundingClosed, event.ContributionCredited:
		return firstError(
			optional(from, &e.Data.FromMonth, parseMonth),
			optional(until, &e.Data.UntilMonth, parseMonth),
		)
	case event.WorkforcePublished:
		return optional(reference, &e.Data.Reference, parseDate)
	default:
		return firstError(
			optional(from, &e.Data.From, parseDate),
			optional(until, &e.Data.Until, parseDate),
		)
	}
}

// worker returns the id that stands for the NIK.
func (r *lineReader) worker(nik string) string {
	if r.workers == nil {
		r.workers = map[string]string{}
	}
	if r.workers[nik] == "" {
		r.workers[nik] = fmt.Sprintf("nik-%d", len(r.workers)+1)
	}
	return r.workers[nik]
}

// value is what a text of a line can mean.
type value interface {
	region.Code | temporal.Date | temporal.Month | event.Segment | event.Category |
		event.Payer | event.Funding | event.Sector | event.Indicator
}

// optional parses a text that may be absent.
func optional[T value](text string, into *T, parse func(string) (T, error)) (err error) {
	if text != "" {
		*into, err = parse(text)
	}
	return err
}

// coded returns a parser of the code list.
func coded[T ~uint8](names []string) func(string) (T, error) {
	return func(name string) (c T, err error) {
		err = code(names, name, &c)
		return c, err
	}
}

// code sets into to the place of the name in the list.
func code[T ~uint8](names []string, name string, into *T) error {
	place := slices.Index(names, name)
	if place < 0 || name == "" {
		return fmt.Errorf("%q is none of %q", name, names)
	}
	*into = T(place)
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
