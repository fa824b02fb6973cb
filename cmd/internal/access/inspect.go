package access

import (
	"encoding/json"
	"errors"
	"os"
	"strconv"

	"cakupan/cmd/internal/access/register"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/eventstore/inspect"
)

// kindRegister is what access.json is; see [Inspect].
const kindRegister = "register of publishers and readers, of before it was a stream"

// KindSeen is what the file is that says how far the register was; see [InspectSeen].
const KindSeen = "note of how far the register was"

// seenBytesMax bounds that file.
const seenBytesMax = 64 << 10

// InspectSeen says what can be told about that file. A damaged one is written anew at the next
// start. It is nothing of which a copy is needed, so what is wrong with it is told and does no
// harm.
func InspectSeen(path string) (inspect.Report, error) {
	r, err := inspect.New(path, KindSeen)
	if err != nil {
		return r, err
	}
	if r.Bytes > seenBytesMax {
		r.Found(inspect.Damaged, "it has more than %d bytes", seenBytesMax)
		return r, nil
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return r, err
	}
	var s seen
	if err := json.Unmarshal(raw, &s); err != nil {
		r.Found(inspect.Damaged, "it cannot be read; the next start writes it anew")
		return r, nil
	}
	if r.Known(strconv.Itoa(s.Format), "1") {
		r.Ledger, r.Last = s.Ledger, s.Number
		r.Unproven("how far the register was")
	}
	return r, nil
}

// Inspect says what can be told about the register in a file. Nothing of a secret is in it. The
// error is of the file system; what is wrong with the file itself is in the report.
func Inspect(path string) (inspect.Report, error) {
	r, err := inspect.New(path, kindRegister)
	if err != nil {
		return r, err
	}
	var members []register.Member
	raw, err := readFile(path)
	if err == nil {
		members, err = register.ParseFile(raw)
	}
	if errors.Is(err, register.ErrDamaged) || errors.Is(err, register.ErrNewerFormat) {
		err = words(err)
	}
	told := new(problem.Error)
	switch {
	case errors.As(err, &told) && told.Code == problem.FolderNewer:
		r.Found(inspect.Newer, "%s", told.Detail)
		return r, nil
	case errors.As(err, &told) && (told.Code == problem.RegisterUnavailable ||
		told.Code == problem.RegisterLost):
		r.Found(inspect.Damaged, "%s", event.MaskNIK(told.Error()))
		return r, nil
	case err != nil:
		return r, err
	}
	r.Format, r.Entries = "1", uint64(len(members))
	roles, revoked := map[register.Role]int{}, 0
	for i := range members {
		if members[i].RevokedAt.IsZero() {
			roles[members[i].Role]++
		} else {
			revoked++
		}
	}
	r.Note("publishers %d, auditors %d, dashboards %d, revoked %d",
		roles[register.Publisher], roles[register.Auditor], roles[register.Dashboard], revoked)
	r.Unproven("who may say what")
	return r, nil
}
