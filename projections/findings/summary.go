package findings

import (
	"cmp"
	"context"
	"slices"
)

// Count is how many findings of a code there are in a region, and what is at stake in those that
// are open. Months and rupiah are sums over the open ones: what is resolved is at stake no more. A
// month that two findings concern counts twice.
type Count struct {
	Code     string `json:"code"`
	Region   string `json:"region,omitempty"` // none: of those that have none
	Open     int64  `json:"open"`
	Resolved int64  `json:"resolved"`
	Months   int64  `json:"months"`
	Rupiah   int64  `json:"rupiah"`
}

// Summarise counts the findings that are asked for by code and region, in the order of the
// contract's table and then of the regions. It reads every finding that is asked for, one at a
// time: memory grows with codes and regions only. With an error what it returns is not all of them.
func (p *Projection) Summarise(ctx context.Context, q Query) ([]Count, error) {
	type place struct{ code, region string }
	counts := map[place]*Count{}
	err := p.Each(ctx, q, func(f *Finding) error {
		at := place{f.Code, f.Region}
		c := counts[at]
		if c == nil {
			c = &Count{Code: f.Code, Region: f.Region}
			counts[at] = c
		}
		if f.Until != nil {
			c.Resolved++
			return nil
		}
		c.Open++
		c.Months += f.Months.Count()
		if f.Rupiah != nil {
			c.Rupiah = plus(c.Rupiah, *f.Rupiah)
		}
		return nil
	})
	all := []Count{}
	for _, c := range counts {
		all = append(all, *c)
	}
	slices.SortFunc(all, func(a, b Count) int {
		one, _ := ParseCode(a.Code)
		other, _ := ParseCode(b.Code)
		return cmp.Or(cmp.Compare(one, other), cmp.Compare(a.Region, b.Region))
	})
	return all, err
}
