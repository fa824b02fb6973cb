package durable

import (
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
)

// Step is a moment on the way of a file, named by what comes next.
type Step string

// The steps in their order. A file that is written in place passes BeforeSync and Done alone; one
// that somebody else has made durable begins at BeforeRename. A folder that is made has no content:
// it passes BeforeWrite, BeforeFolder and Done.
const (
	BeforeWrite  Step = "before-write"  // nothing has happened
	BeforeSync   Step = "before-sync"   // all is written; a power cut may lose any part of it
	BeforeRename Step = "before-rename" // the content lasts, without its name
	BeforeFolder Step = "before-folder" // the name is there; a power cut may take it back
	Done         Step = "done"          // all of it lasts, and the caller does not know yet
)

// Steps returns all steps in their order.
func Steps() []Step {
	return []Step{BeforeWrite, BeforeSync, BeforeRename, BeforeFolder, Done}
}

// A Fault is called at each step of a file. The call fails with the error that it returns; it may
// also not return, as when the process is killed. At BeforeSync the path may be the temporary one.
type Fault func(step Step, path string) error

// injected are the faults by folder, nil outside of tests. Why a global, which nothing else here
// is: a disk is one for all of a process too, and a parameter for tests in every constructor from
// the key to the projection would be the larger evil. It is replaced as a whole, never changed.
//
//nolint:gochecknoglobals // see above
var (
	injected  atomic.Pointer[map[string]Fault]
	injecting sync.Mutex // held to replace injected
)

// Inject makes the files below a folder pass a fault at each step until remove is called. It is
// for tests, which run beside each other in folders of their own.
func Inject(dir string, fault Fault) (remove func()) {
	replace(dir, fault)
	return func() { replace(dir, nil) }
}

func replace(dir string, fault Fault) {
	injecting.Lock()
	defer injecting.Unlock()
	next := map[string]Fault{}
	if now := injected.Load(); now != nil {
		for at, other := range *now {
			next[at] = other
		}
	}
	next[filepath.Clean(dir)] = fault
	if fault == nil {
		delete(next, filepath.Clean(dir))
	}
	if injected.Store(&next); len(next) == 0 {
		injected.Store(nil)
	}
}

// at is called between any two steps. It costs one load where no fault is injected.
func at(step Step, path string) error {
	faults := injected.Load()
	if faults == nil {
		return nil
	}
	for dir, fault := range *faults {
		if strings.HasPrefix(path, dir+string(filepath.Separator)) {
			return fault(step, path)
		}
	}
	return nil
}
