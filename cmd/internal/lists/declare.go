package lists

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"cakupan/cmd/internal/lists/grid"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
)

// declare takes over what the file declares and the options say. Options come last and win: they
// are of who sends the list now, the file is of who made it. An error is one of the file or of the
// options, in the language of the list. Rows are not read yet.
func (l *List) declare() error {
	all := l.header.declared
	for _, d := range l.opts.Defaults {
		m := meanings[plain(d.Column)]
		if m.field == noField || m.field >= fieldOrdinal {
			return l.header.usage("--default: tidak ada kolom bernama %s",
				"--default: no column is called %s", quote(d.Column))
		}
		all = append(all, declaration{
			m.field, d.Column, grid.Cell{Kind: grid.Text, Text: []byte(d.Value)}, 0,
		})
	}
	for _, d := range all {
		if err := l.take(d); err != nil {
			return err
		}
	}
	override(&l.info.ID, l.opts.ID)
	if l.info.ID == "" {
		l.info.ID = l.opts.FallbackID
	}
	override(&l.info.Source, l.opts.Source)
	if l.opts.Kind != UnknownKind {
		l.info.Kind = l.opts.Kind
	}
	return l.checkID()
}

// take takes over one declaration. What stands above the columns of a list may be a letterhead that
// looks like one: it declares something only where its value can be one, see clarifyDeclared. A
// declaration of row 0 was given as an option, where a value that is none is always an error.
func (l *List) take(d declaration) error {
	text := string(trim(d.cell.Text))
	switch d.field {
	case fieldList:
		l.info.ID = text
	case fieldSource:
		if !isSource(text) && d.row > 0 {
			l.unfit = append(l.unfit, unfit{declaration: d})
			return nil
		}
		l.info.Source = text
	case fieldKind:
		kind, ok := ParseKind(text)
		if !ok {
			l.unfit = append(l.unfit, unfit{declaration: d})
			return nil
		}
		l.info.Kind = kind
	default:
		// A number of a person for all rows is none of a list, and may be that of whoever signs.
		if d.field.isPersonal() {
			return nil
		}
		v := parse(d.field, d.cell, l.since1904())
		switch {
		case v.fault != nil && d.row > 0:
			l.unfit = append(l.unfit, unfit{d, v.fault})
			return nil
		case v.fault != nil:
			return problem.New(problem.FileNotReadable, quote(d.name)+": "+
				v.fault.in(l.info.Lang))
		}
		l.defaults[d.field], l.fallback[d.field] = &v, d.name
		l.declaredIn[d.field] = d.row
	}
	return nil
}

// unfit is a line above the columns that would declare something if its value could be one. It is
// kept to be told once the columns are known, and to explain what is missing: see checkNeeds.
type unfit struct {
	declaration
	fault *fault // nil: of the list itself
}

// clarifyDeclared tells which lines above the columns declare nothing: those whose value does not
// fit, and those of a field that has a column with values. A column without any value does not
// count: the line above it is what is meant.
func (l *List) clarifyDeclared() {
	for _, c := range l.columns {
		f := c.field
		filled := c.index < len(l.survey.columns) && l.survey.columns[c.index].filled > 0
		if filled && l.defaults[f] != nil && l.declaredIn[f] > 0 {
			l.notices.ignoredLine(l.declaredIn[f], l.fallback[f], c.name)
			l.defaults[f], l.fallback[f] = nil, ""
		}
	}
	for _, d := range l.unfit {
		l.notices.unfitLine(d.row, d.name, string(d.cell.Text))
	}
}

// isSource tells whether a text is meant as the source of events: a URI with a scheme or a path.
// One word would be a reference too, but is the name of an office. The contract, section 1, has it
// a URI reference of 1 to 256 characters; the ledger judges that.
func isSource(text string) bool {
	return strings.ContainsAny(text, ":/") && !strings.ContainsAny(text, " \t\n")
}

// betterExample returns how to give the value of a field for all rows, unless there is an example
// without spaces already, which needs no quotes. before is the example so far, "" at first. Values
// of people have none.
func betterExample(before string, f field, lang Language) string {
	value := helps[f].exampleEN
	if lang == Indonesian {
		value = helps[f].exampleID
	}
	if f.isPersonal() || f == fieldDied {
		return before
	}
	switch f {
	// One word needs no quotes on a command line.
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

// SourcePrefix begins the source of a list's events unless another one is given. It must not be
// changed: the same list sent again would be another one.
const SourcePrefix = "urn:cakupan:list:"

const (
	// idRunesMax bounds what every event of the list repeats in its source, in characters.
	idRunesMax = 64
	// sourceRunesMax is that of the contract, section 1. An id of another script is escaped in a
	// source, and takes up to twelve characters for one.
	sourceRunesMax = 256
)

// checkID makes sure that the list has an id, and its events a source. The id goes into the source,
// which stays in the log for ever and which every reader sees: hence no NIK, and a bound. Spaces
// between words are made one, so that a list is not another one for a space.
func (l *List) checkID() error {
	id := strings.Join(strings.Fields(l.info.ID), " ")
	switch {
	case id == "":
		return l.header.noID()
	case event.HasNIK(id) || event.HasNIK(l.info.Source):
		return l.header.usage("kode atau sumber daftar berisi NIK, dan akan tersimpan selamanya di"+
			" sana: pakai kode lain", "a NIK stands in the list's id or source, where it would be"+
			" kept for ever: use another id")
	case utf8.RuneCountInString(id) > idRunesMax || !utf8.ValidString(id):
		return l.header.usage("kode daftar lebih dari %d huruf: pakai yang lebih pendek",
			"the list's id has more than %d characters: use a shorter one", idRunesMax)
	}
	l.info.ID = id
	if l.info.Source == "" {
		l.info.Source = l.opts.FallbackSource
	}
	if l.info.Source == "" {
		l.info.Source = SourcePrefix + url.PathEscape(id)
		if len(l.info.Source) > sourceRunesMax {
			return l.header.usage("kode daftar memakai huruf yang terlalu panjang bila disimpan:"+
				" pakai kode yang lebih pendek, atau hanya huruf A-Z dan angka",
				"the list's id has letters that take too much room: use a shorter one, or A-Z and"+
					" digits alone")
		}
	}
	if utf8.RuneCountInString(l.info.Source) > sourceRunesMax {
		return l.header.usage("sumber daftar lebih dari %d huruf: pakai yang lebih pendek",
			"the list's source has more than %d characters: use a shorter one", sourceRunesMax)
	}
	return nil
}
