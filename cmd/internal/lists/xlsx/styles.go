package xlsx

import (
	"errors"
	"io"
	"strconv"
)

// stylesMax is how many formats of cells a workbook may have; Excel stops at 65,490.
const stylesMax = 1 << 17

// style is what a cell format does to a value. The zero style is that of a plain cell.
type style struct {
	date   bool // numbers are shown as dates: nothing else tells the two apart
	struck bool // the value is struck out
	mask   mask // how whole numbers are shown; "": as they are
}

// readStyles returns the formats of cells by their numbers. The part has its number formats and
// fonts before the formats of cells that name them by number, so it is read once. What is beyond
// stylesMax is left out, as if it had no format.
func readStyles(in io.Reader) ([]style, error) {
	scan := newScanner(in)
	custom := map[int]style{} // by number format
	var styles []style
	var struck []bool // by font
	inFormats, inFonts := false, false
	for {
		kind, err := scan.next()
		switch {
		case errors.Is(err, io.EOF):
			return styles, nil
		case err != nil:
			return nil, err
		case kind == textRun:
			continue
		}
		switch string(scan.name) {
		// There is another list of elements of the same name, for the named styles, which cells do
		// not number.
		case "cellXfs":
			inFormats = kind == startTag && !scan.empty
		case "fonts":
			inFonts = kind == startTag && !scan.empty
		// Fonts are also named in formats that depend on a condition, which stand outside of the
		// list.
		case "font":
			if kind == startTag && inFonts && len(struck) < stylesMax {
				struck = append(struck, false)
			}
		case "strike":
			if kind == startTag && inFonts && len(struck) > 0 && isOn(scan.attrs) {
				struck[len(struck)-1] = true
			}
		case "numFmt":
			id, err := strconv.Atoi(string(attribute(scan.attrs, "numFmtId")))
			if kind == startTag && err == nil && len(custom) < stylesMax {
				code := appendText(nil, attribute(scan.attrs, "formatCode"))
				custom[id] = style{date: showsDates(string(code)), mask: maskOf(string(code))}
			}
		case "xf":
			if kind == startTag && inFormats && len(styles) < stylesMax {
				id, _ := strconv.Atoi(string(attribute(scan.attrs, "numFmtId")))
				one, found := custom[id]
				if !found {
					one.date = builtInDate(id)
				}
				font, err := natural(attribute(scan.attrs, "fontId"))
				one.struck = err == nil && font < len(struck) && struck[font]
				styles = append(styles, one)
			}
		}
	}
}

// builtInDate tells whether a number format that Excel does not write down shows dates. They are
// those of ECMA-376, part 1, 18.8.30, with the ones of East Asian languages.
func builtInDate(id int) bool {
	return id >= 14 && id <= 22 || id >= 27 && id <= 36 || id >= 45 && id <= 47 ||
		id >= 50 && id <= 58
}

// showsDates tells whether a number format has a part of a date or time outside of quotes, brackets
// and escapes. Letters such as m also stand for minutes, which is a time all the same. A wrong yes
// makes a day of a number, and a wrong no a number of a day: both are refused where the other is
// asked for, or judged with the column.
func showsDates(code string) bool {
	if code == "General" || code == "Standard" {
		return false
	}
	for i := 0; i < len(code); i++ {
		switch code[i] {
		case '"':
			for i++; i < len(code) && code[i] != '"'; i++ {
			}
		case '[':
			for i++; i < len(code) && code[i] != ']'; i++ {
			}
		case '\\', '_', '*':
			i++
		case 'y', 'Y', 'm', 'M', 'd', 'D', 'h', 'H', 's', 'S':
			return true
		}
	}
	return false
}
