// Package durabletest fails the steps of files in tests, and cuts the power between them.
package durabletest

import (
	"errors"
	"os"
	"runtime"
	"sync/atomic"
	"testing"

	"cakupan/eventstore/durable"
)

// ErrInjected is what a failed step returns.
var ErrInjected = errors.New("injected: no space left on device")

// Fail makes a step of the files below a folder fail until the test ends or the function that it
// returns is called. That one tells how often it failed.
func Fail(tb testing.TB, dir string, step durable.Step) (heal func() int) {
	tb.Helper()
	var failed atomic.Int64
	remove := durable.Inject(dir, func(at durable.Step, _ string) error {
		if at != step {
			return nil
		}
		failed.Add(1)
		return ErrInjected
	})
	tb.Cleanup(remove)
	return func() int {
		remove()
		return int(failed.Load())
	}
}

// A Cut is a moment at which the power goes, and what becomes then of what did not last yet.
type Cut struct {
	Name string
	Step durable.Step
	Lost bool // all that a disk may lose is lost; otherwise nothing is
}

// Cuts returns every cut. Nothing of what lasts may be lost, so it is lost only in between.
func Cuts() []Cut {
	var cuts []Cut
	for _, step := range durable.Steps() {
		cuts = append(cuts, Cut{string(step), step, false})
		if step == durable.BeforeSync || step == durable.BeforeFolder {
			cuts = append(cuts, Cut{string(step) + "-lost", step, true})
		}
	}
	return cuts
}

// Run runs do until a file below the folder comes to the cut, where do ends as in a power cut: no
// line of it runs after that, but for what it has deferred. It tells whether it was cut.
//
// A cut that loses halves a file that is not synced, and takes back a rename, or a new folder,
// whose name is not.
// It is for do that writes new files; of one that is written in place, losing would take what
// lasts.
func (c Cut) Run(tb testing.TB, dir string, do func()) (cut bool) {
	tb.Helper()
	var old []byte // nil: there was none
	remove := durable.Inject(dir, func(at durable.Step, path string) error {
		if at == durable.BeforeRename {
			old = nil
			if content, err := os.ReadFile(path); err == nil {
				old = append([]byte{}, content...)
			}
		}
		if at != c.Step {
			return nil
		}
		if c.Lost {
			c.lose(tb, path, old)
		}
		cut = true
		runtime.Goexit() // like a kill: nothing below or above us on the stack cleans up
		return nil
	})
	defer remove()
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	<-done
	return cut
}

// lose does to a path what a power cut may do at a step.
func (c Cut) lose(tb testing.TB, path string, old []byte) {
	tb.Helper()
	info, err := os.Stat(path)
	switch {
	case err != nil:
	case info.IsDir():
		err = os.Remove(path)
	case c.Step == durable.BeforeSync:
		err = os.Truncate(path, info.Size()/2)
	case old == nil:
		err = os.Rename(path, durable.Temporary(path))
	default:
		err = os.Rename(path, durable.Temporary(path))
		err = errors.Join(err, os.WriteFile(path, old, 0o600))
	}
	if err != nil {
		tb.Errorf("lose what a power cut loses: %v", err)
	}
}
