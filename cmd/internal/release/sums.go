package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"
)

// namespace is what a signature is for, as `ssh-keygen -Y sign -n` names it: of one for another
// purpose nobody can make one of a file. "file" is what ssh-keygen's own manual uses for files.
const namespace = "file"

// summed adds the checksums as sha256sum checks them, and their signature, with the public key in
// the form in which ssh-keygen wants it. That key is there for convenience alone: who checks a
// release takes the one that he knows. Without a signer there are neither. all is sorted.
func summed(all []made, sign ssh.Signer) ([]made, error) {
	// The sums are signed, so their order must be the same each time.
	slices.SortFunc(all, func(a, b made) int { return strings.Compare(a.name, b.name) })
	var sums bytes.Buffer
	for _, file := range all {
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(file.content), file.name)
	}
	all = append(all, made{"SHA256SUMS", sums.Bytes()})
	if sign == nil {
		return all, nil
	}
	signature, err := sshsig.Sign(bytes.NewReader(sums.Bytes()), sign, sshsig.HashSHA512, namespace)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	public := append([]byte("cakupan "), ssh.MarshalAuthorizedKey(sign.PublicKey())...)
	return append(all, made{"SHA256SUMS.sig", sshsig.Armor(signature)},
		made{"allowed_signers", public}), nil
}

// readSigner returns the key of a file, nil for none. One that others may read is not secret, and
// of one that is no ed25519 key signatures are not the same twice. A key with a passphrase is
// refused, as nobody is asked here.
func readSigner(path string) (ssh.Signer, error) {
	const others = 0o077
	if path == "" {
		return nil, nil //nolint:nilnil // nobody signs
	}
	// Before the key is read: one that others may have is not used, whatever it is.
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	if info.Mode().Perm()&others != 0 {
		return nil, fmt.Errorf("key: others may open %s (rights %04o): run chmod go= %s",
			path, info.Mode().Perm(), path)
	}
	text, err := os.ReadFile(path) //nolint:gosec // the operator names it
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	signer, err := ssh.ParsePrivateKey(text)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", path, err)
	}
	if kind := signer.PublicKey().Type(); kind != ssh.KeyAlgoED25519 {
		return nil, fmt.Errorf("key %s is of type %s: make one by ssh-keygen -t ed25519",
			path, kind)
	}
	return signer, nil
}
