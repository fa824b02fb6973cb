package checked

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// makeFile returns an open file with one value.
func makeFile(t *testing.T) *DB {
	t.Helper()
	db, err := Open(filepath.Join(t.TempDir(), "checked.db"), Options{Owner: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	err = db.Update(func(tx *Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte("bucket"))
		if err != nil {
			return err
		}
		return b.Put([]byte("key"), []byte("value"))
	})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func readValue(db *DB) error {
	return db.View(func(tx *Tx) error {
		_, err := tx.Bucket([]byte("bucket")).Get([]byte("key"))
		return err
	})
}

// TestReaderMeetsCommit: a head page that a commit has written only half of is waited for.
func TestReaderMeetsCommit(t *testing.T) {
	db := makeFile(t)
	whole, err := os.ReadFile(db.path)
	if err != nil {
		t.Fatal(err)
	}
	page := db.db.Info().PageSize
	half := append([]byte(nil), whole[page:2*page]...)
	clear(half[40:80])

	db.committing.Lock()
	if _, err := db.file.WriteAt(half, int64(page)); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- readValue(db) }()
	if err := db.readHead(); err == nil {
		t.Error("the half page is taken for a whole one")
	}
	if _, err := db.file.WriteAt(whole[page:2*page], int64(page)); err != nil {
		t.Fatal(err)
	}
	db.committing.Unlock()
	if err := <-done; err != nil {
		t.Errorf("a reader that met a commit: %v", err)
	}

	if _, err := db.file.WriteAt(half, int64(page)); err != nil {
		t.Fatal(err)
	}
	if err := readValue(db); err == nil {
		t.Error("a half page that nobody is writing is taken for a whole one")
	}
}

// TestReadersWhileWriting reads while commits write the head pages.
func TestReadersWhileWriting(t *testing.T) {
	db := makeFile(t)
	stop, done := make(chan struct{}), make(chan error)
	for range 4 {
		go func() {
			for {
				select {
				case <-stop:
					done <- nil
					return
				default:
				}
				if err := readValue(db); err != nil {
					done <- err
					return
				}
			}
		}()
	}
	for i := range 300 {
		err := db.Update(func(tx *Tx) error {
			return tx.Bucket([]byte("bucket")).Put([]byte("key"), []byte{byte(i)})
		})
		if err != nil {
			t.Error(err)
			break
		}
	}
	close(stop)
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// TestClosedWhileAsked closes a file while it is asked: if it is damaged, that is what is said, also
// to who has begun to ask before that was known.
func TestClosedWhileAsked(t *testing.T) {
	for _, damaged := range []bool{true, false} {
		db, want := makeFile(t), ErrClosed
		done := make(chan error)
		go func() {
			for {
				if err := readValue(db); err != nil {
					done <- err
					return
				}
			}
		}()
		if damaged {
			want = ErrDamaged
			_ = db.note(fmt.Errorf("%w: in a test", ErrDamaged))
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		begun := db.note(db.readHead()) // had looked for damage before there was any
		for _, err := range []error{<-done, begun, readValue(db), db.Update(nil)} {
			if !errors.Is(err, want) {
				t.Errorf("damaged %t: %v", damaged, err)
			}
		}
	}
}
