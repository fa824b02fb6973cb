package tiles

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"cakupan/eventstore/inspect"
	"cakupan/eventstore/merkle"
)

// What the files are; see [Inspect].
const (
	kindHead  = "tiles: whose, how far, and the frontier of the tree"
	kindLevel = "tiles: hashes of a level of the tree"
)

// IsFile tells whether a file of this name is one that [Inspect] knows. Numbers are as they are
// written: no leading zeros.
func IsFile(name string) bool {
	if name == headName {
		return true
	}
	rest, found := strings.CutPrefix(name, levelPrefix)
	number, err := strconv.Atoi(rest)
	return found && err == nil && number >= 0 && number < levelsMax && rest == strconv.Itoa(number)
}

// Inspect says what can be told about a file. What the levels hold is told of the head, whose root
// covers all of it. It reads all of the folder for the head. Beside a ledger that is running,
// levels may be ahead of the head, which is no damage: they are compared as far as the head says.
func Inspect(path string) (inspect.Report, error) {
	dir, name := filepath.Split(path)
	if name != headName {
		r, err := inspect.New(path, kindLevel)
		if err == nil {
			r.Entries = uint64(r.Bytes / merkle.HashSize)
			r.Note("its hashes are compared with the root in %s", headName)
		}
		return r, err
	}
	r, err := inspect.New(path, kindHead)
	if err != nil {
		return r, err
	}
	h, _, err := readHead(path)
	if err == nil {
		r.Ledger, r.Entries, r.Last = h.Identity.Ledger, h.Events, h.Events
		r.First = min(1, h.Events)
	}
	if errors.Is(err, errOutdated) {
		r.Lower(inspect.Unproven)
		r.Note("%s: they are made anew", err)
		return r, nil
	}
	found, err := Check(dir)
	if found != "" {
		r.Found(inspect.Damaged, "%s: they are made anew from the log", found)
	}
	return r, err
}

// Check reads a folder that nobody has open, and says in a sentence what is wrong with it, "" when
// nothing is: its hashes are those of one tree, whose root is the head's. Memory does not grow with
// it. The error is one of the file system.
func Check(dir string) (found string, err error) {
	h, tree, err := readHead(filepath.Join(dir, headName))
	if errors.Is(err, ErrDamaged) {
		return err.Error(), nil
	}
	if err != nil {
		return "", err
	}
	c := checker{dir: dir}
	defer c.close()
	for range h.Events {
		if found, err = c.next(); found != "" || err != nil {
			return found, err
		}
	}
	if c.tree.Root() != tree.Root() {
		return "the root over its hashes is not that of its head", nil
	}
	return "", nil
}

// checker builds the tree of the first level anew, and compares the others with it.
type checker struct {
	dir  string
	tree merkle.Tree
	// Nil until it is first read from.
	files [levelsMax]*os.File
	// How many hashes of each were read.
	at [levelsMax]int64
	// The first thing that is wrong.
	found string
	err   error
}

// next takes the next hash of the first level. Of a level above there is a hash for each full tile
// below, which must be the node that its hashes give.
func (c *checker) next() (string, error) {
	leaf := c.read(0)
	if c.found == "" && c.err == nil {
		c.tree.AppendNodes(leaf, func(at int, node merkle.Hash) {
			if i := at / height; at%height == 0 && i > 0 && i < levelsMax && c.read(i) != node {
				c.fail("hash %d of level %d is not that of those below", c.at[i], i)
			}
		})
	}
	return c.found, c.err
}

// fail notes what is wrong, unless something was before.
func (c *checker) fail(format string, args ...any) {
	if c.found == "" {
		c.found = fmt.Sprintf(format, args...)
	}
}

// read reads the next hash of a level. After an error it is zero.
func (c *checker) read(i int) (hash merkle.Hash) {
	if c.files[i] == nil {
		c.files[i], c.err = os.Open(filepath.Join(c.dir, levelPrefix+strconv.Itoa(i)))
		if c.err != nil {
			return hash
		}
	}
	_, err := c.files[i].ReadAt(hash[:], c.at[i]*merkle.HashSize)
	switch {
	case errors.Is(err, io.EOF):
		c.fail("level %d is too short", i)
	case err != nil:
		c.err = err
	}
	c.at[i]++
	return hash
}

// close closes what was opened.
func (c *checker) close() {
	for _, file := range c.files {
		if file != nil {
			_ = file.Close() // it was read
		}
	}
}
