// Package ods reads the sheets of OpenDocument spreadsheets, as LibreOffice writes them, row by
// row.
// Everything is in one part of a zip, content.xml, which is read from its beginning for each sheet.
// As of Excel's files, nothing is believed that a file says of itself: how far the part inflates,
// how often a row or cell is repeated and how long a text is are bounded.
//
// The first row is 1, and days are given as the serials of Excel's count from 1900, so that the
// package lists reads both formats alike. Workbooks are told apart by package xlsx, which also
// bounds the zip's directory before this package is asked.
package ods

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"io"

	"cakupan/cmd/internal/lists/archive"
	"cakupan/cmd/internal/lists/grid"
)

const (
	// The bounds of what a file may cost. LibreOffice itself writes some tens of parts, and a
	// spreadsheet of 1,048,576 rows at most.
	partsMax     = 10_000
	sheetsMax    = 1 << 10
	rowsMax      = 1 << 20
	textMax      = 1 << 20  // of a cell
	inflateFree  = 32 << 20 // so much may come out of the part
	inflateRatio = 200      // beyond that, so many times what went in
	mimeSheet    = "application/vnd.oasis.opendocument.spreadsheet"
)

// errDamaged is shared and never written; damaged adds the cause to a copy.
var errDamaged = grid.NewError(
	"the LibreOffice file is damaged: open it, save a copy and use that",
	"berkas LibreOffice ini rusak: buka, simpan salinannya, lalu pakai itu",
)

// Book is an open spreadsheet. Its sheets are read one at a time. It holds no row and nothing that
// changes: each reading of a sheet has a decoder of its own.
type Book struct {
	// Sheets are the names of its sheets that are shown, in their order; Hidden those that are not.
	Sheets, Hidden []string

	content *zip.File
}

// Open opens a spreadsheet whose file has size bytes, and reads through its content once for the
// names of the sheets. What is wrong with the file is a [grid.Error]. The file stays the caller's,
// and must stay open for as long as rows are read.
func Open(file io.ReaderAt, size int64) (*Book, error) {
	all, err := archive.Open(file, size)
	if err != nil {
		return nil, damaged(err)
	}
	if len(all.File) > partsMax {
		return nil, errDamaged
	}
	b := &Book{}
	for _, part := range all.File {
		// Names are as the format has them, in this case; a later part of the same name takes the
		// place.
		switch part.Name {
		case "content.xml":
			b.content = part
		case "mimetype":
			if err := checkMime(part); err != nil {
				return nil, err
			}
		case "META-INF/manifest.xml":
			if err := checkLocked(part); err != nil {
				return nil, err
			}
		}
	}
	if b.content == nil {
		return nil, errDamaged
	}
	return b, b.findSheets()
}

// Close ends the use of the spreadsheet, not of its file. There is nothing to end: it is there so
// that both formats are used in one way.
func (b *Book) Close() error { return nil }

// checkMime says what an OpenDocument is that is no spreadsheet. A longer type that begins so, as
// that of a template, is one too; without any the content decides.
func checkMime(part *zip.File) error {
	text, err := readSmall(part)
	if err != nil || bytes.HasPrefix(text, []byte(mimeSheet)) {
		return err
	}
	return grid.NewError(
		"the file is a text or slides of LibreOffice, not a spreadsheet: put the list into a"+
			" sheet and save that",
		"berkas teks atau presentasi LibreOffice: pindahkan daftarnya ke lembar kerja lalu"+
			" simpan",
	)
}

// checkLocked says that a file has a password. The parts themselves look like damaged ones then.
func checkLocked(part *zip.File) error {
	text, err := readSmall(part)
	if err != nil || !bytes.Contains(text, []byte("encryption-data")) {
		return err
	}
	return grid.NewError(
		"the file is password protected: save a copy without a password and use that",
		"berkas ini berkata sandi: simpan salinan tanpa kata sandi, lalu pakai itu",
	)
}

// readSmall reads a small part. What is beyond 1 MiB is left out: what is looked for stands near
// the beginning.
func readSmall(part *zip.File) ([]byte, error) {
	in, err := part.Open()
	if err != nil {
		return nil, damaged(err)
	}
	const most = 1 << 20
	text, err := io.ReadAll(io.LimitReader(in, most))
	if err := errors.Join(err, in.Close()); err != nil {
		return nil, damaged(err)
	}
	return text, nil
}

// open begins to read the content. Each reading unpacks the part anew: it can be read from its
// beginning alone.
func (b *Book) open() (*reader, error) {
	part, err := b.content.Open()
	if err != nil {
		return nil, damaged(err)
	}
	// The sizes that the zip names are not believed, but how many bytes it holds is.
	most := int64(inflateFree)
	if packed := b.content.CompressedSize64; packed < 1<<40 {
		most = max(most, int64(packed)*inflateRatio)
	}
	decoder := xml.NewDecoder(&bounded{part, most})
	return &reader{
		part: part, xml: decoder, struck: map[string]bool{}, hidden: map[string]bool{},
	}, nil
}

// bounded is a part that may not inflate without bound. left is how many bytes may still come out
// of it.
type bounded struct {
	in   io.Reader
	left int64
}

// Read reads on. After the error nothing more comes out.
func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.in.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, grid.NewError(
			"the LibreOffice file blows up when it is unpacked: it was not made by a"+
				" spreadsheet",
			"berkas LibreOffice ini mengembang berlebihan ketika dibuka: simpan lagi dari"+
				" LibreOffice",
		)
	}
	return n, err
}

// findSheets reads the names of the sheets. Sheets beyond sheetsMax are not known, as nobody has as
// many. Whether one is hidden is said by its style, which stands above it.
func (b *Book) findSheets() error {
	r, err := b.open()
	if err != nil {
		return err
	}
	// The whole content is read for it, which also tells of damage before anything is taken in.
	for err == nil && len(b.Sheets)+len(b.Hidden) < sheetsMax {
		var name string
		switch name, err = r.nextTable(); {
		case err != nil:
		case r.hidden[r.table]:
			b.Hidden = append(b.Hidden, name)
		default:
			b.Sheets = append(b.Sheets, name)
		}
	}
	// What has gone wrong before counts for more than how it closes.
	closed := r.part.Close()
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return damaged(err)
	case closed != nil:
		return damaged(closed)
	case len(b.Sheets)+len(b.Hidden) == 0:
		return grid.NewError(
			"the file has no sheet",
			"berkas ini tidak punya lembar",
		)
	}
	return nil
}

// Rows begins to read a sheet. It is found by its name: of two of one name the first is read. The
// caller closes what it returns. What stands before the sheet is read again each time, for its
// styles too.
func (b *Book) Rows(sheet string) (*Rows, error) {
	r, err := b.open()
	if err != nil {
		return nil, err
	}
	for {
		name, err := r.nextTable()
		switch {
		case err != nil:
			return nil, errors.Join(damaged(err), r.part.Close())
		case name == sheet:
			return &Rows{in: r}, nil
		}
	}
}

// damaged puts an error of reading into words. A sentence for the file's owner stays as it is, and
// so does one that a library has wrapped.
func damaged(err error) error {
	var known *grid.Error
	if errors.As(err, &known) {
		return err
	}
	return &grid.Error{Detail: errDamaged.Detail, ID: errDamaged.ID, Err: err}
}
