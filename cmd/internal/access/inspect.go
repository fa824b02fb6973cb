package access

import (
	"errors"
	"strconv"

	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/eventstore/inspect"
)

// kindRegister is what access.json is; see [Inspect].
const kindRegister = "register of publishers and readers"

// Inspect says what can be told about the register in a file. Nothing of a secret is in it.
func Inspect(path string) (inspect.Report, error) {
	r, err := inspect.New(path, kindRegister)
	if err != nil {
		return r, err
	}
	var entries []Entry
	raw, err := readFile(path)
	if err == nil {
		entries, err = parse(raw)
	}
	told := new(problem.Error)
	switch {
	case errors.As(err, &told) && told.Code == problem.FolderNewer:
		r.Found(inspect.Newer, "%s", told.Detail)
		return r, nil
	case errors.As(err, &told) && told.Code == problem.RegisterUnavailable:
		r.Found(inspect.Damaged, "%s", event.MaskNIK(told.Error()))
		return r, nil
	case err != nil:
		return r, err
	}
	r.Format, r.Entries = strconv.Itoa(format), uint64(len(entries))
	roles, revoked := map[Role]int{}, 0
	for i := range entries {
		if entries[i].RevokedAt.IsZero() {
			roles[entries[i].Role]++
		} else {
			revoked++
		}
	}
	r.Note("publishers %d, auditors %d, dashboards %d, revoked %d",
		roles[Publisher], roles[Auditor], roles[Dashboard], revoked)
	r.Unproven("who may say what")
	return r, nil
}
