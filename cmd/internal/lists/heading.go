package lists

import (
	"slices"
	"strings"

	"cakupan/cmd/internal/lists/grid"
)

// under takes a row for a second row of names, if it is one: under names that are merged over
// several columns stand the names of those columns, and nobody is named. Names below replace those
// above them where both are there. It changes h only if it returns true.
func (h *header) under(row *grid.Row) bool {
	fields := make([]field, len(row.Cells))
	marks := make([]string, len(row.Cells))
	names := make([]string, len(row.Cells))
	filled := 0
	for i := range row.Cells {
		cell := &row.Cells[i]
		if cell.Kind == grid.Empty || cell.Kind == grid.Text && len(trim(cell.Text)) == 0 {
			continue
		}
		// A number or day is a value: the row is one of the list.
		if cell.Kind != grid.Text {
			return false
		}
		filled++
		names[i] = headingText(cell.Text)
		key := plain(names[i])
		fields[i], marks[i] = meaningOf(names[i]).field, programmeNamed(key)
		if marks[i] != "" && (fields[i] == noField || h.over(i) == fieldProgrammes) {
			fields[i] = fieldMark
		}
		// A word that is no name, or one in the column of people, is a value too.
		if fields[i] == noField || i < len(h.fields) && h.fields[i].isPersonal() &&
			fields[i] != h.fields[i] {
			return false
		}
	}
	if filled == 0 {
		return false
	}
	for i := range fields {
		if names[i] == "" {
			continue
		}
		for len(h.fields) <= i {
			h.fields, h.names = append(h.fields, noField), append(h.names, "")
		}
		h.fields[i], h.names[i] = fields[i], names[i]
		if fields[i] == fieldMark {
			h.mark(i, marks[i])
		} else {
			h.language += meaningOf(names[i]).language
		}
	}
	// Rows begin below it.
	h.row, h.width = row.Number, max(h.width, row.Width)
	return true
}

// beneath takes the row right above the names for their first row, if it is one: names that are
// merged over several columns, and those of columns that have none below it, as they are merged
// with the cell below. At least three cells, all of them texts, and a name that is known are no
// letterhead and no declaration.
func (h *header) beneath() {
	if len(h.above) == 0 {
		return
	}
	const filledMin = 3
	above := &h.above[len(h.above)-1]
	filled, known := 0, 0
	for i, cell := range above.Cells {
		switch cell.Kind {
		case grid.Empty:
			continue
		case grid.Text:
		default:
			return
		}
		if text := headingText(cell.Text); text != "" {
			filled++
			if h.nameless(i) && meaningOf(text).field.isColumn() {
				known++
			}
		}
	}
	if above.Number != h.row-1 || filled < filledMin || known == 0 {
		return
	}
	h.adopt(above)
}

// nameless tells whether a column has no name.
func (h *header) nameless(column int) bool {
	return column >= len(h.names) || h.names[column] == ""
}

// adopt gives columns without a name that of the row above, which then declares nothing.
func (h *header) adopt(above *grid.Row) {
	for i, cell := range above.Cells {
		name := headingText(cell.Text)
		if name == "" || !h.nameless(i) {
			continue
		}
		for len(h.names) <= i {
			h.fields, h.names = append(h.fields, noField), append(h.names, "")
		}
		m := meaningOf(name)
		h.fields[i], h.names[i] = m.field, name
		if m.field.isColumn() {
			h.known++
			h.language += m.language
		}
	}
	h.declared = slices.DeleteFunc(h.declared, func(d declaration) bool {
		return d.row == above.Number
	})
	h.above = h.above[:len(h.above)-1]
}

// isColumn tells whether a field is one that a column holds, and not only a line above them.
func (f field) isColumn() bool { return f != noField && (f < fieldList || f >= fieldOrdinal) }

// over returns what the name says that stands over a column, or left of it where names are merged.
// It is noField where nothing stands there.
func (h *header) over(column int) field {
	for i := min(column, len(h.names)-1); i >= 0; i-- {
		if h.names[i] != "" {
			return h.fields[i]
		}
	}
	return noField
}

// mark makes a column one in which a mark stands for a programme.
func (h *header) mark(column int, programme string) {
	if h.marks == nil {
		h.marks = map[int]string{}
	}
	h.marks[column] = programme
}

// headingText returns a name as written, on one line. Line breaks in a cell are how people make a
// column narrow.
func headingText(text []byte) string {
	return strings.Join(strings.Fields(string(trim(text))), " ")
}

// spread finds columns without a name that hold programmes, in a list that has a column of
// programmes: its name is merged over them, or stands over one of them. It returns the columns
// without a name that hold something else. It needs the survey: only values tell what such columns
// hold.
func (h *header) spread(s *survey) (unnamed []int) {
	named := slices.Index(h.fields, fieldProgrammes)
	for i := range s.columns {
		if s.columns[i].filled == 0 || i < len(h.names) && h.names[i] != "" {
			continue
		}
		// One programme says what the column is; what is none in it is then refused.
		if good, _ := s.good(i, fieldProgrammes, false); good > 0 && named >= 0 {
			for len(h.fields) <= i {
				h.fields, h.names = append(h.fields, noField), append(h.names, "")
			}
			h.fields[i], h.names[i] = fieldProgrammes, h.names[named]
			continue
		}
		unnamed = append(unnamed, i)
	}
	return unnamed
}

// isMarked reads a mark: whether the programme of its column is meant. ok is false for what is no
// mark. The name of the programme itself is a mark too. An empty cell is none, and is not asked
// for.
func isMarked(cell grid.Cell, programme string) (marked, ok bool) {
	switch cell.Kind {
	case grid.Bool, grid.Number:
		return string(cell.Text) == "1", string(cell.Text) == "1" || string(cell.Text) == "0"
	case grid.Text:
	default:
		return false, false
	}
	text := string(trim(cell.Text))
	switch strings.ToLower(text) {
	// The last one is how the check of the font Wingdings is stored.
	case "v", "✓", "✔", "√", "☑", "ya", "y", "yes", "ada", "ikut", "1", "true", "aktif", "ü":
		return true, true
	case "tidak", "tdk", "no", "0", "false", "☐":
		return false, true
	}
	return true, codes[fieldProgrammes][plain(text)] == programme
}

// programmeNamed returns the programme that a column is called after by its own name, "" for none.
// Other words for it, such as that for a death, may be names of other things. key is plain.
func programmeNamed(key string) string {
	code := codes[fieldProgrammes][key]
	if key == plain(code) || strings.HasPrefix(key, "jaminan") {
		return code
	}
	return ""
}
