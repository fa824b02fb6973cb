package event

import (
	"strconv"
	"strings"

	"cakupan/domain/region"
)

// PublisherAttribute is the extension attribute under which the ledger returns the name of the
// registered publisher who sent an event. There is none while the ledger knows no publishers.
const PublisherAttribute = "publishedby"

// Scope is what a registered publisher may report.
//
// An empty list allows nothing of its kind. It is what the register says at one moment: whoever
// keeps one asks again for the next event. It is read only, so that several may check by it.
type Scope struct {
	Publisher string        // name; see [CheckPublisher]
	Sources   []string      // beginnings of "source"; see [SourceCovers]
	Regions   []region.Code // with all that lies in them
	Types     []Type
}

// publisherBytesMax bounds a publisher's name: it is a part of subjects, and stands beside each
// event in the log.
const publisherBytesMax = 32

// CheckPublisher returns what is wrong with a publisher's name, "" when nothing is.
func CheckPublisher(name string) string {
	switch {
	case name == "" || len(name) > publisherBytesMax:
		return "must have 1 to " + strconv.Itoa(publisherBytesMax) + " characters"
	case strings.ContainsFunc(name, isNoPublisherRune) || name[0] == '-':
		return "may have a-z, 0-9 and - only, and no - at its beginning"
	case HasNIK(name):
		return "must not be a NIK"
	}
	return ""
}

func isNoPublisherRune(r rune) bool { return r != '-' && isNoExtensionRune(r) }

// Check refuses an event that the publisher may not report. A region is checked where the event
// names one, as region or as funder; an event that names none, such as a termination, is bound
// by source and type alone. A retraction must name an event of the publisher's own sources. It
// looks at the event alone: whose an enrolment or commitment is that it names, the log knows; see
// [Scope.Owns].
func (s *Scope) Check(e *Event) *Refusal {
	switch {
	case e.Type.OfLedger():
		return s.forbid("type", "what the ledger itself publishes", s.typeNames())
	case !s.HasSource(e.Source):
		return s.forbid("source", "this source", s.Sources)
	case !s.hasType(e.Type):
		return s.forbid("type", "this type", s.typeNames())
	case e.Data.Has.Has(FieldRegion) && !s.HasRegion(e.Data.Region):
		return s.forbid("data.region", "of this region", s.regionNames())
	case e.Data.Has.Has(FieldFunder) && !s.HasRegion(e.Data.Funder):
		return s.forbid("data.funder", "for this funder", s.regionNames())
	case e.Type == EventRetracted && !s.HasSource(e.Data.RetractedSource):
		return s.forbid("data.source", "a retraction of another source's event",
			s.Sources)
	}
	return nil
}

// allowedMax is how much of what a publisher may report a refusal names. There may be many regions,
// and a refusal comes with every event.
const allowedMax = 8

// forbid refuses for one field; allowed says what the publisher may report. It tells what may be
// reported: the name and the scope are the publisher's own, who has logged in.
func (s *Scope) forbid(field, what string, allowed []string) *Refusal {
	more := ""
	if len(allowed) > allowedMax {
		more = " and " + strconv.Itoa(len(allowed)-allowedMax) + " more"
		allowed = allowed[:allowedMax]
	}
	return &Refusal{
		Code: Forbidden, Field: field,
		Detail: s.Publisher + " may not report " + what + "; it may: " +
			strings.Join(allowed, ", ") + more + ". Ask whoever runs the ledger",
	}
}

// Owns tells whether the publisher has a right over what an event opened or committed: it is of one
// of its sources, or of a funder of its regions. It is asked of the event in force that opened or
// committed the thing, not of the one that is sent.
func (s *Scope) Owns(e *Event) bool {
	return s.HasSource(e.Source) || e.Data.Has.Has(FieldFunder) && s.HasRegion(e.Data.Funder)
}

// ForbidAbout refuses what is said about somebody else's enrolment, commitment or person; field is
// where it is named.
func (s *Scope) ForbidAbout(field string) *Refusal {
	what := "about this enrolment without the right to every region that it concerns"
	switch field {
	case "data.commitment":
		what = "about this commitment without the right to its funder"
	case "data.worker":
		what = "about a person without the right to every region that it concerns"
	}
	return s.forbid(field, what+", unless it opened it itself", s.regionNames())
}

// HasSource tells whether one of the publisher's sources covers a source. Reserved ones are never
// covered, however wide a publisher's source is.
func (s *Scope) HasSource(source string) bool {
	if SourceIsReserved(source) {
		return false
	}
	for _, own := range s.Sources {
		if SourceCovers(own, source) {
			return true
		}
	}
	return false
}

// hasType tells whether the publisher may report a type.
func (s *Scope) hasType(t Type) bool {
	for _, own := range s.Types {
		if own == t {
			return true
		}
	}
	return false
}

// HasRegion tells whether the publisher may report of a region.
//
// A province lies in the nation and a regency in its province: two steps up is all there is.
func (s *Scope) HasRegion(code region.Code) bool {
	for _, own := range s.Regions {
		if own == region.Nation || own == code || own == code.Parent() {
			return true
		}
	}
	return false
}

func (s *Scope) regionNames() []string {
	var names []string
	for _, code := range s.Regions {
		names = append(names, code.String())
	}
	return names
}

func (s *Scope) typeNames() []string {
	var names []string
	for _, t := range s.Types {
		names = append(names, strings.TrimPrefix(t.Name(), TypePrefix))
	}
	return names
}
