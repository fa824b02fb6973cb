package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"cakupan/cmd/internal/access"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
)

// memberLine is a member of the register as the commands print it.
type memberLine struct {
	Name      string      `json:"name"`
	Role      access.Role `json:"role"`
	Secret    string      `json:"secret,omitempty"` // when it was made just now
	Sources   []string    `json:"sources,omitempty"`
	Regions   []string    `json:"regions,omitempty"`
	Types     []string    `json:"types,omitempty"` // full names
	CreatedAt string      `json:"createdAt"`
	RotatedAt string      `json:"rotatedAt,omitempty"`
	RevokedAt string      `json:"revokedAt,omitempty"`

	types []event.Type
}

func lineOf(e *access.Entry) memberLine {
	moment := func(at time.Time) string {
		if at.IsZero() {
			return ""
		}
		return at.Format(time.RFC3339)
	}
	m := memberLine{
		Name: e.Name, Role: e.Role, Sources: e.Sources, CreatedAt: moment(e.CreatedAt),
		RotatedAt: moment(e.RotatedAt), RevokedAt: moment(e.RevokedAt), types: e.Types,
	}
	for _, code := range e.Regions {
		m.Regions = append(m.Regions, code.String())
	}
	for _, t := range e.Types {
		m.Types = append(m.Types, t.Name())
	}
	return m
}

// state says whether the member still is one.
func (m *memberLine) state() string {
	if m.RevokedAt != "" {
		return "revoked " + localTime(m.RevokedAt)
	}
	return "active"
}

// secretSince returns when the member got its present secret.
func (m *memberLine) secretSince() string {
	if m.RotatedAt != "" {
		return m.RotatedAt
	}
	return m.CreatedAt
}

// typeNames returns the types of events for people.
func (m *memberLine) typeNames() string {
	return strings.Join(access.TypeNames(m.types), ", ")
}

// register opens the register of the folder. Over the network there is none to change.
func (w *where) register() (*access.Registry, error) {
	if w.Server != "" {
		return nil, usage("publishers and readers are registered on the machine of the ledger:" +
			" name its folder with --data, also while its server runs")
	}
	if err := ledger.FindFolder(w.folder()); err != nil {
		return nil, err
	}
	return ledger.OpenRegister(w.folder())
}

// members returns the members of the roles.
func (w *where) members(roles ...access.Role) ([]memberLine, error) {
	r, err := w.register()
	if err != nil {
		return nil, err
	}
	entries, err := r.Entries()
	lines := []memberLine{} // none is an empty array in JSON, not null
	for i := range entries {
		if slices.Contains(roles, entries[i].Role) {
			lines = append(lines, lineOf(&entries[i]))
		}
	}
	return lines, err
}

// addMember registers a member, in a new folder where there is none: who must log in is known
// before there is anything to read.
func (w *where) addMember(out *console, e access.Entry) error {
	if w.Server == "" {
		if err := ledger.MakeFolder(w.folder()); err != nil {
			return err
		}
	}
	r, err := w.register()
	if err != nil {
		return err
	}
	secret, err := r.Add(e)
	if err != nil {
		return err
	}
	return w.tellSecret(out, r, e.Name, secret)
}

// rotateMember gives a member of one of the roles a new secret.
func (w *where) rotateMember(out *console, name string, roles ...access.Role) error {
	r, err := w.register()
	if err != nil {
		return err
	}
	secret, err := r.Rotate(name, roles...)
	if err != nil {
		return err
	}
	return w.tellSecret(out, r, name, secret)
}

// revokeMember ends the membership of a member of one of the roles.
func (w *where) revokeMember(out *console, name string, roles ...access.Role) error {
	r, err := w.register()
	if err != nil {
		return err
	}
	if err := r.Revoke(name, roles...); err != nil {
		return err
	}
	if w.JSON {
		return w.tellSecret(out, r, name, "")
	}
	_, err = fmt.Fprintf(out.stdout, "%s is revoked: its secret is worth nothing any more\n", name)
	return err
}

// tellSecret prints a secret that was just made: the one time that anybody sees it.
func (w *where) tellSecret(out *console, r *access.Registry, name, secret string) error {
	entries, err := r.Entries()
	if err != nil {
		return err
	}
	place := slices.IndexFunc(entries, func(e access.Entry) bool { return e.Name == name })
	if place < 0 {
		return problem.New(problem.NotFound, name+" was taken out of the register meanwhile")
	}
	if w.JSON {
		line := lineOf(&entries[place])
		line.Secret = secret
		return out.writeJSON(line)
	}
	what := fmt.Sprintf("%s is registered as %s. This is its secret", name, entries[place].Role)
	if !entries[place].RotatedAt.IsZero() {
		what = name + " has a new secret, and the old one is worth nothing any more. This is it"
	}
	out.note("%s, shown this once; it is for nobody else:", what)
	_, err = fmt.Fprintln(out.stdout, secret)
	return err
}
