package ledger

import (
	"context"
)

// AwaitSettled waits until nothing waits in the intake of messages.
var AwaitSettled = awaitSettled

// SetDamage has the log count as damaged, or no more.
func (l *Ledger) SetDamage(err error) {
	if err == nil {
		l.damage.Store(nil)
		return
	}
	l.damage.Store(&err)
}

// SealedMessages returns how many packs wait or are refused.
func (l *Ledger) SealedMessages(ctx context.Context) (uint64, error) {
	return l.sealedMessages(ctx)
}

// JudgeRights judges a batch as Commit does, and does not append it.
func (l *Ledger) JudgeRights(ctx context.Context, b *Batch) error {
	in, err := l.openGate(ctx)
	if err != nil {
		return err
	}
	v, err := l.rights.Judge(ctx, in, b.batch)
	v.Release()
	return err
}
