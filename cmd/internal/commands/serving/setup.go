package serving

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cakupan/cmd/internal/access"
	"cakupan/cmd/internal/access/register"
	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/setup"
	"cakupan/domain/event"
)

// Setup makes what the parts of a cluster share, on one machine, to be handed out from
// there. Nodes and Ledgers are names or addresses under which they are found by each other:
// certificates are made for them, and folders named after them. Source, Regions and Types belong to
// Publisher, and are all given or none. Owner is numeric, as an image of a container knows no names
// of users.
type Setup struct {
	Dir     string   `required:"" placeholder:"DIR" help:"Folder for all of it."`
	Nodes   []string `required:"" placeholder:"NAMES" help:"${setupNodes}"`
	Ledgers []string `required:"" placeholder:"NAMES" help:"${setupLedgers}"`
	Auditor string   `placeholder:"NAME" help:"A first member, who may read all but the vault."`

	Publisher string   `placeholder:"NAME" help:"A first member, who may report."`
	Source    []string `placeholder:"PREFIX" sep:"none" help:"${scopeSource}"`
	Regions   []string `placeholder:"CODES" help:"${scopeRegions}"`
	Types     []string `placeholder:"TYPES" help:"${scopeTypes}"`

	Keys  string `placeholder:"DIR" help:"Keys of a restored ledger, as keys backup makes them."`
	Owner string `placeholder:"UID:GID" help:"Give all files to this user and group."`

	Renew []string `placeholder:"WHAT" help:"${setupRenew}"`
}

// What Renew may have.
const (
	renewCertificates = "certificates"
	renewLogins       = "logins"
)

// Help returns what --help shows beyond the flags.
func (*Setup) Help() string {
	return `Makes, once, the certificates, logins, keys and first members of a cluster. What is
there stays as it is, but for certificates that end within 200 days: so run it at each start. Each
gets a folder of its own to be given:

	authority/      keep it to yourself: it signs, and has the passwords; restore.url is for
	                cakupan restore --nats @restore.url
	nodes/NAME/     of a node: --users users.conf, --tls-cert, --tls-key, --tls-ca
	ledgers/NAME/   of a ledger: --nats @nats.url --nats-system @system.url, --tls-cert …
	data/NAME/      of a ledger: its --data
	operator/       the secrets of the first members, and ca.pem for SSL_CERT_FILE

A certificate or a login that others may have seen is made anew with --renew, though it is good.
New certificates count at once. New logins of NATS count for a node or a ledger when it is restarted
with its new files, one at a time: two nodes, each ledger, the last node.

Where a backup is restored into a new cluster, --keys gives its ledgers their keys instead of new
ones. Who its members are is in the backup.

Examples:

	cakupan setup --dir cluster --nodes 10.0.0.1,10.0.0.2,10.0.0.3 \
	  --ledgers ledger-a.example,ledger-b.example --auditor board
	cakupan setup --dir /setup --nodes node-a,node-b,node-c --ledgers ledger-a,ledger-b \
	  --auditor board --publisher first --source urn:first --regions 75 --types all
	cakupan setup --dir cluster --nodes 10.0.0.1,10.0.0.2,10.0.0.3 \
	  --ledgers ledger-a.example,ledger-b.example --keys /media/safe/cakupan-keys` + cli.ExitCodes
}

// Run runs the command. What was made before an error stays, and the next call goes on from there:
// nothing is ever made twice, so what was handed out meanwhile stays good.
func (c *Setup) Run(w *cli.Where, out *cli.Console) error {
	opts, err := c.options()
	if err != nil {
		return err
	}
	if err := setup.Make(opts, out.Now()); err != nil {
		return fmt.Errorf("not all of it could be made: %w", err)
	}
	if w.JSON {
		return out.WriteJSON(map[string]string{"dir": c.Dir})
	}
	rest := "the secrets of the first members are in " + c.Dir + "/operator"
	if c.Keys != "" {
		rest = "the ledgers have the keys of " + c.Keys
	}
	_, err = fmt.Fprintf(out.Stdout, "%s has all that %d nodes and %d ledgers need; %s\n", c.Dir,
		len(c.Nodes), len(c.Ledgers), rest)
	return err
}

