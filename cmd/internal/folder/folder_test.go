package folder

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"cakupan/eventstore/durable"
	"cakupan/eventstore/durable/durabletest"
)

// TestFolderIsGivenBack opens a folder that was closed while a copy of its lock file is open, as in
// a child of the process that was forked before.
func TestFolderIsGivenBack(t *testing.T) {
	dir := t.TempDir()
	f, err := Open(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	copied, err := unix.Dup(int(f.lock.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(copied) }()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if f, err = Open(dir, true); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestPowerCutAtTheIdentity cuts the power while a new folder gets its identity, and while it is
// noted that the log is there: the folder is new, or has the identity, and opens.
func TestPowerCutAtTheIdentity(t *testing.T) {
	for _, cut := range durabletest.Cuts() {
		for _, made := range []bool{false, true} {
			t.Run(cut.Name, func(t *testing.T) {
				dir := t.TempDir()
				f, err := Open(dir, true)
				if err != nil {
					t.Fatal(err)
				}
				do := func() { _ = f.MakeIdentity(1) }
				if made {
					do()
					do = func() { _ = f.LogMade() }
				}
				if !cut.Run(t, dir, do) {
					t.Fatal("was not cut")
				}
				want := f.Meta
				if cut.Step != durable.Done && (cut.Step != durable.BeforeFolder || cut.Lost) {
					want = Meta{}
					if made {
						want.Format, want.Identity = f.Meta.Format, f.Meta.Identity
					}
				}
				if err := f.Close(); err != nil {
					t.Fatal(err)
				}
				again, err := Open(dir, true)
				if err != nil {
					t.Fatal(err)
				}
				if again.Meta != want {
					t.Errorf("the folder says %+v, want %+v", again.Meta, want)
				}
				if err := errors.Join(again.LogMade(), again.Close()); err != nil {
					t.Error(err)
				}
			})
		}
	}
}
