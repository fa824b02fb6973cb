package packs_test

import (
	"errors"
	"testing"

	"cakupan/eventstore/natsd"
	"cakupan/eventstore/packs"
)

// TestWitness has a stream be removed, be made anew with less, and with others: whoever opens it with
// a witness is told each time, and one without is not.
func TestWitness(t *testing.T) {
	w := newWorld(t, t.TempDir())
	opts := options()
	opts.Witness = &packs.Witness{}
	open := func() (*packs.Stream, error) { return packs.Open(t.Context(), w.conn, opts) }
	w.add(3)
	stream, err := open()
	if err != nil {
		t.Fatal(err)
	}
	end, err := stream.Last(t.Context())
	if err == nil {
		end, err = stream.Append(t.Context(), []byte("record 4"), end)
	}
	if err != nil || end.Number != 4 || seenNumber(opts.Witness) != 4 {
		t.Fatalf("%+v, %v, seen %d", end, err, seenNumber(opts.Witness))
	}
	w.add(1) // by another, and it may go on
	if end, err = stream.Last(t.Context()); err != nil || end.Number != 5 {
		t.Fatalf("%+v, %v", end, err)
	}
	isDamage := func(what string, err error) {
		t.Helper()
		var damage *packs.DamageError
		if !errors.As(err, &damage) {
			t.Errorf("%s: %v", what, err)
		}
	}
	empty, err := natsd.Start(natsd.Options{StoreDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := empty.ConnectVault()
	if err == nil {
		_, err = packs.Open(t.Context(), conn, opts)
		isDamage("removed", err)
		conn.Close()
		err = empty.Shutdown()
	}
	if err != nil {
		t.Fatal(err)
	}
	w = newWorld(t, t.TempDir()) // another one of the name
	for n, what := range []string{"empty", "one", "two", "three", "four others", "five others"} {
		if n > 0 {
			w.add(1)
		}
		if stream, err = open(); err != nil {
			t.Fatal(err)
		}
		for from := uint64(1); from <= 5; from++ {
			err = nil
			for _, failed := range stream.Read(t.Context(), from) {
				err = errors.Join(err, failed)
			}
			if n < 4 || from < 5 { // one that begins behind it does not read what is another's
				isDamage(what, err)
			}
		}
		if n < 5 {
			_, err = stream.Last(t.Context())
			isDamage(what, err)
			for _, err := range w.stream.Read(t.Context(), 1) {
				if err != nil {
					t.Errorf("%s, without a witness: %v", what, err)
				}
			}
		}
	}
}

func seenNumber(w *packs.Witness) uint64 {
	number, _ := w.Seen()
	return number
}
