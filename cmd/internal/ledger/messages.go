package ledger

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/cmd/internal/access/register"
	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/natsin"
	"cakupan/cmd/internal/problem"
	"cakupan/cmd/internal/shares"
	"cakupan/domain/event"
	"cakupan/eventstore/keyfile"
	"cakupan/eventstore/natsd"
	"cakupan/eventstore/seal"
)

// natsFault is the lowest code of what the server of NATS could not do, not of what it was asked
// wrongly.
const natsFault = 500

// MessageOptions say who may connect to the ledger by NATS, and where.
type MessageOptions struct {
	Address   string      // of the embedded server; empty: nobody connects
	WebSocket string      // the same, for those who connect by WebSocket
	TLS       *tls.Config // nil: none
	Consumers int         // of the log, that one login may have; 0: 8
	Strangers int         // connections of one network that have not logged in; 0: 128
	// Open refuses a request for a WebSocket while the ledger is open to its own machine: a
	// browser there has any page ask for one. Optional.
	Open func(*natsd.UpgradeRequest) error
}

func (o MessageOptions) listens() bool { return o.Address != "" || o.WebSocket != "" }

// natsRoles says what the roles of the register are to the server. It is never written.
var natsRoles = map[register.Role]natsd.Role{
	register.Publisher: natsd.RolePublisher,
	register.Auditor:   natsd.RoleAuditor,
	register.Dashboard: natsd.RoleViewer,
	register.Steward:   natsd.RoleAuditor,
	register.Operator:  natsd.RoleAuditor,
}

// login returns who has connected. Whether the ledger is open is asked at each login and, by Valid,
// of each connection that stays: the first member who is registered closes it to all others at
// once. It may be asked by many at once, also while the ledger is opened: register is set by then,
// since nobody can connect earlier.
func (l *Ledger) login(name, secret, remote string) (natsd.Client, error) {
	members := l.register
	if !members.Guarded() {
		open := func() bool { return !members.Guarded() }
		return natsd.Client{Role: natsd.RoleAnyone, Valid: open}, nil
	}
	m, err := members.Authenticate(name, secret, remote)
	if err != nil {
		return natsd.Client{}, err
	}
	return natsd.Client{
		Name: m.Name, Role: natsRoles[m.Role], Valid: func() bool { return members.Current(m) },
	}, nil
}

// upgrade refuses a request for a WebSocket that an open ledger must not take. Where everybody logs
// in, whose page asks says nothing: no secret is sent by itself.
func (l *Ledger) upgrade(r *natsd.UpgradeRequest) error {
	if l.opts.Messages.Open == nil || l.register.Guarded() {
		return nil
	}
	return l.opts.Messages.Open(r)
}

// natsServer returns the options of the embedded server. Without an address nobody from outside can
// connect.
func (l *Ledger) natsServer() natsd.Options {
	opts := natsd.Options{StoreDir: l.folder.Path(folder.NATS), Log: l.opts.Log}
	if m := l.opts.Messages; m.listens() {
		opts.Address, opts.WebSocket, opts.TLS = m.Address, m.WebSocket, m.TLS
		opts.Processors, opts.Now = shares.Processors(), time.Now
		opts.Upgrade = l.upgrade
		opts.Authenticate, opts.Consumers, opts.Strangers = l.login, m.Consumers, m.Strangers
	}
	return opts
}

// natsConnect returns how the intake of messages connects. Front is where publishers are and Store
// where streams are: of the embedded server two logins, and from Front no stream can be reached.
func (l *Ledger) natsConnect() natsin.Connect {
	if l.server != nil {
		return natsin.Connect{Front: l.server.ConnectFront, Store: l.server.ConnectStore}
	}
	connect := func() (*nats.Conn, error) { return l.cluster.Connect("cakupan intake") }
	return natsin.Connect{Front: connect, Store: connect}
}

// ConnectBucket opens a connection to where the bucket of the coverage is. The caller closes it.
func (l *Ledger) ConnectBucket() (*nats.Conn, error) {
	if l.server != nil {
		return l.server.ConnectView()
	}
	return l.cluster.Connect("cakupan bucket")
}

