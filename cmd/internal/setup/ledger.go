package setup

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"cakupan/cmd/internal/problem"
	"cakupan/eventstore/durable"
	"cakupan/eventstore/keyfile"
)

// Files in the folder of each ledger that has been started, and of one that is being restored; see
// the ledger's own folder.
const (
	identityFile  = "ledger.json"
	restoringFile = "restoring"
)

// keyFiles are the keys that all ledgers of a cluster share: each of them must open what another
// one has sealed, and sign as the same log.
var keyFiles = []string{"vault.key", "intake.key", signingKey} // never written

// signingKey is the key of checkpoints. Older folders have none before a first one is asked for.
const signingKey = "checkpoint.key"

// started tells whether a ledger has ever been started, or is being restored: then its keys and
// members are its own affair, and what is missing there is lost, and not to be made anew.
func (m *maker) started(ledger string) (bool, error) {
	for _, file := range []string{identityFile, restoringFile} {
		_, err := os.Stat(m.path("data", ledger, file))
		if !errors.Is(err, fs.ErrNotExist) {
			return true, err
		}
	}
	return false, nil
}

// fresh returns those ledgers that were never started, in their order. One whose folder cannot be
// read is an error, and not fresh: it might be given other keys.
func (m *maker) fresh(ledgers []string) (fresh []string, err error) {
	for _, name := range ledgers {
		started, err := m.started(name)
		if err != nil {
			return nil, err
		}
		if !started {
			fresh = append(fresh, name)
		}
	}
	return fresh, nil
}

// keys gives new ledgers the keys that the others have, or the same new ones where all are new. If
// we crash on the way, one of them has a key already, and the next call gives the same to the rest.
// A key that only started ledgers should have and none has is an error: it is lost, or in another
// place.
func (m *maker) keys(ledgers []string) error {
	fresh, err := m.fresh(ledgers)
	if err != nil {
		return err
	}
	for _, file := range keyFiles {
		key, err := m.keyOf(ledgers, file)
		if errors.Is(err, fs.ErrNotExist) && len(fresh) == len(ledgers) {
			key, err = newKey(), nil
		}
		if errors.Is(err, fs.ErrNotExist) && file == signingKey {
			continue
		}
		if err != nil {
			return err
		}
		for _, name := range fresh {
			content := func() ([]byte, error) { return key, nil }
			if _, err := m.once(content, "data", name, "vault", file); err != nil {
				return fmt.Errorf("key of ledger %s: %w", name, err)
			}
		}
	}
	return nil
}

// givenKeys gives new ledgers the keys of one that is restored. A ledger that has a key already
// must have the same: what another key has sealed could not be opened any more if it were replaced.
// It may be called again after the restore. A key that the ledger never had is not among them: it
// is made by keys, for all ledgers alike.
func (m *maker) givenKeys(opts *Options) error {
	for _, name := range opts.Ledgers {
		for _, file := range slices.Sorted(maps.Keys(opts.Keys)) {
			content := func() ([]byte, error) { return opts.Keys[file], nil }
			there, err := m.once(content, "data", name, "vault", file)
			if err != nil {
				return fmt.Errorf("key of ledger %s: %w", name, err)
			}
			if there != string(opts.Keys[file]) {
				return problem.New(problem.FolderNotEmpty, m.path("data", name, "vault", file)+
					" is another key than the one that is given: a ledger is restored where none"+
					" was set up; name a new folder, or remove the volumes")
			}
		}
	}
	return nil
}

// keyOf returns the key that a ledger has already; the error wraps fs.ErrNotExist when none has.
// The first one that has it is believed: whether all have the same is for the ledgers to find out.
// One that is there and cannot be read is an error.
func (m *maker) keyOf(ledgers []string, file string) (key []byte, err error) {
	for _, name := range ledgers {
		key, err = keyfile.Read(m.path("data", name, "vault", file))
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("key of ledgers: %w", err)
	}
	return key, nil
}

// newKey makes a key at random: keys are derived from nothing, so nobody can derive one again.
func newKey() []byte {
	key := make([]byte, keyfile.Size)
	_, _ = rand.Read(key) // never fails: see crypto/rand
	return key
}

// Member is one of the first members.
type Member struct {
	Name string
	Role string // auditor or publisher
	// What a publisher may report.
	Sources, Regions, Types []string
}

// firstMembers is a register's file of format 1, which every ledger takes over at its first start.
type firstMembers struct {
	Format  int         `json:"format"`
	Members []memberRow `json:"members"`
}

// memberRow is a member as that file has it. Secret is the hash of the secret, as sha256:HEX.
type memberRow struct {
	Name      string    `json:"name"`
	Role      string    `json:"role"`
	Secret    string    `json:"secret"`
	Sources   []string  `json:"sources,omitempty"`
	Regions   []string  `json:"regions,omitempty"`
	Types     []string  `json:"types,omitempty"`
	CreatedAt time.Time `json:"createdAt"`
}

// members writes the secret of each first member for the operator, and for new ledgers who they
// are: the same bytes for all, as there is one register. Once a ledger was started, the register is
// in the cluster, and a file beside it would say something else: then nothing is written. The
// secrets are made first. If we crash on the way, they are what the next call makes the same files
// of.
func (m *maker) members(opts *Options, at time.Time) error {
	fresh, err := m.fresh(opts.Ledgers)
	if err != nil || len(fresh) < len(opts.Ledgers) || len(opts.Members) == 0 {
		return err
	}
	file := firstMembers{Format: 1}
	for _, member := range opts.Members {
		secret, err := m.once(func() ([]byte, error) { return []byte(newSecret()), nil },
			"operator", member.Name+".secret")
		if err != nil {
			return fmt.Errorf("secret of %s: %w", member.Name, err)
		}
		digest := sha256.Sum256([]byte(secret))
		file.Members = append(file.Members, memberRow{
			Name: member.Name, Role: member.Role, Secret: "sha256:" + hex.EncodeToString(digest[:]),
			Sources: member.Sources, Regions: member.Regions, Types: member.Types,
			CreatedAt: at.UTC().Truncate(time.Second),
		})
	}
	raw, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		return fmt.Errorf("write members: %w", err)
	}
	for _, name := range opts.Ledgers {
		if err := durable.MakeFolder(m.path("data", name), folderMode); err != nil {
			return fmt.Errorf("make folder: %w", err)
		}
		if err := write(m.path("data", name), "access.json", append(raw, '\n')); err != nil {
			return err
		}
	}
	return nil
}

// newSecret makes a secret as the register makes them: 256 random bits, so that a plain hash of it
// is enough to keep.
func newSecret() string {
	const secretBytes = 32
	var b [secretBytes]byte
	_, _ = rand.Read(b[:]) // never fails: see crypto/rand
	return "ckp_" + base64.RawURLEncoding.EncodeToString(b[:])
}
