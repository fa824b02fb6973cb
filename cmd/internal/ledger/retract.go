package ledger

import (
	"context"

	"cakupan/cmd/internal/takeback"
)

// TakeBack takes events back, or undoes that; see [takeback.Taker.TakeBack].
func (l *Ledger) TakeBack(ctx context.Context, ask *takeback.Asked, by *takeback.Actor,
) (takeback.Retraction, error) {
	if _, err := l.openGate(ctx); err != nil { // a ledger that stands by has no index of its own
		return takeback.Retraction{}, err
	}
	return l.taker.TakeBack(ctx, ask, by)
}
