package projections

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"

	"cakupan/eventstore/inspect"
	"cakupan/projections/checked"
)

// kindProjection is what the file of a projection is; see [Inspect].
const kindProjection = "projection: derived from the log"

// Inspect says what can be told about the file of any projection, without opening the projection.
// Only the projection itself knows which version of its file is its own. It changes nothing, and
// works while the ledger runs: a file that changes meanwhile is no finding. An error is that of
// opening or reading; what is wrong with the file is in the report.
func Inspect(path string) (inspect.Report, error) {
	r, err := inspect.New(path, kindProjection)
	if err != nil {
		return r, err
	}
	var position []byte
	var keys uint64
	err = inspect.ReadBolt(path, func(b *inspect.Bolt) error {
		position, keys = nil, 0
		return checked.Verify(b, func(bucket string, key, value []byte) {
			if bucket == string(metaBucket) && bytes.Equal(key, positionKey) {
				position = bytes.Clone(value)
			}
			keys++
		})
	})
	switch {
	case errors.Is(err, ErrDamaged):
		r.Found(inspect.Damaged, "%s: it heals by itself, built anew from the log", err)
	case errors.Is(err, checked.ErrUnchecked):
		r.Unproven("what it holds, as it is from an older program,")
	default:
		err = r.Bolt(err)
		if err != nil {
			return r, err
		}
	}
	if r.State.Worse(inspect.Unproven) || errors.Is(err, inspect.ErrChanging) {
		return r, nil
	}
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
