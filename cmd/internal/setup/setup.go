// Package setup makes, once, the secrets that the parts of a cluster share: certificates, logins,
// keys, and the first members.
//
// A folder has a part for each who gets one, so that nobody gets more than his own:
//
//	authority/      signs certificates, and has the logins; nobody needs it but setup, and who
//	                restores a backup into the cluster
//	nodes/NAME/     certificate of a node of NATS, and who may log in there
//	ledgers/NAME/   certificate of a ledger, and where it logs in
//	data/NAME/      the ledger's own folder: the keys, which all ledgers of a cluster share, and
//	                the first members
//	operator/       the secrets of the first members, and the authority's certificate
//
// What is there is never made anew, so it may be run at each start; but a certificate that ends
// soon is. Nothing is derived from a clock but the times in certificates.
package setup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"cakupan/eventstore/durable"
)

const (
	folderMode = 0o700
	secretMode = 0o600

	nodePort = "4222" // where nodes listen to ledgers
)

// Options say for whom.
type Options struct {
	Dir     string
	Nodes   []string // names or addresses by which ledgers and nodes find each node of NATS
	Ledgers []string // the same of each ledger
	// Members are let in at first. Later it is the register that says who is.
	Members []Member
	// Keys, by their files, are those of a ledger that is restored: its ledgers get these instead
	// of new ones, and its members are in the backup. Optional.
	Keys map[string][]byte
	// Owner, if not nil, is given all files and folders.
	Owner *Owner
	Renew Renew
}

// Renew says what is made anew though it is good, as others may have seen it. One that is cut short
// is asked for again.
type Renew struct {
	Certificates bool // of nodes and ledgers, and their keys; the authority stays
	Logins       bool // of NATS: passwords of the users that setup has made
}

// Owner is a user of the machine and his group.
type Owner struct{ User, Group int }

// Make makes what is missing. It may be cut short anywhere, and called again: each file is there as
// a whole or not at all, and what is made first is what the rest is made of. Two at a time in one
// folder are not meant. now is the time that certificates count from and are judged by.
func Make(opts Options, now time.Time) error {
	m := maker{dir: opts.Dir, renew: opts.Renew}
	if err := m.make(&opts, now); err != nil {
		return err
	}
	if opts.Owner == nil {
		return nil
	}
	for _, part := range m.parts(&opts) {
		if err := give(part, *opts.Owner); err != nil {
			return err
		}
	}
	return nil
}

// parts returns the folders of all who get one. Their parents may be anybody's.
func (m *maker) parts(opts *Options) []string {
	parts := []string{m.path("authority"), m.path("operator")}
	for _, name := range opts.Nodes {
		parts = append(parts, m.path("nodes", name))
	}
	for _, name := range opts.Ledgers {
		parts = append(parts, m.path("ledgers", name), m.path("data", name))
	}
	return parts
}

// give gives a folder and all in it to somebody, links themselves and not what they lead to. It is
// done last: what is made belongs to whoever runs this until then, and after a crash until the next
// call.
func give(dir string, owner Owner) error {
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err == nil {
			err = os.Lchown(path, owner.User, owner.Group)
		}
		if err != nil {
			return fmt.Errorf("give away: %w", err)
		}
		return nil
	})
}

// maker makes files in a folder. It keeps nothing but the folder's name and what it was told to
// make anew: all else that it knows is in files.
type maker struct {
	dir   string
	renew Renew
}

func (m *maker) path(parts ...string) string {
	return filepath.Join(append([]string{m.dir}, parts...)...)
}

// make makes all but the owners, in the order in which one needs the other: what signs and the
// logins, then what each node and ledger gets of them, then keys and members. The first error ends
// it.
func (m *maker) make(opts *Options, now time.Time) error {
	authority, err := m.authority(now)
	if err != nil {
		return err
	}
	logins, err := m.logins()
	if err != nil {
		return err
	}
	for _, name := range opts.Nodes {
		err := m.users(logins, "nodes", name, "users.conf")
		if err == nil {
			err = authority.certify(m.path("nodes", name), name, true, now)
		}
		if err != nil {
			return fmt.Errorf("for node %s: %w", name, err)
		}
	}
	for _, name := range opts.Ledgers {
		err := authority.certify(m.path("ledgers", name), name, false, now)
		if err == nil {
			err = m.urls(logins, userLedger, opts.Nodes, "ledgers", name, "nats.url")
		}
		if err == nil {
			err = m.urls(logins, userSystem, opts.Nodes, "ledgers", name, "system.url")
		}
		if err != nil {
			return fmt.Errorf("for ledger %s: %w", name, err)
		}
	}
	if err := m.urls(logins, userRestore, opts.Nodes, "authority", "restore.url"); err != nil {
		return err
	}
	if err := m.givenKeys(opts); err != nil {
		return err
	}
	if err := m.keys(opts.Ledgers); err != nil {
		return err
	}
	if err := m.members(opts, authority.began()); err != nil {
		return err
	}
	return authority.publish(m.path("operator"))
}

// once returns what a file holds, and makes the file first where there is none. content is called
// only then. The file is durable when once returns, so what is made of its content never outlives
// it. If we crash before, there is no file, and the next call makes another one.
func (m *maker) once(content func() ([]byte, error), parts ...string) (string, error) {
	path := m.path(parts...)
	raw, err := os.ReadFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return string(raw), err
	}
	if raw, err = content(); err != nil {
		return "", err
	}
	if err := durable.MakeFolder(filepath.Dir(path), folderMode); err != nil {
		return "", fmt.Errorf("make folder: %w", err)
	}
	if err := durable.Create(path, raw, secretMode); err != nil {
		return "", fmt.Errorf("make %s: %w", path, err)
	}
	return string(raw), nil
}
