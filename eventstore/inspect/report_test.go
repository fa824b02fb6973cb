package inspect_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"cakupan/eventstore/inspect"
)

// order are the states, the best first.
var order = []inspect.State{
	inspect.Whole, inspect.Unproven, inspect.Unknown, inspect.Newer, inspect.Foreign, inspect.Damaged,
}

// TestWorst: a file is in the worst of the states that were found of it, in whatever order.
func TestWorst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := inspect.Report{State: inspect.Whole}
		worst := 0
		for i, state := range rapid.SliceOf(rapid.IntRange(0, len(order)-1)).Draw(t, "states") {
			switch worst = max(worst, state); i % 3 {
			case 0:
				r.Found(order[state], "finding %d", i)
			case 1:
				r.Lower(order[state])
			default:
				r.Lower(order[state])
				r.Note("note %d", i)
			}
		}
		if r.State != order[worst] {
			t.Fatalf("it is %s, want %s", r.State, order[worst])
		}
	})
	for i, a := range order {
		for j, b := range order {
			if a.Worse(b) != (i > j) {
				t.Errorf("%s is worse than %s: %t", a, b, a.Worse(b))
			}
		}
	}
}

// TestFindingsMax: of a file that is wrong everywhere the first findings are told, and its state.
func TestFindingsMax(t *testing.T) {
	r := inspect.Report{State: inspect.Whole}
	for i := range 1_000 {
		r.Found(inspect.Damaged, "page %d", i)
	}
	if len(r.Findings) != 20 || r.Findings[0] != "page 0" || r.State != inspect.Damaged {
		t.Errorf("%d findings from %q, %s", len(r.Findings), r.Findings[0], r.State)
	}
}

// TestUnproven: what no checksum covers is said, and is nothing wrong.
func TestUnproven(t *testing.T) {
	r := inspect.Report{State: inspect.Whole}
	r.Unproven("its names")
	if r.State != inspect.Unproven || len(r.Findings) > 0 ||
		!slices.Equal(r.Notes, []string{"its names: not covered by a checksum"}) {
		t.Errorf("%+v", r)
	}
}

// TestKnown: a format that is newer is told from one that there never was, which is damage.
func TestKnown(t *testing.T) {
	for _, c := range []struct {
		format string
		known  bool
		state  inspect.State
	}{
		{"2", true, inspect.Whole},
		{"3", true, inspect.Whole},
		{"4", false, inspect.Newer},
		{"4294967295", false, inspect.Newer},
		{"1", false, inspect.Damaged}, // not one of those that are read
		{"", false, inspect.Damaged},
		{"-4", false, inspect.Damaged},
		{"4294967296", false, inspect.Damaged}, // no format has such a number
		{"3x", false, inspect.Damaged},
	} {
		r := inspect.Report{State: inspect.Whole}
		known := r.Known(c.format, "2", "3")
		if known != c.known || r.State != c.state || r.Format != c.format ||
			(len(r.Findings) == 0) != known {
			t.Errorf("format %q: %t, %+v", c.format, known, r)
		}
	}
}

// TestBoltError: what is wrong with the file is found of it; what is not its fault is an error.
func TestBoltError(t *testing.T) {
	other := errors.New("no rights")
	for _, c := range []struct {
		err, want error
		state     inspect.State
	}{
		{nil, nil, inspect.Whole},
		{fmt.Errorf("%w: page 7", inspect.ErrBolt), nil, inspect.Damaged},
		{inspect.ErrChanging, nil, inspect.Unproven},
		{other, other, inspect.Whole},
	} {
		r := inspect.Report{State: inspect.Whole}
		if err := r.Bolt(c.err); !errors.Is(err, c.want) || r.State != c.state {
			t.Errorf("%v: %v, %s", c.err, err, r.State)
		}
	}
}

