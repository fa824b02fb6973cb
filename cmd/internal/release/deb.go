package main

import (
	"bytes"
	"crypto/md5" //nolint:gosec // what dpkg checks its files by; nothing is trusted for it
	"fmt"
	"strings"
	"time"
)

// debian returns a Debian package: an ar of a version, what dpkg is to know, and the files. It is
// written here and not by dpkg-deb, which is not on every machine that makes releases, and whose
// bytes depend on its version. The members' order is fixed: dpkg reads them as they come.
func debian(control control, files []entry, at time.Time) ([]byte, error) {
	var sums strings.Builder
	// In bytes, of the files alone: folders and blocks are left out, as dpkg takes it for an
	// estimate.
	size := 0
	for _, file := range files {
		// In the order of the files, so that the same files have the same list.
		//nolint:gosec // see the import
		fmt.Fprintf(&sums, "%x  %s\n", md5.Sum(file.content), file.name)
		size += len(file.content)
	}
	about, err := archived(".", []entry{
		{"control", readable, control.text(size)},
		{"md5sums", readable, []byte(sums.String())},
		{"postinst", executable, []byte(afterInstall)},
		{"prerm", executable, []byte(beforeRemove)},
		{"postrm", executable, []byte(afterRemove)},
	}, at)
	if err != nil {
		return nil, err
	}
	data, err := archived(".", files, at)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString("!<arch>\n")
	for _, member := range []entry{
		{"debian-binary", readable, []byte("2.0\n")},
		{"control.tar.gz", readable, about},
		{"data.tar.gz", readable, data},
	} {
		// The head of a member of an ar is 60 bytes of text: name, time, owner, group, rights in
		// octal, size. Members begin at even places.
		fmt.Fprintf(&b, "%-16s%-12d%-6d%-6d%-8o%-10d`\n",
			member.name, at.Unix(), 0, 0, 0o100000|member.mode, len(member.content))
		b.Write(member.content)
		// A line end fills up a member of an odd length, and is not part of it.
		if len(member.content)%2 == 1 {
			b.WriteByte('\n')
		}
	}
	return b.Bytes(), nil
}

// maintainer is whom Debian wants named. There is no address of mail: SECURITY.md says how to
// report. The one here has the form that is asked for, and leads nowhere.
const maintainer = "The Cakupan Authors <cakupan@localhost.localdomain>"

// changelog returns the changes as Debian wants them: those of the package, which has one. What
// changed in the program is in the other changelog.
func (c control) changelog(at time.Time) []byte {
	return fmt.Appendf(nil, "cakupan (%s) unstable; urgency=medium\n\n"+
		"  * Made of the commit of this time: see changelog.gz.\n\n -- %s  %s\n",
		c.version, maintainer, at.Format(time.RFC1123Z))
}

// overrides say to lintian what is so on purpose, each with why.
const overrides = `# Go programs are linked so, and run on every Debian for it.
cakupan: statically-linked-binary [usr/bin/cakupan]
# See SECURITY.md for how to report.
cakupan: bogus-mail-host Maintainer cakupan@localhost.localdomain
cakupan: bogus-mail-host-in-debian-changelog *
# It is no package of Debian's.
cakupan: initial-upload-closes-no-bugs *
`

// control is what a Debian package says of itself: its version as Debian has it, and the processor.
// Go and Debian have the same names for those that are made here.
type control struct{ version, arch string }

// text returns the file control. size is in bytes; Debian wants KiB, rounded up.
func (c control) text(size int) []byte {
	const kibibyte = 1024
	return fmt.Appendf(nil, `Package: cakupan
Version: %s
Architecture: %s
Maintainer: `+maintainer+`
Installed-Size: %d
Recommends: systemd
Section: misc
Priority: optional
Description: ledger of employment-social-security enrolment
 Cakupan keeps what happened to enrolments in employment social security, in
 order and for ever, and answers which workers of a region are covered, on
 which day, paid by whom, and as known when.
 .
 The package brings the program, a unit of systemd that is not enabled by
 itself, man pages, and completion for bash, zsh and fish.
`, c.version, c.arch, (size+kibibyte-1)/kibibyte)
}

// debianVersion returns a version of Go as Debian orders it: v1.2.3 is 1.2.3, what comes before it
// (v1.2.3-rc.1, or a commit) sorts before, as ~ does. -1 is the first package of it. There is no -
// within, as Debian takes the last one for the package's own number.
func debianVersion(version string) string {
	return strings.ReplaceAll(strings.TrimPrefix(version, "v"), "-", "~") + "-1"
}

// The scripts of the package. A ledger is not started by itself, as who may come in is to be
// registered first, and its folder is never removed, not by a purge either: it is there for ever.
//
// dpkg runs a script again after one that failed, so each may be run twice. One that is updated is
// restarted, if it runs: a $2 is the version of before. Where systemd does not run, as in a
// container, there is nothing to tell it.
const (
	afterInstall = `#!/bin/sh
set -e
if [ "$1" = configure ]; then
	if command -v systemd-sysusers >/dev/null; then
		systemd-sysusers ${DPKG_ROOT:+--root="$DPKG_ROOT"} cakupan.conf
	fi
	if [ -d /run/systemd/system ]; then
		systemctl daemon-reload
		if [ -n "$2" ]; then systemctl try-restart cakupan.service; fi
	fi
fi
`
	beforeRemove = `#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
	deb-systemd-invoke stop cakupan.service
fi
`
	afterRemove = `#!/bin/sh
set -e
if [ "$1" = purge ]; then
	if command -v deb-systemd-helper >/dev/null; then
		deb-systemd-helper purge cakupan.service
	fi
	# By systemctl enable: it would start one that is installed again.
	rm -f "$DPKG_ROOT/etc/systemd/system/multi-user.target.wants/cakupan.service"
	echo "cakupan: the ledger in /var/lib/cakupan is left as it is"
fi
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
`
)
