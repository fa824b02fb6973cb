// Package members has the commands that register who may report, read and set right.
package members

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"cakupan/cmd/internal/access"
	"cakupan/cmd/internal/access/register"
	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/cli/table"
	"cakupan/cmd/internal/cli/words"
	"cakupan/cmd/internal/control"
	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore/natsd"
)

// memberFlags are those of every command about the register. NATS is the cluster that has the
// register of a ledger whose log is there. It is needed only while no ledger runs on the folder:
// one that does is asked instead, and knows its cluster.
type memberFlags struct {
	NATS string `name:"nats" placeholder:"URL" help:"${memberNATS}"`
}

// expiryFlag says how long a secret is worth something: to the end of a day in Asia/Makassar, or to
// a moment. Left out, the secret is worth something until it is rotated or revoked, also where the
// one before it had an end.
type expiryFlag struct {
	Expires string `placeholder:"WHEN" help:"${expires}"`
}

// moment returns the first moment at which a secret is worth nothing any more, in UTC; zero for
// never. A time is cut to whole seconds, a date ends with its last nanosecond. Whether the moment
// is still to come is the register's to say, by its own clock: here it is only read.
func (f expiryFlag) moment() (time.Time, error) {
	if f.Expires == "" {
		return time.Time{}, nil
	}
	if day, err := temporal.ParseDate(f.Expires); err == nil {
		return time.Unix(0, int64(temporal.EndOfDay(day))+1).UTC(), nil
	}
	at, err := time.Parse(time.RFC3339, f.Expires)
	if err != nil {
		return time.Time{}, cli.Usage("--expires is a date, such as 2027-12-31 for the end of" +
			" that day in Asia/Makassar, or a time, such as 2027-12-31T12:00:00+08:00")
	}
	return at.UTC().Truncate(time.Second), nil
}

// memberLine is a member of the register as the commands print it. The names in its JSON are what
// scripts go by. Times are RFC 3339 to the second; what has not happened is left out, and not a
// time of the year 1. The line is made for one answer and kept nowhere.
type memberLine struct {
	Name      string        `json:"name"`
	Role      register.Role `json:"role"`
	Secret    string        `json:"secret,omitempty"` // when it was made just now
	Sources   []string      `json:"sources,omitempty"`
	Regions   []string      `json:"regions,omitempty"`
	Types     []string      `json:"types,omitempty"` // full names
	CreatedAt string        `json:"createdAt"`
	RotatedAt string        `json:"rotatedAt,omitempty"`
	RevokedAt string        `json:"revokedAt,omitempty"`
	ExpiresAt string        `json:"expiresAt,omitempty"`
	UsedAt    string        `json:"usedAt,omitempty"` // about when it last logged in
	Expired   bool          `json:"expired,omitempty"`

	// For people, who are shown groups of types and not a list of full names.
	types []event.Type
}

// lineOf returns the line of a member. The register has only when a secret ends, so whether it has
// ended is told by now, the caller's clock. The hash of the secret is left behind.
func lineOf(e *register.Member, now time.Time) memberLine {
	moment := func(at time.Time) string {
		if at.IsZero() {
			return ""
		}
		return at.Format(time.RFC3339)
	}
	m := memberLine{
		Name: e.Name, Role: e.Role, Sources: e.Sources, CreatedAt: moment(e.CreatedAt),
		RotatedAt: moment(e.RotatedAt), RevokedAt: moment(e.RevokedAt), types: e.Types,
		ExpiresAt: moment(e.ExpiresAt), UsedAt: moment(e.UsedAt), Expired: e.Expired(now),
	}
	for _, code := range e.Regions {
		m.Regions = append(m.Regions, code.String())
	}
	for _, t := range e.Types {
		m.Types = append(m.Types, t.Name())
	}
	return m
}

// state says whether the member still is one. That it was revoked comes first: a secret that has
// also expired may be rotated, a member who is revoked never comes back.
func (m *memberLine) state() string {
	switch {
	case m.RevokedAt != "":
		return "revoked " + words.LocalTime(m.RevokedAt)
	case m.Expired:
		return "expired " + words.LocalTime(m.ExpiresAt)
	case m.ExpiresAt != "":
		return "active until " + words.LocalTime(m.ExpiresAt)
	}
	return "active"
}

