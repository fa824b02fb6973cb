package lists

import (
	"io"
	"slices"
	"strings"

	"cakupan/cmd/internal/lists/grid"
)

// markups are how files begin that programs write for spreadsheets, and that are no CSV: HTML, XML,
// RTF, SYLK, DIF. It is never written. They are in lower case. A program that exports for
// spreadsheets calls any of these .xls or .csv.
var markups = []string{
	"<?xml", "<html", "<!doctype", "<table", "<style", "<meta", "<head", `{\rtf`, "id;p",
	"table\r\n0,", "table\n0,", "socialcalc:", "mime-version:",
}

// errMarkup is never written.
var errMarkup = grid.NewError(
	"the file is no CSV but a page or a document that a spreadsheet can open (HTML, XML, RTF, SYLK"+
		" or DIF): open it in Excel or LibreOffice and save it as .xlsx",
	"berkas ini bukan CSV, melainkan halaman atau dokumen yang dapat dibuka lembar kerja (HTML,"+
		" XML, RTF, SYLK atau DIF): buka di Excel atau LibreOffice lalu simpan sebagai .xlsx",
)

// isMarkup tells by its first letters whether a file is none of rows and columns. It is asked only
// when no names of columns were found, to say why. A file that cannot be read is none: that has
// been told then.
func isMarkup(file io.ReaderAt) bool {
	head := make([]byte, 64)
	n, _ := file.ReadAt(head, 0)
	text := strings.ToLower(strings.TrimLeft(string(head[:n]), "\ufeff \t\r\n"))
	return slices.ContainsFunc(markups, func(m string) bool { return strings.HasPrefix(text, m) })
}
