package register

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"cakupan/domain/event"
	"cakupan/domain/region"
)

// Format is the format of changes that this program writes, and the highest it reads.
const Format = 1

// changeBytesMax bounds one change: a message of the stream that holds it. It is far above what 256
// KiB of members and their frame take; see [TakeOver].
const changeBytesMax = 512 << 10

// Kind is what a change does.
type Kind string

// The kinds of changes.
const (
	// Added lets a member in: Members has that one.
	Added Kind = "added"
	// Rotated gives the member of Name another Secret, which expires at ExpiresAt.
	Rotated Kind = "rotated"
	// Changed gives the publisher or steward of Name the scope of Members' one.
	Changed Kind = "changed"
	// Revoked ends the membership of Name, for ever.
	Revoked Kind = "revoked"
	// Used notes that the members of Names logged in on the day of At.
	Used Kind = "used"
	// TakenOver brings members of a file access.json, in which the register was kept before.
	TakenOver Kind = "taken-over"
)

// Change is one change of the register. A field that its kind does not name is zero. It is
// persisted, in the format that FORMAT.md describes, and never changed; its number is that of its
// record in the stream.
type Change struct {
	Kind Kind
	At   time.Time // in UTC, to the second: nobody needs it finer
	By   string    // the account on the machine of the ledger that asked for it

	Name      string
	Names     []string // sorted, each once
	Secret    Digest
	ExpiresAt time.Time
	Members   []Member
	File      *File
}

// File is where a change was taken over from. A file that has more members than a change may have
// is taken over in several, Part 1 to Parts. Of all parts of one file the digest is the same.
type File struct {
	Digest Digest // of all its bytes
	Part   int
	Parts  int
}

// DigestOf returns the digest of a file's bytes. A file is known by it when a take-over that was
// interrupted goes on.
func DigestOf(raw []byte) Digest { return sha256.Sum256(raw) }

// The errors of [Decode].
var (
	// ErrNewerFormat is returned for a change that a newer version of this program made.
	ErrNewerFormat = errors.New("the register has a newer format: use a newer cakupan")
	// ErrDamaged is returned for bytes that are no change, and for a history that cannot be.
	ErrDamaged = errors.New("the register of publishers and readers is damaged")
)

// line is a change as JSON. It is apart from Change so that the names in streams do not change with
// the code.
type line struct {
	Format    int        `json:"format"`
	Kind      Kind       `json:"kind"`
	At        time.Time  `json:"at"`
	By        string     `json:"by"`
	Name      string     `json:"name,omitempty"`
	Names     []string   `json:"names,omitempty"`
	Secret    string     `json:"secret,omitempty"`
	ExpiresAt *time.Time `json:"expiresAt,omitempty"`
	File      *fileLine  `json:"file,omitempty"`
	Members   []row      `json:"members,omitempty"`
}

// fileLine is a [File] as JSON.
type fileLine struct {
	Digest string `json:"digest"`
	Part   int    `json:"part"`
	Parts  int    `json:"parts"`
}

// row is a member as JSON. Times that do not apply are left out, and so are empty lists.
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
	ExpiresAt *time.Time `json:"expiresAt,omitempty"`
}

// Encode returns the bytes of a change. The error says why it is none. The same change has the same
// bytes, on every machine.
func (c *Change) Encode() ([]byte, error) {
	raw, err := c.bytes()
	if err != nil {
		return nil, err
	}
	// Read back before it is written: what this program would refuse to read must not get there.
	if _, err := Decode(raw); err != nil {
		return nil, err
	}
	return raw, nil
}

// bytes returns the change as JSON, sound or not.
func (c *Change) bytes() ([]byte, error) {
	l := line{
		Format: Format, Kind: c.Kind, At: c.At, By: c.By,
		Name: c.Name, Names: c.Names, ExpiresAt: optional(c.ExpiresAt),
	}
	if c.Secret != (Digest{}) {
		l.Secret = c.Secret.String()
	}
	if c.File != nil {
		l.File = &fileLine{c.File.Digest.String(), c.File.Part, c.File.Parts}
	}
	for i := range c.Members {
		l.Members = append(l.Members, rowOf(&c.Members[i]))
	}
	raw, err := json.Marshal(l)
	if err != nil {
		return nil, fmt.Errorf("encode change of the register: %w", err)
	}
	return raw, nil
}

