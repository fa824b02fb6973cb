package lists

import (
	"strconv"
	"strings"
)

// notices gathers what people must be told of a list beside its refusals, so that nothing is
// passed over without a word. The list's mutex guards it once rows are read. Each row is noted
// once, in order.
type notices struct {
	lines    []notice // in the order of what they speak of
	nameless []int    // columns without a name that hold something
	hidden   ranges   // rows that a spreadsheet does not show
	struck   ranges   // rows that are struck out
	strokes  ranges   // rows of which a cell is struck out
	totals   ranges   // rows that sum up others
	skipped  ranges   // rows below the last person
	quotes   ranges   // rows with a quotation mark that is not closed
	blocks   ranges   // rows that name the columns anew
	oddCards ranges   // rows whose KPJ has not as many digits as a card
	unused   ranges   // rows whose NIK is not used, as they have a KPJ
}

// notice is one in both languages.
type notice struct{ id, en string }

// ranges are numbers of rows, in order. Both ends are in a span. The zero ranges are empty.
type ranges struct {
	spans [][2]int
	more  int // rows beyond rangesMax
}

// rangesMax bounds what is told at once. Ranges, not rows: whole blocks of a sheet are one.
const rangesMax = 100

// add notes a row. Rows must come in ascending order. Once a row was only counted, those after it
// are too.
func (r *ranges) add(row int) {
	last := len(r.spans) - 1
	switch {
	case last >= 0 && r.more == 0 && r.spans[last][1] == row-1:
		r.spans[last][1] = row
	case len(r.spans) < rangesMax:
		r.spans = append(r.spans, [2]int{row, row})
	default:
		r.more++
	}
}

// in names the rows: "4, 7-9".
func (r *ranges) in(l Language) string {
	var texts []string
	for _, s := range r.spans {
		text := strconv.Itoa(s[0])
		if s[1] > s[0] {
			text += "-" + strconv.Itoa(s[1])
		}
		texts = append(texts, text)
	}
	text := strings.Join(texts, ", ")
	switch {
	case r.more > 0 && l == Indonesian:
		text += " dan " + strconv.Itoa(r.more) + " lagi"
	case r.more > 0:
		text += " and " + strconv.Itoa(r.more) + " more"
	}
	return text
}

// add adds a line in both languages.
func (n *notices) add(id, en string) { n.lines = append(n.lines, notice{id, en}) }

// unnamed tells of columns without a name that hold something.
func (n *notices) unnamed(columns []int) { n.nameless = columns }

// ignoredLine tells of a line above the columns that speaks of what has a column of its own. name
// is that of the line, column that of the column; both are cut and masked.
func (n *notices) ignoredLine(row int, name, column string) {
	at := strconv.Itoa(row)
	n.add("baris "+at+" ("+quote(name)+") tidak dipakai, karena daftar ini punya kolom "+
		quote(column),
		"row "+at+" ("+quote(name)+") is not used, as the list has the column "+quote(column))
}

// unfitLine tells of a line above the columns whose value declares nothing. The value may be
// anybody's text, and is cut and masked.
func (n *notices) unfitLine(row int, name, value string) {
	at := strconv.Itoa(row)
	n.add("baris "+at+" ("+quote(name)+": "+quote(value)+") adalah kepala surat dan tidak dipakai",
		"row "+at+" ("+quote(name)+": "+quote(value)+") is a letterhead and not used")
}

// in returns the notices as people read them. What a row was noted for comes after the lines, in an
// order that does not change.
func (n *notices) in(l Language) (texts []string) {
	for _, line := range n.lines {
		if l == Indonesian {
			texts = append(texts, line.id)
		} else {
			texts = append(texts, line.en)
		}
	}
	if len(n.nameless) > 0 {
		var names []string
		for _, column := range n.nameless {
			names = append(names, columnName(column))
		}
		// A sheet may have thousands of them.
		names = names[:min(len(names), rangesMax)]
		if l == Indonesian {
			texts = append(texts, "kolom tanpa judul tidak dipakai: "+strings.Join(names, ", "))
		} else {
			texts = append(texts, "columns without a name are not used: "+strings.Join(names, ", "))
		}
	}
	for _, rows := range []struct {
		ranges
		id, en string
	}{
		{
			n.hidden, "baris tersembunyi, tetap dibaca: ",
			"rows that are hidden, read all the same: ",
		},
		{
			n.struck, "baris yang dicoret, tetap dibaca (hapus barisnya bila tidak dimaksud): ",
			"rows that are struck out, read all the same (delete them if they are not meant): ",
		},
		{
			n.strokes, "baris dengan sel yang dicoret, seluruhnya atau sebagian, tetap dibaca: ",
			"rows with a cell that is struck out, in whole or in part, read all the same: ",
		},
		{n.totals, "baris jumlah, tidak dipakai: ", "rows of totals, not used: "},
		{
			n.quotes, "baris dengan tanda kutip yang tidak ditutup, dibaca apa adanya: ",
			"rows with a quotation mark that is not closed, read as they stand: ",
		},
		{n.blocks, "baris dengan nama kolom baru: ", "rows that name the columns anew: "},
		{
			n.oddCards, "baris dengan KPJ yang bukan 11 angka, dibaca apa adanya; periksa: ",
			"rows with a KPJ that has not 11 digits, read as it stands; check it: ",
		},
		{
			n.unused, "baris dengan KPJ dan NIK: KPJ yang dipakai, NIK tidak dicocokkan: ",
			"rows with KPJ and NIK: the KPJ counts, the NIK is not compared: ",
		},
		{
			n.skipped, "baris tanpa orang di bawah daftar (jumlah, tanda tangan), tidak dipakai: ",
			"rows without a person below the list (totals, signatures), not used: ",
		},
	} {
		switch {
		case len(rows.spans) == 0:
		case l == Indonesian:
			texts = append(texts, rows.id+rows.in(l))
		default:
			texts = append(texts, rows.en+rows.in(l))
		}
	}
	return texts
}

// Notices returns what people must be told of the list beside its refusals, in its language. It is
// whole when the rows are read to their end.
func (l *List) Notices() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.notices.in(l.info.Lang)
}
