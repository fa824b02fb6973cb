package natsd

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Everybody who connects is alone in an account of his own, in which nothing can be seen or
// reached but what is imported into it by his role. So his inbox is his, a reply reaches nobody
// else, and JetStream's API is not there. The accounts:
//
//	$G      the ledger: its streams and their API
//	FRONT   where messages of publishers arrive, and receipts leave; no streams
//	and one for each name, and one for those without
//
// A publisher NAME reaches FRONT's cakupan.intake.NAME and cakupan.request.NAME, and hears
// cakupan.receipts.NAME. An auditor reads the log's stream in $G with pull consumers, which are
// made for him (see gate.go). Whoever comes to an open ledger may do both, under any name. And
// everybody may watch the bucket of the coverage in $G (see viewing.go).
const (
	frontAccount  = "FRONT"
	memberAccount = "MEMBER-" // and the name
	openAccount   = "ANYONE"
)

// The program's own users. No member has such a name.
const (
	userLedger = "$ledger"
	userFront  = "$front"
	userStore  = "$store"
	userVault  = "$vault"
	userView   = "$view"
)

// Subjects by which publishers and the ledger talk; the publisher's name follows.
const (
	subjectIntake   = "cakupan.intake."
	subjectRequest  = "cakupan.request."
	subjectReceipts = "cakupan.receipts."
)

// openWaitMax is how long somebody waits who comes before Listen. The server gives two seconds to
// log in.
const openWaitMax = time.Second

// Streams. A test compares the log's name with the one it is made under.
const (
	streamLog     = "CAKUPAN"
	streamIntake  = "CAKUPAN_INTAKE"
	streamRefused = "CAKUPAN_REFUSED"
	streamVault   = "CAKUPAN_VAULT"
	subjectSealed = "cakupan.sealed." // of the latter two
)

// Role says what somebody who connects may do.
type Role string

// The roles.
const (
	RolePublisher Role = "publisher" // publishes in his own name, and hears his receipts
	RoleAuditor   Role = "auditor"   // reads the log
	RoleAnyone    Role = "anyone"    // of an open ledger: both, under any name
	RoleViewer    Role = "viewer"    // watches the coverage, as all others may too
)

// Client is somebody who has connected. It is what Authenticate has made of a name and a secret,
// which is not kept.
type Client struct {
	// Name is a token of subjects, and the publisher's; empty for RoleAnyone.
	Name string
	Role Role
	// Valid tells whether the secret that Authenticate was given is still right. Recheck asks it.
	// Nil: it always is.
	Valid func() bool
}

// valid tells whether the client would be let in now.
func (c Client) valid() bool { return c.Valid == nil || c.Valid() }

// access decides who may connect and what each may do. The server calls Check. authenticate is
// called without mu, as it may read a file. Each server has its own, as accounts and connections
// are the server's.
type access struct {
	secret       string // of the program's own users
	authenticate func(name, secret, remote string) (Client, error)
	opened       chan struct{} // closed by Listen: others are let in from then on
	crowd        *crowd        // set before that; nil: only WebSockets are taken
	sockets      *crowd        // the same of WebSockets; nil: none are taken
	paces        *paces
	priming      atomic.Pointer[server.Account] // set under mu, while prime runs

	mu     sync.Mutex // guards what follows
	server *server.Server
	front  *server.Account
	// By name; made when they are first needed, and never removed: there are as many as logins and
	// roles.
	accounts map[string]*server.Account
	// permissions are those of the accounts, as the server has built them; also never removed.
	permissions map[string]any
	clients     map[uint64]Client // by connection; some may be gone
	// away are publishers who were hung up on; each channel is closed when he is let in again.
	away map[string]chan struct{}
}

// newSecret makes a secret of the program's own users. It lives in memory, as long as the process.
func newSecret() string {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails: see crypto/rand
	return hex.EncodeToString(secret)
}

// newAccess makes the access of one server: an account is of the server that it was made in.
func newAccess(
	authenticate func(name, secret, remote string) (Client, error), secret string,
) *access {
	return &access{
		secret: secret, authenticate: authenticate,
		accounts: map[string]*server.Account{}, permissions: map[string]any{},
		clients: map[uint64]Client{},
		opened:  make(chan struct{}), away: map[string]chan struct{}{},
	}
}

