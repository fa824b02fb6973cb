package access

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/domain/region"
)

// format is the format of registers that this program reads and writes: a JSON object with
// "format" and "members". A higher one is refused, never touched.
const format = 1

// The bounds of a register.
const (
	// A register is read whole, and again after each change. 10,000 members is every office of
	// every regency some times over; the bytes leave each of them room for its sources.
	fileBytesMax = 16 << 20
	membersMax   = 10_000
	sourcesMax   = 64
	sourceBytes  = 256
)

// privateFile is the right to a file of its owner alone.
const privateFile = 0o600

// Entry is one member of the register.
type Entry struct {
	Name string // as [event.CheckPublisher] wants it, for readers too
	Role Role

	// What a publisher may report; see [event.Scope]. Of others there is none.
	Sources []string
	Regions []region.Code
	Types   []event.Type

	CreatedAt time.Time
	RotatedAt time.Time // when it got its present secret; zero when that is the first one
	// RevokedAt is when it ceased to be a member; zero when it is one. The name stays taken,
	// because events carry it.
	RevokedAt time.Time

	key digest
}

// document is the file.
type document struct {
	Format  int   `json:"format"`
	Members []row `json:"members"`
}

// row is an entry in the file. It is apart from Entry so that the names in files do not change with
// the code.
type row struct {
	Name      string     `json:"name"`
	Role      Role       `json:"role"`
	Secret    string     `json:"secret"` // its digest
	Sources   []string   `json:"sources,omitempty"`
	Regions   []string   `json:"regions,omitempty"`
	Types     []string   `json:"types,omitempty"`
	CreatedAt time.Time  `json:"createdAt"`
	RotatedAt *time.Time `json:"rotatedAt,omitempty"`
	RevokedAt *time.Time `json:"revokedAt,omitempty"`
}

// errGone says that the register of a guarded ledger is not there any more.
var errGone = problem.New(problem.RegisterUnavailable, "the register of publishers and readers is"+
	" gone, so nobody is let in: put access.json back from a copy; or, to begin anew with a ledger"+
	" open to its machine, delete access.lock beside it and start the ledger again")

// readFile reads the file. It must be the owner's alone.
func readFile(path string) (raw []byte, err error) {
	// Not to wait for ever, should it be a pipe.
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, denied(path, err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("look at %s: %w", path, err)
	case !info.Mode().IsRegular():
		return nil, unreadable("%s is no file", path)
	case info.Mode().Perm()&0o077 != 0:
		return nil, unreadable("%s may be opened by other users of this machine (rights %04o):"+
			" chmod 600 %s, and rotate the secrets if others may have changed it",
			path, info.Mode().Perm(), path)
	}
	raw, err = io.ReadAll(io.LimitReader(file, fileBytesMax+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", path, err)
	case len(raw) > fileBytesMax:
		return nil, unreadable("%s has more than %d MiB: it is damaged", path, fileBytesMax>>20)
	}
	return raw, nil
}

// unreadable says why a register is not used.
func unreadable(form string, args ...any) error {
	return problem.New(problem.RegisterUnavailable, fmt.Sprintf(form, args...))
}

// denied puts an error of the file system into words.
func denied(path string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return problem.Wrap(problem.FolderDenied,
			"no right to open "+path+": run as its owner", err)
	}
	return fmt.Errorf("open %s: %w", path, err)
}

// parse reads a register. It refuses whatever this program would not write.
func parse(raw []byte) ([]Entry, error) {
	// The format first: what else a newer one holds is not for this program to read.
	var head struct {
		Format int `json:"format"`
	}
	err := json.Unmarshal(raw, &head)
	switch {
	case err == nil && head.Format > format:
		return nil, problem.New(problem.FolderNewer, fmt.Sprintf(
			"the register has format %d, this program knows up to %d: use a newer cakupan",
			head.Format, format))
	case err == nil && head.Format != format:
		err = fmt.Errorf("format %d", head.Format)
	}
	var doc document
	if err == nil {
		decoder := json.NewDecoder(bytes.NewReader(raw))
		decoder.DisallowUnknownFields()
		if err = decoder.Decode(&doc); err == nil && decoder.More() {
			err = errors.New("more than one value")
		}
	}
	if err == nil && len(doc.Members) > membersMax {
		err = fmt.Errorf("more than %d members", membersMax)
	}
	if err != nil {
		return nil, damaged(err)
	}
	entries := make([]Entry, len(doc.Members))
	keys := make(map[digest]bool, len(entries))
	for i := range doc.Members {
		e := &entries[i]
		if *e, err = doc.Members[i].entry(); err != nil {
			return nil, damaged(fmt.Errorf("member %d: %w", i+1, err))
		}
		// Two members with one secret could not be told apart by it, and entries out of order not
		// be found.
		if keys[e.key] || i > 0 && entries[i-1].Name >= e.Name {
			return nil, damaged(fmt.Errorf("member %d stands there twice, or out of order", i+1))
		}
		keys[e.key] = true
	}
	return entries, nil
}

