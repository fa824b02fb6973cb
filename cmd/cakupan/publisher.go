package main

import (
	"strings"

	"cakupan/cmd/internal/access"
)

// publisherCommand registers who may report.
type publisherCommand struct {
	Add    publisherAdd    `cmd:"" help:"Register a publisher and print its secret, once."`
	List   publisherList   `cmd:"" help:"List the publishers, the revoked ones too."`
	Rotate publisherRotate `cmd:"" help:"Give a publisher a new secret and print it, once."`
	Revoke publisherRevoke `cmd:"" help:"End a publisher's right to report, for ever."`
}

// publisherAdd registers a publisher.
type publisherAdd struct {
	Name    string   `arg:"" help:"A name of a-z, 0-9 and -; kept with each of its events."`
	Source  []string `placeholder:"PREFIX" sep:"none" required:"" help:"${scopeSource}"`
	Regions []string `placeholder:"CODES" required:"" help:"${scopeRegions}"`
	Types   []string `placeholder:"TYPES" required:"" help:"${scopeTypes}"`
}

// Help returns what --help shows beyond the flags.
func (*publisherAdd) Help() string {
	return `The secret is printed on standard output, and nobody can find it out again: the ledger
keeps a hash of it. A running server on the folder lets the publisher in at once. From the first
publisher or reader on, whoever asks the ledger over the network must be registered.

Whoever may write to the folder may do this: it works beside a running server, and not over the
network.

Examples:

	cakupan publisher add dinas-75 --source urn:dinas:75 --regions 75 --types enrolment,funding
	cakupan publisher add cabang --source https://cabang.example/ --regions 75.03,75.71 \
	    --types enrolment.opened,enrolment.terminated,worker.died
	cakupan publisher add pusat --data /var/lib/cakupan --source urn:pusat --regions ID \
	    --types all > secret.txt` + exitCodes
}

// Run runs the command.
func (c *publisherAdd) Run(w *where, out *console) error {
	types, err := access.ParseTypes(c.Types)
	if err != nil {
		return err
	}
	regions, err := access.ParseRegions(c.Regions)
	if err != nil {
		return err
	}
	return w.addMember(out, access.Entry{
		Name: c.Name, Role: access.Publisher,
		Sources: c.Source, Regions: regions, Types: types,
	})
}

// publisherList lists publishers.
type publisherList struct{}

// Help returns what --help shows beyond the flags.
func (*publisherList) Help() string {
	return `Examples:

	cakupan publisher list
	cakupan publisher list --data /var/lib/cakupan --json` + exitCodes
}

// Run runs the command.
func (*publisherList) Run(w *where, out *console) error {
	members, err := w.members(access.Publisher)
	if err != nil {
		return err
	}
	if w.JSON {
		return out.writeJSON(members)
	}
	t := newTable("Name", "State", "Regions", "Types", "Sources", "Registered", "Secret since")
	for _, m := range members {
		t.add(m.Name, m.state(), strings.Join(m.Regions, ", "), m.typeNames(),
			strings.Join(m.Sources, ", "), localTime(m.CreatedAt), localTime(m.secretSince()))
	}
	return t.write(out.stdout)
}

// publisherRotate gives a publisher a new secret.
type publisherRotate struct {
	Name string `arg:"" help:"Name of the publisher."`
}

// Help returns what --help shows beyond the flags.
func (*publisherRotate) Help() string {
	return `The old secret is worth nothing from then on: a running server refuses it at once.

Example:

	cakupan publisher rotate dinas-75` + exitCodes
}

// Run runs the command.
func (c *publisherRotate) Run(w *where, out *console) error {
	return w.rotateMember(out, c.Name, access.Publisher)
}

// publisherRevoke ends a publisher's rights.
type publisherRevoke struct {
	Name string `arg:"" help:"Name of the publisher."`
}

// Help returns what --help shows beyond the flags.
func (*publisherRevoke) Help() string {
	return `Its events stay, with its name, which nobody else can have. A running server refuses its
secret at once.

Example:

	cakupan publisher revoke dinas-75` + exitCodes
}

// Run runs the command.
func (c *publisherRevoke) Run(w *where, out *console) error {
	return w.revokeMember(out, c.Name, access.Publisher)
}
