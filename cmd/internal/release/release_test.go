package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var commit = time.Date(2026, 11, 29, 4, 45, 0, 0, time.UTC)

// need skips a test where a program is not there.
func need(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skip("no " + program)
	}
}

// ran runs a program and returns all that it says.
func ran(t *testing.T, stdin []byte, name string, args ...string) (string, error) {
	t.Helper()
	run := exec.CommandContext(t.Context(), name, args...)
	run.Stdin = bytes.NewReader(stdin)
	said, err := run.CombinedOutput()
	return string(said), err
}

func someFiles() []entry {
	return []entry{
		{"usr/bin/program", executable, []byte("program")},
		{"usr/share/doc/a.md", readable, []byte("a")},
		{"usr/bin.md", readable, []byte("b")}, // sorts between a folder and what is in it
	}
}

// TestArchived: the order in which files come makes no other archive, and tar reads it.
func TestArchived(t *testing.T) {
	archive, err := archived("cakupan", someFiles(), commit)
	if err != nil {
		t.Fatal(err)
	}
	turned := someFiles()
	slices.Reverse(turned)
	again, err := archived("cakupan", turned, commit)
	if err != nil || !bytes.Equal(archive, again) {
		t.Errorf("another order, another archive: %v", err)
	}
	need(t, "tar")
	said, err := ran(t, archive, "tar", "--utc", "--numeric-owner", "-tvzf", "-")
	if err != nil || strings.Count(said, "2026-11-29 04:45") != 8 ||
		!strings.Contains(said, "-rwxr-xr-x 0/0") ||
		strings.Index(said, " cakupan/usr/share/\n") > strings.Index(said, "doc/a.md") {
		t.Errorf("tar: %v\n%s", err, said)
	}
}

// TestDebian has dpkg-deb read a package: what it says of itself, and its files as they were.
func TestDebian(t *testing.T) {
	need(t, "dpkg-deb")
	about := control{debianVersion("v0.0.0-20261129044500-0123456789ab"), "arm64"}
	pack, err := debian(about, someFiles(), commit)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file, root := filepath.Join(dir, "p.deb"), filepath.Join(dir, "root")
	if err := os.WriteFile(file, pack, readable); err != nil {
		t.Fatal(err)
	}
	said, err := ran(t, nil, "dpkg-deb", "--field", file, "Package", "Version", "Architecture")
	want := "Package: cakupan\nVersion: 0.0.0~20261129044500~0123456789ab-1\nArchitecture: arm64\n"
	if err != nil || said != want {
		t.Errorf("dpkg-deb --field: %v\n%s", err, said)
	}
	if said, err := ran(t, nil, "dpkg-deb", "--raw-extract", file, root); err != nil {
		t.Fatalf("dpkg-deb: %v: %s", err, said)
	}
	for _, want := range someFiles() {
		got, err := os.ReadFile(filepath.Join(root, want.name))
		if err != nil || !bytes.Equal(got, want.content) {
			t.Errorf("%s: %q, %v", want.name, got, err)
		}
	}
	for _, script := range []string{"postinst", "prerm", "postrm"} {
		if said, err := ran(t, nil, "sh", "-n", filepath.Join(root, "DEBIAN", script)); err != nil {
			t.Errorf("%s: %v: %s", script, err, said)
		}
	}
}

// TestPurged: a purge ends what systemctl enable has made, and no removal does; both leave the
// ledger.
func TestPurged(t *testing.T) {
	if _, err := os.Stat("/run/systemd/system"); err == nil {
		t.Skip("it would tell this machine's systemd")
	}
	root, tools := t.TempDir(), t.TempDir()
	remove, err := exec.LookPath("rm")
	if err == nil {
		err = os.Symlink(remove, filepath.Join(tools, "rm"))
	}
	if err != nil {
		t.Skip("no rm")
	}
	enabled := filepath.Join(root, "etc/systemd/system/multi-user.target.wants/cakupan.service")
	events := filepath.Join(root, "var/lib/cakupan/nats")
	for _, path := range []string{filepath.Dir(enabled), events} {
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/lib/systemd/system/cakupan.service", enabled); err != nil {
		t.Fatal(err)
	}
	for _, action := range []string{"remove", "upgrade", "purge"} {
		command := exec.CommandContext(t.Context(), "sh", "-c", afterRemove, "postrm", action)
		// Nothing of this machine is to be touched, nor told.
		command.Env = []string{"DPKG_ROOT=" + root, "PATH=" + tools}
		if said, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", action, err, said)
		}
		if _, err := os.Lstat(enabled); (err == nil) == (action == "purge") {
			t.Errorf("%s: what was enabled: %v", action, err)
		}
		if _, err := os.Stat(events); err != nil {
			t.Errorf("%s: %v", action, err)
		}
	}
}

