package codec

import (
	"pgregory.net/rapid"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
)

// samples holds one event of each type with every field it may carry, by the type's name.
func samples() map[string]event.Event {
	all := map[string]event.Event{}
	for _, t := range event.Types() {
		e := event.Event{
			Key:  event.Key{Source: "urn:example:office", ID: "golden-1"},
			Type: t,
		}
		for _, f := range t.Fields() {
			fill(&e.Data, f, int(t))
		}
		all[t.Name()] = e
	}
	// One event carries all of the envelope, and numbers at their ends.
	e := all[event.FundingCommitted.Name()]
	e.Time, e.Subject = "2021-01-04T10:11:09+08:00", "c-1"
	e.DataContentType, e.DataSchema = "application/json", "https://example.org/schema"
	e.Extensions = []event.Extension{
		{Name: "batchnumber", Value: event.Value{Kind: event.Number, Text: "-7"}},
		{Name: "checked", Value: event.Value{Kind: event.Bool, Text: "true"}},
		{Name: "note", Value: event.Value{Kind: event.String, Text: ""}},
	}
	e.Data.Ceiling, e.Data.Heads = 1<<63-1, 0
	e.Data.Basis = "Perbup №5 – é, long enough for a length of two bytes: " +
		"0123456789012345678901234567890123456789012345678901234567890123456789"
	all["full-envelope"] = e
	e.Publisher = "dinas-kota"
	all["published"] = e
	return all
}

// fill gives a field a value that differs from field to field.
func fill(d *event.Data, f event.Field, seed int) {
	if event.EdgeOnly.Has(f) {
		return
	}
	d.Has = d.Has.With(f)
	n := int(f) + seed
	switch f.Kind() {
	case event.TextField:
		*d.Text(f) = "text-" + f.Name()
	case event.IntegerField:
		*d.Integer(f) = int64(n) * 1000
	case event.DateField:
		*d.Date(f) = temporal.Date(18000 - n*700) // also before 1970
	case event.MonthField:
		*d.Month(f) = temporal.Month(600 + n)
	case event.CodeField:
		if f == event.FieldRegion || f == event.FieldFunder {
			d.SetCodeNumber(f, 7503)
		} else {
			d.SetCodeNumber(f, 2)
		}
	case event.ProgrammeList:
		d.Programmes = []event.Programme{event.JKM, event.JKK, event.JKM}
	case event.MonthList:
		d.PaidMonths = []temporal.Month{-1, 0, 600, 600}
	}
}

// drawEvent draws any event, of any fields, with extreme numbers.
func drawEvent(t *rapid.T) event.Event {
	e := event.Event{
		Key:     event.Key{Source: rapid.String().Draw(t, "source"), ID: rapid.String().Draw(t, "id")},
		Type:    rapid.SampledFrom(event.Types()).Draw(t, "type"),
		Time:    rapid.String().Draw(t, "time"),
		Subject: rapid.String().Draw(t, "subject"),
	}
	for range rapid.IntRange(0, 3).Draw(t, "extensions") {
		e.Extensions = append(e.Extensions, event.Extension{
			Name: rapid.StringMatching("[a-z0-9]{1,20}").Draw(t, "name"),
			Value: event.Value{
				Kind: rapid.SampledFrom([]event.Kind{event.String, event.Bool, event.Number}).
					Draw(t, "kind"),
				Text: rapid.String().Draw(t, "text"),
			},
		})
	}
	for f := event.FieldEnrolment; f < event.FieldEnd; f++ {
		if !event.EdgeOnly.Has(f) && rapid.Bool().Draw(t, "has") {
			drawField(t, &e.Data, f)
		}
	}
	return e
}

func drawField(t *rapid.T, d *event.Data, f event.Field) {
	switch f.Kind() {
	case event.TextField:
		*d.Text(f) = rapid.String().Draw(t, f.Name())
	case event.IntegerField:
		*d.Integer(f) = rapid.Int64().Draw(t, f.Name())
	case event.DateField:
		*d.Date(f) = temporal.Date(rapid.Int32().Draw(t, f.Name()))
	case event.MonthField:
		*d.Month(f) = temporal.Month(rapid.Int32().Draw(t, f.Name()))
	case event.CodeField:
		if f == event.FieldRegion || f == event.FieldFunder {
			code := rapid.SampledFrom(region.All()).Draw(t, f.Name())
			d.SetCodeNumber(f, uint64(code))
		} else {
			d.SetCodeNumber(f, uint64(rapid.IntRange(1, 3).Draw(t, f.Name())))
		}
	case event.ProgrammeList:
		d.Programmes = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) event.Programme {
			return event.Programme(rapid.Uint8Range(1, 5).Draw(t, "programme"))
		}), 1, 200).Draw(t, f.Name())
	case event.MonthList:
		d.PaidMonths = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) temporal.Month {
			return temporal.Month(rapid.Int32().Draw(t, "month"))
		}), 1, 60).Draw(t, f.Name())
	}
	d.Has = d.Has.With(f)
}
