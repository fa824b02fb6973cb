package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"cakupan/cmd/internal/build"
)

// checkout is what a release is made of: a commit, as it lies in a folder, and the program of it.
// scratch is a folder of this run, which the caller removes; dir is only read. All but those two
// are set by open, and not changed after it.
type checkout struct {
	dir, scratch string
	version      string    // of the tag at the commit, or a pseudo-version, as Go makes them
	revision     string    // of the commit
	at           time.Time // of the commit
	paths        []string  // of all files of the commit
	host         string    // the program, for this machine
}

// open looks at a checkout. One with changes is refused: nobody could make that release again. A
// file that git does not know is a change too, as a build would take it in.
func open(ctx context.Context, dir, scratch string) (*checkout, error) {
	c := &checkout{dir: dir, scratch: scratch, host: filepath.Join(scratch, "host")}
	changes, err := c.git(ctx, "status", "--porcelain")
	if err != nil {
		return nil, err
	}
	if changes != "" {
		return nil, errors.New("the checkout has changes that no commit has: commit or remove" +
			" them first:\n" + changes)
	}
	if err := c.name(ctx); err != nil {
		return nil, err
	}
	// By a zero byte, as a path may hold anything else.
	paths, err := c.git(ctx, "ls-files", "-z")
	if err != nil {
		return nil, err
	}
	c.paths = strings.Split(strings.TrimRight(paths, "\x00"), "\x00")
	// This machine's own program says what goes with it: unit, man pages, completion.
	return c, c.build(ctx, c.host)
}

// name says what the commit is called, and when it was made: the only time that a release knows. A
// tag counts if it is at this very commit, and is a version as Go has them.
func (c *checkout) name(ctx context.Context) error {
	const short = 12 // digits of a revision, in versions
	said, err := c.git(ctx, "log", "-1", "--format=%H %ct")
	if err != nil {
		return err
	}
	revision, seconds, _ := strings.Cut(strings.TrimSpace(said), " ")
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil || len(revision) < short {
		return fmt.Errorf("the commit is %q: %w", said, err)
	}
	c.revision, c.at = revision, time.Unix(unix, 0).UTC()
	tag, err := c.git(ctx, "describe", "--tags", "--exact-match", "--match", "v[0-9]*")
	if tag = strings.TrimSpace(tag); err == nil && semver.IsValid(tag) {
		c.version = tag
		return nil
	}
	// Not counted from an older tag: a clone may have no tags, and is to make the same bytes.
	c.version = module.PseudoVersion("v0", "", c.at, revision[:short])
	return nil
}

// git asks git about the checkout. Whose it is does not matter: in a container it is often somebody
// else's, which git refuses otherwise.
func (c *checkout) git(ctx context.Context, args ...string) (string, error) {
	args = append([]string{"-C", c.dir, "-c", "safe.directory=*"}, args...)
	return output(exec.CommandContext(ctx, "git", args...)) //nolint:gosec // our own words
}

// build builds the program. What could make it another one is set here, whatever the environment
// says: paths of this machine are left out, so are symbols and the ids of builds, and the version
// is stamped in place of what Go would find out itself. The last of two settings of one name
// counts, so env, which says for which processor, comes last.
func (c *checkout) build(ctx context.Context, to string, env ...string) error {
	to, err := filepath.Abs(to)
	if err != nil {
		return fmt.Errorf("build: %w", err)
	}
	stamp := build.Stamp(c.version, c.revision, c.at.Format(time.RFC3339))
	// -mod=readonly: what go.sum does not name is not built with. No cgo: a program that links the
	// C library of this machine would depend on it. The processors are the oldest of their kind, so
	// that the program runs on all of them.
	//nolint:gosec // our own words
	run := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-mod=readonly",
		"-ldflags=-s -w -buildid= "+stamp, "-o", to, "./cmd/cakupan")
	run.Dir = c.dir
	run.Env = slices.Concat(os.Environ(), []string{
		"CGO_ENABLED=0", "GOFLAGS=", "GOEXPERIMENT=", "GOAMD64=v1", "GOARM64=v8.0", "GOWORK=off",
	}, env)
	_, err = output(run)
	return err
}

// output runs a program and returns what it prints; where it fails, why is what it says. Both are
// held in memory: those that are run here print little.
func output(run *exec.Cmd) (string, error) {
	var stdout, stderr bytes.Buffer
	run.Stdout, run.Stderr = &stdout, &stderr
	if err := run.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", filepath.Base(run.Path), err, stderr.String())
	}
	return stdout.String(), nil
}

// make makes the files of a release for one processor, as Go names it: the archive, the list of
// materials and the package. Nothing is written but to the scratch folder.
func (c *checkout) make(ctx context.Context, arch string) ([]made, error) {
	program := filepath.Join(c.scratch, arch)
	if err := c.build(ctx, program, "GOOS=linux", "GOARCH="+arch); err != nil {
		return nil, err
	}
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return nil, fmt.Errorf("read build: %w", err)
	}
	binary, err := os.ReadFile(program) //nolint:gosec // just built
	if err != nil {
		return nil, fmt.Errorf("read program: %w", err)
	}
	// The materials are read from the program that was built, so that they are those of this
	// processor. Version and time are not in it in that form: they are known here.
	built := build.Of(info)
	built.Version, built.Revision = c.version, c.revision
	built.Time = c.at.Format(time.RFC3339)
	bom, err := json.MarshalIndent(built.BOM(), "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write list of materials: %w", err)
	}
	parts, err := c.parts(ctx)
	if err != nil {
		return nil, err
	}
	parts.program = binary
	// Files of several versions and processors may lie in one folder, so names have both.
	name := "cakupan_" + strings.TrimPrefix(c.version, "v") + "_linux_" + arch
	archive, err := archived(name, parts.ofArchive(), c.at)
	if err != nil {
		return nil, err
	}
	about := control{debianVersion(c.version), arch}
	files, err := parts.ofPackage(about, c.at)
	if err != nil {
		return nil, err
	}
	deb, err := debian(about, files, c.at)
	if err != nil {
		return nil, err
	}
	return []made{
		{name + ".tar.gz", archive},
		{name + ".cdx.json", append(bom, '\n')},
		{"cakupan_" + about.version + "_" + arch + ".deb", deb},
	}, nil
}

// handed tells whether a file of the commit is handed out: documents, file formats, what deploys.
// The unit in the checkout is not, as the program itself says what it must be. Sources are not:
// they are in the commit.
func handed(name string) bool {
	dir, _, below := strings.Cut(name, "/")
	if !below {
		return slices.Contains([]string{
			"README.md", "CHANGELOG.md", "SECURITY.md", "LICENSE", "NOTICE",
		}, name)
	}
	return dir == "docs" || dir == "deploy" && name != "deploy/cakupan.service" ||
		path.Base(name) == "FORMAT.md" || name == "domain/region/NOTICE.md"
}
