package xlsx

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"cakupan/cmd/internal/lists/archive"
	"cakupan/cmd/internal/lists/grid"
)

const (
	// The bounds of what a file may cost before it is known to be a list. A workbook that Excel
	// wrote is far below all of them. They hold before anything is unpacked, or while it is.
	smallPartMax    = 8 << 20  // of a part that is not a sheet and not the texts
	sheetsMax       = 1 << 10  // Excel sets no bound; nobody has as many
	inflateFree     = 32 << 20 // so much may come out of any part
	inflateRatioMax = 200      // beyond that, so many times what went in
	magicBytes      = 8
)

// ErrOpenDocument says that a file is a workbook of LibreOffice, which package ods reads.
var ErrOpenDocument = grid.NewError(
	"the file is of LibreOffice (.ods): save it as Excel .xlsx",
	"berkas LibreOffice (.ods): simpan sebagai Excel .xlsx",
)

// Book is an open workbook. Its sheets are read one at a time. It belongs to one goroutine: the
// shared texts are read on demand by whichever sheet asks first. The file under it must stay open
// and unchanged until Close: parts are read when they are needed.
type Book struct {
	// Sheets are the sheets that people see, in their order.
	Sheets []Sheet
	// Hidden are those that people do not see.
	Hidden []Sheet
	// Date1904 says that days are counted from 1904-01-01, not from 1900.
	Date1904 bool

	// Two parts whose names differ in case only are one to Excel, which is why the names are
	// folded.
	parts   map[string]*zip.File // by lower-case name; of two with one name the first counts
	all     []*zip.File          // in their order
	styles  []style              // by number of format
	strings *sharedStrings       // read as far as some cell has needed them
	texts   io.Closer            // their part; nil when there is none
	// Whoever wrote the workbook left its formulas to be computed when it is opened. Some
	// programs then store 0 for each.
	uncomputed bool
	strict     bool   // the form of the format that names everything otherwise
	main       string // the part that lists the sheets
}

// Sheet names a sheet. It is good for the Book that it comes from.
type Sheet struct {
	Name string // as people see it
	part string // of the archive; it may be missing there
}

// IsWorkbook tells by its first bytes whether a file is, or was meant as, an Excel workbook. An old
// or encrypted one counts too: Open then says what it is, where a reader of CSV would see rubbish.
// A file that cannot be read is none: whoever opens it next gets the error.
func IsWorkbook(file io.ReaderAt) bool {
	// A file shorter than that gives what it has, and io.EOF, which says nothing here.
	magic := make([]byte, magicBytes)
	n, _ := file.ReadAt(magic, 0)
	return bytes.HasPrefix(magic[:n], []byte("PK")) || isCompound(magic[:n])
}

