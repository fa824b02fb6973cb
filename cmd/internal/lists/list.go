package lists

import (
	"errors"
	"io"
	"slices"
	"strings"
	"sync"

	"cakupan/cmd/internal/lists/csv"
	"cakupan/cmd/internal/lists/grid"
	"cakupan/cmd/internal/lists/xlsx"
	"cakupan/cmd/internal/problem"
)

// Options say what is known of a list beyond its file. What is given here goes before what the
// file declares. The zero Options take everything from the file. They are not changed once a list
// is open.
type Options struct {
	Kind     Kind      // unknown: what the columns say
	ID       string    // names the list, for ever
	Source   string    // of its events
	Sheet    string    // of a workbook; empty: the only one with a list
	Defaults []Default // values for all rows
	KeepRows bool      // records carry the row as it was, to be given back
	Book     bool      // the file is named as a workbook: what is none is not read as CSV
	// FallbackID names the list where neither the file nor ID does.
	FallbackID string
	// FallbackSource is the source where neither the file nor Source says one.
	FallbackSource string
	Across         *Across // what other sheets of the workbook have said; nil: there is one list
	// Readers is the language of whoever reads what is said of a file that cannot be read, and
	// so does not show its own; nil: it is not known, and both are said.
	Readers *Language
	Glance  bool // no rows are wanted: the list is surveyed no further than its beginning
}

// Default is a value for all rows that have none. Column is called as a list may call it.
type Default struct{ Column, Value string }

// Info is what is known of a list before its rows. ID, Source and Kind are set once Open has
// returned without an error. Ignored grows where a block of rows further down has other columns.
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
// to whoever holds mu. Blocks of rows with other columns change header, columns, defaults, needs
// and notices while rows are read, by whoever holds mu.
type List struct {
	info       Info
	opts       Options
	book       spreadsheet // nil for CSV
	separate   byte        // of CSV
	closers    []io.Closer
	rows       rows
	ended      error     // why there is no row below the names of the columns
	ahead      *grid.Row // a row that was read and is to be read again; nil: none
	reopen     func() (rows, io.Closer, error)
	survey     survey
	regions    int // columns of regions
	notices    notices
	header     *header
	first      *header // that of the first block of rows
	frame      []int   // rows below it that name columns or declare something
	needs      []need
	columns    []column
	defaults   [fieldEnd]*value
	fallback   [fieldEnd]string // name of a declaration
	declaredIn [fieldEnd]int    // its row; 0: in none
	unfit      []unfit

	mu     sync.Mutex // a row may be read ahead while the list is closed
	closed bool
}

// column is a column that is kept. It is made anew for each block of rows.
type column struct {
	field field
	index int
	name  string
	mark  string   // the programme that a mark stands for
	days  *verdict // what the column as a whole says of its days; nil: it has none
	// What cells have said before, by their text: a column repeats few values many times. See
	// Reader.read, which bounds both.
	memo map[string]value
	nums map[string]value // of cells that are no text
}

// Open reads the beginning of a list of size bytes, and goes through all of it to survey it, as the
// last row may say how the first is meant; see [Options] for a glance. The file stays the caller's
// and must not change until Close. An error is a problem with a place in the table of problems, in
// the language of the list or, where that is not known, in both; then nothing is left open. No row
// is refused here: that is said of each.
func Open(file io.ReaderAt, size int64, opts Options) (*List, error) {
	l := &List{opts: opts}
	var err error
	if opts.Book || xlsx.IsWorkbook(file) {
		err = l.openBook(file, size)
	} else {
		err = l.openText(file, size)
	}
	if err == nil {
		err = l.begin()
	}
	if err != nil {
		return nil, errors.Join(fileProblem(err, opts.Readers), l.Close())
	}
	return l, nil
}

// begin reads what may stand between the names of the columns and the first row, surveys the list,
// and understands it. The order matters: a second row of names changes what the survey looks for,
// and what a list is understood to be rests on the survey.
func (l *List) begin() error {
	row, err := l.rows.Next()
	switch {
	case err != nil:
		l.ended = err // it comes when the rows are read
	case !l.header.under(row):
		l.ahead = row
	}
	if err := l.look(); err != nil {
		return err
	}
	l.first = l.header
	l.tellLost()
	l.notices.unnamed(l.header.spread(&l.survey))
	return l.understand()
}

// next returns the next row. The caller holds mu, or is the only one to know the list.
func (l *List) next() (*grid.Row, error) {
	if row := l.ahead; row != nil {
		l.ahead = nil
		return row, nil
	}
	if l.ended != nil {
		return nil, l.ended
	}
	return l.rows.Next()
}

// since1904 tells whether days are counted from 1904 and not from 1900. A text file counts no days.
func (l *List) since1904() bool { return l.book != nil && l.book.date1904() }

