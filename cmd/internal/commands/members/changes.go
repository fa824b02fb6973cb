package members

import (
	"context"
	"slices"
	"strings"
	"time"

	"cakupan/cmd/internal/access"
	"cakupan/cmd/internal/access/register"
	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/cli/table"
	"cakupan/cmd/internal/cli/words"
	"cakupan/cmd/internal/control"
)

// changeLine is one change of the register, as far as it is about one member. Number is that of the
// change in the register, At is in UTC, to the second, and By is the account on the ledger's
// machine that asked for it. Sources, regions, types and the end of the secret are those that the
// change gave, none where it gave none. Role is what the member is.
type changeLine struct {
	Number    uint64        `json:"number"`
	At        string        `json:"at"`
	By        string        `json:"by"`
	Change    register.Kind `json:"change"`
	Name      string        `json:"name"`
	Role      register.Role `json:"role"`
	Sources   []string      `json:"sources,omitempty"`
	Regions   []string      `json:"regions,omitempty"`
	Types     []string      `json:"types,omitempty"`
	ExpiresAt string        `json:"expiresAt,omitempty"`

	what string // for people
}

// history prints what happened to members, in the order of the register. Members who are not in of
// are left out: those of other roles have commands of their own.
func history(
	ctx context.Context, r control.Members, of []register.Member, asJSON bool, out *cli.Console,
) error {
	entries, err := r.History(ctx)
	if err != nil {
		return err
	}
	// For machines nothing is an empty array, not null.
	lines := []changeLine{}
	for i := range entries {
		lines = append(lines, linesOf(&entries[i], of)...)
	}
	if asJSON {
		return out.WriteJSON(lines)
	}
	t := table.New(">Change", "When", "By", "What", "Name", "Then")
	for _, l := range lines {
		t.Add(words.Thousands(l.Number), words.LocalTime(l.At), l.By, string(l.Change), l.Name,
			l.what)
	}
	return t.Write(out.Stdout)
}

// linesOf returns what one change did to members: to several, when it took them over. A change
// without members names one whose secret or membership it changed; that somebody logged in names
// none so, and has no line.
func linesOf(e *access.Entry, of []register.Member) (lines []changeLine) {
	about := e.Members
	if len(about) == 0 {
		about = []register.Member{{Name: e.Name, ExpiresAt: e.ExpiresAt}}
	}
	for i := range about {
		m := &about[i]
		// A name is never given twice, not even after it was revoked, so it says whose the change
		// is.
		place := slices.IndexFunc(of, func(is register.Member) bool { return is.Name == m.Name })
		if place < 0 {
			continue
		}
		// Whether a secret has expired by now is no part of what happened then.
		shown := lineOf(m, time.Time{})
		lines = append(lines, changeLine{
			Number: e.Number, At: e.At.Format(time.RFC3339), By: e.By, Change: e.Kind,
			Name: m.Name, Role: of[place].Role, Sources: shown.Sources, Regions: shown.Regions,
			Types: shown.Types, ExpiresAt: shown.ExpiresAt, what: shown.scope(e.Kind),
		})
	}
	return lines
}

// scope says what a member may do after a change, in words. Revoked is for ever, whatever the
// member had.
func (m *memberLine) scope(after register.Kind) string {
	var parts []string
	if len(m.Regions) > 0 {
		parts = append(parts, "regions "+strings.Join(m.Regions, ", "))
	}
	if len(m.types) > 0 {
		parts = append(parts, "types "+m.typeNames())
	}
	if len(m.Sources) > 0 {
		parts = append(parts, "sources "+strings.Join(m.Sources, ", "))
	}
	if m.RevokedAt != "" {
		parts = append(parts, "revoked "+words.LocalTime(m.RevokedAt))
	}
	if m.ExpiresAt != "" {
		parts = append(parts, "secret until "+words.LocalTime(m.ExpiresAt))
	}
	if after == register.Revoked {
		return "nothing"
	}
	return strings.Join(parts, "; ")
}
