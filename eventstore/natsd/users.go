package natsd

import (
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/nats-io/nats-server/v2/conf"
	"github.com/nats-io/nats-server/v2/server"
)

const (
	keyAccounts  = "accounts"
	keySystem    = "system_account"
	keyAnonymous = "no_auth_user"

	othersMask = 0o007 // the rights of those who are neither the owner nor in the group
)

// usersOf returns settings with the accounts of a file, and nothing else.
//
// The file has the words of a configuration of nats-server, so that the official server can include
// it; but only accounts, system_account and no_auth_user: a file of users does not say how data is
// kept. The file is read when the node starts, and again whenever it begins anew. Without one there
// are no accounts: see check for where that is allowed.
func usersOf(o *NodeOptions) (*server.Options, error) {
	if o.Users == "" {
		return new(server.Options), nil
	}
	info, err := os.Stat(o.Users)
	if err != nil {
		return nil, fmt.Errorf("read users: %w", err)
	}
	// It has passwords.
	if info.Mode().Perm()&othersMask != 0 {
		return nil, fmt.Errorf("%w: every user of the machine may read or write %s: chmod o= it",
			ErrUnsafe, o.Users)
	}
	settings, err := server.ProcessConfigFile(o.Users)
	if err != nil {
		return nil, fmt.Errorf("read users: %w", err)
	}
	// Once more as words: settings do not tell which of them the file has set.
	words, err := conf.ParseFile(o.Users)
	if err != nil {
		return nil, fmt.Errorf("read users: %w", err)
	}
	return settings, checkUsers(o, settings, words)
}

// checkUsers refuses a file that says more than who there is, or lets in who is not in it. Words
// are looked at in order, so that the same file always gives the same error.
func checkUsers(o *NodeOptions, settings *server.Options, words map[string]any) error {
	for _, word := range slices.Sorted(maps.Keys(words)) {
		switch {
		case word == keyAnonymous && !isLoopback(o.Address):
			return fmt.Errorf("%w: with %s in %s anybody could connect on %s without a password",
				ErrUnsafe, keyAnonymous, o.Users, o.Address)
		case word != keyAccounts && word != keySystem && word != keyAnonymous:
			return fmt.Errorf("%w: %s in %s: a file of users has %s, %s and %s alone; how data is"+
				" kept is not to be chosen", ErrUnsafe, word, o.Users, keyAccounts, keySystem,
				keyAnonymous)
		}
	}
	if len(settings.Users) == 0 {
		return fmt.Errorf("%w: %s names no user, so anybody could connect", ErrUnsafe, o.Users)
	}
	return nil
}