// Info returns what is known of the list. Take it before rows are read in another goroutine.
func (l *List) Info() Info { return l.info }

// Close ends the reading of the list. It waits for a row that is being read. Rows that are asked
// for later have os.ErrClosed: a caller that reads ahead in a goroutine of its own need not be
// stopped first. A second call closes nothing more.
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
// ours says is for the file's owner as it is; what a library says is only the cause. readers is the
// language to say it in; nil: both.
func fileProblem(err error, readers *Language) error {
	var placed *problem.Error
	var known *grid.Error
	switch {
	case errors.As(err, &placed):
		return err
	case !errors.As(err, &known):
		return problem.Wrap(problem.FileNotReadable, "the file cannot be read", err)
	}
	words := known.Error()
	switch {
	case readers == nil:
	case *readers == Indonesian:
		words = known.Indonesian()
	default:
		words = known.English()
	}
	return problem.New(problem.FileNotReadable, words)
}

// errNoHeader is never written.
var errNoHeader = grid.NewError(
	"no row names the columns: above the people there must be a row with names of columns, one of"+
		" them NIK or KPJ; see cakupan template",
	"tidak ada baris judul kolom: di atas orang-orangnya harus ada baris dengan nama kolom, salah"+
		" satunya NIK atau KPJ; lihat cakupan template",
)

// openText finds the separator of a CSV file: the one by which most columns are known. A wrong
// separator makes one column of a row, or cuts inside of names: it knows fewer columns. Where two
// know as many, the first of csv.Separators wins. The file is read up to its columns once for each
// separator, and once more for each where all rows are quoted as a whole.
func (l *List) openText(file io.ReaderAt, size int64) error {
	if l.opts.Sheet != "" {
		return problem.New(problem.UsageWrong, "--sheet is for workbooks"+
			" (nama lembar hanya untuk buku kerja, bukan untuk CSV)")
	}
	first := l.findSeparator(file, size, false)
	if l.header == nil {
		if err := l.findSeparator(file, size, true); first == nil {
			first = err
		}
	}
	switch {
	case l.header != nil:
		return nil
	case first != nil:
		return first
	case isMarkup(file):
		return errMarkup
	}
	return errNoHeader
}

// findSeparator tries each separator. Rows that are quoted as a whole are read as what is in the
// quotes if that is asked for. It returns what kept separators from being tried.
func (l *List) findSeparator(file io.ReaderAt, size int64, unwrap bool) error {
	var first error
	// Each attempt reads from the beginning by a section of its own.
	open := func(separator byte) (*csv.Reader, error) {
		in, err := csv.New(io.NewSectionReader(file, 0, size), separator)
		if err == nil && unwrap {
			in.Unwrap()
		}
		return in, err
	}
	var text *csv.Reader
	for _, separator := range []byte(csv.Separators) {
		in, err := open(separator)
		if err != nil {
			return err
		}
		h, err := findHeader(in)
		if err != nil {
			first = errors.Join(first, err)
		}
		if h != nil && (l.header == nil || h.known > l.header.known) {
			l.rows, l.header, l.separate, text = in, h, separator, in
		}
	}
	if text == nil {
		return first
	}
	// From here on a quotation mark that is never closed can be told.
	text.Columns(l.header.width)
	l.reopen = func() (rows, io.Closer, error) {
		in, err := open(l.separate)
		if err == nil {
			in.Columns(l.header.width)
		}
		return in, io.NopCloser(nil), err
	}
	return nil
}

// understand finds out what the list says for all rows. The order is that of dependence: the kind
// of list decides which columns mean anything, and the columns decide what is missing. Declarations
// come first, as they may name the kind. It may be asked once, when the survey is taken.
func (l *List) understand() error {
	h := l.header
	l.info.Header, l.info.Lang = h.row, h.lang()
	if err := l.declare(); err != nil {
		return err
	}
	if err := l.findKind(); err != nil {
		return err
	}
	if err := h.unclear(l.info.Kind); err != nil {
		return err
	}
	if err := l.mapColumns(); err != nil {
		return err
	}
	l.clarifyDeclared()
	return l.checkNeeds()
}

// findKind tells which kind of list it is. An option or a declaration goes before what the columns
// say. An error says what to write.
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
	for _, d := range l.unfit {
		// Any list has lines of a kind; one that is named as the kind of list must be one.
		if d.field == fieldKind && (l.info.Kind == UnknownKind || plain(d.name) != "jenis") {
			return l.header.problem("%s bukan jenis daftar: "+KindNames(Indonesian),
				"%s is no kind of list: "+KindNames(English), quote(string(d.cell.Text)))
		}
	}
	if l.info.Kind == UnknownKind {
		all := []field{}
		for _, k := range Kinds() {
			for _, n := range k.needs() {
				all = append(all, n.fields...)
			}
		}
		if name, meant := l.nearly(all); name != "" {
			return l.header.didYouMean(name, meant)
		}
		if l.info.Lang == Indonesian {
			return problem.New(problem.UsageWrong, "kolom-kolomnya tidak menunjukkan jenis daftar"+
				" ini: beri --kind "+KindNames(Indonesian))
		}
		return problem.New(problem.UsageWrong, "the columns do not say which kind of list it is:"+
			" give --kind "+KindNames(English))
	}
	return nil
}

