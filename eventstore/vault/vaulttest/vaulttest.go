// Package vaulttest opens, for tests, a vault on a server of its own.
package vaulttest

import (
	"context"
	"path/filepath"
	"testing"

	"cakupan/eventstore"
	"cakupan/eventstore/natsd"
	"cakupan/eventstore/packs"
	"cakupan/eventstore/vault"
)

// Open makes a vault for a ledger in a folder of its own. It is closed when the test ends. It is a
// real vault on a real stream, with keys and cache as everywhere; whatever fails ends the test.
func Open(t testing.TB, identity eventstore.Identity) *vault.Vault {
	t.Helper()
	dir := t.TempDir()
	server, err := natsd.Start(natsd.Options{StoreDir: filepath.Join(dir, "nats")})
	if err != nil {
		t.Fatal(err)
	}
	// As in the program: nothing but the vault's stream can be reached by it.
	conn, err := server.ConnectVault()
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.Open(t.Context(), vault.Options{
		Dir: filepath.Join(dir, "vault"), Identity: identity,
		Create: func(ctx context.Context) (*packs.Stream, error) {
			return packs.Create(ctx, conn, vault.StreamOptions(), identity)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
		conn.Close()
		if err := server.Shutdown(); err != nil {
			t.Error(err)
		}
	})
	return v
}
