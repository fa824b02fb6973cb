package xlsx

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strconv"
)

// Added is a sheet that a copy of a workbook gets, as its last one, or instead of its sheet of that
// name: lines of a name and a value. Both values of a line are written as texts. The sheet has its
// own part and no format but widths.
type Added struct {
	Name  string
	Lines [][2]string
}

// edit changes the text of a part. It returns what the part is to be, and leaves text as it is. It
// is for small parts that are in memory as a whole.
type edit func(text []byte) ([]byte, error)

// CanAdd tells whether a copy of the workbook can get another sheet: the strict form of the format
// names everything otherwise, and nobody writes it but who asks for it. It does not depend on what
// is to be added.
func (b *Book) CanAdd() bool { return !b.strict }

// partOf returns the part of an added sheet: that of the sheet whose place it takes, or a new one.
// Some programs read no sheet that is not called as Excel calls them. A sheet is taken for the one
// to be replaced by its name alone, as people see it; hidden ones are not.
func (b *Book) partOf(a *Added) (part string, replaces bool) {
	for _, sheet := range b.Sheets {
		if sheet.Name == a.Name {
			return partName("", sheet.part), true
		}
	}
	for n := 1; ; n++ {
		part = "xl/worksheets/sheet" + strconv.Itoa(n) + ".xml"
		if b.parts[part] == nil {
			return part, false
		}
	}
}

var (
	// They find the end of the only element of that name in its part. Prefixes are each program's
	// own.
	endOfSheets    = regexp.MustCompile(`</(\w+:)?sheets\s*>`)
	endOfRelations = regexp.MustCompile(`</(\w+:)?Relationships\s*>`)
	endOfTypes     = regexp.MustCompile(`</(\w+:)?Types\s*>`)
	sheetNumber    = regexp.MustCompile(`\ssheetId\s*=\s*["']([0-9]{1,9})["']`)
)

// nameSheet adds a sheet to the list of sheets. Numbers of sheets must differ, and need not be
// without gaps: the new one is above all others. The prefix r is declared on the element itself, as
// the part may call that namespace otherwise.
func (a *Added) nameSheet(text []byte) ([]byte, error) {
	number := 0
	for _, found := range sheetNumber.FindAllSubmatch(text, -1) {
		n, err := strconv.Atoi(string(found[1]))
		if err != nil {
			return nil, errBroken
		}
		number = max(number, n)
	}
	return before(text, endOfSheets, fmt.Sprintf(`sheet xmlns:r="%s" name="%s" sheetId="%d"`+
		` r:id="cakupan"/>`, relationSpace, appendEscaped(nil, sheetTitle(a.Name)), number+1))
}

// editsFor returns what is done to the lists of parts, by their names, to add a sheet. A sheet is
// there for Excel only when all three lists name it. The id "cakupan" is one that no program gives.
func (b *Book) editsFor(a *Added, part string) map[string]edit {
	return map[string]edit{
		b.main: a.nameSheet,
		relationsOf(b.main): func(text []byte) ([]byte, error) {
			return before(text, endOfRelations, `Relationship Id="cakupan" Type="`+relationSpace+
				`/worksheet" Target="/`+part+`"/>`)
		},
		typesPart: func(text []byte) ([]byte, error) {
			return before(text, endOfTypes, `Override PartName="/`+part+`" ContentType="`+partType+
				`worksheet+xml"/>`)
		},
	}
}

// before puts an element before the end of another one, with the prefix that names have there.
// element stands without its first bracket. Without such an end the part is broken.
func before(text []byte, end *regexp.Regexp, element string) ([]byte, error) {
	at := end.FindSubmatchIndex(text)
	if at == nil {
		return nil, errBroken
	}
	prefix := ""
	if at[2] >= 0 {
		prefix = string(text[at[2]:at[3]])
	}
	parts := [][]byte{text[:at[0]], []byte("<" + prefix + element), text[at[0]:]}
	return bytes.Join(parts, nil), nil
}

// write writes the part of the sheet. The part is written last, or in place of the sheet of that
// name, which Copy has left out. Texts are inline: the shared ones are copied byte for byte and so
// cannot get another one.
func (a *Added) write(w *zip.Writer, name string) error {
	to, err := w.Create(name)
	if err != nil {
		return err
	}
	text := []byte(xmlHead + `<worksheet xmlns="` + mainSpace + `"><cols><col min="1" max="2"` +
		` width="30" customWidth="1"/></cols><sheetData>`)
	for i, line := range a.Lines {
		text = fmt.Appendf(text, `<row r="%d">`, i+1)
		for column, words := range line {
			text = fmt.Appendf(text, `<c r="%c%d`, 'A'+column, i+1)
			text = append(text, `" t="inlineStr"><is><t xml:space="preserve">`...)
			text = append(appendEscaped(text, literal(words)), "</t></is></c>"...)
		}
		text = append(text, "</row>"...)
	}
	_, err = io.WriteString(to, string(text)+"</sheetData></worksheet>")
	return err
}
