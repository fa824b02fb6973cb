package members

import (
	"context"

	"cakupan/cmd/internal/access/register"
	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/cli/table"
	"cakupan/cmd/internal/cli/words"
)

// Reader registers who may read: auditors, who may read all but the vault, and dashboards,
// who may read the coverage alone, with small counts hidden.
type Reader struct {
	Add    readerAdd    `cmd:"" help:"Register a reader and print its secret, once."`
	List   readerList   `cmd:"" help:"List the readers, the revoked ones too."`
	Rotate readerRotate `cmd:"" help:"Give a reader a new secret and print it, once."`
	Revoke readerRevoke `cmd:"" help:"End a reader's right to read, for ever."`
}

// readerAdd registers a reader. There is no default role: one would be too much for a wall screen,
// or too little for an audit.
type readerAdd struct {
	memberFlags
	expiryFlag

	Name string `arg:"" help:"A name of a-z, 0-9 and -."`
	Role string `required:"" placeholder:"ROLE" enum:"auditor,dashboard" help:"${role}"`
}

// Help returns what --help shows beyond the flags.
func (*readerAdd) Help() string {
	return `The secret is printed on standard output, and nobody can find it out again: the ledger
keeps a hash of it. A browser asks for name and secret. From the first publisher or reader on,
whoever asks the ledger over the network must be registered.

Examples:

	cakupan reader add bpk --role auditor
	cakupan reader add inspection-27 --role auditor --expires 2027-03-31
	cakupan reader add wall-screen --role dashboard --data /var/lib/cakupan` + cli.ExitCodes
}

// Run runs the command.
func (c *readerAdd) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	m := register.Member{Name: c.Name, Role: register.Role(c.Role)}
	return c.add(ctx, w, out, m, c.expiryFlag)
}

// readerList lists readers of both roles, and no stewards, who read too but are there to act.
type readerList struct{ memberList }

// Help returns what --help shows beyond the flags.
func (*readerList) Help() string {
	return `When a secret was last used is noted once a day.

Examples:

	cakupan reader list
	cakupan reader list --history
	cakupan reader list --data /var/lib/cakupan --json` + cli.ExitCodes
}

// Run runs the command.
func (c *readerList) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	show := func(members []memberLine) *table.Table {
		t := table.New("Name", "State", "Role", "Registered", "Secret since", "Last used")
		for i := range members {
			m := &members[i]
			t.Add(m.Name, m.state(), string(m.Role), words.LocalTime(m.CreatedAt),
				words.LocalTime(m.secretSince()), m.lastUse())
		}
		return t
	}
	return c.list(ctx, w, out, show, register.Auditor, register.Dashboard)
}

// readerRotate gives a reader a new secret.
type readerRotate struct{ memberRotate }

// Help returns what --help shows beyond the flags.
func (*readerRotate) Help() string {
	return `The old secret is worth nothing from then on: a running server refuses it at once.

Example:

	cakupan reader rotate bpk` + cli.ExitCodes
}

// Run runs the command.
func (c *readerRotate) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	return c.rotate(ctx, w, out, register.Auditor, register.Dashboard)
}

// readerRevoke ends a reader's rights.
type readerRevoke struct{ memberRevoke }

// Help returns what --help shows beyond the flags.
func (*readerRevoke) Help() string {
	return `The name stays taken. A running server refuses its secret at once.

Example:

	cakupan reader revoke bpk` + cli.ExitCodes
}

// Run runs the command.
func (c *readerRevoke) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	return c.revoke(ctx, w, out, register.Auditor, register.Dashboard)
}
