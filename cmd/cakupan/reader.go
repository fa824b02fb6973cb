package main

import "cakupan/cmd/internal/access"

// readerCommand registers who may read.
type readerCommand struct {
	Add    readerAdd    `cmd:"" help:"Register a reader and print its secret, once."`
	List   readerList   `cmd:"" help:"List the readers, the revoked ones too."`
	Rotate readerRotate `cmd:"" help:"Give a reader a new secret and print it, once."`
	Revoke readerRevoke `cmd:"" help:"End a reader's right to read, for ever."`
}

// readerAdd registers a reader.
type readerAdd struct {
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
	cakupan reader add wall-screen --role dashboard --data /var/lib/cakupan` + exitCodes
}

// Run runs the command.
func (c *readerAdd) Run(w *where, out *console) error {
	return w.addMember(out, access.Entry{Name: c.Name, Role: access.Role(c.Role)})
}

// readerList lists readers.
type readerList struct{}

// Help returns what --help shows beyond the flags.
func (*readerList) Help() string {
	return `Examples:

	cakupan reader list
	cakupan reader list --data /var/lib/cakupan --json` + exitCodes
}

// Run runs the command.
func (*readerList) Run(w *where, out *console) error {
	members, err := w.members(access.Auditor, access.Dashboard)
	if err != nil {
		return err
	}
	if w.JSON {
		return out.writeJSON(members)
	}
	t := newTable("Name", "State", "Role", "Registered", "Secret since")
	for _, m := range members {
		t.add(m.Name, m.state(), string(m.Role), localTime(m.CreatedAt), localTime(m.secretSince()))
	}
	return t.write(out.stdout)
}

// readerRotate gives a reader a new secret.
type readerRotate struct {
	Name string `arg:"" help:"Name of the reader."`
}

// Help returns what --help shows beyond the flags.
func (*readerRotate) Help() string {
	return `The old secret is worth nothing from then on: a running server refuses it at once.

Example:

	cakupan reader rotate bpk` + exitCodes
}

// Run runs the command.
func (c *readerRotate) Run(w *where, out *console) error {
	return w.rotateMember(out, c.Name, access.Auditor, access.Dashboard)
}

// readerRevoke ends a reader's rights.
type readerRevoke struct {
	Name string `arg:"" help:"Name of the reader."`
}

// Help returns what --help shows beyond the flags.
func (*readerRevoke) Help() string {
	return `The name stays taken. A running server refuses its secret at once.

Example:

	cakupan reader revoke bpk` + exitCodes
}

// Run runs the command.
func (c *readerRevoke) Run(w *where, out *console) error {
	return w.revokeMember(out, c.Name, access.Auditor, access.Dashboard)
}
