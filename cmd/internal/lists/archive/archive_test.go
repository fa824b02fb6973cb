package archive_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"cakupan/cmd/internal/lists/archive"
)

// zipOf returns a zip with so many empty parts, whose names have so many bytes and more.
func zipOf(t *testing.T, parts, name int) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	prefix := strings.Repeat("x", name)
	for i := range parts {
		part, err := w.Create(prefix + string(rune('a'+i%26)) + string(rune('a'+i/26%26)))
		if err == nil && i == 0 {
			_, err = io.WriteString(part, "first")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestOpen opens a zip and reads a part of it that is as large as the bound of its table.
func TestOpen(t *testing.T) {
	content := zipOf(t, 500, 3)
	a, err := archive.Open(bytes.NewReader(content), int64(len(content)))
	if err != nil || len(a.File) != 500 {
		t.Fatal(a, err)
	}
	for range 3 {
		part, err := a.File[0].Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(part)
		if err := errors.Join(err, part.Close()); err != nil || string(text) != "first" {
			t.Fatalf("%q, %v", text, err)
		}
	}
}

// TestTooMany refuses a table of contents that is too large, also where the file says that it is
// small: the entries themselves are what is read.
func TestTooMany(t *testing.T) {
	content := zipOf(t, 200, 60_000)
	for _, said := range []uint32{0, 100, 1 << 20} {
		if said > 0 {
			end := bytes.LastIndex(content, []byte("PK\x05\x06"))
			binary.LittleEndian.PutUint32(content[end+12:], said)
		}
		_, err := archive.Open(bytes.NewReader(content), int64(len(content)))
		if !errors.Is(err, archive.ErrTooMany) {
			t.Errorf("said to have %d bytes: %v", said, err)
		}
	}
}

// TestNoZip has the zip package's word for what is none.
func TestNoZip(t *testing.T) {
	text := strings.NewReader(strings.Repeat("no zip", 100_000))
	if _, err := archive.Open(text, text.Size()); !errors.Is(err, zip.ErrFormat) {
		t.Error(err)
	}
}
