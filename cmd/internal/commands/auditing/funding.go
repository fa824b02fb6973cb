package auditing

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/cli/answers"
	"cakupan/cmd/internal/cli/table"
	"cakupan/cmd/internal/cli/words"
	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/lists"
	"cakupan/domain/temporal"
	"cakupan/projections/coverage"
	"cakupan/projections/funding"
)

// Funding sets the money of commitments side by side (contract, section 8). Flags that are
// left out choose all.
type Funding struct {
	Commitment string `placeholder:"ID" help:"This commitment alone."`
	Funder     string `placeholder:"CODE" help:"Those that this region itself pays."`
	Year       string `placeholder:"YEAR" help:"Those of this fiscal year."`
	Known      string `placeholder:"WHEN" help:"${known}"`
	CSV        bool   `name:"csv" help:"Answer in CSV, for spreadsheets: a row a commitment."`
	Lang       string `enum:"en,id," default:"" placeholder:"en|id" help:"${lang}"`
}

// Help returns what --help shows beyond the flags.
func (*Funding) Help() string {
	return `Sets side by side what was committed, granted, disbursed and covered of each commitment,
in heads, months of a head, and rupiah; says what is missing, and in which month the money ends.

Examples:

	cakupan funding --year 2020
	cakupan funding --commitment apbd-2020 --known 2020-06-30
	cakupan funding --funder 75.03 --csv > funding.csv` + cli.ExitCodes
}

// Run asks and prints. A commitment that nothing names is an answer without commitments, and no
// error.
func (c *Funding) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	return answers.Ask(ctx, w, out, answers.Question{
		Route: "/v1/funding", CSV: c.CSV,
		Query: client.Values("commitment", c.Commitment, "funder", c.Funder, "year", c.Year,
			"known", c.Known),
		Printer: func(p *answers.Printing) answers.Printer {
			return &fundingPrinter{Printing: p, l: languageOf(c.Lang)}
		},
	})
}

// fundingPrinter prints commitments as they come. ended says that the line which closes the answer
// has come.
type fundingPrinter struct {
	*answers.Printing

	l     lists.Language
	ended bool
}

// Print tells the kinds of lines apart by their members: what is known comes first, then the
// commitments, then how many they were.
func (p *fundingPrinter) Print(line []byte) error {
	var said struct {
		Known       *coverage.Known `json:"known"`
		Commitments *int64          `json:"commitments"`
		funding.Line
	}
	if err := json.Unmarshal(line, &said); err != nil {
		return err
	}
	switch {
	case said.Known != nil && p.CSV != nil:
		// This line comes in every answer, so a sheet without commitments has its columns too.
		return p.CSV.Write([]string{
			"commitment", "funder", "funding", "fiscal_year", "from", "until", "closed",
			"heads", "months", "tariff", "committed_rupiah", "ceiling", "buys_months",
			"granted_heads", "granted_head_months", "granted_rupiah", "disbursed_rupiah",
			"covered_heads", "covered_head_months", "covered_rupiah", "missing_months",
			"missing_rupiah", "money_ends",
		})
	case said.Known != nil:
		_, err := fmt.Fprintf(p.W, p.l.Pick("Pendanaan, %s\n", "Funding, %s\n"),
			words.KnownIn(*said.Known, p.l))
		return err
	case said.Commitments != nil:
		if p.ended = true; p.CSV == nil {
			_, err := fmt.Fprintf(p.W, "\n%s\n",
				words.CountedIn(p.l, *said.Commitments, "komitmen", "commitment"))
			return err
		}
		return nil
	case p.CSV != nil:
		return p.CSV.Write(fundingRecord(&said.Line))
	}
	return p.block(&said.Line)
}

// End refuses an answer whose closing line is missing: money that is not shown would look like
// money that was not committed.
func (p *fundingPrinter) End() error {
	if !p.ended {
		return answers.ErrCutOff
	}
	return nil
}

