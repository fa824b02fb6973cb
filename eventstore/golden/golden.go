// Package golden keeps, for tests, files as programs of some version wrote them: today's program
// must write the same bytes, and read every one of them. Files whose name ends with .gz are kept
// compressed, others as hexadecimal digits.
package golden

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// lineBytes is how many bytes a line of digits has.
const lineBytes = 16

// Compare fails the test unless the file of that name in testdata holds these bytes. With -update
// it makes the file hold them.
func Compare(t testing.TB, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := write(path, got); err != nil {
			t.Fatal(err)
		}
	}
	if want := Read(t, name); !bytes.Equal(got, want) {
		t.Errorf("%s: %d bytes differ from the %d of the golden file from byte %d on: files that"+
			" exist hold those", name, len(got), len(want), same(got, want))
	}
}

// Make makes the golden file with -update, and leaves it alone otherwise: for bytes that are others
// each time, such as those of what is sealed.
func Make(t testing.TB, name string, content func() []byte) {
	t.Helper()
	if !*update {
		return
	}
	if err := write(filepath.Join("testdata", name), content()); err != nil {
		t.Fatal(err)
	}
}

// same returns how many bytes at the front are the same.
func same(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// Read returns the bytes of a golden file in testdata.
func Read(t testing.TB, name string) []byte {
	t.Helper()
	content, err := ReadFile(filepath.Join("testdata", name))
	if errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("%v: where a format is new, make its golden file with -update", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// Copy writes the bytes of a golden file in testdata to a file with the rights of its owner alone.
func Copy(t testing.TB, name, to string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, Read(t, name), 0o600); err != nil {
		t.Fatal(err)
	}
}

// ReadFile returns the bytes of a golden file under any path.
func ReadFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read golden file: %w", err)
	}
	defer func() { _ = file.Close() }()
	var content []byte
	if strings.HasSuffix(path, ".gz") {
		var unpacked *gzip.Reader
		if unpacked, err = gzip.NewReader(file); err == nil {
			content, err = io.ReadAll(unpacked)
		}
	} else if content, err = io.ReadAll(file); err == nil {
		content, err = hex.DecodeString(strings.Join(strings.Fields(string(content)), ""))
	}
	if err != nil {
		return nil, fmt.Errorf("read golden file %s: %w", path, err)
	}
	return content, nil
}

func write(path string, content []byte) error {
	var text bytes.Buffer
	if strings.HasSuffix(path, ".gz") {
		packed, err := gzip.NewWriterLevel(&text, gzip.BestCompression)
		if err == nil {
			_, err = packed.Write(content)
			err = errors.Join(err, packed.Close())
		}
		if err != nil {
			return err
		}
	} else {
		for len(content) > 0 {
			n := min(len(content), lineBytes)
			_, _ = fmt.Fprintln(&text, hex.EncodeToString(content[:n])) // a buffer takes everything
			content = content[n:]
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, text.Bytes(), 0o644)
}
