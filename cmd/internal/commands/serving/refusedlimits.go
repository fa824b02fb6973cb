package serving

import (
	"fmt"
	"time"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/natsin"
)

// refusedLimits are the flags of serve that bound what is kept of what each publisher is refused:
// how many, how many MiB as they lie on the disk, sealed, and for how long. What is beyond is
// removed, the oldest first, whoever may still want it: a publisher who is refused without end must
// not fill the disk, or stop the intake of others. 0 is no bound.
type refusedLimits struct {
	Count int `default:"20000" placeholder:"N" help:"Refusals kept a publisher; 0: all (20000)."`
	MiB   int `name:"mib" default:"32" placeholder:"N" help:"MiB of them kept; 0: all (32)."`

	Age time.Duration `default:"720h" placeholder:"TIME" help:"How long; 0: for ever (720h)."`
}

// The largest size is far beyond any disk, and far from where a count of bytes ends: in MiB, so it
// is a pebibyte.
const refusedMiBMax = 1 << 30

// check refuses what could not hold what is stored at once: then what was just refused would be
// removed for itself. Less than an hour is nothing that anybody could look at in time. It is wrong
// usage, said before a ledger is opened.
func (r *refusedLimits) check() error {
	const mibMin = natsin.LimitBytesMin >> 20
	switch {
	case r.Count != 0 && r.Count < natsin.LimitCountMin:
		return cli.Usage(fmt.Sprintf("--refused-count is at least %d, or 0 for all",
			natsin.LimitCountMin))
	case r.MiB != 0 && (r.MiB < mibMin || r.MiB > refusedMiBMax):
		return cli.Usage(fmt.Sprintf("--refused-mib is from %d to %d, or 0 for all", mibMin,
			refusedMiBMax))
	case r.Age != 0 && r.Age < time.Hour:
		return cli.Usage("--refused-age is at least 1h, or 0 for ever")
	}
	return nil
}

// limits returns them as the intake takes them, in bytes. They have been checked.
func (r *refusedLimits) limits() natsin.Limits {
	return natsin.Limits{Count: r.Count, Bytes: int64(r.MiB) << 20, Age: r.Age}
}
