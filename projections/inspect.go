package projections

import (
	"bytes"
	"encoding/json"
	"strconv"

	"cakupan/eventstore/inspect"
)

// kindProjection is what the file of a projection is; see [Inspect].
const kindProjection = "projection: derived from the log"

// Inspect says what can be told about the file of any projection, without opening the projection.
// Only the projection itself knows which version of its file is its own.
func Inspect(path string) (inspect.Report, error) {
	r, err := inspect.New(path, kindProjection)
	if err != nil {
		return r, err
	}
	var position []byte
	var keys uint64
	err = inspect.ReadBolt(path, func(b *inspect.Bolt) error {
		position, keys = nil, 0
		return b.Walk(func(bucket string, key, value []byte) error {
			if bucket == string(metaBucket) && bytes.Equal(key, positionKey) {
				position = bytes.Clone(value)
			}
			if key != nil {
				keys++
			}
			return nil
		})
	})
	if err := r.Bolt(err); err != nil || r.State != inspect.Whole {
		return r, err
	}
	r.Unproven("what it holds")
	if r.Entries = keys; position == nil {
		r.Note("nothing is committed yet")
		return r, nil
	}
	var at Position
	if err := json.Unmarshal(position, &at); err != nil || at.Log.IsZero() {
		r.Found(inspect.Damaged, "its position cannot be read")
		return r, nil
	}
	r.Ledger, r.Format, r.Last = at.Log.Ledger, strconv.FormatUint(uint64(at.Version), 10),
		uint64(at.Sequence)
	if at.Sequence > 0 {
		r.First = 1
		r.Note("its last frame is the one whose SHA-256 begins with %x", at.Frame[:4])
	}
	return r, nil
}
