// Command release makes what is handed out of a checkout: archives, Debian packages, lists of
// materials, checksums and their signature. The same commit and Go make the same bytes.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
)

func main() {
	output := flag.String("o", "dist", "folder to write to; made anew")
	key := flag.String("key", "", "file with the ed25519 key of ssh-keygen to sign with")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *output, *key); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has run
	}
}

// made is a file of the release.
type made struct {
	name    string
	content []byte
}

// run makes the release of the checkout in the current folder. The signer is read first: a build of
// minutes is not to end with a key that cannot be used.
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
	return write(output, all)
}

// write replaces what an earlier release left by the same names, and nothing else.
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
