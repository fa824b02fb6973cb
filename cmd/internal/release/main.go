// Command release makes what is handed out of a checkout: archives, Debian packages, lists of
// materials, checksums and their signature. The same commit and Go make the same bytes.
//
// It is run by `cakupan release`, in a checkout, with the git and the Go of the machine; nothing
// else imports it, and no ledger carries it. All is made in memory and in a scratch folder, and
// written to the end at once, so that a run that fails leaves what an earlier one has made.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
)

// main has a command line of its own and not that of cakupan, whose command checks what people say.
// Messages go to standard error, names of files to standard output.
func main() {
	output := flag.String("o", "dist", "folder to write to; made anew")
	key := flag.String("key", "", "file with the ed25519 key of ssh-keygen to sign with")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	// What was made in scratch is gone by then: run has returned.
	if err := run(ctx, *output, *key); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has run
	}
}

// made is a file of the release: its name, without a folder, and its bytes.
type made struct {
	name    string
	content []byte
}

// run makes the release of the checkout in the current folder. The signer is read first: a build of
// minutes is not to end with a key that cannot be used. Without a key there is no signature, which
// is told and no error.
func run(ctx context.Context, output, key string) error {
	sign, err := readSigner(key)
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "cakupan-release")
	if err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(scratch) }() // the system clears it otherwise
	c, err := open(ctx, ".", scratch)
	if err != nil {
		return err
	}
	var all []made
	// The processors that a ledger is run on; the checksums are of all of them, so there is one
	// signature.
	for _, arch := range []string{"amd64", "arm64"} {
		files, err := c.make(ctx, arch)
		if err != nil {
			return fmt.Errorf("%s: %w", arch, err)
		}
		all = append(all, files...)
	}
	all, err = summed(all, sign)
	if err != nil {
		return err
	}
	if sign == nil {
		fmt.Fprintln(os.Stderr, "not signed: name a key with --key")
	}
	// Only now is anything written where others look.
	return write(output, all)
}

// write replaces what an earlier release left by the same names, and nothing else: files of another
// version stay beside these. It is not synced: what is lost in a crash is made again, to the byte.
// The checksums come last of what they are about.
func write(output string, all []made) error {
	const folderMode, fileMode = 0o755, 0o644
	if err := os.MkdirAll(output, folderMode); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	for _, file := range all {
		path := filepath.Join(output, file.name)
		if err := os.WriteFile(path, file.content, fileMode); err != nil {
			return fmt.Errorf("write: %w", err)
		}
		fmt.Println(path) //nolint:forbidigo // this is the answer
	}
	return nil
}
