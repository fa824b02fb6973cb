package sample

import (
	"iter"
	"reflect"
	"strconv"
	"testing"

	"cakupan/domain/event"
	"cakupan/domain/region"
)

// TestLedgerTakesIt sends events through the rules of the contract: each is accepted, and comes
// out as it was made. All types take part; of the frequent ones every fiftieth event.
func TestLedgerTakesIt(t *testing.T) {
	for what, events := range map[string]iter.Seq[Dated]{
		"story": Events(Seed), "nation": Nation(2, 30_000),
	} {
		counts := map[event.Type]int{}
		for e := range events {
			made := e.Event
			if counts[made.Type]++; counts[made.Type]%50 != 1 && counts[made.Type] > 100 {
				continue
			}
			taken, refusal := event.Accept(document(&made), event.Options{})
			if refusal != nil {
				t.Fatalf("%s: %v refused: %v", what, made.Key, refusal)
			}
			if !reflect.DeepEqual(taken.Event, made) {
				t.Fatalf("%s: made %+v, taken %+v", what, made, taken.Event)
			}
		}
	}
}

// document returns an event as an edge would have read it.
func document(e *event.Event) event.Value {
	data := event.Value{Kind: event.Object}
	for f, rest := event.Field(0), e.Data.Has; rest != 0; {
		f, rest = rest.Next()
		data.Members = append(data.Members, event.Member{Name: f.Name(), Value: value(&e.Data, f)})
	}
	return event.Value{Kind: event.Object, Members: []event.Member{
		{Name: "specversion", Value: text("1.0")},
		{Name: "id", Value: text(e.ID)},
		{Name: "source", Value: text(e.Source)},
		{Name: "type", Value: text(e.Type.Name())},
		{Name: "data", Value: data},
	}}
}

func value(d *event.Data, f event.Field) event.Value {
	switch f.Kind() {
	case event.TextField:
		return text(*d.Text(f))
	case event.IntegerField:
		return event.Value{Kind: event.Number, Text: strconv.FormatInt(*d.Integer(f), 10)}
	case event.DateField:
		return text(d.Date(f).String())
	case event.MonthField:
		return text(d.Month(f).String())
	case event.CodeField:
		return text(codeText(d, f))
	case event.ProgrammeList:
		list := event.Value{Kind: event.List}
		for _, p := range d.Programmes {
			list.Items = append(list.Items, text(p.String()))
		}
		return list
	default:
		list := event.Value{Kind: event.List}
		for _, m := range d.PaidMonths {
			list.Items = append(list.Items, text(m.String()))
		}
		return list
	}
}

func codeText(d *event.Data, f event.Field) string {
	switch f {
	case event.FieldSegment:
		return d.Segment.String()
	case event.FieldCategory:
		return d.Category.String()
	case event.FieldPayer:
		return d.Payer.String()
	case event.FieldReason:
		return d.Reason.String()
	case event.FieldFunding:
		return d.Funding.String()
	case event.FieldSector:
		return d.Sector.String()
	case event.FieldIndicator:
		return d.Indicator.String()
	}
	return region.Code(d.CodeNumber(f)).String()
}

func text(s string) event.Value { return event.Value{Kind: event.String, Text: s} }