// open makes the accounts that are there from the start. JetStream must be running already: it
// looks at the accounts that it finds, and enables itself for one only if that is the only one.
func (a *access) open(s *server.Server) (err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.front, err = s.RegisterAccount(frontAccount); err != nil {
		return fmt.Errorf("make account: %w", err)
	}
	for _, subject := range []string{subjectIntake, subjectRequest} {
		err = errors.Join(err, a.front.AddServiceExport(subject+"*", nil))
	}
	err = errors.Join(err, a.front.AddStreamExport(subjectReceipts+"*", nil))
	err = errors.Join(err, s.GlobalAccount().AddServiceExport(subjectGate+"*.*", nil))
	for _, r := range readable(Client{}) {
		if r.to != r.from {
			continue // the gate
		}
		err = errors.Join(err,
			s.GlobalAccount().AddServiceExportWithResponse(r.to, r.response(), nil))
	}
	err = errors.Join(err, exportView(s.GlobalAccount()))
	if err != nil {
		return fmt.Errorf("make account: %w", err)
	}
	return nil
}

// Check is called by the server for everybody who connects, also through memory. Who is refused is
// not told why: that would help whoever tries names. It may wait, for a member who was hung up on
// and for Listen; the server gives each connection a goroutine of its own.
func (a *access) Check(c server.ClientAuthentication) bool {
	given := c.GetOpts()
	if user := a.own(given.Username, given.Password); user != nil {
		c.RegisterUser(user)
		return true
	}
	// Only clients: nobody connects as another server of a cluster or as a leaf.
	if a.authenticate == nil || c.Kind() != server.CLIENT || !a.isOpen(c.GetID()) {
		return false
	}
	remote := ""
	if address := c.RemoteAddress(); address != nil {
		remote = address.String()
	}
	// Some clients only know a token.
	secret := given.Password
	if secret == "" {
		secret = given.Token
	}
	client, err := a.authenticate(given.Username, secret, remote)
	if err != nil {
		return false
	}
	// After the secret was found right: nobody else may hold a connection open for so long.
	a.await(client)
	if a.connections(client) >= connsOfOne {
		return false
	}
	account, err := a.account(client)
	if err != nil {
		return false
	}
	a.register(c, client, account)
	a.note(c.GetID(), client)
	for _, crowd := range [...]*crowd{a.crowd, a.sockets} {
		if crowd != nil {
			crowd.known(remote, a.pace(client))
		}
	}
	// Noted first and asked once more: a name that is revoked just now is either seen by Recheck
	// or refused here.
	return client.valid()
}

// isOpen tells whether others are let in. The server takes WebSockets before Listen: whoever comes
// so early waits a little, and is hung up on rather than refused, so that he comes again.
func (a *access) isOpen(id uint64) bool {
	patience := time.NewTimer(openWaitMax)
	defer patience.Stop()
	select {
	case <-a.opened:
		return true
	case <-patience.C:
		// The error says that the connection has ended by itself.
		_ = a.server.DisconnectClientByID(id)
		return false
	}
}

// own returns the program's own user of a name, nil for all others. The secrets are compared in a
// time that does not depend on where they differ.
func (a *access) own(name, secret string) *server.User {
	if subtle.ConstantTimeCompare([]byte(secret), []byte(a.secret)) != 1 {
		return nil
	}
	if user := a.primer(name); user != nil { // whoever primes holds mu
		return user
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch name {
	case userLedger:
		return &server.User{
			Username: name, Account: a.server.GlobalAccount(), Permissions: ledgerPermissions(),
		}
	case userStore:
		return &server.User{
			Username: name, Account: a.server.GlobalAccount(), Permissions: storePermissions(),
		}
	case userVault:
		return &server.User{
			Username: name, Account: a.server.GlobalAccount(), Permissions: vaultPermissions(),
		}
	case userView:
		return &server.User{
			Username: name, Account: a.server.GlobalAccount(), Permissions: viewPermissions(),
		}
	case userFront:
		return &server.User{Username: name, Account: a.front}
	}
	return nil
}

// note keeps who is behind a connection, and forgets those that are gone. The server does not tell
// who leaves, so they are looked for when the table has twice as many as there are.
func (a *access) note(id uint64, client Client) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.clients) >= 2*a.server.NumClients()+64 {
		for id := range a.clients {
			if a.server.GetClient(id) == nil {
				delete(a.clients, id)
			}
		}
	}
	a.clients[id] = client
}

// pace returns the pace of a member. Who comes to an open ledger may have all: there are no others.
func (a *access) pace(client Client) *pace {
	if client.Name == "" || a.paces.now == nil {
		return nil
	}
	return a.paces.member(client.account())
}