// Open opens a workbook whose file has size bytes. It reads the list of its sheets and the formats
// of its cells, and no row. Its errors are a [grid.Error] for whatever is wrong with the file,
// [ErrOpenDocument] among them, or that of reading it. On an error nothing is left open; else the
// caller closes the Book.
func Open(file io.ReaderAt, size int64) (*Book, error) {
	if err := checkContainer(file, size); err != nil {
		return nil, err
	}
	all, err := archive.Open(file, size)
	switch {
	case errors.Is(err, archive.ErrTooMany):
		return nil, errParts
	case err != nil:
		return nil, partError(err)
	}
	b := &Book{
		parts: make(map[string]*zip.File, len(all.File)), all: all.File,
		strings: &sharedStrings{},
	}
	for _, f := range all.File {
		name := partName("", strings.ReplaceAll(f.Name, `\`, "/"))
		if b.parts[name] == nil {
			b.parts[name] = f
		}
	}
	if err := b.checkParts(); err != nil {
		return nil, err
	}
	if err := b.readBook(); err != nil {
		return nil, errors.Join(partError(err), b.Close())
	}
	return b, nil
}

// Close ends the use of the workbook, not of its file. It may be called once, after the last row
// was read: rows lose their shared texts by it.
func (b *Book) Close() error {
	if b.texts == nil {
		return nil
	}
	return b.texts.Close()
}

// Rows begins to read a sheet from its top. The caller closes what it returns, before the Book. The
// same sheet may be read again by another call.
func (b *Book) Rows(sheet Sheet) (*Rows, error) {
	part, err := b.open(sheet.part, 0)
	if err != nil {
		return nil, partError(err)
	}
	return &Rows{book: b, part: part, scan: newScanner(part)}, nil
}

// checkContainer says what a file is when it is no zip of a size that can be looked into.
func checkContainer(file io.ReaderAt, size int64) error {
	magic := make([]byte, magicBytes)
	n, err := file.ReadAt(magic, 0)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return fmt.Errorf("read workbook: %w", err)
	case n == 0:
		return grid.NewError(
			"the file is empty",
			"berkas ini kosong",
		)
	case isCompound(magic[:n]):
		return compoundError(file, size)
	case !bytes.HasPrefix(magic[:n], []byte("PK")):
		return grid.NewError(
			"the file is not an Excel workbook, whatever its name says: open it in Excel or"+
				" LibreOffice and save it as .xlsx",
			"berkas ini bukan buku kerja Excel, apa pun namanya: buka di Excel atau"+
				" LibreOffice lalu simpan sebagai .xlsx",
		)
	}
	return checkEnd(file, size)
}

// errParts is never written.
var errParts = grid.NewError(
	"the Excel file has more parts than a spreadsheet needs",
	"berkas Excel ini punya terlalu banyak bagian: simpan lagi dari Excel",
)

// checkEnd makes sure that the record is there which ends a zip: a file that was copied in part
// lacks it.
func checkEnd(file io.ReaderAt, size int64) error {
	const endLength = 22
	// The record is followed by a comment of at most 64 KiB, which decides how far from the end it
	// may begin.
	tail := make([]byte, min(size, 1<<16+endLength))
	n, err := file.ReadAt(tail, size-int64(len(tail)))
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read workbook: %w", err)
	}
	tail = tail[:n]
	// The last one counts, as it does for the zip package.
	at := bytes.LastIndex(tail, []byte("PK\x05\x06"))
	if at < 0 || at+endLength > len(tail) {
		return grid.NewError(
			"the Excel file is not complete: copy or download it again",
			"berkas Excel ini tidak utuh: salin atau unduh lagi",
		)
	}
	return nil
}

// isCompound tells whether a file has the container of old and of encrypted Office files.
func isCompound(magic []byte) bool {
	return bytes.HasPrefix(magic, []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"))
}

// compoundError says what an Office file that is no zip is. It is only asked of a file that
// isCompound has told.
func compoundError(file io.ReaderAt, size int64) error {
	// The names of its parts stand in its directory, which may be anywhere; Office writes it
	// near one of the ends. More is not read: a file that is larger and has its directory in the
	// middle is taken for an old one.
	const window = 2 << 20
	head := make([]byte, min(size, window))
	n, err := file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read workbook: %w", err)
	}
	tail := make([]byte, min(size, window))
	m, err := file.ReadAt(tail, size-int64(len(tail)))
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read workbook: %w", err)
	}
	// Names of parts are in UTF-16, so each letter is followed by a zero.
	wide := []byte("E\x00n\x00c\x00r\x00y\x00p\x00t\x00e\x00d\x00P\x00a\x00c\x00k\x00")
	if bytes.Contains(head[:n], wide) || bytes.Contains(tail[:m], wide) {
		return grid.NewError(
			"the workbook is password protected: open it in Excel, save a copy without a"+
				" password and use that",
			"buku kerja ini berkata sandi: buka di Excel, simpan salinan tanpa kata sandi,"+
				" lalu pakai itu",
		)
	}
	return grid.NewError(
		"the file is of an old Excel (.xls): open it in Excel and save it as .xlsx",
		"berkas Excel lama (.xls): buka di Excel lalu simpan sebagai .xlsx",
	)
}

// checkParts says what a zip is when it is not a workbook that can be read. Each answer says what
// to do: whoever sends such a file has never heard of its format.
func (b *Book) checkParts() error {
	has := func(name string) bool { return b.parts[name] != nil }
	switch {
	// The order matters: a binary workbook has the same list of types as any other.
	case has("xl/workbook.bin"):
		return grid.NewError(
			"the file is a binary workbook (.xlsb): open it in Excel and save it as .xlsx",
			"buku kerja biner (.xlsb): buka di Excel lalu simpan sebagai .xlsx",
		)
	case has("mimetype") || has("content.xml"):
		return ErrOpenDocument
	case has("word/document.xml") || has("ppt/presentation.xml"):
		return grid.NewError(
			"the file is of Word or PowerPoint, not of Excel: put the list into a sheet and"+
				" save that as .xlsx",
			"berkas Word atau PowerPoint: pindahkan daftarnya ke lembar Excel lalu simpan"+
				" sebagai .xlsx",
		)
	case !has("[content_types].xml") && !has("_rels/.rels"):
		return grid.NewError(
			"the file is a zip archive, not an Excel workbook: unpack it and use the"+
				" workbook in it",
			"berkas ini arsip zip: buka arsipnya dan pakai buku kerja di dalamnya",
		)
	}
	return nil
}

// relation is what a part says of another one. Its kind is the last part of a URI that differs
// between writers.
type relation struct{ kind, target string }

// readBook reads what is known of the workbook before its sheets. What the archive's own list of
// parts calls the workbook is followed, and from there what that part names: no path is taken for
// granted.
func (b *Book) readBook() error {
	const office = "officeDocument"
	// This is what Excel calls it, for a file whose list of parts is lost; other programs choose
	// other names.
	main := "xl/workbook.xml"
	roots, err := b.relations("")
	if err != nil {
		return err
	}
	for _, r := range roots {
		if r.kind == office {
			main = r.target
		}
	}
	b.main = partName("", main)
	relations, err := b.relations(main)
	if err != nil {
		return err
	}
	if err := b.readSheets(main, relations); err != nil {
		return err
	}
	// They come in no order: neither of the two needs the other one.
	for _, r := range relations {
		switch r.kind {
		case "styles":
			err = b.readStyles(r.target)
		case "sharedStrings":
			err = b.openStrings(r.target)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readStyles finds out what formats of cells do. Without the part no cell would be known for a
// date: that it is named and missing is an error.
func (b *Book) readStyles(name string) error {
	part, err := b.open(name, smallPartMax)
	if err != nil {
		return err
	}
	b.styles, err = readStyles(part)
	return errors.Join(err, part.Close())
}

// openStrings opens the shared texts without reading them: see sharedStrings.
func (b *Book) openStrings(name string) error {
	if b.texts != nil || b.parts[partName("", name)] == nil {
		return nil // a workbook without texts may still name the part
	}
	part, err := b.open(name, 0)
	if err != nil {
		return err
	}
	b.texts, b.strings.scan = part, newScanner(part)
	return nil
}

// relations reads which parts a part names, by their ids. A part without such a list names none,
// which is no error.
func (b *Book) relations(of string) (map[string]relation, error) {
	folder, name := path.Split(of)
	found := map[string]relation{}
	file := partName("", folder+"_rels/"+name+".rels")
	if b.parts[file] == nil {
		return found, nil
	}
	part, err := b.open(file, smallPartMax)
	if err != nil {
		return nil, err
	}
	err = eachTag(part, func(tag string, attrs []byte) {
		if tag != "Relationship" || len(found) >= sheetsMax {
			return
		}
		// The kind is no text that people wrote, and is compared as it stands; a target may hold
		// entities.
		kind := string(attribute(attrs, "Type"))
		target := string(appendText(nil, attribute(attrs, "Target")))
		found[string(attribute(attrs, "Id"))] = relation{
			kind: kind[strings.LastIndexByte(kind, '/')+1:], target: partName(folder, target),
		}
	})
	return found, errors.Join(err, part.Close())
}

// readSheets reads the list of sheets. Sheets of charts and macros are left out: they have no rows.
// The flags of the workbook stand in the same part and are taken on the way.
func (b *Book) readSheets(main string, relations map[string]relation) error {
	part, err := b.open(main, smallPartMax)
	if err != nil {
		return err
	}
	err = eachTag(part, func(tag string, attrs []byte) {
		switch tag {
		case "workbook":
			// The strict form has its own names of namespaces, all below that address.
			b.strict = bytes.Contains(attrs, []byte("purl.oclc.org"))
		case "workbookPr":
			flag := string(attribute(attrs, "date1904"))
			b.Date1904 = flag == "1" || flag == "true"
		case "calcPr":
			flag := string(attribute(attrs, "fullCalcOnLoad"))
			b.uncomputed = flag == "1" || flag == "true"
		case "sheet":
			// The attribute is r:id, whose prefix each program chooses; sheetId is another one.
			to := relations[string(attribute(attrs, "id"))]
			state := string(attribute(attrs, "state"))
			if to.kind != "worksheet" || len(b.Sheets)+len(b.Hidden) >= sheetsMax {
				return
			}
			name := appendText(nil, attribute(attrs, "name"))
			sheet := Sheet{Name: string(name), part: to.target}
			// It is hidden, or "veryHidden", which only a macro can undo.
			if state != "" && state != "visible" {
				b.Hidden = append(b.Hidden, sheet)
			} else {
				b.Sheets = append(b.Sheets, sheet)
			}
		}
	})
	if err == nil && len(b.Sheets) == 0 {
		err = grid.NewError(
			"the workbook has no sheet that can be seen",
			"buku kerja ini tidak punya lembar yang tampak",
		)
	}
	return errors.Join(err, part.Close())
}

// eachTag calls yield with each start tag of a small part. The slices that yield gets are valid
// during the call only. io.EOF is the end and no error.
func eachTag(in io.Reader, yield func(tag string, attrs []byte)) error {
	scan := newScanner(in)
	for {
		kind, err := scan.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case kind == startTag:
			yield(string(scan.name), scan.attrs)
		}
	}
}

// partName returns the name of a part as the table of parts has it. It is in lower case, without a
// slash in front, and never climbs out of the archive by "..": Clean stops at the root.
func partName(folder, target string) string {
	if !strings.HasPrefix(target, "/") {
		target = folder + target
	}
	return strings.ToLower(strings.TrimPrefix(path.Clean("/"+target), "/"))
}

// partWords names a part in brackets, if it is called as parts are: a damaged file has anything
// there, numbers of people too.
func partWords(name string) string {
	const nameMax = 60
	digits := 0
	for _, r := range name {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', strings.ContainsRune("/._-", r):
		default:
			return ""
		}
	}
	// A NIK has 16 digits: so few cannot be one, nor a card's 11.
	if len(name) > nameMax || digits > 8 {
		return ""
	}
	return " (" + name + ")"
}

// open opens a part; at most so many bytes may come out of it, 0: as many as its size in the file
// explains. XML of a sheet packs to about a tenth; inflateRatioMax leaves room for the emptiest
// one, and stops a bomb.
func (b *Book) open(name string, most int64) (io.ReadCloser, error) {
	file := b.parts[partName("", name)]
	if file == nil {
		return nil, &grid.Error{
			Detail: "the Excel file has lost a part" + partWords(name) +
				": open it in Excel, save a copy and use that",
			ID: "berkas Excel ini kehilangan sebuah bagian" + partWords(name) +
				": buka di Excel, simpan salinannya, lalu pakai itu",
		}
	}
	// Bit 0 of the flags says that a part is encrypted; the zip package does not look at it.
	if file.Flags&1 != 0 {
		return nil, grid.NewError(
			"the archive is password protected: save a copy without a password",
			"arsipnya berkata sandi: simpan salinan tanpa kata sandi",
		)
	}
	part, err := file.Open()
	if err != nil {
		return nil, err
	}
	if most == 0 {
		most = inflateFree
		// A larger size is a lie, whose product might not fit.
		if packed := file.CompressedSize64; packed < 1<<40 {
			most = max(most, int64(packed)*inflateRatioMax)
		}
	}
	return &boundedPart{ReadCloser: part, left: most}, nil
}

// boundedPart is a part that may not inflate without bound. left is how many bytes may still come
// out.
type boundedPart struct {
	io.ReadCloser
	left int64
}

// Read reads on.
func (p *boundedPart) Read(b []byte) (int, error) {
	n, err := p.ReadCloser.Read(b)
	// What is over the bound is not given out, not even in part: the caller cannot use half of a
	// tag.
	p.left -= int64(n)
	if p.left < 0 {
		return 0, grid.NewError(
			"the Excel file blows up when it is unpacked: it was not made by a spreadsheet",
			"berkas Excel ini mengembang berlebihan ketika dibuka: simpan lagi dari Excel",
		)
	}
	return n, err
}