// secretSince returns when the member got its present secret, RFC 3339: at the last rotation, or
// with the membership.
func (m *memberLine) secretSince() string {
	if m.RotatedAt != "" {
		return m.RotatedAt
	}
	return m.CreatedAt
}

// lastUse returns the day on which the member last logged in. It is noted once a day and some time
// later, so the hour would say what is not so. A dash says that no use is noted.
func (m *memberLine) lastUse() string {
	if m.UsedAt == "" {
		return "–"
	}
	day, _, _ := strings.Cut(words.LocalTime(m.UsedAt), " ")
	return day
}

// typeNames returns the types of events for people; those that belong together by their common
// name.
func (m *memberLine) typeNames() string {
	return strings.Join(access.TypeNames(m.types), ", ")
}

// warnings are what a command tells of what it has opened: not what its server says of itself. To
// register somebody a whole ledger is opened, with the server that holds its log; what that server
// says at its start and end would hide the one line that the command is about.
type warnings struct{ slog.Handler }

// Enabled tells whether a level is one of a warning or worse.
func (warnings) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

// Handle tells it, unless it is the server's, which is known by the message that all its lines
// have. What keeps the job from being done is the job's error.
func (w warnings) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == natsd.LogMessage {
		return nil
	}
	return w.Handler.Handle(ctx, r)
}

// register does a job on the register: of the ledger that runs on the folder, else of the folder
// itself. create says whether to make a ledger where there is none: who must log in may be known
// before there is anything to read. Over the network there is no register to change.
//
// Where no ledger is to be made and there is no folder, that is said before anything is opened.
// With a cluster the folder says nothing of it: the register is not there. Who changes the register
// is recorded: as the account of this machine that runs the command, or as the running ledger finds
// out by itself who has connected.
func (f memberFlags) register(
	ctx context.Context, w *cli.Where, out *cli.Console, create bool,
	job func(control.Members) error,
) error {
	if w.Server != "" {
		return cli.Usage("publishers and readers are registered on the machine of the ledger:" +
			" name its folder with --data, also while its server runs")
	}
	if !create && f.NATS == "" {
		if err := folder.Find(w.Folder()); err != nil {
			return err
		}
	}
	opts := ledger.Options{
		Dir: w.Folder(), Create: create, NATS: f.NATS,
		Log: slog.New(warnings{slog.NewTextHandler(out.Stderr, nil)}),
	}
	return control.AsOwner(ctx, opts, func(running *control.Client) error { return job(running) },
		func(l *ledger.Ledger) error {
			by := control.AccountOf(os.Getuid())
			return job(control.Direct{Registry: l.Register(), By: by})
		})
}

// memberList lists the members of some roles, or what happened to them. Revoked members are listed
// too, as their names stay taken and stay on what they have reported.
type memberList struct {
	memberFlags

	History bool `help:"Each change of the register, when, and by whom."`
}

// list prints members of the roles by a table of their own, or their history. It never makes a
// ledger: a mistyped folder would be a register without anybody.
func (c *memberList) list(
	ctx context.Context, w *cli.Where, out *cli.Console, show func([]memberLine) *table.Table,
	roles ...register.Role,
) error {
	return c.register(ctx, w, out, false, func(r control.Members) error {
		members, err := r.Members(ctx)
		if err != nil {
			return err
		}
		// A clone, as the register shares what it returns with all who ask.
		members = slices.DeleteFunc(slices.Clone(members), func(m register.Member) bool {
			return !slices.Contains(roles, m.Role)
		})
		if c.History {
			return history(ctx, r, members, w.JSON, out)
		}
		lines := []memberLine{} // none is an empty array in JSON, not null
		for i := range members {
			lines = append(lines, lineOf(&members[i], out.Now()))
		}
		if w.JSON {
			return out.WriteJSON(lines)
		}
		return show(lines).Write(out.Stdout)
	})
}

// add registers a member. Where the folder has no ledger, one is made. When the program ends
// between the registration and the print, the member is in the register and nobody knows its
// secret: a rotation gives it another one.
func (f memberFlags) add(
	ctx context.Context, w *cli.Where, out *cli.Console, m register.Member, expires expiryFlag,
) (err error) {
	// What is wrong with the flags is said before a folder is opened, or made.
	if m.ExpiresAt, err = expires.moment(); err != nil {
		return err
	}
	return f.register(ctx, w, out, true, func(r control.Members) error {
		secret, err := r.Add(ctx, m)
		if err != nil {
			return err
		}
		return newSecret{m.Name, secret}.tell(ctx, w, out, r)
	})
}

