package control

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"time"

	"cakupan/cmd/internal/access"
	"cakupan/cmd/internal/access/register"
	"cakupan/cmd/internal/problem"
)

// SocketName is the name of the socket in a ledger's folder.
const SocketName = "control.sock"

// The bounds of a request: there are no large ones, and nobody waits for one who does not ask.
const (
	requestBytesMax = 1 << 20
	requestTimeMax  = time.Minute
)

// request is what a command asks for. A field that what it does has no use for is zero.
type request struct {
	Do        string           `json:"do"`
	Name      string           `json:"name,omitempty"`
	Roles     []register.Role  `json:"roles,omitempty"`
	Member    *register.Member `json:"member,omitempty"` // to be added; with Do change: the scope
	ExpiresAt time.Time        `json:"expiresAt,omitzero"`
	Custody   custodyAsked     `json:"custody,omitzero"`
}

// answer is what it gets.
type answer struct {
	Secret  string            `json:"secret,omitempty"`
	Members []register.Member `json:"members,omitempty"`
	Changes []change          `json:"changes,omitempty"`
	custodyTold
}

// change is a change of the register as it is stored.
type change struct {
	Number uint64          `json:"number"`
	Change json.RawMessage `json:"change"`
}

// Server answers commands on this machine.
type Server struct {
	http   http.Server
	path   string
	folder *os.File // through which the socket is reached, where its path is too long; or nil
	ended  chan struct{}
}

// Listen begins to answer at the socket in the folder of a ledger, which this process has locked: a
// socket that lies there is that of a process that ended.
func Listen(ctx context.Context, dir string, members *access.Registry, custody Custody,
) (*Server, error) {
	s := &Server{ended: make(chan struct{})}
	path, folder, err := reach(dir)
	if err != nil {
		return nil, err
	}
	s.path, s.folder = path, folder
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, errors.Join(err, closeFolder(folder))
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		return nil, errors.Join(err, closeFolder(folder))
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, listener.Close(), closeFolder(folder))
	}
	s.http = http.Server{
		Handler: handler{members, custody}, ReadTimeout: requestTimeMax, MaxHeaderBytes: 1 << 16,
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			uid, known := peerOf(conn)
			return context.WithValue(ctx, peerKey{}, peer{uid, known})
		},
	}
	go func() {
		defer close(s.ended)
		_ = s.http.Serve(listener) // ends with Close
	}()
	return s, nil
}

// Close ends it, also what is being answered: each change was made or was not.
func (s *Server) Close() error {
	err := s.http.Close() // removes the socket too
	<-s.ended
	return errors.Join(err, closeFolder(s.folder))
}

type peerKey struct{}

// peer is who is at the other end; not known where the kernel does not tell.
type peer struct {
	uid   int
	known bool
}

// handler answers requests.
type handler struct {
	members *access.Registry
	custody Custody
}

// ServeHTTP answers one request of whoever may: the user that the ledger runs as, and root.
func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	who, _ := r.Context().Value(peerKey{}).(peer)
	if !who.known {
		who.uid = os.Getuid() // the rights of the socket let nobody else in
	}
	if who.uid != 0 && who.uid != os.Getuid() {
		problem.Write(w, r, problem.New(problem.FolderDenied,
			"this is done by the user that the ledger runs as, or by root"), nil)
		return
	}
	var asked request
	body := http.MaxBytesReader(w, r.Body, requestBytesMax)
	if err := json.NewDecoder(body).Decode(&asked); err != nil {
		problem.Write(w, r, problem.New(problem.UsageWrong,
			"the running ledger does not understand this command: it is of another version"), nil)
		return
	}
	got, err := h.do(r.Context(), &asked, Direct{h.members, AccountOf(who.uid)})
	if err != nil {
		problem.Write(w, r, err, nil)
		return
	}
	_ = json.NewEncoder(w).Encode(got) // who asked may be gone
}

// errNobody is of a command without whom it is about. It is never written.
var errNobody = problem.New(problem.UsageWrong, "the command says not whom it is about")

// do does what is asked for.
func (h handler) do(ctx context.Context, q *request, d Direct) (a answer, err error) {
	if (q.Do == "add" || q.Do == "change") && q.Member == nil {
		return a, errNobody
	}
	if a, is, err := h.custodial(ctx, q); is {
		return a, err
	}
	switch q.Do {
	case "add":
		a.Secret, err = d.Add(ctx, *q.Member)
	case "rotate":
		a.Secret, err = d.Rotate(ctx, q.Name, q.ExpiresAt, q.Roles...)
	case "change":
		err = d.Change(ctx, q.Name, access.NewScope{
			Sources: q.Member.Sources, Regions: q.Member.Regions, Types: q.Member.Types,
		}, q.Roles...)
	case "revoke":
		err = d.Revoke(ctx, q.Name, q.Roles...)
	case "members":
		a.Members, err = d.Members(ctx)
	case "history":
		a.Changes, err = history(ctx, d)
	default:
		err = problem.New(problem.UsageWrong,
			"the running ledger does not know this command: it is of an older version")
	}
	return a, err
}

func history(ctx context.Context, d Direct) (changes []change, err error) {
	entries, err := d.History(ctx)
	for i := range entries {
		raw, err := entries[i].Encode()
		if err != nil {
			return nil, err
		}
		changes = append(changes, change{entries[i].Number, raw})
	}
	return changes, err
}
