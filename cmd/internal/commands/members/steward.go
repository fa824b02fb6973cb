package members

import (
	"context"
	"strings"

	"cakupan/cmd/internal/access"
	"cakupan/cmd/internal/access/register"
	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/cli/table"
	"cakupan/cmd/internal/cli/words"
)

// Steward registers who may set right what others reported: take it back, and retry or drop
// what was refused, within regions.
type Steward struct {
	Add    stewardAdd    `cmd:"" help:"Register a steward and print its secret, once."`
	List   stewardList   `cmd:"" help:"List the stewards, the revoked ones too."`
	Change stewardChange `cmd:"" help:"Change the regions of a steward."`
	Rotate stewardRotate `cmd:"" help:"Give a steward a new secret and print it, once."`
	Revoke stewardRevoke `cmd:"" help:"End a steward's rights, for ever."`
}

// stewardAdd registers a steward. Regions default to the nation. Unlike a publisher he has no
// sources or types: he acts on what others have reported, whatever it is.
type stewardAdd struct {
	memberFlags
	expiryFlag

	Name    string   `arg:"" help:"A name of a-z, 0-9 and -; kept with each of its acts."`
	Regions []string `placeholder:"CODES" default:"ID" help:"${stewardRegions}"`
}

// Help returns what --help shows beyond the flags.
func (*stewardAdd) Help() string {
	return `A steward reads as an auditor does. The secret is printed on standard output, and nobody
can find it out again: the ledger keeps a hash of it.

Examples:

	cakupan steward add pusat
	cakupan steward add provinsi --regions 75 --expires 2027-12-31` + cli.ExitCodes
}

// Run runs the command.
func (c *stewardAdd) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	regions, err := access.ParseRegions(c.Regions)
	if err != nil {
		return err
	}
	m := register.Member{Name: c.Name, Role: register.Steward, Regions: regions}
	return c.add(ctx, w, out, m, c.expiryFlag)
}

// stewardList lists stewards, with the regions in which each may act now.
type stewardList struct{ memberList }

// Help returns what --help shows beyond the flags.
func (*stewardList) Help() string {
	return `Examples:

	cakupan steward list
	cakupan steward list --history --json` + cli.ExitCodes
}

// Run runs the command.
func (c *stewardList) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	show := func(members []memberLine) *table.Table {
		t := table.New("Name", "State", "Regions", "Registered", "Secret since", "Last used")
		for i := range members {
			m := &members[i]
			t.Add(m.Name, m.state(), strings.Join(m.Regions, ", "), words.LocalTime(m.CreatedAt),
				words.LocalTime(m.secretSince()), m.lastUse())
		}
		return t
	}
	return c.list(ctx, w, out, show, register.Steward)
}

// stewardChange changes the regions of a steward. They take the place of those before.
type stewardChange struct {
	memberChange

	Regions []string `placeholder:"CODES" required:"" help:"${stewardRegions}"`
}

// Help returns what --help shows beyond the flags.
func (*stewardChange) Help() string {
	return `Example:

	cakupan steward change provinsi --regions 75.03,75.71` + cli.ExitCodes
}

// Run runs the command.
func (c *stewardChange) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	regions, err := access.ParseRegions(c.Regions)
	if err != nil {
		return err
	}
	return c.change(ctx, w, out, access.NewScope{Regions: regions}, register.Steward)
}

// stewardRotate gives a steward a new secret.
type stewardRotate struct{ memberRotate }

// Help returns what --help shows beyond the flags.
func (*stewardRotate) Help() string {
	return `The old secret is worth nothing from then on: a running server refuses it at once.

Example:

	cakupan steward rotate provinsi` + cli.ExitCodes
}

// Run runs the command.
func (c *stewardRotate) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	return c.rotate(ctx, w, out, register.Steward)
}

// stewardRevoke ends a steward's rights, for ever. What he has set right stays so.
type stewardRevoke struct{ memberRevoke }

// Help returns what --help shows beyond the flags.
func (*stewardRevoke) Help() string {
	return `The name stays taken, as acts carry it. A running server refuses its secret at once.

Example:

	cakupan steward revoke provinsi` + cli.ExitCodes
}

// Run runs the command.
func (c *stewardRevoke) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	return c.revoke(ctx, w, out, register.Steward)
}