// connections returns how many connections a member has; of an open ledger, where nobody has a
// name, none is counted.
func (a *access) connections(client Client) (count int) {
	if client.Name == "" {
		return 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, other := range a.clients {
		if other.account() == client.account() && a.server.GetClient(id) != nil {
			count++
		}
	}
	return count
}

// await returns when a publisher is let in who was hung up on. To refuse him would have his client
// give up.
func (a *access) await(client Client) {
	a.mu.Lock()
	back := a.away[client.Name]
	a.mu.Unlock()
	if back != nil && client.publishes() {
		<-back // it is closed by a timer
	}
}

// HangUp ends the connections of a publisher, who is let in again after a pause. It is for one who
// sends on without looking at the answers: his client connects again by itself.
func (s *Server) HangUp(publisher string, pause time.Duration) {
	s.now.Load().access.hangUp(publisher, pause)
}

// hangUp does so. A second call during the pause does not make it longer.
func (a *access) hangUp(publisher string, pause time.Duration) {
	a.mu.Lock()
	if a.away[publisher] == nil {
		back := make(chan struct{})
		a.away[publisher] = back
		time.AfterFunc(pause, func() {
			a.mu.Lock()
			delete(a.away, publisher)
			a.mu.Unlock()
			close(back)
		})
	}
	var gone []uint64
	for id, client := range a.clients {
		if client.Name == publisher && client.publishes() {
			gone = append(gone, id)
			delete(a.clients, id)
		}
	}
	a.mu.Unlock()
	for _, id := range gone {
		_ = a.server.DisconnectClientByID(id) // the error says that it has ended by itself
	}
}

// Recheck hangs up on everybody whose secret is no longer valid. Call it after the register of
// members has changed.
func (s *Server) Recheck() {
	s.now.Load().access.recheck(s.log)
}

// recheck does so; Valid is called under mu, so that it must be quick.
func (a *access) recheck(log *slog.Logger) {
	a.mu.Lock()
	var gone []uint64
	for id, client := range a.clients {
		if !client.valid() {
			gone = append(gone, id)
			delete(a.clients, id)
		}
	}
	a.mu.Unlock()
	for _, id := range gone {
		// The error says that the connection has ended by itself.
		if err := a.server.DisconnectClientByID(id); err == nil {
			log.Info("nats connection ended: its credential is not valid any more",
				slog.Uint64("connection", id))
		}
	}
}

// account returns the account of a client, which is made at his first coming. Imports are all that
// is in it.
func (a *access) account(client Client) (*server.Account, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	name := client.account()
	if account := a.accounts[name]; account != nil {
		return account, nil
	}
	account, err := a.server.RegisterAccount(name)
	if err != nil {
		return nil, fmt.Errorf("make account: %w", err)
	}
	if client.publishes() {
		publisher := client.publisher()
		for _, subject := range []string{subjectIntake, subjectRequest} {
			err = errors.Join(err, account.AddServiceImport(a.front, subject+publisher, ""))
		}
		err = errors.Join(err, account.AddStreamImport(a.front, subjectReceipts+publisher, ""))
	}
	if client.reads() {
		for _, r := range readable(client) {
			err = errors.Join(err, account.AddServiceImport(a.server.GlobalAccount(), r.from, r.to))
		}
	}
	err = errors.Join(err, importView(account, a.server.GlobalAccount(), client))
	if err != nil {
		return nil, fmt.Errorf("fill account: %w", err)
	}
	a.accounts[name] = account
	_ = a.prime(account, client) // an account that is not primed can be used all the same
	return account, nil
}

// account returns the name of the client's account, which is a token of subjects too. The role is a
// part of it: an account is never more than its role.
func (c Client) account() string {
	if c.Role == RoleAnyone {
		return openAccount
	}
	return memberAccount + string(c.Role) + "-" + c.Name
}

// inboxes returns where the client may hear what is sent to him alone. The second form is for
// clients that put their name into what their inboxes begin with.
func (c Client) inboxes() []string {
	if c.Name == "" {
		return []string{"_INBOX.>"}
	}
	return []string{"_INBOX.>", "_INBOX_" + c.Name + ".>"}
}

// publishes tells whether the client may send events.
func (c Client) publishes() bool { return c.Role == RolePublisher || c.Role == RoleAnyone }

// reads tells whether the client may read the log.
func (c Client) reads() bool { return c.Role == RoleAuditor || c.Role == RoleAnyone }

// publisher returns the token of subjects that the client may use. Of an open ledger it is every
// token.
func (c Client) publisher() string {
	if c.Role == RoleAnyone {
		return "*"
	}
	return c.Name
}
