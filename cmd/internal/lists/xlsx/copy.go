package xlsx

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// Copy says what of a sheet is copied, and what is written into it. Rows are numbered from 1,
// columns from 0.
type Copy struct {
	Sheet Sheet
	// The rows are asked for once each, from top to bottom.
	// Keep tells whether a row is copied, and what is written into each of Columns of it; "":
	// nothing. Rows that are not copied are left empty and hidden, so that the others keep their
	// numbers, and formulas, merged cells and notes their places.
	Keep    func(row int) (kept bool, words Words)
	Columns [2]int // from 0, ascending
	Last    int    // the last row that is kept
	Added   *Added // a sheet more; nil: none. See [Book.CanAdd].
}

// Words are what is written into a row, by column. A word that is "" leaves the cell that is there
// as it was.
type Words [2]string

// Copy writes the workbook as it is, other sheets, formats and formulas too, but for rows of one
// sheet. What is no use without those rows is left out: the order in which formulas are computed,
// which spreadsheets find again, and macros. The Book stays open; nothing that reading of rows
// changes is used, so that may go on beside it. On an error what was written to out is no workbook
// and must be thrown away; out is not closed.
func (b *Book) Copy(out io.Writer, c Copy) error {
	w := zip.NewWriter(out)
	sheet := partName("", c.Sheet.part)
	// Both parts name what is left out, and are cleaned of it even when nothing is added.
	edits := map[string]edit{typesPart: asItIs, relationsOf(b.main): asItIs}
	added, replaces := "", false
	if c.Added != nil {
		if added, replaces = b.partOf(c.Added); !replaces {
			edits = b.editsFor(c.Added, added)
		}
	}
	for _, part := range b.all {
		name := partName("", strings.ReplaceAll(part.Name, `\`, "/"))
		var err error
		switch change := edits[name]; {
		case isLeftOut(name) || name == added || strings.HasSuffix(part.Name, "/"):
		case name == sheet:
			err = b.copySheet(w, part, c)
		case change != nil:
			err = b.copyEdited(w, part, change)
		// The bytes go over as they are packed: nothing of these parts is read, nor can a lie in
		// them about their size do harm here.
		default:
			err = w.Copy(part)
		}
		if err != nil {
			return fmt.Errorf("copy workbook: %w", partError(err))
		}
	}
	if c.Added != nil {
		if err := c.Added.write(w, added); err != nil {
			return fmt.Errorf("copy workbook: %w", err)
		}
	}
	return w.Close()
}

// typesPart is the list of what each part is.
const typesPart = "[content_types].xml"

// relationsOf names the part that says which parts another one names. The empty name stands for the
// archive as a whole.
func relationsOf(name string) string {
	folder, file := path.Split(name)
	return folder + "_rels/" + file + ".rels"
}

// asItIs is the edit of a part that is only cleaned: see copyEdited.
func asItIs(text []byte) ([]byte, error) { return text, nil }

// isLeftOut tells whether a part is not copied. Its name is as partName returns it. Excel makes the
// chain of computation anew, and calls a file damaged whose chain names a cell that is gone. Macros
// must not be spread by a copy that goes from hand to hand.
func isLeftOut(name string) bool {
	return strings.HasSuffix(name, "/calcchain.xml") || strings.Contains(name, "/vbaproject")
}

// mentions are elements that name a part that is left out, in the lists of parts.
var mentions = regexp.MustCompile(`(?i)<(?:\w+:)?(?:Override|Relationship)\b[^>]*` +
	`(?:calcChain\.xml|vbaProject\w*\.bin)[^>]*/>`)

// withMacros is the type of a workbook that may have macros, which this one has not. Excel refuses
// a workbook whose type and name do not agree, and the copy is an .xlsx.
const withMacros = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"

// copyEdited copies a list of parts without those that are left out, and with what a change adds.
// The part is at most smallPartMax, as when it was read.
func (b *Book) copyEdited(w *zip.Writer, part *zip.File, change edit) error {
	in, err := b.open(part.Name, smallPartMax)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(in)
	if err := errors.Join(err, in.Close()); err != nil {
		return err
	}
	text = mentions.ReplaceAll(text, nil)
	text = bytes.ReplaceAll(text, []byte(withMacros), []byte(partType+"sheet.main+xml"))
	if text, err = change(text); err != nil {
		return err
	}
	to, err := w.Create(part.Name)
	if err == nil {
		_, err = to.Write(text)
	}
	return err
}

// copySheet copies the sheet tag by tag. The head is written anew: the scanner passes over that of
// the file.
func (b *Book) copySheet(w *zip.Writer, part *zip.File, c Copy) error {
	in, err := b.open(part.Name, 0)
	if err != nil {
		return err
	}
	to, err := w.Create(part.Name)
	if err == nil {
		_, err = io.WriteString(to, xmlHead)
	}
	copying := sheetCopy{Copy: c, scan: newScanner(in), out: to}
	for err == nil {
		err = copying.next()
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return errors.Join(err, in.Close())
}

// sheetCopy copies a sheet. row is the number of the last row that was begun; line is used again
// for each.
type sheetCopy struct {
	Copy
	scan *scanner
	out  io.Writer
	row  int
	line []byte // of the row
}

// next copies the next tag or text, or a row. What is no row goes over as it stands, what is above
// the rows and below them included. Rows that are not kept are written as empty and hidden as far
// as the last row that is kept, and not at all below it, so that the sheet ends where the list
// does.
func (s *sheetCopy) next() error {
	kind, err := s.scan.next()
	if err != nil {
		return err
	}
	if kind != startTag || string(s.scan.name) != "row" {
		_, err = s.out.Write(s.scan.raw)
		return err
	}
	s.row++
	if n, err := natural(attribute(s.scan.attrs, "r")); err == nil {
		s.row = n
	}
	kept, words := s.Keep(s.row)
	prefix := prefixOf(s.scan.raw)
	empty := s.scan.empty
	if !kept {
		s.line = s.line[:0]
		if s.row < s.Last {
			s.line = fmt.Appendf(s.line, `<%srow r="%d" hidden="1"/>`, prefix, s.row)
		}
		if !empty {
			err = s.skip("row")
		}
		_, wrong := s.out.Write(s.line)
		return errors.Join(err, wrong)
	}
	// The words may stand beyond the columns that the hint promises, and a row that is to be
	// corrected must be seen.
	open := rowHints.ReplaceAll(s.scan.raw, nil)
	if empty {
		open = append(bytes.TrimSuffix(open, []byte("/>")), '>')
	}
	s.line = append(s.line[:0], open...)
	if err := s.cells(prefix, words, empty); err != nil {
		return err
	}
	s.line = fmt.Appendf(s.line, "</%srow>", prefix)
	_, err = s.out.Write(s.line)
	return err
}

// rowHints are attributes of a row that do not hold any more: which columns it has, and that it is
// hidden.
var rowHints = regexp.MustCompile(`\s(?:spans|hidden)\s*=\s*(?:"[^"]*"|'[^']*')`)

// prefixOf returns the prefix of a tag's name, with its colon.
func prefixOf(raw []byte) string {
	for i := 1; i < len(raw) && !isSpace(raw[i]) && raw[i] != '>' && raw[i] != '/'; i++ {
		if raw[i] == ':' {
			return string(raw[1 : i+1])
		}
	}
	return ""
}

// skip passes over the rest of an element. The element's start tag was taken. Elements of one name
// do not stand in each other here.
func (s *sheetCopy) skip(name string) error {
	for {
		kind, err := s.scan.next()
		if err != nil {
			return err
		}
		if kind == endTag && string(s.scan.name) == name {
			return nil
		}
	}
}

// cells copies the cells of a row, with the words in their places. Excel wants the cells of a row
// in the order of their columns, so the words of a column are written before the first cell that
// stands right of it. A cell in a column that gets words is left out; its format goes with it.
// empty says that the row has no cells and no end tag of its own.
func (s *sheetCopy) cells(prefix string, words Words, empty bool) error {
	column, next := -1, 0
	before := func(column int) {
		for ; next < len(words) && s.Columns[next] < column; next++ {
			s.words(prefix, s.Columns[next], words[next])
		}
	}
	for !empty {
		kind, err := s.scan.next()
		if err != nil {
			return err
		}
		switch {
		case kind == endTag && string(s.scan.name) == "row":
			empty = true
			continue
		case kind != startTag || string(s.scan.name) != "c":
			s.line = append(s.line, s.scan.raw...)
			continue
		}
		column++
		if ref := attribute(s.scan.attrs, "r"); ref != nil {
			column = columnOf(ref)
		}
		before(column)
		if next < len(words) && column == s.Columns[next] && words[next] != "" {
			if !s.scan.empty {
				err = s.skip("c")
			}
			if err != nil {
				return err
			}
			continue
		}
		s.line = append(s.line, s.scan.raw...)
		if len(s.line) > rowBytesMax {
			return errRunTooLong
		}
	}
	// What is left stands right of all cells.
	before(math.MaxInt)
	return nil
}

// words appends the cell that says something. No words leave no cell. Space at their ends is
// theirs, and XML would drop it.
func (s *sheetCopy) words(prefix string, column int, words string) {
	if words == "" {
		return
	}
	s.line = fmt.Appendf(s.line, `<%sc r="`, prefix)
	s.line = strconv.AppendInt(appendColumn(s.line, column), int64(s.row), 10)
	s.line = fmt.Appendf(s.line, `" t="inlineStr"><%[1]sis><%[1]st xml:space="preserve">`, prefix)
	s.line = appendEscaped(s.line, literal(words))
	s.line = fmt.Appendf(s.line, "</%[1]st></%[1]sis></%[1]sc>", prefix)
}
