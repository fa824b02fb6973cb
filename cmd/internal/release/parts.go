package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// parts are what a release holds, wherever it is put. But for program they are the same for all
// processors, so they are asked of this machine's own program, whichever one is being made.
type parts struct {
	program    []byte
	documents  []entry           // by their path in the checkout
	pages      []entry           // man pages, by their file's name
	completion map[string][]byte // by the shell's name
	unit, user []byte            // for systemd, of a program in /usr/bin
}

// parts reads what is the same for all processors: documents from the checkout, and from the
// program what it says of itself, so that unit, pages and completion fit the very program that they
// come with. program is left out.
func (c *checkout) parts(ctx context.Context) (*parts, error) {
	p := &parts{completion: map[string][]byte{}}
	// Of the commit alone: what else lies in the folder, ignored by git, is not handed out.
	for _, name := range c.paths {
		if !handed(name) {
			continue
		}
		content, err := os.ReadFile(filepath.Join(c.dir, filepath.FromSlash(name)))
		if err != nil {
			return nil, fmt.Errorf("read: %w", err)
		}
		p.documents = append(p.documents, entry{name, readable, content})
	}
	// The shells that the program can complete for; each has a place of its own in archive and
	// package.
	for _, shell := range []string{"bash", "zsh", "fish"} {
		script, err := c.run(ctx, "completion", shell)
		if err != nil {
			return nil, err
		}
		p.completion[shell] = []byte(script)
	}
	// A root to install into: nothing of this machine is touched. It goes with the scratch folder.
	folder, err := os.MkdirTemp(c.scratch, "parts")
	if err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	if p.pages, err = c.pages(ctx, filepath.Join(folder, "man")); err != nil {
		return nil, err
	}
	// By the command that installs on any machine, so that a package runs the ledger as that does.
	_, err = c.run(ctx, "install", "--program", "/usr/bin/cakupan", "--root", folder)
	if err != nil {
		return nil, err
	}
	p.unit, err = os.ReadFile(filepath.Join(folder, "etc/systemd/system/cakupan.service"))
	if err != nil {
		return nil, fmt.Errorf("read unit: %w", err)
	}
	p.user, err = os.ReadFile(filepath.Join(folder, "etc/sysusers.d/cakupan.conf"))
	if err != nil {
		return nil, fmt.Errorf("read user: %w", err)
	}
	return p, nil
}

// run asks the program, as built for this machine, and returns what it prints.
func (c *checkout) run(ctx context.Context, args ...string) (string, error) {
	return output(exec.CommandContext(ctx, c.host, args...)) //nolint:gosec // our own program
}

// pages has the program write its man pages into a folder and reads them, in order of their names.
// They are not compressed: the package wants them so, and the archive does not.
func (c *checkout) pages(ctx context.Context, folder string) (pages []entry, err error) {
	if _, err = c.run(ctx, "man", folder); err != nil {
		return nil, err
	}
	found, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("read pages: %w", err)
	}
	for _, file := range found {
		text, err := os.ReadFile(filepath.Join(folder, file.Name())) //nolint:gosec // just made
		if err != nil {
			return nil, fmt.Errorf("read page: %w", err)
		}
		pages = append(pages, entry{file.Name(), readable, text})
	}
	return pages, nil
}

// ofArchive returns the files of an archive, with paths as in the checkout where there are such.
// The unit is of a program in /usr/bin, as in the package: `cakupan install` makes one of any other
// place.
func (p *parts) ofArchive() []entry {
	files := []entry{
		{"cakupan", executable, p.program},
		{"deploy/cakupan.service", readable, p.unit},
		{"deploy/cakupan.sysusers.conf", readable, p.user},
		{"completion/cakupan.bash", readable, p.completion["bash"]},
		{"completion/_cakupan", readable, p.completion["zsh"]},
		{"completion/cakupan.fish", readable, p.completion["fish"]},
	}
	for _, page := range p.pages {
		files = append(files, entry{"man/man1/" + page.name, readable, page.content})
	}
	return append(files, p.documents...)
}

// ofPackage returns the files of a Debian package, where Debian wants them. Man pages and
// changelogs are compressed, as its policy says.
func (p *parts) ofPackage(about control, at time.Time) ([]entry, error) {
	files := []entry{
		{"usr/bin/cakupan", executable, p.program},
		{"usr/lib/systemd/system/cakupan.service", readable, p.unit},
		{"usr/lib/sysusers.d/cakupan.conf", readable, p.user},
		{"usr/share/bash-completion/completions/cakupan", readable, p.completion["bash"]},
		{"usr/share/zsh/vendor-completions/_cakupan", readable, p.completion["zsh"]},
		{"usr/share/fish/vendor_completions.d/cakupan.fish", readable, p.completion["fish"]},
		{"usr/share/doc/cakupan/copyright", readable, p.copyright()},
		{"usr/share/lintian/overrides/cakupan", readable, []byte(overrides)},
	}
	// These are compressed, and have names that say so.
	small := []entry{{"usr/share/doc/cakupan/changelog.Debian.gz", readable, about.changelog(at)}}
	for _, page := range p.pages {
		page.name = "usr/share/man/man1/" + page.name + ".gz"
		small = append(small, page)
	}
	for _, document := range p.documents {
		switch document.name {
		case "LICENSE": // Debian's copyright names it; every Debian has its text
		case "CHANGELOG.md":
			document.name = "usr/share/doc/cakupan/changelog.gz"
			small = append(small, document)
		default:
			document.name = path.Join("usr/share/doc/cakupan", document.name)
			files = append(files, document)
		}
	}
	for _, one := range small {
		var err error
		if one.content, err = compressed(one.content); err != nil {
			return nil, err
		}
		files = append(files, one)
	}
	return files, nil
}

// copyright says who made it, and under which licence it is, in the form that programs read. The
// notice goes with it, as the licence demands; an empty line is a dot there.
func (p *parts) copyright() []byte {
	// A field's further lines begin with a space: so does each line of the notice.
	var b strings.Builder
	b.WriteString("Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n" +
		"Upstream-Name: Cakupan\n\nFiles: *\nCopyright: 2026 The Cakupan Authors\n" +
		"License: Apache-2.0\n\nLicense: Apache-2.0\n On Debian systems the licence is in" +
		" /usr/share/common-licenses/Apache-2.0.\n\nComment: The notice of the authors:\n")
	for _, document := range p.documents {
		if document.name != "NOTICE" {
			continue
		}
		for line := range strings.Lines(string(document.content)) {
			line = strings.TrimRight(line, "\n")
			if line == "" {
				line = "."
			}
			b.WriteString(" " + line + "\n")
		}
	}
	return []byte(b.String())
}
