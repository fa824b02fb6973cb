package members

import (
	"context"
	"strings"

	"cakupan/cmd/internal/access"
	"cakupan/cmd/internal/access/register"
	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/cli/table"
	"cakupan/cmd/internal/cli/words"
	"cakupan/domain/event"
	"cakupan/domain/region"
)

// Publisher registers who may report. All of it changes the register of the ledger of this
// machine, also while it runs, and each change is recorded with who made it.
type Publisher struct {
	Add    publisherAdd    `cmd:"" help:"Register a publisher and print its secret, once."`
	List   publisherList   `cmd:"" help:"List the publishers, the revoked ones too."`
	Change publisherChange `cmd:"" help:"Change what a publisher may report."`
	Rotate publisherRotate `cmd:"" help:"Give a publisher a new secret and print it, once."`
	Revoke publisherRevoke `cmd:"" help:"End a publisher's right to report, for ever."`
}

// publisherAdd registers a publisher. Sources, regions and types must each be named, so that nobody
// may report more than was meant by leaving something out. A source may have commas of its own, so
// the flag is repeated and not divided at them.
type publisherAdd struct {
	memberFlags
	expiryFlag

	Name    string   `arg:"" help:"A name of a-z, 0-9 and -; kept with each of its events."`
	Source  []string `placeholder:"URI" sep:"none" required:"" help:"${scopeSource}"`
	Regions []string `placeholder:"CODES" required:"" help:"${scopeRegions}"`
	Types   []string `placeholder:"TYPES" required:"" help:"${scopeTypes}"`
}

// Help returns what --help shows beyond the flags.
func (*publisherAdd) Help() string {
	return `The secret is printed on standard output, and nobody can find it out again: the ledger
keeps a hash of it. A running server on the folder lets the publisher in at once. From the first
publisher or reader on, whoever asks the ledger over the network must be registered.

A source is matched part by part: urn:dinas:7 is not urn:dinas:75, and https://a.example is neither
https://a.example:8443 nor https://a.example.net. Two publishers cannot have sources that overlap.

Whoever may write to the folder may do this: it works beside a running server, and not over the
network.

Examples:

	cakupan publisher add dinas-75 --source urn:dinas:75 --regions 75 --types enrolment,funding
	cakupan publisher add cabang --source https://cabang.example/ --regions 75.03,75.71 \
	    --types enrolment.opened,enrolment.terminated,worker.died --expires 2027-12-31
	cakupan publisher add pusat --data /var/lib/cakupan --source urn:pusat --regions ID \
	    --types all > secret.txt` + cli.ExitCodes
}

// Run runs the command. What is wrong with the scope is said before a ledger is opened, or made.
func (c *publisherAdd) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	types, regions, err := scopeOf(c.Types, c.Regions)
	if err != nil {
		return err
	}
	return c.add(ctx, w, out, register.Member{
		Name: c.Name, Role: register.Publisher,
		Sources: c.Source, Regions: regions, Types: types,
	}, c.expiryFlag)
}

// scopeOf reads types and regions; nil for none, which a change takes as: as it was.
func scopeOf(
	typeTexts, regionTexts []string,
) (types []event.Type, regions []region.Code, err error) {
	if types, err = access.ParseTypes(typeTexts); err != nil {
		return nil, nil, err
	}
	regions, err = access.ParseRegions(regionTexts)
	return types, regions, err
}

// publisherList lists publishers, with what each may report now.
type publisherList struct{ memberList }

// Help returns what --help shows beyond the flags.
func (*publisherList) Help() string {
	return `When a secret was last used is noted once a day.

Examples:

	cakupan publisher list
	cakupan publisher list --history
	cakupan publisher list --data /var/lib/cakupan --json` + cli.ExitCodes
}

// Run runs the command.
func (c *publisherList) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	show := func(members []memberLine) *table.Table {
		t := table.New("Name", "State", "Regions", "Types", "Sources", "Registered", "Secret since",
			"Last used")
		for i := range members {
			m := &members[i]
			t.Add(m.Name, m.state(), strings.Join(m.Regions, ", "), m.typeNames(),
				strings.Join(m.Sources, ", "), words.LocalTime(m.CreatedAt),
				words.LocalTime(m.secretSince()), m.lastUse())
		}
		return t
	}
	return c.list(ctx, w, out, show, register.Publisher)
}

// publisherChange changes what a publisher may report. Each part that is named takes the place of
// the one before, and is not added to it.
type publisherChange struct {
	memberChange

	Source  []string `placeholder:"URI" sep:"none" help:"${scopeSource}"`
	Regions []string `placeholder:"CODES" help:"${scopeRegions}"`
	Types   []string `placeholder:"TYPES" help:"${scopeTypes}"`
}

// Help returns what --help shows beyond the flags.
func (*publisherChange) Help() string {
	return `What is not named stays as it was. The secret stays too; what the publisher sends from
then on is judged by the new scope, also on connections that are open.

Examples:

	cakupan publisher change dinas-75 --regions 75.03,75.71
	cakupan publisher change dinas-75 --types all` + cli.ExitCodes
}

// Run runs the command. A change of nothing is refused: it was meant to be one of something.
func (c *publisherChange) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	types, regions, err := scopeOf(c.Types, c.Regions)
	switch {
	case err != nil:
		return err
	case len(c.Source)+len(types)+len(regions) == 0:
		return cli.Usage("name what to change: --source, --regions or --types")
	}
	to := access.NewScope{Sources: c.Source, Regions: regions, Types: types}
	return c.change(ctx, w, out, to, register.Publisher)
}

// publisherRotate gives a publisher a new secret; what it may report stays.
type publisherRotate struct{ memberRotate }

// Help returns what --help shows beyond the flags.
func (*publisherRotate) Help() string {
	return `The old secret is worth nothing from then on: a running server refuses it at once.

Examples:

	cakupan publisher rotate dinas-75
	cakupan publisher rotate dinas-75 --expires 2027-12-31` + cli.ExitCodes
}

// Run runs the command.
func (c *publisherRotate) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	return c.rotate(ctx, w, out, register.Publisher)
}

// publisherRevoke ends a publisher's rights, for ever. Its events stay in force: they are taken
// back by cakupan retract, where they should never have been reported.
type publisherRevoke struct{ memberRevoke }

// Help returns what --help shows beyond the flags.
func (*publisherRevoke) Help() string {
	return `Its events stay, with its name, which nobody else can have. A running server refuses its
secret at once.

Example:

	cakupan publisher revoke dinas-75` + cli.ExitCodes
}

// Run runs the command.
func (c *publisherRevoke) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	return c.revoke(ctx, w, out, register.Publisher)
}