// block prints a commitment for people: what was promised, who was named for it, what was paid, and
// who is covered by it. Disbursements are not by head, so they have rupiah alone.
func (p *fundingPrinter) block(l *funding.Line) error {
	in := p.l
	if _, err := fmt.Fprintf(p.W, "\n%s\n", fundingTitle(l, in)); err != nil {
		return err
	}
	// The same unit below each other is what the comparison is for: heads, months of a head,
	// rupiah.
	t := table.New("", in.Pick(">Orang", ">Heads"), in.Pick(">Bulan orang", ">Head-months"),
		">Rupiah", "")
	most := func(n int64) string {
		return fmt.Sprintf(in.Pick("paling banyak %s dalam sebulan", "at most %s in a month"),
			words.Numeral(in, n))
	}
	if c := l.Committed; c != nil {
		t.Add(in.Pick("  dianggarkan", "  committed"), words.Numeral(in, c.Heads),
			grouped(c.HeadMonths, in), grouped(c.Rupiah, in),
			fmt.Sprintf(in.Pick("%s, iuran %s; pagu %s", "%s at %s; ceiling %s"),
				words.CountedIn(in, c.Months, "bulan", "month"), words.Numeral(in, c.Tariff),
				words.Numeral(in, c.Ceiling)))
	}
	t.Add(in.Pick("  diberikan", "  granted"), words.Numeral(in, l.Granted.Heads),
		grouped(l.Granted.HeadMonths, in), grouped(l.Granted.Rupiah, in), most(l.Granted.Most))
	t.Add(in.Pick("  dicairkan", "  disbursed"), "", "", grouped(l.Disbursed.Rupiah, in),
		spansText(l.Disbursed.Months, in))
	t.Add(in.Pick("  terlindungi", "  covered"), words.Numeral(in, l.Covered.Heads),
		grouped(l.Covered.HeadMonths, in), grouped(l.Covered.Rupiah, in), most(l.Covered.Most))
	if err := t.Write(p.W); err != nil {
		return err
	}
	for _, line := range fundingRemarks(l, in) {
		if _, err := fmt.Fprintf(p.W, "  %s\n", line); err != nil {
			return err
		}
	}
	return nil
}

// fundingTitle names a commitment. Where it was never committed, funder, year and months are null:
// what names a commitment may come without it, or before.
func fundingTitle(l *funding.Line, in lists.Language) string {
	if l.Committed == nil {
		return l.Commitment + in.Pick("  tidak pernah dianggarkan", "  never committed")
	}
	period := spansText([]funding.Span{{From: *l.From, Until: *l.Until}}, in)
	return fmt.Sprintf(in.Pick("%s  %s membayar dari %s, tahun anggaran %d, %s",
		"%s  %s pays from %s, fiscal year %d, %s"), l.Commitment, *l.Funder, l.Funding,
		*l.FiscalYear, period)
}

// fundingRemarks says what is missing, and when the money ends. What is negative is more than there
// is to be; only too many heads are worth a word of their own.
func fundingRemarks(l *funding.Line, in lists.Language) (lines []string) {
	remark := func(inIndonesian, inEnglish string, args ...any) {
		lines = append(lines, fmt.Sprintf(in.Pick(inIndonesian, inEnglish), args...))
	}
	heads := func(n int64) string { return words.CountedIn(in, n, "orang", "head") }
	if l.Closed != nil {
		remark("ditutup sejak %s", "closed from %s on", *l.Closed)
	}
	m := &l.Missing
	// Counted against the month in which most are granted, also below.
	if m.Heads != nil && *m.Heads > 0 {
		remark("kurang: %s dianggarkan dan tidak diberikan dalam bulan mana pun",
			"missing: %s committed and not granted in any month", heads(*m.Heads))
	}
	if m.Heads != nil && *m.Heads < 0 {
		remark("terlalu banyak: %s diberikan di atas yang dianggarkan",
			"too many: %s granted beyond those committed", heads(-*m.Heads))
	}
	if m.HeadMonths != nil && m.HeadMonths.Sign() > 0 {
		remark("kurang: %s bulan orang diberikan dan tidak terlindungi",
			"missing: %s head-months granted and not covered", grouped(m.HeadMonths, in))
	}
	if len(m.Months) > 0 {
		remark("kurang: tidak ada pencairan untuk %s", "missing: no disbursement names %s",
			spansText(m.Months, in))
	}
	if m.Rupiah != nil && m.Rupiah.Sign() > 0 {
		remark("kurang: %s rupiah diberikan dan tidak dicairkan",
			"missing: %s rupiah granted and not disbursed", grouped(m.Rupiah, in))
	}
	if m.Ceiling != nil && m.Ceiling.Sign() > 0 {
		remark("kurang: %s rupiah dari yang dianggarkan: pagu cukup untuk %s bulan",
			"missing: %s rupiah of what was committed: the ceiling buys %s months",
			grouped(m.Ceiling, in), words.Separated(in, words.Pointed(l.Committed.Buys)))
	}
	if l.MoneyEnds.Last != nil {
		remark("bulan terakhir yang diberikan: %s", "the last month granted is %s",
			*l.MoneyEnds.Last)
	}
	return append(lines, endsText(l, in)...)
}