// Decode reads a change. It refuses whatever [Change.Encode] would not write, by its bytes: a
// change that was touched is none, even if it still made sense. The error wraps [ErrNewerFormat] or
// [ErrDamaged]. It must fit the changes before it too, which [Register.Enter] tells.
func Decode(raw []byte) (c Change, err error) {
	// The format first: what else a newer one holds is not for this program to read.
	var head struct {
		Format int `json:"format"`
	}
	if len(raw) > changeBytesMax {
		return c, damaged("a change has more than %d bytes", changeBytesMax)
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return c, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if head.Format > Format {
		return c, fmt.Errorf("%w (format %d, known up to %d)", ErrNewerFormat, head.Format, Format)
	}
	var l line
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&l); err != nil {
		return c, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if c, err = l.change(); err != nil {
		return Change{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if defect := c.defect(); defect != "" {
		return Change{}, damaged("%s", defect)
	}
	again, err := c.bytes()
	if err != nil || !bytes.Equal(again, raw) {
		return Change{}, damaged("a change is not as this program writes it")
	}
	return c, nil
}

// change reads a line. An error names the part that cannot be read; whether the change is sound is
// for defect to say.
func (l *line) change() (c Change, err error) {
	c = Change{
		Kind: l.Kind, At: l.At, By: l.By, Name: l.Name, Names: l.Names,
		ExpiresAt: moment(l.ExpiresAt),
	}
	if l.Secret != "" {
		if c.Secret, err = ParseDigest(l.Secret); err != nil {
			return c, fmt.Errorf("secret %w", err)
		}
	}
	if l.File != nil {
		c.File = &File{Part: l.File.Part, Parts: l.File.Parts}
		if c.File.Digest, err = ParseDigest(l.File.Digest); err != nil {
			return c, fmt.Errorf("file %w", err)
		}
	}
	for i := range l.Members {
		m, err := l.Members[i].member()
		if err != nil {
			return c, fmt.Errorf("member %d: %w", i+1, err)
		}
		c.Members = append(c.Members, m)
	}
	return c, nil
}

// member reads a row. The error says what is wrong with it, by [Member.Defect] where it can be
// read.
func (r *row) member() (m Member, err error) {
	if m, err = r.parse(); err != nil {
		return m, err
	}
	if defect := m.Defect(); defect != "" {
		return m, errors.New(defect)
	}
	return m, nil
}

// parse reads a row, and leaves it to others whether a member may be like that.
func (r *row) parse() (m Member, err error) {
	m = Member{
		Name: r.Name, Role: r.Role, Sources: r.Sources, CreatedAt: r.CreatedAt,
		RotatedAt: moment(r.RotatedAt), RevokedAt: moment(r.RevokedAt),
		ExpiresAt: moment(r.ExpiresAt),
	}
	if m.Secret, err = ParseDigest(r.Secret); err != nil {
		return m, fmt.Errorf("secret %w", err)
	}
	for _, text := range r.Regions {
		code, known := region.Parse(text)
		if !known {
			return m, fmt.Errorf("%.20q is no region", event.MaskNIK(text))
		}
		m.Regions = append(m.Regions, code)
	}
	for _, text := range r.Types {
		t, known := event.ParseType(text)
		if !known {
			return m, fmt.Errorf("%.60q is no type of event", event.MaskNIK(text))
		}
		m.Types = append(m.Types, t)
	}
	return m, nil
}

// rowOf returns a member as JSON. Times stay as they are: that they are whole seconds of UTC is for
// defect to say.
func rowOf(m *Member) row {
	r := row{
		Name: m.Name, Role: m.Role, Secret: m.Secret.String(), Sources: m.Sources,
		CreatedAt: m.CreatedAt, RotatedAt: optional(m.RotatedAt),
		RevokedAt: optional(m.RevokedAt), ExpiresAt: optional(m.ExpiresAt),
	}
	for _, code := range m.Regions {
		r.Regions = append(r.Regions, code.String())
	}
	for _, t := range m.Types {
		r.Types = append(r.Types, t.Name())
	}
	return r
}

// optional returns a moment as a row has it: absent when it is zero.
func optional(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}

// moment is the other way round.
func moment(at *time.Time) time.Time {
	if at == nil {
		return time.Time{}
	}
	return *at
}

// CleanAccount returns the name of an account as a change holds it: such as stand on a line of a
// table, and never an identity number. Other characters become _, and what is longer than
// byBytesMax is cut.
func CleanAccount(name string) string {
	name = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '_'
		}
		return r
	}, event.MaskNIK(name))
	return name[:min(len(name), byBytesMax)]
}

// damaged returns an error of what cannot be; it holds nothing of a secret.
func damaged(form string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(form, args...))
}
