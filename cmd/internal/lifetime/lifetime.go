// Package lifetime tells that certificates end, before they do. One that has ended keeps out
// whoever connects next, and those of a cluster were made on one day: all of them end on one.
package lifetime

import (
	"cmp"
	"crypto/x509"
	"slices"
	"strings"
	"time"
)

// A certificate ends soon when it has soonMost left, or soonShare of its life: one that is good for
// a week, and renewed each few days, does not end soon from its first day on.
const (
	soonMost  = 21 * 24 * time.Hour
	soonShare = 4
)

// Certificate is one that is shown to whoever connects, and for how long it is good.
type Certificate struct {
	Of          string // where it is shown: "https", or the address of a server
	From, Until time.Time
}

// Of returns for how long a chain is good that is shown somewhere: as long as the certificate of it
// that ends first. An empty chain is never good.
func Of(of string, chain []*x509.Certificate) Certificate {
	c := Certificate{Of: of}
	for i, link := range chain {
		if i == 0 || link.NotAfter.Before(c.Until) {
			c.From, c.Until = link.NotBefore, link.NotAfter
		}
	}
	return c
}

// EndsSoon tells whether somebody should renew it now.
func (c Certificate) EndsSoon(now time.Time) bool {
	return now.After(c.Until.Add(-min(soonMost, c.Until.Sub(c.From)/soonShare)))
}

// Warning says which of them end soon, or have ended, the first to end first; "" when none does. It
// does not depend on their order.
func Warning(now time.Time, all []Certificate) string {
	ending := slices.DeleteFunc(slices.Clone(all), func(c Certificate) bool {
		return !c.EndsSoon(now)
	})
	if len(ending) == 0 {
		return ""
	}
	slices.SortFunc(ending, func(a, b Certificate) int {
		return cmp.Or(a.Until.Compare(b.Until), strings.Compare(a.Of, b.Of))
	})
	var parts []string
	for _, c := range ending {
		verb := " ends at "
		if !now.Before(c.Until) {
			verb = " ended at "
		}
		parts = append(parts, "that of "+c.Of+verb+c.Until.UTC().Format(time.RFC3339))
	}
	return "certificates are to be renewed, which needs no restart: " + strings.Join(parts, ", ")
}
