package lists

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"sync"
	"unicode/utf8"

	"cakupan/cmd/internal/lists/csv"
	"cakupan/cmd/internal/lists/grid"
	"cakupan/cmd/internal/lists/xlsx"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
)

// Options say what is known of a list beyond its file. What is given here goes before what the
// file declares.
type Options struct {
	Kind     Kind      // unknown: what the columns say
	ID       string    // names the list, for ever
	Source   string    // of its events
	Sheet    string    // of a workbook; empty: the only one with a list
	Defaults []Default // values for all rows
	KeepRows bool      // records carry the row as it was, to be given back
	Book     bool      // the file is named as a workbook: what is none is not read as CSV
}

// Default is a value for all rows that have none.
type Default struct{ Column, Value string }

// Info is what is known of a list before its rows.
type Info struct {
	Kind    Kind
	ID      string
	Source  string
	Sheet   string // empty for CSV
	Header  int    // the row that names the columns
	Ignored []string
	Lang    Language
}

// List is a list whose beginning has been read.
//
// What is above mu is set by Open and read afterwards, but for the memory of columns, which belongs
// to whoever holds mu.
type List struct {
	info     Info
	opts     Options
	book     *xlsx.Book // nil for CSV
	separate byte       // of CSV
	closers  []io.Closer
	rows     rows    // stands behind the header: it can be read once
	header   *header // what stood above the rows, kept to be given back
	needs    []need
	columns  []column         // those that are kept, in the order of the file
	defaults [fieldEnd]*value // for rows without a value of their own; nil: none
	fallback [fieldEnd]string // name of a declaration

	mu     sync.Mutex // a row may be read ahead while the list is closed
	closed bool
}

// column is a column that is kept.
type column struct {
	field field
	index int
	name  string
	// What cells have said before, by their text: a column repeats few values many times. See
	// Reader.read, which bounds both.
	memo map[string]value
	nums map[string]value // of cells that are no text
}

// Open reads the beginning of a list. Close it after use; the file stays the caller's.
func Open(file io.ReaderAt, size int64, opts Options) (*List, error) {
	l := &List{opts: opts}
	var err error
	if opts.Book || xlsx.IsWorkbook(file) {
		err = l.openBook(file, size)
	} else {
		err = l.openText(file, size)
	}
	if err == nil {
		err = l.understand()
	}
	if err != nil {
		return nil, errors.Join(fileProblem(err), l.Close())
	}
	return l, nil
}

// Info returns what is known of the list.
func (l *List) Info() Info { return l.info }

// Close ends the reading of the list. It waits for a row that is being read. Rows that are asked
// for later have os.ErrClosed: a caller that reads ahead in a goroutine of its own need not be
// stopped first.
func (l *List) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	var errs []error
	// A sheet lies in its workbook: the last that was opened is closed first.
	for i := len(l.closers) - 1; i >= 0; i-- {
		errs = append(errs, l.closers[i].Close())
	}
	l.closers = nil
	return errors.Join(errs...)
}

// fileProblem gives an error of reading a file its place in the table of problems. What a parser of
// ours says is for the file's owner as it is; what a library says is only the cause.
func fileProblem(err error) error {
	var placed *problem.Error
	var known *grid.Error
	switch {
	case errors.As(err, &placed):
		return err
	case errors.As(err, &known):
		return problem.New(problem.FileNotReadable, known.Error())
	}
	return problem.Wrap(problem.FileNotReadable, "the file cannot be read", err)
}

const noHeader = "no row names the columns: above the people there must be a row with names of" +
	" columns, one of them NIK or KPJ; see cakupan template"

// openBook finds the sheet of a workbook that holds the list. Every sheet is looked at, so that a
// workbook with two lists is refused rather than read in half.
func (l *List) openBook(file io.ReaderAt, size int64) error {
	book, err := xlsx.Open(file, size)
	if err != nil {
		return err
	}
	l.book, l.closers = book, append(l.closers, book)
	var found []string
	for _, sheet := range book.Sheets {
		if l.opts.Sheet != "" && !strings.EqualFold(sheet.Name, l.opts.Sheet) {
			continue
		}
		in, err := book.Rows(sheet)
		if err != nil {
			return err
		}
		h, err := findHeader(in)
		if err != nil || h == nil || len(found) > 0 {
			if err := errors.Join(err, in.Close()); err != nil {
				return err
			}
			if h != nil {
				found = append(found, sheet.Name)
			}
			continue
		}
		l.closers = append(l.closers, in)
		l.rows, l.header, l.info.Sheet = in, h, sheet.Name
		found = append(found, sheet.Name)
	}
	switch {
	case len(found) == 1:
		return nil
	case len(found) > 1:
		return problem.New(problem.UsageWrong, "the workbook has several lists ("+
			shown(strings.Join(found, ", "))+"): name one with --sheet")
	case l.opts.Sheet != "":
		return problem.New(problem.UsageWrong, "no sheet "+quote(l.opts.Sheet)+
			" with a list is in the workbook")
	}
	return &grid.Error{Detail: noHeader}
}