// TestDebianVersion: dpkg orders the versions as they came.
func TestDebianVersion(t *testing.T) {
	need(t, "dpkg")
	versions := []string{
		"v0.0.0-20261129044500-0123456789ab", "v0.0.0-20261130044500-000000000000", "v0.1.0-rc.1",
		"v0.1.0-rc.2", "v0.1.0", "v0.1.1", "v0.10.0", "v1.0.0",
	}
	for i := range len(versions) - 1 {
		before, after := debianVersion(versions[i]), debianVersion(versions[i+1])
		if said, err := ran(t, nil, "dpkg", "--compare-versions", before, "lt", after); err != nil {
			t.Errorf("%s is not before %s: %v %s", before, after, err, said)
		}
	}
}

// makeKey has ssh-keygen make a key.
func makeKey(t *testing.T, kind string) string {
	t.Helper()
	need(t, "ssh-keygen")
	file := filepath.Join(t.TempDir(), "key")
	said, err := ran(t, nil, "ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "", "-f", file)
	if err != nil {
		t.Fatalf("ssh-keygen: %v: %s", err, said)
	}
	return file
}

// TestSummed has sha256sum and ssh-keygen check what is signed; with one bit of the sums changed, or
// another key, the signature is none.
func TestSummed(t *testing.T) {
	sign, err := readSigner(makeKey(t, "ed25519"))
	if err != nil {
		t.Fatal(err)
	}
	all, err := summed([]made{{"b", []byte("2")}, {"a", []byte("1")}}, sign)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	content := map[string][]byte{}
	for _, file := range all {
		content[file.name] = file.content
		if err := os.WriteFile(filepath.Join(dir, file.name), file.content, readable); err != nil {
			t.Fatal(err)
		}
	}
	said, err := ran(t, nil, "sh", "-c", "cd "+dir+" && sha256sum --check --strict SHA256SUMS")
	if err != nil || strings.Count(said, "OK") != 2 {
		t.Errorf("sha256sum: %v: %s", err, said)
	}
	verify := func(sums []byte, signers string) error {
		_, err := ran(t, sums, "ssh-keygen", "-Y", "verify", "-f", signers, "-I", "cakupan",
			"-n", "file", "-s", filepath.Join(dir, "SHA256SUMS.sig"))
		return err
	}
	signers := filepath.Join(dir, "allowed_signers")
	if err := verify(content["SHA256SUMS"], signers); err != nil {
		t.Errorf("a good signature: %v", err)
	}
	changed := bytes.Clone(content["SHA256SUMS"])
	changed[0] ^= 1
	if verify(changed, signers) == nil {
		t.Error("changed sums have a good signature")
	}
	public, err := os.ReadFile(makeKey(t, "ed25519") + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(signers, append([]byte("cakupan "), public...), readable); err != nil {
		t.Fatal(err)
	}
	if verify(content["SHA256SUMS"], signers) == nil {
		t.Error("the signature is good for another key")
	}
}

// TestReadSigner refuses what is no key, no key of ours, or no secret.
func TestReadSigner(t *testing.T) {
	if sign, err := readSigner(""); sign != nil || err != nil {
		t.Errorf("no key: %v, %v", sign, err)
	}
	open := makeKey(t, "ed25519")
	if err := os.Chmod(open, readable); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(t.TempDir(), "none"): "no such file", open: "chmod go=",
		makeKey(t, "ecdsa"): "-t ed25519", makeKey(t, "ed25519") + ".pub": "others may open",
	} {
		if _, err := readSigner(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
}

// checkoutOf makes a checkout with one commit.
func checkoutOf(t *testing.T) string {
	t.Helper()
	need(t, "git")
	dir := t.TempDir()
	said, err := ran(t, nil, "sh", "-ec", "cd "+dir+` && git init -q && echo 1 > file && git add . &&
		GIT_COMMITTER_DATE=2026-11-29T04:45:00Z git -c user.name=n -c user.email=e commit -qm first`)
	if err != nil {
		t.Fatalf("git: %v: %s", err, said)
	}
	return dir
}

// TestName: a commit is called by its tag, or as Go calls one without.
func TestName(t *testing.T) {
	c := &checkout{dir: checkoutOf(t)}
	if err := c.name(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := "v0.0.0-20261129044500-" + c.revision[:12]; c.version != want || !c.at.Equal(commit) {
		t.Errorf("%s at %s, want %s", c.version, c.at, want)
	}
	if said, err := ran(t, nil, "git", "-C", c.dir, "tag", "v1.2.3"); err != nil {
		t.Fatalf("git: %v: %s", err, said)
	}
	if err := c.name(t.Context()); err != nil || c.version != "v1.2.3" {
		t.Errorf("%s, %v", c.version, err)
	}
}

// TestOpenRefuses a checkout with changes, and a folder that is none.
func TestOpenRefuses(t *testing.T) {
	dir := checkoutOf(t)
	if err := os.WriteFile(filepath.Join(dir, "new"), nil, readable); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		dir: "?? new", t.TempDir(): "not a git repository",
	} {
		_, err := open(context.Background(), path, t.TempDir())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
}
