package answers

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"cakupan/cmd/internal/cli/table"
	"cakupan/cmd/internal/cli/words"
	"cakupan/cmd/internal/lists"
	"cakupan/projections/coverage"
)

// CoverageTable prints answers about the same day and knowledge, for people; the heading is that of
// the first. count is what the values of their dimensions count, as it was asked for. Without
// answers it prints nothing.
func CoverageTable(w io.Writer, answers []coverage.Answer, count string, l lists.Language) error {
	if len(answers) == 0 {
		return nil
	}
	if _, err := fmt.Fprintf(w, "%s %s, %s\n\n", l.Pick("Cakupan pada", "Coverage on"),
		answers[0].On, words.KnownIn(answers[0].Known, l)); err != nil {
		return err
	}
	columns := []string{
		"", l.Pick("Wilayah", "Region"), l.Pick(">Terlindungi", ">Covered"),
		l.Pick(">Terkonfirmasi", ">Confirmed"), l.Pick(">Pekerja", ">Workforce"),
		l.Pick(">Persen", ">Percent"), ">Target", "", l.Pick(">Kekurangan", ">Short of"),
		l.Pick(">Masa tenggang", ">In grace"),
	}
	// The sectors have workforces of their own (contract, section 3), and mostly none is published:
	// two columns of dashes say nothing.
	sectors := slices.ContainsFunc(answers, hasSectors)
	if sectors {
		columns = append(columns, ">Formal", ">Informal")
	}
	t := table.New(columns...)
	for i := range answers {
		a := &answers[i]
		row := []string{
			a.Region, a.Name, words.Numeral(l, a.Covered), words.Numeral(l, a.Confirmed),
			words.Separated(l, words.Workforce(a.Workforce)), words.Separated(l,
				words.Percent(a.Percent)),
			words.Separated(l, words.Target(a.Target)), words.Met(a.Target),
			words.Separated(l, words.Shortfall(a.Target)), words.Numeral(l, a.InGrace),
		}
		if sectors {
			row = append(row, words.Separated(l, words.Percent(a.Sectors.Formal.Percent)),
				words.Separated(l, words.Percent(a.Sectors.Informal.Percent)))
		}
		t.Add(row...)
	}
	if err := t.Write(w); err != nil {
		return err
	}
	for i := range answers {
		if err := writeDimensions(w, &answers[i], count, l); err != nil {
			return err
		}
	}
	return nil
}

// hasSectors reports whether an answer has a percentage of formal or of informal work.
func hasSectors(a coverage.Answer) bool {
	return a.Sectors.Formal.Percent != nil || a.Sectors.Informal.Percent != nil
}

// dimensionsOf returns the cells that were asked for, by name of the dimension, in their order
// (contract, section 3). by is nil when none was.
func dimensionsOf(by *coverage.By) (names []string, cells []coverage.Cells) {
	if by == nil {
		return nil, nil
	}
	// In the order of the names: the two are told apart by nothing else.
	all := []*coverage.Cells{
		by.Sector, by.Segment, by.Category, by.Programme, by.Funding, by.Evidence,
	}
	for i, name := range coverage.DimensionNames() {
		if all[i] != nil {
			names, cells = append(names, name), append(cells, *all[i])
		}
	}
	return names, cells
}

// writeDimensions prints the cells of a region below the table: a line a dimension, values by name.
// Their sum is not printed, since it means nothing: who has two values counts in both.
func writeDimensions(w io.Writer, a *coverage.Answer, count string, l lists.Language) error {
	what := l.Pick("menurut", "by")
	if count == coverage.Enrolments.String() {
		what = l.Pick("kepesertaan menurut", "enrolments by")
	}
	names, cells := dimensionsOf(a.By)
	for i, name := range names {
		var parts []string
		for _, value := range sortedKeys(cells[i]) {
			parts = append(parts, value+" "+words.Numeral(l, cells[i][value]))
		}
		// The name of the region stands above its first line, and not at all where nothing is
		// divided.
		if i == 0 {
			if _, err := fmt.Fprintf(w, "\n%s %s\n", a.Region, a.Name); err != nil {
				return err
			}
		}
		_, err := fmt.Fprintf(w, "  %s %-10s %s\n", what, name, strings.Join(parts, ", "))
		if err != nil {
			return err
		}
	}
	return nil
}

// sortedKeys returns the values of cells by name, so that the same answer is the same text. A map
// has no order.
func sortedKeys(cells coverage.Cells) []string {
	keys := make([]string, 0, len(cells))
	for key := range cells {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// CoverageCSV prints answers as CSV, with a column for each value of a dimension that occurs in any
// of them: so every row has as many. The columns of values stand last, sorted, as dimension:value;
// those before them are the same for every question.
func CoverageCSV(w io.Writer, answers []coverage.Answer) error {
	header := []string{
		"region", "name", "on", "known_sequence", "known_recorded_at", "covered", "confirmed",
		"in_grace", "enrolments", "workforce", "indicator", "reference", "percent", "target",
		"target_region", "met", "shortfall", "formal_covered", "informal_covered",
	}
	// One region may have a value that no other has.
	seen := map[string]bool{}
	for i := range answers {
		names, cells := dimensionsOf(answers[i].By)
		for d, name := range names {
			for value := range cells[d] {
				seen[name+":"+value] = true
			}
		}
	}
	extra := make([]string, 0, len(seen))
	for name := range seen {
		extra = append(extra, name)
	}
	slices.Sort(extra)
	out := table.NewSheet(w)
	_ = out.Write(append(header, extra...)) // the writer keeps its first error
	for i := range answers {
		_ = out.Write(append(coverageRecord(&answers[i]), dimensionRecord(&answers[i], extra)...))
	}
	out.Flush()
	return out.Error()
}

// coverageRecord returns what of an answer stands in every row, in the order of the header. What is
// null is an empty cell: programs read a dash as text and a 0 as a number.
func coverageRecord(a *coverage.Answer) []string {
	// Four cells each in any case: the columns after them must not move.
	var workforce, target [4]string
	if w := a.Workforce; w != nil {
		workforce = [4]string{words.Number(w.Count), w.Indicator, w.Reference}
	}
	workforce[3] = words.Pointed(a.Percent)
	if t := a.Target; t != nil {
		target[0], target[1] = t.Percent, t.Region
		// A target holds without a workforce too, but then nobody knows whether it is met.
		if t.Met != nil {
			target[2] = strconv.FormatBool(*t.Met)
		}
		if t.Shortfall != nil {
			target[3] = words.Number(*t.Shortfall)
		}
	}
	return slices.Concat([]string{
		a.Region, a.Name, a.On, a.Known.Sequence.String(), words.Pointed(a.Known.RecordedAt),
		words.Number(a.Covered), words.Number(a.Confirmed), words.Number(a.InGrace),
		words.Number(a.Enrolments),
	}, workforce[:], target[:], []string{
		words.Number(a.Sectors.Formal.Covered), words.Number(a.Sectors.Informal.Covered),
	})
}

// dimensionRecord returns the cells of an answer for the columns. A value that does not occur in it
// is 0, since cells of 0 are left out (contract, section 3); of a dimension that it does not have
// the cell is empty.
func dimensionRecord(a *coverage.Answer, columns []string) []string {
	record := make([]string, len(columns))
	names, cells := dimensionsOf(a.By)
	for i, column := range columns {
		dimension, value, _ := strings.Cut(column, ":")
		if d := slices.Index(names, dimension); d >= 0 {
			record[i] = words.Number(cells[d][value])
		}
	}
	return record
}
