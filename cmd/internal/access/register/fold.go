package register

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Register is what a history of changes comes to. The zero value is that of none. It is not safe
// for concurrent use. It holds nothing of a clock: what has expired is for who asks it to say.
type Register struct {
	number  uint64   // of the last change
	members []Member // by name, the revoked ones too
	// secrets are those that count or ever counted: none may come back.
	secrets map[Digest]bool
	taking  *File // what is being taken over; nil: nothing, or all of it is there
	taken   *File // what was taken over; nil: nothing
	takenAt time.Time
}

// Number returns the number of the last change, 0 when there is none. Numbers are dense, from 1.
func (r *Register) Number() uint64 { return r.number }

// Members returns all members, the revoked ones too, by name. They are the register's own, and must
// not be changed; the next change does not change them. Whoever was given them before an Enter may
// go on to read them from another goroutine.
func (r *Register) Members() []Member { return r.members }

// Find returns the member of a name. Revoked ones are found too.
func (r *Register) Find(name string) (Member, bool) {
	at, known := r.place(name)
	if !known {
		return Member{}, false
	}
	return r.members[at], true
}

// Knows tells whether a secret counts or ever counted.
func (r *Register) Knows(secret Digest) bool { return r.secrets[secret] }

// Taking returns the last part that was taken over of a file of which there are more; nil when
// nothing is missing. Until it is complete nobody can be let in: who was revoked may be in the
// rest.
func (r *Register) Taking() *File { return r.taking }

// Taken returns the file that was taken over, and when; nil when none was. The time is that of the
// change with the last part.
func (r *Register) Taken() (*File, time.Time) { return r.taken, r.takenAt }

// place returns where a name is among the members, or where it would be.
func (r *Register) place(name string) (int, bool) {
	return slices.BinarySearchFunc(r.members, name, func(m Member, name string) int {
		return strings.Compare(m.Name, name)
	})
}

// Enter enters the change that follows the last one. The error says why there can be none such
// after those before; the register is as it was then. The change must be one that [Decode] returns:
// what is wrong with it by itself is not looked at again. The errors wrap [ErrDamaged].
func (r *Register) Enter(c *Change) error {
	if c.Kind == TakenOver {
		return r.takeOver(c)
	}
	if r.taking != nil {
		return r.impossible("it comes before the end of what is taken over")
	}
	var err error
	switch c.Kind {
	case Added:
		err = r.add(c)
	case Used:
		err = r.use(c)
	case Rotated, Changed, Revoked:
		err = r.alter(c)
	default:
		err = r.impossible("nobody knows what it does")
	}
	if err == nil {
		r.number++
	}
	return err
}

// add lets a member in. That a name was revoked does not free it: events carry it.
func (r *Register) add(c *Change) error {
	m := c.Members[0]
	at, taken := r.place(m.Name)
	switch {
	case taken:
		return r.impossible("it adds %s, who is there", m.Name)
	case r.secrets[m.Secret]:
		return r.impossible("it gives %s a secret that was there", m.Name)
	case len(r.members) >= MembersMax:
		return r.impossible("it adds more than %d members", MembersMax)
	}
	r.insert(at, m)
	return nil
}

// insert puts a member into a copy: those who were shown the members before keep them.
func (r *Register) insert(at int, m Member) {
	members := make([]Member, 0, len(r.members)+1)
	members = append(append(append(members, r.members[:at]...), m), r.members[at:]...)
	r.members = members
	r.keep(m.Secret)
}

// keep notes that a secret counts or has counted.
func (r *Register) keep(secret Digest) {
	if r.secrets == nil {
		r.secrets = map[Digest]bool{}
	}
	r.secrets[secret] = true
}

// alter changes one member who is there.
func (r *Register) alter(c *Change) error {
	at, known := r.place(c.Name)
	if !known || !r.members[at].RevokedAt.IsZero() {
		return r.impossible("%s is not there, or revoked", c.Name)
	}
	m := r.members[at]
	switch c.Kind {
	case Rotated:
		if r.secrets[c.Secret] {
			return r.impossible("it gives %s a secret that was there", c.Name)
		}
		m.Secret, m.RotatedAt, m.ExpiresAt = c.Secret, c.At, c.ExpiresAt
		r.keep(m.Secret)
	case Changed:
		scope := &c.Members[0]
		if scope.Role != m.Role || scope.Secret != m.Secret {
			return r.impossible("it changes more of %s than what may be reported", c.Name)
		}
		m.Sources, m.Regions, m.Types = scope.Sources, scope.Regions, scope.Types
	default:
		m.RevokedAt = c.At
	}
	r.members = slices.Clone(r.members)
	r.members[at] = m
	return nil
}

