package setup

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"

	"golang.org/x/crypto/bcrypt"
)

// The users of a cluster of NATS.
const (
	userLedger  = "ledger"  // all that a ledger does
	userSystem  = "system"  // asks nodes what they are set to
	userRestore = "restore" // may remove streams too, which no ledger may; no ledger is given it

	passwordBytes = 24

	// hashCost is what each login costs a node, some 80 ms. The passwords are random: nobody tries
	// them all, whatever one costs.
	hashCost = 10
)

// users are the names of all of them. It is never written.
var users = []string{userLedger, userSystem, userRestore}

// logins are the passwords of the users, by their names. They are kept as text in authority/ and in
// the folders of ledgers, which log in with them; nodes have hashes alone.
type logins map[string]string

// logins returns the passwords, which are made at the first call.
func (m *maker) logins() (logins, error) {
	l := logins{}
	for _, user := range users {
		var password string
		var err error
		if m.renew.Logins {
			password = random()
			err = write(m.path("authority"), user+".password", []byte(password))
		} else {
			password, err = m.once(func() ([]byte, error) { return []byte(random()), nil },
				"authority", user+".password")
		}
		if err != nil {
			return nil, fmt.Errorf("login %s: %w", user, err)
		}
		l[user] = password
	}
	return l, nil
}

// random returns a text that nobody guesses, of letters, digits, - and _: it goes into a URL as it
// is.
func random() string {
	var b [passwordBytes]byte
	_, _ = rand.Read(b[:]) // never fails: see crypto/rand
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// usersText is the file of users of each node. What could shorten or replace what the ledger
// cannot derive is denied to the ledger too; it may change a stream, to raise its replicas. A
// restore removes what one that was cut short has left, and its mark: it has a login of its own.
var usersText = template.Must(template.New("users").Parse(
	`# Who may log in to a node of NATS. cakupan nats takes this file with --users; a configuration
# of the official nats-server includes it. Passwords are hashes of those that the ledgers have.
accounts {
  CAKUPAN {
    jetstream: enabled
    users: [
      {
        user: "ledger", password: "{{.Ledger}}"
        permissions: {
          publish: { deny: [
            "$JS.API.STREAM.DELETE.>", "$JS.API.STREAM.RESTORE.>",
            "$JS.API.STREAM.PURGE.CAKUPAN", "$JS.API.STREAM.MSG.DELETE.CAKUPAN",
            "$JS.API.STREAM.PURGE.CAKUPAN_REGISTER", "$JS.API.STREAM.MSG.DELETE.CAKUPAN_REGISTER",
            "$JS.API.STREAM.PURGE.CAKUPAN_LOOKUPS", "$JS.API.STREAM.MSG.DELETE.CAKUPAN_LOOKUPS",
            "$JS.API.STREAM.PURGE.CAKUPAN_VAULT"
          ] }
          subscribe: { allow: ">" }
        }
      }
      { user: "restore", password: "{{.Restore}}" }
    ]
  }
  SYS { users: [ { user: "system", password: "{{.System}}" } ] }
}
system_account: SYS
`))

// users returns the file of users of a node. No two calls return the same bytes, as hashes are
// salted: a file that is there is left, and not compared.
func (l logins) users() ([]byte, error) {
	hashes := map[string]string{}
	for field, user := range map[string]string{
		"Ledger": userLedger, "System": userSystem, "Restore": userRestore,
	} {
		hash, err := bcrypt.GenerateFromPassword([]byte(l[user]), hashCost)
		if err != nil {
			return nil, fmt.Errorf("hash password: %w", err)
		}
		hashes[field] = string(hash)
	}
	var b bytes.Buffer
	if err := usersText.Execute(&b, hashes); err != nil {
		return nil, fmt.Errorf("write users: %w", err)
	}
	return b.Bytes(), nil
}

// users makes the file of users of a node, where there is none. Where there is one, and logins are
// renewed, it has the new passwords, and what else somebody has written there stays.
func (m *maker) users(l logins, parts ...string) error {
	was, err := m.once(l.users, parts...)
	if err != nil || !m.renew.Logins {
		return err
	}
	path := m.path(parts...)
	for _, user := range users {
		line := regexp.MustCompile(`(\buser: "` + user + `", password: )"[^"]*"`)
		if len(line.FindAllString(was, 2)) != 1 {
			return fmt.Errorf("%s has no user %s as setup writes it: write the hash of a new"+
				" password there yourself, or move the file away to have a new one made", path,
				user)
		}
		hash, err := bcrypt.GenerateFromPassword([]byte(l[user]), hashCost)
		if err != nil {
			return fmt.Errorf("hash password: %w", err)
		}
		// Of a literal: a hash has dollars.
		was = line.ReplaceAllStringFunc(was, func(found string) string {
			return line.FindStringSubmatch(found)[1] + `"` + string(hash) + `"`
		})
	}
	return write(filepath.Dir(path), filepath.Base(path), []byte(was))
}

// urls writes the addresses of all nodes with the login of a user into a file, for --nats of a
// ledger or of a restore, and --nats-system: so the cluster is found whichever of them are gone. A
// node that is not there yet, as it was added later, is put behind those that are; what is there
// stays, but for a password that is renewed. The file has the password and is secret.
func (m *maker) urls(l logins, user string, nodes []string, parts ...string) error {
	path := m.path(parts...)
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read addresses of nodes: %w", err)
	}
	var all []string
	hosts := map[string]bool{}
	for one := range strings.SplitSeq(strings.TrimSpace(string(text)), ",") {
		// What cannot be read is kept as it is: somebody has written it.
		if u, err := url.Parse(strings.TrimSpace(one)); err == nil && u.Host != "" {
			hosts[u.Hostname()] = true
			if m.renew.Logins && u.User.Username() == user {
				u.User = url.UserPassword(user, l[user])
				one = u.String()
			}
		}
		if one != "" {
			all = append(all, one)
		}
	}
	changed := m.renew.Logins
	for _, node := range nodes {
		if !hosts[node] {
			changed = true
			all = append(all, (&url.URL{
				Scheme: "tls", User: url.UserPassword(user, l[user]),
				Host: net.JoinHostPort(node, nodePort),
			}).String())
		}
	}
	if !changed {
		return nil
	}
	return write(filepath.Dir(path), filepath.Base(path), []byte(strings.Join(all, ",")+"\n"))
}