// memberRotate gives a member a new secret. The old one ends at once, with no time in which both
// are good: a secret that was seen by others is what a rotation is for.
type memberRotate struct {
	memberFlags
	expiryFlag

	Name string `arg:"" help:"Its name."`
}

// rotate does it, for members of the roles alone: a name of another role is refused, so that
// `reader rotate` cannot cut off a publisher of that name. As with add, a secret that was not
// printed is lost, and another rotation gives a new one.
func (c *memberRotate) rotate(
	ctx context.Context, w *cli.Where, out *cli.Console, roles ...register.Role,
) error {
	expires, err := c.moment()
	if err != nil {
		return err
	}
	return c.register(ctx, w, out, false, func(r control.Members) error {
		secret, err := r.Rotate(ctx, c.Name, expires, roles...)
		if err != nil {
			return err
		}
		return newSecret{c.Name, secret}.tell(ctx, w, out, r)
	})
}

// memberRevoke ends a membership, for ever: nobody can have the name again, as events and records
// of what was done go by it.
type memberRevoke struct {
	memberFlags

	Name string `arg:"" help:"Its name."`
}

// revoke does it, for members of the roles alone. What a publisher has reported stays in force.
func (c *memberRevoke) revoke(
	ctx context.Context, w *cli.Where, out *cli.Console, roles ...register.Role,
) error {
	return c.register(ctx, w, out, false, func(r control.Members) error {
		if err := r.Revoke(ctx, c.Name, roles...); err != nil {
			return err
		}
		if w.JSON {
			return newSecret{c.Name, ""}.tell(ctx, w, out, r)
		}
		_, err := fmt.Fprintf(out.Stdout, "%s is revoked: its secret is worth nothing any more\n",
			c.Name)
		return err
	})
}

// memberChange gives a member another scope. The secret stays as it is.
type memberChange struct {
	memberFlags

	Name string `arg:"" help:"Its name."`
}

// change does it, for members of the role alone. It counts for what is sent from then on; events
// that are in the log are not judged again.
func (c *memberChange) change(
	ctx context.Context, w *cli.Where, out *cli.Console, to access.NewScope, role register.Role,
) error {
	return c.register(ctx, w, out, false, func(r control.Members) error {
		if err := r.Change(ctx, c.Name, to, role); err != nil {
			return err
		}
		if w.JSON {
			return newSecret{c.Name, ""}.tell(ctx, w, out, r)
		}
		_, err := fmt.Fprintf(out.Stdout, "%s is changed: that counts from now on\n", c.Name)
		return err
	})
}

// newSecret is the secret that a member was just given; it is empty where only the rest was
// changed.
type newSecret struct{ name, secret string }

// tell prints a secret that was just made: the one time that anybody sees it. With --json it
// prints the member as it is in the register now, and the secret is left out where it is empty: so
// changes and revocations are answered too. Otherwise the secret alone goes to standard output, for
// a file or a pipe, and the words about it to standard error.
func (n newSecret) tell(
	ctx context.Context, w *cli.Where, out *cli.Console, r control.Members,
) error {
	members, err := r.Members(ctx)
	if err != nil {
		return err
	}
	// The register may have been changed by another command since.
	place := slices.IndexFunc(members, func(m register.Member) bool { return m.Name == n.name })
	if place < 0 {
		return problem.New(problem.NotFound, n.name+" was taken out of the register meanwhile")
	}
	m := &members[place]
	if w.JSON {
		line := lineOf(m, out.Now())
		line.Secret = n.secret
		return out.WriteJSON(line)
	}
	what := fmt.Sprintf("%s is registered as %s. This is its secret", n.name, m.Role)
	if !m.RotatedAt.IsZero() {
		what = n.name + " has a new secret, and the old one is worth nothing any more. This is it"
	}
	if !m.ExpiresAt.IsZero() {
		what += ", until " + words.LocalTime(m.ExpiresAt.Format(time.RFC3339))
	}
	out.Note("%s, shown this once; it is for nobody else:", what)
	_, err = fmt.Fprintln(out.Stdout, n.secret)
	return err
}
