package datafolder

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"strconv"

	"cakupan/eventstore"
	"cakupan/eventstore/backup"
	"cakupan/eventstore/inspect"
)

// inspectBackup reads a backup to its end. Whether it goes on from another one, and whether what is
// in it makes a ledger, verify tells of all files of a chain together. Its own checksums cover all
// of it, so that one which comes to its end is whole. Entries are messages of all streams. It is
// read as a stream: memory does not grow with it.
func inspectBackup(path string) (r inspect.Report, err error) {
	r, err = inspect.New(path, kindBackup)
	if err != nil {
		return r, err
	}
	file, err := os.Open(path)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	b, err := backup.NewReader(file)
	for err == nil {
		if _, err = b.Next(); err == nil {
			r.Entries++
		}
	}
	switch {
	case errors.Is(err, io.EOF):
	case errors.Is(err, eventstore.ErrNewerFormat):
		r.Found(inspect.Newer, "%s", err)
		return r, nil
	case errors.Is(err, backup.ErrDamaged):
		r.Found(inspect.Damaged, "%s: take another one, or the same file from another disk", err)
		return r, nil
	default:
		return r, err
	}
	head, end := b.Head(), b.End()
	r.Ledger, r.Format, r.Last = head.Ledger, strconv.Itoa(head.Format), uint64(end.Events)
	// A whole one begins with the first event, if there is any.
	r.First = min(r.Last, 1)
	if head.Since != nil {
		r.First = min(r.Last, uint64(head.Since.Events)+1)
		r.Note("an increment: it goes on from the backup that ends at event %d", head.Since.Events)
	}
	r.Note("taken at %s", head.TakenAt)
	return r, nil
}

// inspectRest reads how far the streams were. Nothing is answered from it. It is written when a
// ledger is closed and compared when it starts; one that is damaged is as good as none.
func inspectRest(path string) (inspect.Report, error) {
	r, err := inspect.New(path, kindRest)
	if err != nil {
		return r, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return r, err
	}
	// What the streams held is not read: only a ledger can compare it.
	var is struct {
		Format int    `json:"format"`
		Ledger string `json:"ledger"`
	}
	if err := json.Unmarshal(text, &is); err != nil {
		r.Found(inspect.Damaged, "it cannot be read: %s: it is written anew", err)
		return r, nil
	}
	if r.Known(strconv.Itoa(is.Format), "1") {
		r.Ledger = is.Ledger
		r.Unproven("what the streams held")
	}
	return r, nil
}
