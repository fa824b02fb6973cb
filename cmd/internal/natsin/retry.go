package natsin

import (
	"context"
	"errors"
	"strconv"

	"cakupan/domain/event"
)

// Retry takes in again one of those that were refused, under what its publisher may report now,
// and returns the receipts. What is appended or was there already is removed; what is refused for
// another reason than before is kept under a new number with that reason.
//
// If we crash in between, it may be there under both numbers. An error leaves it where it was; its
// events may be in the log then, and are duplicates the next time.
func Retry(
	ctx context.Context, refusals *Refusals, ledger Ledger, number uint64,
) ([]event.Receipt, error) {
	k, err := refusals.Get(ctx, number)
	if err != nil {
		return nil, err
	}
	messages := []Message{k.Message}
	if k.Message.Publisher == "" {
		if messages, err = openPack(refusals.sealer, k.Message.Payload); err != nil {
			return []event.Receipt{{Status: event.Refused, Refusal: &event.Refusal{
				Code: PackUnreadable, Detail: k.Detail,
			}}}, nil
		}
	}
	settled, err := takePack(ctx, ledger, messages, nil)
	if err != nil {
		return nil, err
	}
	var receipts []event.Receipt
	again := "retry-" + strconv.FormatUint(number, 10) // instead of a pack
	for i := range settled {
		receipts = append(receipts, settled[i].receipts...)
		if refused := settled[i].refused; len(settled) == 1 && len(refused) == 1 &&
			len(receipts) == 1 && refused[0].Code == k.Code && refused[0].Detail == k.Detail {
			return receipts, nil
		}
		if err := refusals.put(ctx, again, settled[i].refused); err != nil {
			return nil, err
		}
	}
	// What is stored anew may have taken its place in the quota.
	if err := refusals.Drop(ctx, number); err != nil && !errors.Is(err, ErrNoSuch) {
		return receipts, err
	}
	return receipts, nil
}
