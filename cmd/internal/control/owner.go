package control

import (
	"context"
	"errors"
	"time"

	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/problem"
)

// inUseMax is how long a command waits for another one that has the folder open: each takes less
// than a second. inUsePause is the time between two looks, short beside that second. Only pauses
// are counted, not what a look takes.
const (
	inUseMax   = 30 * time.Second
	inUsePause = 50 * time.Millisecond
)

// AsOwner does a job of the ledger that runs on a folder, else of the folder itself. One that
// another command has open is waited for, for inUseMax at the most; the error then is a
// [problem.FolderInUse]. At most one of running and opened is called, and once.
//
// Each round asks the socket first: what has locked the folder may be a server that has only now
// begun to answer there.
func AsOwner(ctx context.Context, opts ledger.Options, running func(*Client) error,
	opened func(*ledger.Ledger) error,
) error {
	for waited := time.Duration(0); ; waited += inUsePause {
		if c, err := Dial(ctx, opts.Dir); err == nil {
			return running(c)
		}
		l, err := ledger.Open(ctx, opts)
		if err == nil {
			// An error of Close alone does not say that the job was not done: what it changed is
			// durable when it returns.
			return errors.Join(opened(l), l.Close())
		}
		if problem.From(err).Code != problem.FolderInUse || waited > inUseMax {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(inUsePause):
		}
	}
}
