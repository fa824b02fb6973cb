package bench

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Report is what a run found; --json prints it. A figure is known by its name, not by its place.
type Report struct {
	Machine Machine `json:"machine"`
	// What was asked for; a part may take fewer or more.
	Events  int      `json:"events"`
	Figures []Figure `json:"figures"`
	// DigestsAgree: the replay's digest is the live one. It is true until a replay of any turn
	// finds another digest; then the figures are of a ledger that answers wrongly, and say nothing.
	DigestsAgree bool `json:"digestsAgree"`
	// Of the whole run, from the first part on; 0 when it was broken off.
	Seconds float64 `json:"seconds"`
}

// Machine says where and with what settings it was measured.
type Machine struct {
	CPU string `json:"cpu"`
	// Logical processors that this process may use.
	Cores int    `json:"cores"`
	OS    string `json:"os"`
	Go    string `json:"go"`
	// Where the benchmark's own folder was; it says on which disk.
	Folder string `json:"folder"`
	// Always true: the server of the ledger and of the floor syncs each message, and there is no
	// setting to measure anything else by. It is printed so that nobody compares it with figures of
	// a server that does not.
	SyncAlways bool `json:"syncAlways"`
}

// Figure is one measured value, with the floor of the same run where there is one.
type Figure struct {
	Name string `json:"name"`
	// In Unit.
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	// Floor is what bare JetStream gives for the same job; 0: there is no such job. In FloorName,
	// which begins with the unit of Value wherever the ratio of both is shown.
	Floor     float64 `json:"floor,omitempty"`
	FloorName string  `json:"floorName,omitempty"`
	// Target is what the figure should reach; More says on which side of it is good. In Unit; 0:
	// there is none, and the figure is told for what it is worth.
	Target float64 `json:"target,omitempty"`
	More   bool    `json:"more"`
}

// ok reports whether the figure reaches its target. A value that is the target exactly reaches it
// from either side.
func (f Figure) ok() bool {
	if f.Target == 0 {
		return true
	}
	return f.More == (f.Value >= f.Target) || f.Value == f.Target
}

// Write prints the report as a table. It is for people: the form is no promise. It fails only where
// w does.
func (r *Report) Write(w io.Writer) error {
	m := r.Machine
	if _, err := fmt.Fprintf(w, "%s, %d cores, %s, %s; SyncAlways; %s events; %.0f s\n\n",
		m.CPU, m.Cores, m.OS, m.Go, grouped(float64(r.Events)), r.Seconds); err != nil {
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	rows := [][]string{{"figure", "measured", "target", "", "bare JetStream", "ratio"}}
	for _, f := range r.Figures {
		rows = append(rows, f.row())
	}
	for _, row := range rows {
		if _, err := fmt.Fprintln(table, strings.Join(row, "\t")); err != nil {
			return err
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\nreplay has the digest of the live projection: %v\n",
		r.DigestsAgree)
	return err
}

// row returns the cells of a figure, as many as the heading has; those that do not apply are empty,
// for a 0 would look measured.
func (f Figure) row() []string {
	row := []string{f.Name, grouped(f.Value) + " " + f.Unit, "", "", "", ""}
	if f.Target != 0 {
		sign, mark := "≥", "✓"
		if !f.More {
			sign = "≤"
		}
		if !f.ok() {
			mark = "✗"
		}
		row[2], row[3] = sign+" "+grouped(f.Target), mark
	}
	if f.Floor != 0 {
		row[4] = grouped(f.Floor) + " " + f.FloorName
		row[5] = fmt.Sprintf("%.1f×", f.Value/f.Floor)
	}
	return row
}

// grouped writes a number with thousands separators, small ones with three digits: tables are read
// by people, who compare magnitudes; --json has the numbers as they are.
func grouped(v float64) string {
	if v < 1000 {
		return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.3f", v), "0"), ".")
	}
	digits := fmt.Sprintf("%.0f", v)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