// use notes when members were there. A revoked one may be among them, as its login was noted
// before; an older moment changes nothing.
func (r *Register) use(c *Change) error {
	members := slices.Clone(r.members)
	for _, name := range c.Names {
		at, known := r.place(name)
		if !known {
			return r.impossible("%s is not there", name)
		}
		if members[at].UsedAt.Before(c.At) {
			members[at].UsedAt = c.At
		}
	}
	r.members = members
	return nil
}

// takeOver takes the members of one part of a file in. All parts stand at the very beginning, in
// order: a register that has members of its own takes nothing over.
func (r *Register) takeOver(c *Change) error {
	last := File{Digest: c.File.Digest, Parts: c.File.Parts}
	if r.taking != nil {
		last = *r.taking
	}
	last.Part++
	switch {
	case r.number > 0 && r.taking == nil:
		return r.impossible("it takes a file over where there are changes already")
	case *c.File != last:
		return r.impossible("it is no next part of the file that is being taken over")
	case len(r.members)+len(c.Members) > MembersMax:
		return r.impossible("it adds more than %d members", MembersMax)
	}
	secrets := map[Digest]bool{}
	for i := range c.Members {
		m := &c.Members[i]
		if before := len(r.members); i == 0 && before > 0 && r.members[before-1].Name >= m.Name {
			return r.impossible("%s is out of order", m.Name)
		}
		if r.secrets[m.Secret] || secrets[m.Secret] {
			return r.impossible("%s has another's secret", m.Name)
		}
		secrets[m.Secret] = true
	}
	r.members = append(slices.Clone(r.members), c.Members...)
	for secret := range secrets {
		r.keep(secret)
	}
	r.number++
	r.taking = c.File
	if c.File.Part == c.File.Parts {
		r.taking, r.taken, r.takenAt = nil, c.File, c.At
	}
	return nil
}

// impossible says why the change after the last one cannot be.
func (r *Register) impossible(form string, args ...any) error {
	return damaged("change %d cannot be: %s", r.number+1, fmt.Sprintf(form, args...))
}

// defect returns what is wrong with a change by itself, "" when nothing is. It is judged when a
// change is written and when it is read, by the same rule.
func (c *Change) defect() string {
	if wrong := c.shape(); wrong != "" {
		return wrong
	}
	switch {
	case !whole(c.At):
		return "a change is at a full second of UTC"
	case c.By == "" || c.By != CleanAccount(c.By):
		return "a change is made by an account"
	case !c.ExpiresAt.IsZero() && !whole(c.ExpiresAt):
		return "a secret expires at a full second of UTC"
	}
	for i, name := range c.Names {
		if i > 0 && c.Names[i-1] >= name {
			return "names stand twice, or out of order"
		}
	}
	for i := range c.Members {
		if i > 0 && c.Members[i-1].Name >= c.Members[i].Name {
			return "members stand twice, or out of order"
		}
		if c.Kind == TakenOver {
			continue
		}
		if m := &c.Members[i]; !m.RevokedAt.IsZero() || !m.RotatedAt.IsZero() ||
			c.Kind == Added && !m.CreatedAt.Equal(c.At) ||
			!m.ExpiresAt.IsZero() && !whole(m.ExpiresAt) {
			return "a member is not as it was let in"
		}
	}
	return ""
}

// shape tells which fields a kind has. A field too many is refused as one too few: what nobody
// reads would otherwise be kept for ever.
func (c *Change) shape() string {
	one, none := len(c.Members) == 1, len(c.Members) == 0
	secret, file := c.Secret != (Digest{}), c.File != nil
	name, names, expires := c.Name != "", len(c.Names) > 0, !c.ExpiresAt.IsZero()
	sound := false
	switch c.Kind {
	case Added:
		sound = one && !secret && !file && !name && !names && !expires
	case Rotated:
		sound = none && secret && !file && name && !names
	case Changed:
		sound = one && !secret && !file && name && !names && !expires &&
			c.Members[0].Name == c.Name
	case Revoked:
		sound = none && !secret && !file && name && !names && !expires
	case Used:
		sound = none && !secret && !file && !name && names && !expires
	case TakenOver:
		sound = !secret && file && !name && !names && !expires &&
			c.File.Part >= 1 && c.File.Part <= c.File.Parts
	}
	if !sound {
		return "a change does not have the members of its kind"
	}
	return ""
}

// whole tells whether a moment is as a change holds it. What is read from a stream is in UTC only
// if it was written so: Z, and no offset.
func whole(at time.Time) bool { return at.Location() == time.UTC && at.Nanosecond() == 0 }
