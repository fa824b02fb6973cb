// Package nobody makes identity numbers of people who cannot exist, for tests, and looks for them
// where no number may ever be found.
package nobody

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// NIK returns the number of a person who cannot exist, the same for the same i.
func NIK(i int) string {
	born := strconv.Itoa(1_000_000 + (i%28+1)*10_000 + (i/28%12+1)*100 + i%90)[1:]
	const serials = 9_999 // 0000 is none
	return fmt.Sprintf("7571%02d%s%04d", 99-i/serials, born, i%serials+1)
}

// Numbers are identity numbers that were sent, and how; none of them may be found again.
type Numbers struct {
	sent map[string]string // number => how it was sent
}

// New returns none yet.
func New() *Numbers { return &Numbers{sent: map[string]string{}} }

// Note says of a number that it was sent.
func (n *Numbers) Note(number, how string) { n.sent[number] = how }

// Count returns how many there are.
func (n *Numbers) Count() int { return len(n.sent) }

// Next returns a number that was not sent yet.
func (n *Numbers) Next(how string) string {
	number := NIK(len(n.sent))
	n.sent[number] = how
	return number
}

// Broken returns a number with a mistake in it that was not sent yet: there is no 13th month.
func (n *Numbers) Broken(how string) string {
	number := NIK(len(n.sent))
	number = number[:8] + "13" + number[10:]
	n.sent[number] = how
	return number
}

// InGroups returns the ways to write a number that are recognised: in groups, in other digits, and
// with what does not show in it.
func InGroups(number string) []string {
	wide := strings.Map(func(r rune) rune { return r - '0' + '０' }, number)
	return []string{
		number[:6] + "-" + number[6:12] + "-" + number[12:],
		number[:4] + " " + number[4:8] + " " + number[8:12] + " " + number[12:],
		number[:2] + "." + number[2:4] + "." + number[4:6] + "." + number[6:12] + "/" + number[12:],
		number[:7] + "\u200b" + number[7:],
		wide,
	}
}

// Find returns where in a text the numbers end.
func (n *Numbers) Find(text []byte) (ends []int) {
	digits := 0
	for i, c := range text {
		if digits++; c-'0' > 9 {
			digits = 0
		}
		if digits < 16 {
			continue
		}
		if _, found := n.sent[string(text[i-15:i+1])]; found {
			ends = append(ends, i+1)
		}
	}
	return ends
}

// Search complains about the numbers in a text.
func (n *Numbers) Search(t *testing.T, where string, text []byte) {
	t.Helper()
	for _, end := range n.Find(text) {
		t.Errorf("%s has a number that was sent as %s: …%s…", where,
			n.sent[string(text[end-16:end])],
			bytes.ToValidUTF8(text[max(0, end-60):min(len(text), end+20)], nil))
	}
	if plain := []byte(Plain(string(text))); !bytes.Equal(plain, text) {
		for _, end := range n.Find(plain) {
			t.Errorf("%s has, in groups, a number that was sent as %s", where,
				n.sent[string(plain[end-16:end])])
		}
	}
}

// SearchFolder looks for the numbers in the names and the bytes of all files of a folder.
func (n *Numbers) SearchFolder(t *testing.T, dir string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		n.Search(t, "the name of a file", []byte(path))
		if d.IsDir() {
			return nil
		}
		files++
		text, err := os.ReadFile(path)
		n.Search(t, path, text)
		return err
	})
	if err != nil || files == 0 {
		t.Fatalf("%d files searched, %v", files, err)
	}
}

// Buffer takes the operator's log.
type Buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write keeps a text.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// Bytes returns a copy of all of them.
func (b *Buffer) Bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.text.Bytes())
}
