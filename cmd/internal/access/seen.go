package access

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"cakupan/cmd/internal/problem"
	"cakupan/eventstore/durable"
)

// privateFile is the right to a file of its owner alone.
const privateFile = 0o600

// seen is a file beside the register that says how far it was. Nothing is ever answered from it: it
// is there to notice a register that is older than it was, before the log says so by its next
// frame. Without it, or with a damaged one, it is written anew. Ledger is whose register it was: a
// file that came here with another ledger's folder says nothing.
type seen struct {
	Format int    `json:"format"`
	Ledger string `json:"ledger"`
	Number uint64 `json:"number"`
	Chain  string `json:"chain"` // of all changes up to that one
}

// compareSeen refuses a register that has fewer changes than were seen, or others. The caller holds
// mu. Of a register that has grown since it is not known whether its beginning is the same; the
// stream's own checks are for that.
func (r *Registry) compareSeen() error {
	raw, err := os.ReadFile(r.opts.Seen)
	if errors.Is(err, fs.ErrNotExist) || r.opts.Seen == "" {
		r.note()
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", r.opts.Seen, err)
	}
	var s seen
	if err := json.Unmarshal(raw, &s); err != nil || s.Format != 1 || s.Ledger != r.opts.Ledger {
		r.log.Warn("note of how far the register was is of no use: it is written anew",
			slog.String("file", r.opts.Seen))
		r.note()
		return nil
	}
	switch have := r.end.Number; {
	case s.Number > have:
		return problem.Wrap(problem.RegisterLost, older(have, s.Number,
			r.opts.Seen+" says it had").Detail+"; if the older one is meant,"+
			" delete that file", errBehind)
	case s.Number == have && s.Chain != r.chain.String():
		return problem.Wrap(problem.RegisterLost, fmt.Sprintf("the register of publishers"+
			" and readers has other changes than %s says it had, up to change %d: restore it from"+
			" a backup; if this one is meant, delete that file", r.opts.Seen, have), errBehind)
	}
	if s.Number != r.end.Number {
		r.note()
	}
	return nil
}

// note writes how far the register is. That it cannot, because the folder may only be read or the
// disk is full, is told and no more: the register itself is whole. The caller holds mu.
//
// If we crash before it is written, it says less than is true, which is caught up with.
func (r *Registry) note() {
	if r.opts.Seen == "" || r.end.Number == 0 {
		return
	}
	raw, err := json.Marshal(seen{1, r.opts.Ledger, r.end.Number, r.chain.String()})
	if err == nil {
		err = durable.WriteFile(r.opts.Seen, append(raw, '\n'), privateFile)
	}
	if err != nil {
		r.log.Warn("how far the register is cannot be noted", slog.Any("error", err))
	}
}

// errHalfTaken says that the register is not complete yet.
var errHalfTaken error = problem.New(problem.RegisterUnavailable, "the register of publishers and"+
	" readers was not taken over from access.json to its end: start the ledger with that file in"+
	" its folder, and it goes on where it was")