// didYouMean says that a column's name is nearly that of one that the list lacks. A suggestion is
// worth more than the name of what is missing.
func (h *header) didYouMean(name string, meant field) error {
	return h.problem("kolom %s tidak dikenal; maksudnya %s?",
		"the column %s is not known; did you mean %s?",
		quote(name), quote(meant.title(h.lang())))
}

// mapColumns finds the columns that are kept, and names the others. A column that means nothing to
// this kind is ignored and said to be: what the ledger has no business with must not be refused
// either.
func (l *List) mapColumns() error {
	seen := map[field]string{}
	ignored := map[string]bool{}
	for _, name := range l.info.Ignored {
		ignored[name] = true
	}
	l.columns, l.regions = nil, 0
	for i := range l.header.fields {
		f, name := l.fieldOf(i), l.header.names[i]
		switch {
		case name == "" || f == fieldOrdinal || f == fieldRemark:
			continue
		case !l.info.Kind.uses(f):
			if !ignored[shown(name)] {
				ignored[shown(name)] = true
				l.info.Ignored = append(l.info.Ignored, shown(name))
			}
			continue
		// Programmes of several columns are one set, and regions of several must agree: see
		// Reader.keep and clarifyRegions.
		case seen[f] != "" && f != fieldProgrammes && f != fieldRegion:
			return l.header.problem("kolom %s dan %s berarti sama: hapus salah satu",
				"the columns %s and %s mean the same: delete one", quote(seen[f]), quote(name))
		}
		seen[f] = name
		if f == fieldRegion {
			l.regions++
		}
		l.columns = append(l.columns, l.newColumn(i, f))
	}
	// A declared start date stands for the first month, as a column of that name does above.
	if l.info.Kind == Funding && l.defaults[fieldFrom] != nil && l.defaults[fieldFromMonth] == nil {
		first := *l.defaults[fieldFrom]
		first.month = first.date.Month()
		l.defaults[fieldFromMonth], l.fallback[fieldFromMonth] = &first, l.fallback[fieldFrom]
	}
	return nil
}

// fieldOf returns what a column holds in a list of this kind. Names that are the same for several
// kinds are of one field in the table of names; here the kind decides.
func (l *List) fieldOf(column int) field {
	switch f := l.header.fields[column]; {
	case l.info.Kind == Funding && f == fieldFrom:
		return fieldFromMonth // the months' first day
	case l.info.Kind == Merge && f == fieldWrongNIK:
		return fieldNIK
	case f == fieldMark:
		return fieldProgrammes
	default:
		return f
	}
}

// newColumn returns a column that is kept. What the survey has judged of its days is fixed by now.
func (l *List) newColumn(index int, f field) column {
	c := column{
		field: f, index: index, name: shown(l.header.names[index]), mark: l.header.marks[index],
		memo: map[string]value{}, nums: map[string]value{},
	}
	if d := l.survey.days[place{index, l.header.fields[index]}]; d != nil {
		verdict := d.judge.verdict()
		if d.judge.isMute() {
			l.askBeside(&verdict, index)
		}
		c.days = &verdict
	}
	return c
}

// checkNeeds makes sure that each field that rows must have is in a column or declared. It is told
// once for the list, not once for each of its rows. It sets needs to what each row is asked for.
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
	var lacking []field
	l.needs = nil
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
			lacking = append(lacking, n.fields...)
			example = betterExample(example, n.fields[0], l.info.Lang)
		}
		if n.how != anyOf && len(have) > 1 {
			return l.header.problem("daftar punya %s: pakai satu saja",
				"the list has %s: keep one of them", strings.Join(have, ", "))
		}
	}
	if len(missing) > 0 {
		if name, meant := l.nearly(lacking); name != "" {
			return l.header.didYouMean(name, meant)
		}
		for _, d := range l.unfit {
			if d.fault != nil && slices.Contains(lacking, d.field) {
				return problem.New(problem.FileNotReadable, quote(d.name)+": "+
					d.fault.in(l.info.Lang))
			}
		}
		return l.header.problem("daftar %s tidak punya kolom %s: tambahkan, atau tulis nilainya"+
			" untuk semua baris di atas kolom atau dengan --default%s",
			"the list of kind %s has no column %s: add it, or give its value for all rows above"+
				" the columns or with --default%s",
			l.info.Kind.Title(l.info.Lang), strings.Join(missing, ", "), example)
	}
	return nil
}
