package about

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"

	"cakupan/cmd/internal/cli"
)

// Release makes what is handed out of a checkout. What makes it is a program of its own, run
// by Go, which a release needs anyway: no ledger carries it. Output is made where it is missing;
// Key is a path, and the key is read by that program alone.
type Release struct {
	Output string `short:"o" default:"dist" placeholder:"DIR" help:"Where to; made anew."`
	Key    string `placeholder:"FILE" help:"Key to sign with: an ed25519 key of ssh-keygen."`
}

// Help returns what --help shows beyond the flags.
func (*Release) Help() string {
	return `Run it in a checkout with nothing changed. It makes an archive, a Debian package and a
list of materials (SBOM) for amd64 and arm64, and SHA256SUMS, which --key signs as ssh-keygen -Y
does. The same commit and the same Go make the same bytes, wherever and whenever.

To check a signature, with a file of "cakupan ssh-ed25519 …", the public key as you know it:

	ssh-keygen -Y verify -f FILE -I cakupan -n file -s SHA256SUMS.sig < SHA256SUMS
	sha256sum --check --ignore-missing SHA256SUMS

Examples:

	cakupan release
	cakupan release --key ~/.ssh/cakupan-release -o /srv/releases` + cli.ExitCodes
}

// Run runs the command in the current folder, which must be that of the module: `go run` would take
// a package of another one, or none. What the program prints goes through as it is, its files to
// standard output. Where it is cut short, files that were written by then stay.
func (c *Release) Run(ctx context.Context, out *cli.Console) error {
	module, err := os.ReadFile("go.mod")
	if err != nil || !strings.HasPrefix(string(module), "module cakupan\n") {
		return cli.Usage("a release is made of a checkout: run this in its first folder")
	}
	// It is compiled of the same commit as what it makes.
	args := []string{"run", "./cmd/internal/release", "-o", c.Output}
	if c.Key != "" {
		args = append(args, "-key", c.Key)
	}
	run := exec.CommandContext(ctx, "go", args...) //nolint:gosec // flags that it reads itself
	run.Stdout, run.Stderr = out.Stdout, out.Stderr
	err = run.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return cli.QuietExit(1) // it has said why
	}
	return err
}