// options checks the flags. A name becomes a folder, a part of an address, and a line in the
// configuration of a server: what could lead out of any of these is refused. It may be a NIK by
// mistake, so it is masked in the error.
func (c *Setup) options() (opts setup.Options, err error) {
	// The folder is not looked at yet: flags that are wrong leave no trace.
	opts = setup.Options{Dir: c.Dir, Nodes: c.Nodes, Ledgers: c.Ledgers, Renew: setup.Renew{
		Certificates: slices.Contains(c.Renew, renewCertificates),
		Logins:       slices.Contains(c.Renew, renewLogins),
	}}
	for _, what := range c.Renew {
		if what != renewCertificates && what != renewLogins {
			return opts, cli.Usage("--renew is certificates, logins, or both")
		}
	}
	for _, name := range append(append([]string(nil), c.Nodes...), c.Ledgers...) {
		if name == "" || strings.ContainsAny(name, `/\ "{}@`) || strings.HasPrefix(name, ".") {
			return opts, cli.Usage("--nodes and --ledgers are names or addresses of machines," +
				" not " + strconv.Quote(event.MaskNIK(name)))
		}
	}
	if c.Auditor != "" {
		opts.Members = append(opts.Members, setup.Member{
			Name: c.Auditor, Role: string(register.Auditor),
		})
	}
	if err := c.addPublisher(&opts); err != nil {
		return opts, err
	}
	for _, member := range opts.Members {
		// By the rule of the register, which reads these members only at the first start of a
		// ledger: that is too late to be told of a wrong name.
		if defect := event.CheckPublisher(member.Name); defect != "" {
			return opts, cli.Usage("the name of a member " + defect)
		}
	}
	if c.Keys != "" && len(opts.Members) > 0 {
		return opts, cli.Usage("with --keys a ledger is restored, and its members are in the" +
			" backup: leave out --auditor and --publisher")
	}
	if c.Keys != "" {
		if opts.Keys, err = folder.ReadKeys(c.Keys); err != nil {
			return opts, err
		}
	}
	if c.Owner == "" {
		return opts, nil
	}
	// Numbers, and not names: the machine that makes the files may have no such user.
	opts.Owner, err = parseOwner(c.Owner)
	return opts, err
}

// parseOwner reads a user and a group: two numbers below 2^31 and nothing else.
func parseOwner(text string) (*setup.Owner, error) {
	user, group, _ := strings.Cut(text, ":")
	uid, err := strconv.ParseUint(user, 10, 31)
	if err == nil {
		var gid uint64
		gid, err = strconv.ParseUint(group, 10, 31)
		if err == nil {
			return &setup.Owner{User: int(uid), Group: int(gid)}, nil
		}
	}
	return nil, cli.Usage("--owner is two numbers, such as 65532:65532")
}

// addPublisher adds the publisher, if there is one. Types and regions are read here, so that those
// which do not exist are refused, and written again as their full names: that is how the register's
// file has them.
func (c *Setup) addPublisher(opts *setup.Options) error {
	switch {
	case c.Publisher == "" && len(c.Source)+len(c.Regions)+len(c.Types) == 0:
		return nil
	case c.Publisher == "":
		return cli.Usage("--source, --regions and --types are for a publisher: name it with" +
			" --publisher")
	case len(c.Source) == 0 || len(c.Regions) == 0 || len(c.Types) == 0:
		return cli.Usage("of a publisher say --source, --regions and --types")
	}
	types, err := access.ParseTypes(c.Types)
	if err != nil {
		return err
	}
	regions, err := access.ParseRegions(c.Regions)
	if err != nil {
		return err
	}
	// How its sources must look is for the register to judge.
	m := setup.Member{Name: c.Publisher, Role: string(register.Publisher), Sources: c.Source}
	for _, t := range types {
		m.Types = append(m.Types, t.String())
	}
	for _, r := range regions {
		m.Regions = append(m.Regions, r.String())
	}
	opts.Members = append(opts.Members, m)
	return nil
}
