package coverage

import (
	"cakupan/eventstore"
	"cakupan/projections/checked"
)

// Knowledge describes what is known at an event that the view has. An error says that the file is
// damaged.
func (v *View) Knowledge(k eventstore.Sequence) (known Known, err error) {
	err = v.p.db.View(func(tx *checked.Tx) error {
		known, err = v.knownAs(tx, k)
		return err
	})
	return known, err
}