// openText finds the separator of a CSV file: the one by which most columns are known. A wrong
// separator makes one column of a row, or cuts inside of names: it knows fewer columns. Where two
// know as many, the first of csv.Separators wins.
func (l *List) openText(file io.ReaderAt, size int64) error {
	if l.opts.Sheet != "" {
		return problem.New(problem.UsageWrong, "--sheet is for Excel workbooks")
	}
	var first error
	for _, separator := range []byte(csv.Separators) {
		in, err := csv.New(io.NewSectionReader(file, 0, size), separator)
		if err != nil {
			return err
		}
		h, err := findHeader(in)
		if err != nil {
			first = errors.Join(first, err)
		}
		if h != nil && (l.header == nil || h.known > l.header.known) {
			l.rows, l.header, l.separate = in, h, separator
		}
	}
	switch {
	case l.header != nil:
		return nil
	case first != nil:
		return first
	}
	return &grid.Error{Detail: noHeader}
}

// understand finds out what the list says for all rows. The order is that of dependence: the kind
// of list decides which columns mean anything, and the columns decide what is missing. Declarations
// come first, as they may name the kind.
func (l *List) understand() error {
	h := l.header
	l.info.Header, l.info.Lang = h.row, h.lang()
	if err := l.declare(); err != nil {
		return err
	}
	unknown := l.findKind()
	if err := h.nearly(l.info.Kind); err != nil {
		return err
	}
	if unknown != nil {
		return unknown
	}
	if err := h.unclear(l.info.Kind); err != nil {
		return err
	}
	if err := l.mapColumns(); err != nil {
		return err
	}
	return l.checkNeeds()
}

// declare takes over what the file declares and the options say. Options come last and win: they
// are of who sends the list now, the file is of who made it.
func (l *List) declare() error {
	all := l.header.declared
	for _, d := range l.opts.Defaults {
		m := meanings[plain(d.Column)]
		if m.field == noField || m.field >= fieldOrdinal {
			return problem.New(problem.UsageWrong, "--default: no column is called "+
				quote(d.Column))
		}
		all = append(all, declaration{
			m.field, d.Column, grid.Cell{Kind: grid.Text, Text: []byte(d.Value)},
		})
	}
	for _, d := range all {
		text := string(trim(d.cell.Text))
		switch d.field {
		case fieldList:
			l.info.ID = text
		case fieldSource:
			l.info.Source = text
		case fieldKind:
			kind, ok := ParseKind(text)
			if !ok {
				return l.header.problem("%s bukan jenis daftar: "+KindNames(Indonesian),
					"%s is no kind of list: "+KindNames(English), quote(text))
			}
			l.info.Kind = kind
		default:
			if d.field.isPersonal() {
				continue
			}
			v := parse(d.field, d.cell, l.book != nil && l.book.Date1904)
			if v.fault != nil {
				return problem.New(problem.FileNotReadable, quote(d.name)+": "+
					v.fault.in(l.info.Lang))
			}
			l.defaults[d.field], l.fallback[d.field] = &v, d.name
		}
	}
	override(&l.info.ID, l.opts.ID)
	override(&l.info.Source, l.opts.Source)
	if l.opts.Kind != UnknownKind {
		l.info.Kind = l.opts.Kind
	}
	return l.checkID()
}

// betterExample returns how to give the value of a field for all rows, unless there is an example
// without spaces already, which needs no quotes.
func betterExample(before string, f field, lang Language) string {
	value := helps[f].exampleEN
	if lang == Indonesian {
		value = helps[f].exampleID
	}
	if f.isPersonal() || f == fieldDied {
		return before
	}
	switch f {
	case fieldSegment:
		value = "BPU"
	case fieldRegion:
		value = "75.03"
	case fieldReason:
		value = "PHK"
	}
	setting, words := f.title(lang)+"="+value, ", such as --default "
	if lang == Indonesian {
		words = ", misalnya --default "
	}
	switch {
	case before != "" && (strings.Contains(setting, " ") || !strings.Contains(before, `"`)):
		return before
	case strings.Contains(setting, " "):
		setting = `"` + setting + `"`
	}
	return words + setting
}

// override lets what was given go before what was declared.
func override(to *string, with string) {
	if with != "" {
		*to = with
	}
}

