package ledger

import (
	"context"
	"io"

	"cakupan/cmd/internal/backups"
	"cakupan/eventstore/backup"
)

// Backup writes all that cannot be derived, but for the keys, while the ledger goes on; see
// [backups.Write].
func (l *Ledger) Backup(ctx context.Context, to io.Writer, opts backups.Options,
) (backup.End, error) {
	from := backups.Source{Log: l.log, Conn: l.conn, Now: l.opts.Now, Lacking: l.lacking}
	if l.server != nil {
		from.Reads, from.Refused = &l.readsSeen, l.tally
	}
	end, err := backups.Write(ctx, from, to, opts)
	return end, l.suspected(err)
}
