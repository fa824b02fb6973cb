package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestNodeStartsFull starts a node whose disk has no inodes left: it waits until there are some, and
// nobody has to start it again.
func TestNodeStartsFull(t *testing.T) {
	disk := smallDisk(t, "nr_inodes=40")
	free := noInodes(&passing{t: t, dir: disk})
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	said, err := os.Create(filepath.Join(t.TempDir(), "said"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	node := program("nats", "--name", "n0", "--data", filepath.Join(disk, "node"), "--listen", address)
	node.Stderr = said
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = node.Process.Kill()
		_ = node.Wait()
	}()
	await := func(what string, so func() bool) {
		t.Helper()
		for began := time.Now(); !so(); time.Sleep(20 * time.Millisecond) {
			if time.Since(began) > 2*time.Minute {
				text, _ := os.ReadFile(said.Name())
				t.Fatalf("waited in vain until %s: %s", what, text)
			}
		}
	}
	await("it waits", func() bool {
		text, err := os.ReadFile(said.Name())
		return err == nil && bytes.Contains(text, []byte("cannot start yet"))
	})
	free()
	await("it listens", func() bool {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
}
