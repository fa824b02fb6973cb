package event

import (
	"strings"
	"testing"

	"cakupan/domain/region"
)

func scopeOf(sources []string, regions []region.Code, types ...Type) *Scope {
	return &Scope{Publisher: "dinas", Sources: sources, Regions: regions, Types: types}
}

// TestScopeSource: a prefix ends where a part of the source ends.
func TestScopeSource(t *testing.T) {
	for _, c := range []struct {
		own, source string
		want        bool
	}{
		{"urn:office:75", "urn:office:75", true},
		{"urn:office:75", "urn:office:75:kota", true},
		{"urn:office:75", "urn:office:7503", false},
		{"urn:office:75", "urn:office:7", false},
		{"urn:office:", "urn:office:7", true},
		{"https://a.id/x", "https://a.id/x?y", true},
		{"https://a.id", "https://a.id.evil.example", false},
		{"/kantor/", "/kantor/1", true},
	} {
		s := scopeOf([]string{c.own}, []region.Code{region.Nation}, TargetSet)
		e := Event{Key: Key{Source: c.source}, Type: TargetSet}
		if got := s.Check(&e); (got == nil) != c.want {
			t.Errorf("%s in %s: %v", c.source, c.own, got)
		}
	}
}

func TestScopeCheck(t *testing.T) {
	s := scopeOf([]string{"urn:a"}, []region.Code{75, 7106}, EnrolmentOpened, FundingCommitted,
		EventRetracted, EnrolmentTerminated)
	within := func(t Type, set func(*Data)) *Event {
		e := &Event{Key: Key{Source: "urn:a", ID: "1"}, Type: t}
		set(&e.Data)
		return e
	}
	regionOf := func(code region.Code) func(*Data) {
		return func(d *Data) { d.Region, d.Has = code, d.Has.With(FieldRegion) }
	}
	funderOf := func(code region.Code) func(*Data) {
		return func(d *Data) { d.Funder, d.Has = code, d.Has.With(FieldFunder) }
	}
	for _, c := range []struct {
		event *Event
		field string // "": allowed
	}{
		{within(EnrolmentOpened, regionOf(7503)), ""},
		{within(EnrolmentOpened, regionOf(7106)), ""},
		{within(EnrolmentOpened, regionOf(7101)), "data.region"},
		{within(FundingCommitted, funderOf(75)), ""},
		{within(FundingCommitted, funderOf(region.Nation)), "data.funder"},
		{within(EnrolmentTerminated, func(*Data) {}), ""},
		{within(TargetSet, regionOf(75)), "type"},
		{within(EventRetracted, func(d *Data) { d.RetractedSource = "urn:a:b" }), ""},
		{within(EventRetracted, func(d *Data) { d.RetractedSource = "urn:b" }), "data.source"},
		{&Event{Key: Key{Source: "urn:b"}, Type: EnrolmentOpened}, "source"},
	} {
		got := s.Check(c.event)
		switch {
		case got == nil && c.field != "":
			t.Errorf("%+v is allowed", c.event)
		case got != nil && (got.Field != c.field || got.Code != Forbidden):
			t.Errorf("%+v: %v, want field %q", c.event, got, c.field)
		}
	}
}

func TestCheckPublisher(t *testing.T) {
	for name, want := range map[string]bool{
		"dinas-kota": true, "a": true, "75": true, strings.Repeat("a", 32): true,
		"": false, strings.Repeat("a", 33): false, "-a": false, "A": false, "a.b": false,
		"a b": false, "a*": false, "7599990101909999": false,
	} {
		if got := CheckPublisher(name); (got == "") != want {
			t.Errorf("%q: %q", name, got)
		}
	}
}