// TestNew: a report of a file has its size, one of a folder has none, one of what there is not is an
// error.
func TestNew(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, make([]byte, 123), 0o600); err != nil {
		t.Fatal(err)
	}
	for at, bytes := range map[string]int64{path: 123, dir: 0} {
		if r, err := inspect.New(at, "thing"); err != nil || r.Bytes != bytes ||
			r.State != inspect.Whole || r.Kind != "thing" || r.Path != at {
			t.Errorf("%s: %+v, %v", at, r, err)
		}
	}
	if _, err := inspect.New(filepath.Join(dir, "none"), "thing"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what is not there: %v", err)
	}
}

// watched is a file that changes while it is inspected.
type watched struct {
	t    *testing.T
	path string
	at   time.Time
	n    int // inspections
}

func watch(t *testing.T) *watched {
	t.Helper()
	w := &watched{t: t, path: filepath.Join(t.TempDir(), "file"), at: time.Unix(1_700_000_000, 0)}
	w.change()
	return w
}

// change changes the file, and not its size.
func (w *watched) change() {
	w.t.Helper()
	w.at = w.at.Add(time.Second)
	if err := errors.Join(os.WriteFile(w.path, []byte{0}, 0o600), os.Chtimes(w.path, w.at, w.at)); err != nil {
		w.t.Fatal(err)
	}
}

// steady inspects the file, with what inspecting it for the nth time finds.
func (w *watched) steady(find func(n int, r *inspect.Report)) inspect.Report {
	w.t.Helper()
	r, err := inspect.Steady(func() (inspect.Report, error) {
		w.n++
		r := inspect.Report{State: inspect.Whole}
		find(w.n, &r)
		return r, nil
	}, func() ([]string, error) { return []string{w.path, w.path + "-none"}, nil })
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// TestSteady: what is found of a file that nobody writes to is there; of one that somebody writes
// to it is looked for again.
func TestSteady(t *testing.T) {
	damaged := func(r *inspect.Report, what int) { r.Found(inspect.Damaged, "byte %d", what) }
	for _, c := range []struct {
		name  string
		find  func(w *watched, n int, r *inspect.Report)
		state inspect.State
		n     int
	}{
		{"whole", func(w *watched, _ int, _ *inspect.Report) { w.change() }, inspect.Whole, 1},
		{"unproven", func(w *watched, _ int, r *inspect.Report) {
			w.change()
			r.Unproven("it")
		}, inspect.Unproven, 1},
		{"damaged, and nobody writes", func(_ *watched, n int, r *inspect.Report) {
			damaged(r, n)
		}, inspect.Damaged, 1},
		{"damaged, and found twice", func(w *watched, _ int, r *inspect.Report) {
			w.change()
			damaged(r, 7)
		}, inspect.Damaged, 2},
		{"half written, then whole", func(w *watched, n int, r *inspect.Report) {
			if w.change(); n < 3 {
				damaged(r, n)
			}
		}, inspect.Whole, 3},
		{"half written each time", func(w *watched, n int, r *inspect.Report) {
			w.change()
			damaged(r, n)
		}, inspect.Unproven, 5},
		{"written while it was looked at first", func(w *watched, n int, r *inspect.Report) {
			if damaged(r, n); n == 1 {
				w.change()
			}
		}, inspect.Damaged, 2},
	} {
		w := watch(t)
		r := w.steady(func(n int, r *inspect.Report) { c.find(w, n, r) })
		if r.State != c.state || w.n != c.n || (r.State == inspect.Damaged) != (len(r.Findings) > 0) {
			t.Errorf("%s: %+v after %d inspections, want %s after %d", c.name, r, w.n, c.state, c.n)
		}
	}
	failed := errors.New("no rights")
	if _, err := inspect.Steady(func() (inspect.Report, error) { return inspect.Report{}, failed },
		func() ([]string, error) { return nil, nil }); !errors.Is(err, failed) {
		t.Errorf("inspecting fails: %v", err)
	}
	if _, err := inspect.Steady(func() (inspect.Report, error) { return inspect.Report{}, nil },
		func() ([]string, error) { return nil, failed }); !errors.Is(err, failed) {
		t.Errorf("listing fails: %v", err)
	}
}
