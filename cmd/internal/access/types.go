package access

import (
	"slices"
	"strings"

	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/domain/region"
)

// typePrefix begins the name of every type of event.
const typePrefix = "id.cakupan."

// ParseTypes reads which types of events a publisher may report. Each text is a name
// ("enrolment.opened", with or without its version and the "id.cakupan." before it), the first
// word of names for all of them ("funding"), or "all".
func ParseTypes(texts []string) (types []event.Type, err error) {
	for _, text := range texts {
		text = strings.TrimSpace(text)
		before := len(types)
		for _, t := range event.Types() {
			if names(text, t) {
				types = append(types, t)
			}
		}
		if len(types) == before {
			return nil, problem.New(problem.UsageWrong, "--types: "+event.MaskNIK(text)+
				" is no type of event: name all, "+strings.Join(groups(), ", ")+
				" for all that begin so, or single ones such as "+
				shortName(event.EnrolmentOpened))
		}
	}
	slices.Sort(types)
	return slices.Compact(types), nil
}

// TypeNames returns types in as few words as [ParseTypes] reads. What it returns, given to
// ParseTypes, is the same types. A type of a group that the program has got later is not in what
// was given before: the words are of the types, and not kept.
func TypeNames(types []event.Type) (texts []string) {
	all := event.Types()
	if len(types) == len(all) {
		return []string{"all"}
	}
	for _, group := range groups() {
		var within []string
		whole := true
		for _, t := range all {
			if !names(group, t) {
				continue
			}
			if slices.Contains(types, t) {
				within = append(within, shortName(t))
			} else {
				whole = false
			}
		}
		if whole {
			within = []string{group}
		}
		texts = append(texts, within...)
	}
	return texts
}

// names tells whether a text names a type, alone or with others.
func names(text string, t event.Type) bool {
	long := strings.TrimPrefix(t.Name(), typePrefix)
	text = strings.TrimPrefix(text, typePrefix)
	group, _, _ := strings.Cut(long, ".")
	return text == "all" || text == long || text == shortName(t) || text == group
}

// shortName returns the name of a type without prefix and version.
func shortName(t event.Type) string {
	name := strings.TrimPrefix(t.Name(), typePrefix)
	return name[:strings.LastIndexByte(name, '.')]
}

// groups returns the first words of names.
func groups() (all []string) {
	for _, t := range event.Types() {
		group, _, _ := strings.Cut(shortName(t), ".")
		if !slices.Contains(all, group) {
			all = append(all, group)
		}
	}
	return all
}

// ParseRegions reads of which regions, with all that lies in them, a publisher may report: codes
// of the register of regions, "ID" for all.
func ParseRegions(texts []string) (codes []region.Code, err error) {
	for _, text := range texts {
		text = strings.TrimSpace(text)
		code, known := region.Parse(text)
		if !known {
			return nil, problem.New(problem.UsageWrong, "--regions: "+event.MaskNIK(text)+
				" is not in the register of regions: "+region.Explain(text))
		}
		if !slices.Contains(codes, code) {
			codes = append(codes, code)
		}
	}
	return codes, nil
}
