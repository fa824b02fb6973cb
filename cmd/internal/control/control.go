// Package control lets commands on the machine of a running ledger do what its owner alone may:
// change its register, look after its keys, erase a person or disclose what is held about him.
// They do it over a socket in the ledger's folder, that its owner alone may open. Who is at the
// other end the kernel tells; no secret is needed, and nothing of it is on the network.
package control

import (
	"context"
	"os/user"
	"strconv"
	"time"

	"cakupan/cmd/internal/access"
	"cakupan/cmd/internal/access/register"
)

// Members is the register, as commands change it and ask it: of a ledger that this program has
// open, or of one that runs.
type Members interface {
	// Add registers a member and returns its secret. See [access.Registry] for all of them.
	Add(ctx context.Context, m register.Member) (secret string, err error)
	// Rotate gives a member of one of the roles a new secret and returns it.
	Rotate(
		ctx context.Context, name string, expires time.Time, roles ...register.Role,
	) (secret string, err error)
	// Change gives a member of one of the roles another scope.
	Change(ctx context.Context, name string, to access.NewScope, roles ...register.Role) error
	// Revoke ends the membership of a member of one of the roles.
	Revoke(ctx context.Context, name string, roles ...register.Role) error
	// Members returns all members, the revoked ones too.
	Members(ctx context.Context) ([]register.Member, error)
	// History returns all changes.
	History(ctx context.Context) ([]access.Entry, error)
}

// Direct is the register of a ledger that this program has open.
type Direct struct {
	Registry *access.Registry
	By       string // who changes it
}

var _ Members = Direct{}

// Add registers a member.
func (d Direct) Add(ctx context.Context, m register.Member) (string, error) {
	return d.Registry.Add(ctx, d.By, m)
}

// Rotate gives a member a new secret.
func (d Direct) Rotate(
	ctx context.Context, name string, expires time.Time, roles ...register.Role,
) (string, error) {
	return d.Registry.Rotate(ctx, d.By, name, expires, roles...)
}

// Change gives a member another scope.
func (d Direct) Change(
	ctx context.Context, name string, to access.NewScope, roles ...register.Role,
) error {
	return d.Registry.Change(ctx, d.By, name, to, roles...)
}

// Revoke ends a membership.
func (d Direct) Revoke(ctx context.Context, name string, roles ...register.Role) error {
	return d.Registry.Revoke(ctx, d.By, name, roles...)
}

// Members returns all members.
func (d Direct) Members(context.Context) ([]register.Member, error) { return d.Registry.Members() }

// History returns all changes.
func (d Direct) History(ctx context.Context) ([]access.Entry, error) {
	return d.Registry.History(ctx)
}

// AccountOf returns the name of the account of a user of this machine.
func AccountOf(uid int) string {
	id := strconv.Itoa(uid)
	if who, err := user.LookupId(id); err == nil && who.Username != "" {
		return register.CleanAccount(who.Username)
	}
	return "uid-" + id
}