// damaged says that a register cannot be what this program wrote.
func damaged(err error) error {
	return problem.Wrap(problem.RegisterUnavailable,
		"the register of publishers and readers is damaged: put it back from a copy", err)
}

// entry reads a row.
func (r *row) entry() (e Entry, err error) {
	e = Entry{Name: r.Name, Role: r.Role, Sources: r.Sources, CreatedAt: r.CreatedAt}
	if e.key, err = parseDigest(r.Secret); err != nil {
		return e, fmt.Errorf("secret %w", err)
	}
	for _, text := range r.Regions {
		code, known := region.Parse(text)
		if !known {
			return e, fmt.Errorf("%.20q is no region", text)
		}
		e.Regions = append(e.Regions, code)
	}
	for _, text := range r.Types {
		t, known := event.ParseType(text)
		if !known {
			return e, fmt.Errorf("%.60q is no type of event", text)
		}
		e.Types = append(e.Types, t)
	}
	if r.RotatedAt != nil {
		e.RotatedAt = *r.RotatedAt
	}
	if r.RevokedAt != nil {
		e.RevokedAt = *r.RevokedAt
	}
	if defect := e.defect(); defect != "" {
		return e, errors.New(defect)
	}
	return e, nil
}

// row returns the entry as the file holds it.
func (e *Entry) row() row {
	r := row{
		Name: e.Name, Role: e.Role, Secret: e.key.String(), Sources: e.Sources,
		CreatedAt: e.CreatedAt,
	}
	for _, code := range e.Regions {
		r.Regions = append(r.Regions, code.String())
	}
	for _, t := range e.Types {
		r.Types = append(r.Types, t.Name())
	}
	if !e.RotatedAt.IsZero() {
		r.RotatedAt = &e.RotatedAt
	}
	if !e.RevokedAt.IsZero() {
		r.RevokedAt = &e.RevokedAt
	}
	return r
}

// defect returns what is wrong with an entry, "" when nothing is. It judges what is to be written
// as well as what was read, so that both know one rule.
func (e *Entry) defect() string {
	if wrong := event.CheckPublisher(e.Name); wrong != "" {
		return "a name " + wrong
	}
	scoped := len(e.Sources)+len(e.Regions)+len(e.Types) > 0
	switch {
	case !e.Role.Known():
		return "a role is publisher, auditor or dashboard"
	case e.Role != Publisher && scoped:
		return "only a publisher has sources, regions and types"
	case e.Role != Publisher:
		return ""
	case len(e.Sources) == 0 || len(e.Regions) == 0 || len(e.Types) == 0:
		return "a publisher needs sources, regions and types, one or more of each"
	case len(e.Sources) > sourcesMax:
		return fmt.Sprintf("a publisher has at most %d sources", sourcesMax)
	case hasTwice(e.Sources) || hasTwice(e.Regions) || hasTwice(e.Types):
		return "a source, region or type is named twice"
	}
	for _, source := range e.Sources {
		if source == "" || len(source) > sourceBytes || strings.ContainsFunc(source, isNoURI) {
			return fmt.Sprintf("a source is the beginning of a URI, such as urn:office:75,"+
				" of at most %d characters", sourceBytes)
		}
		if event.HasNIK(source) {
			return "a source must not hold a NIK"
		}
	}
	return ""
}

// isNoURI tells which characters never stand in a URI.
func isNoURI(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"<>\\^`{|}", r) }

func hasTwice[T comparable](items []T) bool {
	for i, item := range items {
		if slices.Contains(items[:i], item) {
			return true
		}
	}
	return false
}
