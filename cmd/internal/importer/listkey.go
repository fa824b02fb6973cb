package importer

import (
	"context"

	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/lists"
	"cakupan/cmd/internal/lists/matched"
	"cakupan/cmd/internal/lists/named"
)

// listKey is by what the rows of a list are named. Ids of rows are derived with it, so that a row
// that is sent again is a duplicate, and nobody without the key can tell from an id whose row it
// is. It is of one import, and kept nowhere.
type listKey struct {
	from   *client.Client
	source string
	key    named.Key
	older  bool // rows may be known under another key
}

// keyOf asks the ledger for the key of an open list.
func (l *Import) keyOf(ctx context.Context, list *listFile) (*listKey, error) {
	k := &listKey{from: l.From, source: list.Info().Source}
	var err error
	k.key, k.older, err = l.From.ListKey(ctx, k.source, l.Options.DryRun)
	return k, err
}

// rows returns the rows of a list as the ledger has them, or will have. The ledger is asked while
// they are read, by whoever reads.
func (k *listKey) rows(ctx context.Context, list *listFile) lists.Rows {
	rows := list.Events(k.key)
	if !k.older {
		return rows
	}
	return newMatchedRows(rows, k.key, func(some []matched.Row) ([]*matched.Names, error) {
		return k.from.Matches(ctx, k.source, some)
	})
}
