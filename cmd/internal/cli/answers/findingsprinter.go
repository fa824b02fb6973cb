package answers

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"cakupan/cmd/internal/cli/table"
	"cakupan/cmd/internal/cli/words"
	"cakupan/cmd/internal/httpapi"
	"cakupan/cmd/internal/lists"
	"cakupan/projections/findings"
)

// Findings prints findings as they come, so that their number does not matter. Import prints
// its own by it too. Whoever makes one calls End, after an error as well: what was printed before
// waits in w until then.
type Findings struct {
	w   *bufio.Writer
	csv *table.Sheet // nil: for people
	l   lists.Language
	n   int
}

// NewFindings returns a printer for people, in the language that the findings are asked in, or of
// CSV.
func NewFindings(w io.Writer, asCSV bool, l lists.Language) *Findings {
	p := &Findings{w: bufio.NewWriterSize(w, 64<<10), l: l}
	if asCSV {
		p.csv = table.NewSheet(p.w)
	}
	return p
}

// Print prints a line of the answer.
func (p *Findings) Print(line []byte) error {
	var f findings.Finding
	if err := json.Unmarshal(line, &f); err != nil {
		return err
	}
	return p.Finding(&f)
}

// Finding prints a finding. One that is open says nothing of an end.
func (p *Findings) Finding(f *findings.Finding) error {
	p.n++
	if p.csv != nil {
		return p.record(f)
	}
	until := ""
	if f.Until != nil {
		until = p.l.Pick(" sampai ", " until ") + words.Numeral(p.l, *f.Until)
	}
	_, err := fmt.Fprintf(p.w, p.l.Pick("%s  %s  sejak peristiwa %s%s\n  %s\n  peristiwa %s\n",
		"%s  %s  since event %s%s\n  %s\n  events %s\n"), f.Code, orDash(f.Region),
		words.Numeral(p.l, f.Since), until, f.Text, words.Sequences(f.Events, ", "))
	return err
}

// orDash shows a text, or that there is none: an empty cell of a table looks like one that was
// forgotten.
func orDash(text string) string {
	if text == "" {
		return "–"
	}
	return text
}

// record writes a finding as a row, below the names of the columns. What does not apply is an empty
// cell, also rupiah: 0 would say that nothing is at stake.
func (p *Findings) record(f *findings.Finding) error {
	// With the first row; where none comes, end names them.
	if p.n == 1 {
		if err := p.csv.Write(findingColumns()); err != nil {
			return err
		}
	}
	// until is empty for a finding that is open.
	until, rupiah, months := "", "", f.Months.Buys
	if f.Until != nil {
		until = f.Until.String()
	}
	if f.Rupiah != nil {
		rupiah = strconv.FormatInt(*f.Rupiah, 10)
	}
	// Of MONEY_SHORT it is how many months the money buys, of others which they are.
	if months == "" {
		months = strings.Join(f.Months.List, " ")
	}
	return p.csv.Write([]string{
		f.Code, f.Since.String(), until, words.Sequences(f.Events, " "), f.Worker, f.Enrolment,
		f.Commitment, f.Region, months, rupiah, f.Text,
	})
}

// findingColumns returns the names of the columns. Without findings they are printed by end: a
// sheet with no row still says of what.
func findingColumns() []string {
	return []string{
		"code", "since", "until", "events", "worker", "enrolment", "commitment", "region",
		"months", "rupiah", "text",
	}
}

// Summary prints the counts, which the ledger has in order: codes as in the contract, then regions.
// Months and rupiah are sums over the findings of a row.
func (p *Findings) Summary(line []byte) error {
	var s httpapi.FindingsSummary
	if err := json.Unmarshal(line, &s); err != nil {
		return err
	}
	if p.csv != nil {
		return p.countRecords(s.Counts)
	}
	if _, err := fmt.Fprintf(p.w, p.l.Pick("Temuan, %s\n\n", "Findings, %s\n\n"),
		words.KnownIn(s.Known, p.l)); err != nil {
		return err
	}
	t := table.New(p.l.Pick("Kode", "Code"), p.l.Pick("Wilayah", "Region"),
		p.l.Pick(">Terbuka", ">Open"), p.l.Pick(">Selesai", ">Resolved"),
		p.l.Pick(">Bulan", ">Months"), ">Rupiah")
	for i := range s.Counts {
		c := &s.Counts[i]
		t.Add(c.Code, orDash(c.Region), words.Numeral(p.l, c.Open),
			words.Numeral(p.l, c.Resolved), words.Numeral(p.l, c.Months),
			words.Numeral(p.l, c.Rupiah))
	}
	return t.Write(p.w)
}

// countRecords writes the counts as CSV.
func (p *Findings) countRecords(counts []findings.Count) error {
	err := p.csv.Write([]string{"code", "region", "open", "resolved", "months", "rupiah"})
	for i := range counts {
		c := &counts[i]
		err = errors.Join(err, p.csv.Write([]string{
			c.Code, c.Region, strconv.FormatInt(c.Open, 10), strconv.FormatInt(c.Resolved, 10),
			strconv.FormatInt(c.Months, 10), strconv.FormatInt(c.Rupiah, 10),
		}))
	}
	return err
}

// End says how many there were, unless they were counted, and writes what waits.
func (p *Findings) End(summary bool) error {
	var err error
	switch {
	case p.csv != nil:
		// The count would be a row of the sheet.
		if p.n == 0 && !summary {
			err = p.csv.Write(findingColumns())
		}
		p.csv.Flush()
		err = errors.Join(err, p.csv.Error())
	case !summary:
		_, err = fmt.Fprintln(p.w, words.CountedIn(p.l, p.n, "temuan", "finding"))
	}
	return errors.Join(err, p.w.Flush())
}
