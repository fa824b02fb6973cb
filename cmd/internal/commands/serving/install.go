package serving

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"text/template"

	"cakupan/cmd/internal/cli"
	"cakupan/eventstore/durable"
)

// Install has systemd run the ledger. It writes two files and runs nothing: what makes them
// count is said at the end. Root is for who builds a package, where nothing may be run.
type Install struct {
	Name    string   `default:"cakupan" placeholder:"NAME" help:"${installName}"`
	Program string   `placeholder:"FILE" help:"The program to be run (default: this one)."`
	Root    string   `default:"/" placeholder:"DIR" help:"Write below this folder, for packages."`
	DryRun  bool     `help:"Print what would be written, and change nothing."`
	Flags   []string `arg:"" optional:"" help:"Flags of cakupan serve, after --."`
}

// Help returns what --help shows beyond the flags.
func (*Install) Help() string {
	return `Writes a unit of systemd that may do what a ledger must, and nothing else, and the user
it runs as. The ledger's folder is /var/lib/NAME; certificates that others have made are best given
by LoadCredential in an override (systemctl edit NAME). Registering members and all else is done as
that user: sudo -u NAME cakupan publisher add … --data /var/lib/NAME.

Examples:

	cakupan install --dry-run
	sudo cakupan install
	sudo cakupan install --name ledger-b -- --listen :7071 --tls-cert /etc/cakupan/cert.pem \
	  --tls-key /etc/cakupan/key.pem` + cli.ExitCodes
}

// unitText is the unit. Of the kernel and the machine a ledger needs a folder and the network, and
// has nothing else: no capabilities, so it gets no port below 1024 by itself, and no folder to
// write to but its own. Restart is always, because a ledger that cannot go on in its process ends
// it and relies on being started again. A stop may take TimeoutStopSec: requests in work end, and
// so do the projections; what is killed before that has lost nothing that was answered. It is never
// written.
var unitText = template.Must(template.New("unit").Parse(
	`# Made by: cakupan install. Change it with: systemctl edit {{.Name}}
[Unit]
Description=Cakupan, a ledger of employment-social-security coverage
Documentation=man:systemd.exec(5)
Wants=network-online.target
After=network-online.target

[Service]
ExecStart={{.Program}} serve --data /var/lib/{{.Name}}{{.Flags}}
User={{.Name}}
Group={{.Name}}
StateDirectory={{.Name}}
StateDirectoryMode=0700
UMask=0077
Restart=always
RestartSec=1s
# The frame under way ends, and the projections are closed.
TimeoutStopSec=60s
LimitNOFILE=65536
TasksMax=512
MemoryMax=80%

NoNewPrivileges=true
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=true
PrivateTmp=true
PrivateDevices=true
PrivateUsers=true
PrivateIPC=true
ProtectProc=invisible
ProcSubset=pid
ProtectClock=true
ProtectHostname=true
ProtectKernelLogs=true
ProtectKernelModules=true
ProtectKernelTunables=true
ProtectControlGroups=true
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=true
RestrictRealtime=true
RestrictSUIDSGID=true
RemoveIPC=true
LockPersonality=true
MemoryDenyWriteExecute=true
DevicePolicy=closed
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
`))

// userText is the user, for systemd-sysusers: without a shell and a password, as it says by
// default. It is never written.
var userText = template.Must(template.New("user").Parse(
	`# Made by: cakupan install
u {{.Name}} - "Cakupan ledger" /var/lib/{{.Name}}
`))

// unitName is what may be the name of a unit, a user and a folder. The longest is what systemd
// takes for the name of a user: 31 characters.
var unitName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,30}$`)

// Run writes the files, or prints them with --dry-run. Files of that name are replaced, so a second
// install is an update; what somebody has changed belongs into an override, as the unit says
// itself.
func (c *Install) Run(w *cli.Where, out *cli.Console) error {
	files, err := c.files()
	if err != nil {
		return err
	}
	for _, f := range files {
		path := filepath.Join(c.Root, f.path)
		// Each file below its path, as it would be read.
		if c.DryRun {
			_, err = fmt.Fprintf(out.Stdout, "# %s\n%s\n", path, f.content)
		} else {
			c.tellReplaced(out, path, f.content)
			err = writeSystemFile(path, f.content)
		}
		if err != nil {
			return err
		}
	}
	if c.DryRun {
		return nil
	}
	if w.JSON {
		return out.WriteJSON(map[string]string{"unit": filepath.Join(c.Root, files[0].path)})
	}
	_, err = fmt.Fprintf(out.Stdout, "now run: systemd-sysusers && systemctl daemon-reload &&"+
		" systemctl enable --now %s\n", c.Name)
	return err
}

// tellReplaced says what a unit started with that is about to be replaced by one that starts with
// something else: flags that were given at the first install are gone unless they are given again.
func (*Install) tellReplaced(out *cli.Console, path string, content []byte) {
	was, err := os.ReadFile(path)
	if err != nil {
		return // there is none; what else is wrong says who writes it
	}
	if before := execStart.Find(was); !bytes.Equal(before, execStart.Find(content)) {
		out.Note("%s is replaced; before, it had %s", path, before)
	}
}

// execStart is the line of a unit that says what is run. It is never written.
var execStart = regexp.MustCompile(`(?m)^ExecStart=.*$`)

// systemFile is a file that install writes. The path is one below the root, without a slash before.
type systemFile struct {
	path    string
	content []byte
}

// files returns the files to be written, the unit first. All that is in them is checked here,
// before anything is written: a name, a program or a flag must not add a line of its own to what
// systemd does as root.
func (c *Install) files() ([]systemFile, error) {
	if !unitName.MatchString(c.Name) {
		return nil, cli.Usage("--name has a-z, 0-9 and - only, and begins with a letter")
	}
	// What the two templates have places for.
	fill := struct{ Name, Program, Flags string }{Name: c.Name, Program: c.Program}
	if fill.Program == "" {
		self, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("find this program: %w", err)
		}
		fill.Program = self
	}
	// The path stands in the unit as it is, without quotes.
	if !filepath.IsAbs(fill.Program) || strings.ContainsAny(fill.Program, "\" \t\n%$\\") {
		return nil, cli.Usage("--program is where systemd finds it, such as /usr/local/bin/cakupan")
	}
	// They are given to serve as they are: it says at its start what is wrong with them.
	for _, flag := range c.Flags {
		if strings.ContainsAny(flag, "\n\r") {
			return nil, cli.Usage("a flag has no more than one line")
		}
		// systemd would replace these two, and takes Go's quotes.
		fill.Flags += " " + strings.NewReplacer("%", "%%", "$", "$$").Replace(strconv.Quote(flag))
	}
	var unit, user bytes.Buffer
	if err := unitText.Execute(&unit, fill); err != nil {
		return nil, fmt.Errorf("write unit: %w", err)
	}
	if err := userText.Execute(&user, fill); err != nil {
		return nil, fmt.Errorf("write user: %w", err)
	}
	return []systemFile{
		{"etc/systemd/system/" + c.Name + ".service", unit.Bytes()},
		{"etc/sysusers.d/" + c.Name + ".conf", user.Bytes()},
	}, nil
}

// writeSystemFile writes a file that all may read; none has a secret. A crash leaves the file as it
// was, or as it is to be. Between the two files it leaves a unit without its user, which systemd
// refuses to start: install again.
func writeSystemFile(path string, content []byte) error {
	// As systemd's own files have it.
	const folderMode, fileMode fs.FileMode = 0o755, 0o644
	if err := durable.MakeFolder(filepath.Dir(path), folderMode); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	if err := durable.WriteFile(path, content, fileMode); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