// TakeMessages begins to take in what publishers send by NATS, and what waits of that. The address
// is opened last: who can connect is heard. It is called once, after Serve. After an error the
// caller closes the ledger; what is stored waits.
func (l *Ledger) TakeMessages(ctx context.Context) error {
	sealer, err := l.openSealer(ctx)
	if err != nil {
		return err
	}
	opts := natsin.Options{
		Connect: l.natsConnect(), Sealer: sealer, Replicas: l.opts.Replicas,
		Now: time.Now, Log: l.opts.Log, Fault: l.opts.Fault, Quota: l.quota, Lacking: l.lacking,
		Taken: l.noteTaken,
	}
	if l.server != nil {
		opts.FreeSpace, opts.HangUp = l.server.FreeSpace, l.server.HangUp
		opts.Charge = l.server.Charge
		opts.Forget = func() error {
			l.opts.Log.WarnContext(ctx, "what was delivered of the intake cannot be read:"+
				" all of it is taken in again")
			return os.RemoveAll(filepath.Join(l.folder.StreamFolder(natsin.StreamIntake), "obs"))
		}
	}
	if l.roles != nil {
		opts.Writes = l.roles.Writes
	}
	err = l.cluster.Patiently(ctx, func(ctx context.Context) error {
		l.messages, err = natsin.Start(ctx, l, opts)
		var failed *jetstream.APIError
		if opts.Forget == nil || !errors.As(err, &failed) ||
			failed.Code < natsFault {
			return err
		}
		// It takes a stream for unusable whose delivery it cannot read.
		// Packs are delivered again from the first that is there, and those that the log has are
		// duplicates.
		if err := errors.Join(opts.Forget(), l.server.Reopen(ctx)); err != nil {
			return err
		}
		l.messages, err = natsin.Start(ctx, l, opts)
		return err
	})
	if err != nil {
		return err
	}
	if !l.opts.Messages.listens() {
		return nil
	}
	// Only now can anybody connect: all that takes messages is there.
	if err := l.server.Listen(); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	l.background.Go(func() { l.register.Watch(ctx, l.server.Recheck) })
	l.background.Go(func() { <-l.closing; stop() })
	return nil
}

// noteTaken notes why messages that were acknowledged are not taken in, nil when they are. It is
// called by the intake, from one goroutine at a time.
func (l *Ledger) noteTaken(err error) {
	if err == nil {
		l.untaken.Store(nil)
		return
	}
	err = problem.Wrap(problem.LogUnavailable, "messages of publishers are kept and wait: the"+
		" ledger cannot take them in now, and tries again; its log says why", err)
	l.untaken.Store(&err)
}

// openedSealer returns the sealer, nil while it is not open.
func (l *Ledger) openedSealer() *seal.Sealer {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sealer
}

// openSealer returns what seals messages that wait. A new ledger gets a new key; where something
// is sealed already, a new one would make it unreadable.
func (l *Ledger) openSealer(ctx context.Context) (*seal.Sealer, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sealer != nil {
		return l.sealer, nil
	}
	if err := l.readyVault(ctx); err != nil {
		return nil, err
	}
	path := l.folder.Path(folder.Vault, folder.SealKeyFile)
	key, err := keyfile.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		key, err = l.makeSealKey(ctx, path)
	}
	if err == nil {
		err = l.vault.CheckKey(ctx, folder.SealKeyFile, key)
	}
	if err != nil {
		return nil, folder.KeyError(path, err)
	}
	sealer, err := seal.New(key)
	if err != nil {
		return nil, err
	}
	l.sealer = sealer
	return sealer, nil
}

// makeSealKey makes the key of a ledger that has never had one. mu is held. Its check comes into
// the vault right after; if we crash in between, the next start finds the key and stores the check.
func (l *Ledger) makeSealKey(ctx context.Context, path string) ([]byte, error) {
	waiting, err := l.sealedMessages(ctx)
	switch {
	case err != nil:
		return nil, err
	case waiting > 0:
		return nil, problem.New(problem.FolderKeyLost, fmt.Sprintf("%s is missing, and %d"+
			" messages of publishers wait that only it opens: put it back from its backup."+
			" To give them up, stop the ledger and delete the folders %s and %s under %s",
			path, waiting, natsin.StreamIntake, natsin.StreamRefused,
			l.folder.Path(folder.NATS, "jetstream")))
	case l.vault.HasKey(folder.SealKeyFile):
		return nil, problem.New(problem.FolderKeyLost, fmt.Sprintf("%s is missing: put it back"+
			" from its backup, or copy it from another ledger on the same cluster; nothing waits"+
			" that it would open: where it is lost, cakupan keys rotate --key intake makes a new"+
			" one", path))
	}
	return keyfile.Create(path) // in the vault's folder, which is there
}

// sealedMessages returns how many messages are stored that need the key. They are counted in the
// streams and nowhere else: a note beside them could be lost, or be another ledger's.
func (l *Ledger) sealedMessages(ctx context.Context) (count uint64, err error) {
	js, err := jetstream.New(l.conn)
	if err != nil {
		return 0, err
	}
	for _, name := range []string{natsin.StreamIntake, natsin.StreamRefused} {
		stream, err := js.Stream(ctx, name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("look for stream %s: %w", name, err)
		}
		count += stream.CachedInfo().State.Msgs
	}
	return count, nil
}

// Scope returns what a publisher may report now. It is asked when a message is taken in, not when
// it was sent: what waited while its publisher was revoked is refused. Nil without an error is
// everything: a ledger without members is open.
func (l *Ledger) Scope(publisher string) (*event.Scope, error) {
	if !l.register.Guarded() {
		return nil, nil
	}
	scope, err := l.register.Scope(publisher)
	if err != nil {
		return nil, fmt.Errorf("look up publisher: %w", err)
	}
	if scope != nil {
		return scope, nil
	}
	return nil, &event.Refusal{
		Code: event.Forbidden,
		Detail: "nobody of this name may report events, or not any more: ask whoever runs the" +
			" ledger",
	}
}
