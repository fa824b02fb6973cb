package httpapi

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strconv"

	"cakupan/cmd/internal/backups"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore"
	"cakupan/eventstore/backup"
)

// Backups is what a ledger has that can be backed up. It may be called while events are taken in,
// and the copy is consistent. After an error what was written is no backup.
type Backups interface {
	// Backup writes all that cannot be derived, but for the keys, in the format of package backup.
	Backup(ctx context.Context, to io.Writer, opts backups.Options) (backup.End, error)
}

// getBackup streams a backup, for whoever runs the ledger. What goes wrong after its beginning is
// at its end, which then is not that of a backup. Its length is not known and a client cannot see
// by that whether it is whole: its end says so.
func (a *API) getBackup(w *reply, r *http.Request) {
	since, err := parseSince(r.URL.RawQuery)
	if err == nil {
		err = onlyHere(r)
	}
	of, ok := a.ledger.(Backups)
	if err == nil && !ok {
		err = problem.New(problem.NotFound, "this ledger is not backed up")
	}
	if err != nil {
		w.fail(r, err)
		return
	}
	ctx, stop := a.untilDrain(r)
	defer stop()
	w.Header().Set("Content-Type", "application/octet-stream")
	out := bufio.NewWriterSize(w, 256<<10)
	_, err = of.Backup(ctx, out, backups.Options{Since: since})
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		w.fail(r, a.drained(err, "begin the backup again, later"))
	}
}

// parseSince reads what an increment goes on from; nil for a whole backup. When any is given the
// numbers must be, but for lookups: they are copied from the end of the earlier backup. Sums are
// optional: an older program has made none.
func parseSince(query string) (*backup.Since, error) {
	p, err := parseParameters(query, "file", "events", "frame", "vault", "register",
		"lookups", "vaultSum", "registerSum", "lookupsSum")
	if err != nil || len(p.values) == 0 {
		return nil, err
	}
	number := func(name string) uint64 {
		n, err := strconv.ParseUint(p.values.Get(name), 10, 64)
		if err != nil {
			p.fail(name, "must be a number, of the backup to go on from")
		}
		return n
	}
	since := &backup.Since{File: p.values.Get("file")}
	since.Events, since.Frame = eventstore.Sequence(number("events")), p.values.Get("frame")
	since.Vault, since.Register = number("vault"), number("register")
	if p.values.Has("lookups") { // not in a backup by an older program, which has none
		since.Lookups = number("lookups")
	}
	since.Sums = backup.Sums{
		Vault: p.values.Get("vaultSum"), Register: p.values.Get("registerSum"),
		Lookups: p.values.Get("lookupsSum"),
	}
	return since, p.err()
}