// sourcePrefix begins the source of a list's events unless another one is given.
const sourcePrefix = "urn:cakupan:list:"

// idRunesMax bounds what every event of the list repeats in its source.
const idRunesMax = 64

// checkID makes sure that the list has an id, and its events a source. The id goes into the source,
// which stays in the log for ever and which every reader sees: hence no NIK, and a bound.
func (l *List) checkID() error {
	id := strings.Join(strings.Fields(l.info.ID), " ")
	switch {
	case id == "":
		return l.header.noID()
	case event.HasNIK(id) || event.HasNIK(l.info.Source):
		return problem.New(problem.UsageWrong, "a NIK stands in the list's id or source, where it"+
			" would be kept for ever")
	case utf8.RuneCountInString(id) > idRunesMax || !utf8.ValidString(id):
		return problem.New(problem.UsageWrong, fmt.Sprintf(
			"the list's id has more than %d characters", idRunesMax))
	}
	l.info.ID = id
	if l.info.Source == "" {
		l.info.Source = sourcePrefix + url.PathEscape(id)
	}
	return nil
}

// findKind tells which kind of list it is.
func (l *List) findKind() error {
	if l.info.Kind != UnknownKind {
		return nil
	}
	l.info.Kind = recognise(func(f field) bool {
		for _, have := range l.header.fields {
			if have == f {
				return true
			}
		}
		return l.defaults[f] != nil
	})
	if l.info.Kind == UnknownKind {
		return problem.New(problem.UsageWrong, "the columns do not say which kind of list it is:"+
			" give --kind "+KindNames(English))
	}
	return nil
}

// mapColumns finds the columns that are kept, and names the others. A column that means nothing to
// this kind is ignored and said to be: what the ledger has no business with must not be refused
// either.
func (l *List) mapColumns() error {
	seen := map[field]string{}
	for i, f := range l.header.fields {
		name := l.header.names[i]
		switch {
		case l.info.Kind == Funding && f == fieldFrom:
			f = fieldFromMonth // the months' first day
		case l.info.Kind == Merge && f == fieldWrongNIK:
			f = fieldNIK
		}
		switch {
		case name == "" || f == fieldOrdinal || f == fieldRemark:
			continue
		case !l.info.Kind.uses(f):
			l.info.Ignored = append(l.info.Ignored, shown(name))
			continue
		case seen[f] != "":
			return l.header.problem("kolom %s dan %s berarti sama: hapus salah satu",
				"the columns %s and %s mean the same: delete one", quote(seen[f]), quote(name))
		}
		seen[f] = name
		l.columns = append(l.columns, column{
			field: f, index: i, name: shown(name),
			memo: map[string]value{}, nums: map[string]value{},
		})
	}
	// A declared start date stands for the first month, as a column of that name does above.
	if l.info.Kind == Funding && l.defaults[fieldFrom] != nil && l.defaults[fieldFromMonth] == nil {
		first := *l.defaults[fieldFrom]
		first.month = first.date.Month()
		l.defaults[fieldFromMonth], l.fallback[fieldFromMonth] = &first, l.fallback[fieldFrom]
	}
	return nil
}

// checkNeeds makes sure that each field that rows must have is in a column or declared. It is told
// once for the list, not once for each of its rows.
func (l *List) checkNeeds() error {
	has := func(f field) bool {
		for i := range l.columns {
			if l.columns[i].field == f {
				return true
			}
		}
		return l.defaults[f] != nil
	}
	var missing []string
	example := ""
	for _, n := range l.info.Kind.needs() {
		var have, titles []string
		for _, f := range n.fields {
			titles = append(titles, f.title(l.info.Lang))
			if has(f) {
				have = append(have, quote(f.title(l.info.Lang)))
			}
		}
		if len(have) > 0 || n.how != ifThere {
			l.needs = append(l.needs, n)
		}
		if len(have) == 0 && n.how != ifThere {
			missing = append(missing, strings.Join(titles, " / "))
			example = betterExample(example, n.fields[0], l.info.Lang)
		}
		if n.how != anyOf && len(have) > 1 {
			return l.header.problem("daftar punya %s: pakai satu saja",
				"the list has %s: keep one of them", strings.Join(have, ", "))
		}
	}
	if len(missing) > 0 {
		return l.header.problem("daftar %s tidak punya kolom %s: tambahkan, atau tulis nilainya"+
			" untuk semua baris di atas kolom atau dengan --default%s",
			"the list of kind %s has no column %s: add it, or give its value for all rows above"+
				" the columns or with --default%s",
			l.info.Kind.title(l.info.Lang), strings.Join(missing, ", "), example)
	}
	return nil
}
