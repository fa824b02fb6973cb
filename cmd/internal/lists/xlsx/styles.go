package xlsx

import (
	"errors"
	"io"
	"strconv"
)

// stylesMax is how many formats of cells a workbook may have; Excel stops at 65,490.
const stylesMax = 1 << 17

// readStyles returns, by the number of a cell format, whether it shows numbers as dates. Nothing
// else tells a day from a number: both are stored as numbers.
func readStyles(in io.Reader) ([]bool, error) {
	scan := newScanner(in)
	custom := map[int]bool{} // number format => shows dates
	var dates []bool
	inFormats := false
	for {
		kind, err := scan.next()
		switch {
		case errors.Is(err, io.EOF):
			return dates, nil
		case err != nil:
			return nil, err
		case kind == textRun:
			continue
		}
		switch string(scan.name) {
		case "cellXfs":
			inFormats = kind == startTag && !scan.empty
		case "numFmt":
			id, err := strconv.Atoi(string(attribute(scan.attrs, "numFmtId")))
			if kind == startTag && err == nil && len(custom) < stylesMax {
				code := appendText(nil, attribute(scan.attrs, "formatCode"))
				custom[id] = showsDates(string(code))
			}
		case "xf":
			if kind == startTag && inFormats && len(dates) < stylesMax {
				id, _ := strconv.Atoi(string(attribute(scan.attrs, "numFmtId")))
				date, found := custom[id]
				dates = append(dates, found && date || !found && builtInDate(id))
			}
		}
	}
}

// builtInDate tells whether a number format that Excel does not write down shows dates.
func builtInDate(id int) bool {
	return id >= 14 && id <= 22 || id >= 27 && id <= 36 || id >= 45 && id <= 47 ||
		id >= 50 && id <= 58
}

// showsDates tells whether a number format has a part of a date or time outside of quotes, brackets
// and escapes. Letters such as m also stand for minutes, which is a time all the same.
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