// endsText says until when each kind of money reaches; null is one that suffices.
func endsText(l *funding.Line, in lists.Language) (lines []string) {
	for _, end := range []struct {
		month *string
		what  string
	}{
		{l.MoneyEnds.Committed, in.Pick("pagu tidak cukup untuk orang yang dianggarkan",
			"the ceiling does not pay the committed heads")},
		{l.MoneyEnds.Granted, in.Pick("pagu tidak cukup untuk orang yang diberi",
			"the ceiling does not pay the granted heads")},
		{l.MoneyEnds.Disbursed, in.Pick("yang dicairkan tidak cukup untuk orang yang diberi",
			"what was disbursed does not pay the granted heads")},
	} {
		if end.month != nil {
			ends := in.Pick("uang habis pada %s: %s sampai akhir bulan itu",
				"the money ends in %s: %s to the end of it")
			lines = append(lines, fmt.Sprintf(ends, *end.month, end.what))
		}
	}
	return lines
}

// spansText writes months for people, both ends in: 2020-01 to 2020-06, 2020-09. Answers have
// periods half-open (contract, section 1), which people read as a month too many.
func spansText(spans []funding.Span, in lists.Language) string {
	texts := make([]string, len(spans))
	for i, span := range spans {
		texts[i] = span.From
		until, err := temporal.ParseMonth(span.Until)
		if last := (until - 1).String(); err == nil && last != span.From {
			texts[i] += in.Pick(" sampai ", " to ") + last
		}
	}
	return strings.Join(texts, ", ")
}

// grouped writes a number with the separators of the language, a dash where there is none.
func grouped(n *big.Int, in lists.Language) string {
	return words.Separated(in, words.Large(n))
}

// fundingRecord returns a commitment as a row, in the order of the columns. What nobody has
// committed is empty cells.
func fundingRecord(l *funding.Line) []string {
	record := []string{
		l.Commitment, words.Pointed(l.Funder), l.Funding, "", words.Pointed(l.From),
		words.Pointed(l.Until), words.Pointed(l.Closed), "", "", "", "", "", "",
	}
	// Six cells of the committed event, in the place of the empty ones.
	if c := l.Committed; c != nil {
		record[3] = strconv.FormatInt(*l.FiscalYear, 10)
		record = append(record[:7], words.Number(c.Heads), words.Number(c.Months),
			words.Number(c.Tariff), c.Rupiah.String(), words.Number(c.Ceiling),
			words.Pointed(c.Buys))
	}
	// Programs read whole numbers without separators; null is an empty cell.
	plain := func(n *big.Int) string {
		if n == nil {
			return ""
		}
		return n.String()
	}
	return append(record,
		words.Number(l.Granted.Heads), plain(l.Granted.HeadMonths), plain(l.Granted.Rupiah),
		plain(l.Disbursed.Rupiah), words.Number(l.Covered.Heads), plain(l.Covered.HeadMonths),
		plain(l.Covered.Rupiah), spansText(l.Missing.Months, lists.English),
		plain(l.Missing.Rupiah),
		words.Pointed(l.MoneyEnds.Granted))
}
