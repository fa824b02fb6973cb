package takeback

import (
	"fmt"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/projections/coverage"
	"cakupan/projections/effect"
)

// CountAll adds how many are covered and confirmed in each region, after the rows. Of rows that are
// all in the log the view has counted them already; else the difference is added.
func CountAll(report *effect.Report, view *coverage.View, rows []effect.Row) error {
	logged := true
	for i := range rows {
		logged = logged && rows[i].Sequence != 0
	}
	for i := range report.Regions {
		r := &report.Regions[i]
		code, _ := region.Parse(r.Region)
		on, err := temporal.ParseDate(report.On)
		if err != nil {
			return fmt.Errorf("read day of the effect: %w", err)
		}
		answer, err := view.Answer(coverage.Query{
			Region: code, On: on, Known: view.Known(), Indicator: event.Employed,
		})
		if err != nil {
			return err
		}
		r.Total, r.Confirmed.Total = answer.Covered, answer.Confirmed
		if !logged { // what is not in the log is not counted there
			r.Total += r.After - r.Before
			r.Confirmed.Total += r.Confirmed.After - r.Confirmed.Before
		}
	}
	return nil
}
