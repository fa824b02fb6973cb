package importer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"cakupan/cmd/internal/lists"
	"cakupan/cmd/internal/lists/matched"
	"cakupan/cmd/internal/lists/named"
)

// finder asks the ledger about rows.
type finder func(rows []matched.Row) ([]*matched.Names, error)

// matchedTogether is how many rows are asked about at once: a batch of what is sent.
const matchedTogether = 1_000

// matchedBytes bounds what is read ahead of rows that are long.
const matchedBytes = 768 << 10

// matchedRows gives the rows of a list as the ledger has them.
type matchedRows struct {
	rows  lists.Rows
	now   named.Key
	find  finder
	ahead []lists.Record
	err   error // behind what is ahead
}

// newMatchedRows returns the rows of a list that is named by a key, each in the place where it was.
// find asks the ledger, as [matched.Find] does; it is called by whoever reads.
func newMatchedRows(rows lists.Rows, now named.Key, find finder) *matchedRows {
	return &matchedRows{rows: rows, now: now, find: find}
}

// Next returns the next row. An error of asking ends the list: what was not asked about is not
// known.
func (r *matchedRows) Next() (lists.Record, error) {
	if len(r.ahead) == 0 && r.err == nil {
		r.read()
	}
	if len(r.ahead) == 0 {
		return lists.Record{}, r.err
	}
	record := r.ahead[0]
	r.ahead = r.ahead[1:]
	return record, nil
}

// read reads some rows and asks about them.
func (r *matchedRows) read() {
	r.ahead = make([]lists.Record, 0, matchedTogether)
	var asked []matched.Row
	var places []int
	for size := 0; len(r.ahead) < matchedTogether && size < matchedBytes; {
		var record lists.Record
		if record, r.err = r.rows.Next(); r.err != nil {
			break
		}
		if record.Refusal == nil {
			asked = append(asked, matched.Row{NIK: string(record.NIK), Event: record.Event})
			places = append(places, len(r.ahead))
		}
		r.ahead, size = append(r.ahead, record), size+len(record.Event)
	}
	if len(asked) == 0 {
		return
	}
	found, err := r.find(asked)
	if errors.Is(err, io.EOF) { // that an answer has ended is not the end of the list
		err = fmt.Errorf("%w: %s", io.ErrUnexpectedEOF, err.Error())
	}
	if err != nil {
		r.ahead, r.err = nil, err
		return
	}
	for i, to := range found {
		record := &r.ahead[places[i]]
		if to == nil {
			continue
		}
		is := matched.Names{}
		if asked[i].NIK != "" {
			is.Name = string(named.New(r.now).AppendName(nil, []byte(asked[i].NIK)))
		}
		var id struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal(record.Event, &id); err != nil {
			r.ahead, r.err = nil, err // a row that lists made is JSON
			return
		}
		is.ID = id.ID
		record.Event = matched.Renamed(record.Event, is, *to)
	}
}
