package vault

import (
	"bytes"
	"encoding/json"
	"os"
	"strconv"

	"cakupan/eventstore/inspect"
)

// kindState is what the state of the look-up table is; see [InspectState].
const kindState = "vault: how far its look-up table is"

// IsState tells whether a file of this name is one that [InspectState] knows.
func IsState(name string) bool { return name == stateFile }

// InspectState says what can be told about the state of the look-up table, all of which a checksum
// covers. It reads the file alone, without the vault: whether it is the stream's, the next start
// finds out. Last is a record, not an event.
func InspectState(path string) (inspect.Report, error) {
	r, err := inspect.New(path, kindState)
	if err != nil {
		return r, err
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return r, err
	}
	var s state
	sum, text, found := bytes.Cut(content, []byte("\n"))
	if !found || string(sum) != stateSum(text) || json.Unmarshal(text, &s) != nil {
		r.Found(inspect.Damaged, "its checksum differs: the next start makes it anew")
		return r, nil
	}
	r.Format, r.Ledger, r.Entries = strconv.Itoa(s.Format), s.Ledger, s.Workers
	r.Last = s.Number
	r.Known(r.Format, strconv.Itoa(stateFormat))
	return r, nil
}
