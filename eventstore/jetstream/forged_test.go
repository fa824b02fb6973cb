package jetstream_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"cakupan/eventstore"
	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/jetstream/copies"
	"cakupan/eventstore/logtest"
	"cakupan/eventstore/natsd/clustertest"
)

// forge changes a bit of a frame's last event, and makes its checksum anew.
func forge(frame []byte) {
	body := frame[:len(frame)-4]
	body[len(body)-1] ^= 1
	sum := crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli))
	binary.BigEndian.PutUint32(frame[len(frame)-4:], sum)
}

// TestForged has two servers hold a message otherwise than it was stored, with checksums to match:
// one of them the last. It is told whose copies differ, and whoever leads, what was stored is read.
func TestForged(t *testing.T) {
	const frames, inside = 6, 3
	c := clustertest.Start(t)
	conn := c.Dial()
	stored := storeFrames(t, c, conn, frames)
	c.WhileDown("CAKUPAN", func(node int, folder string) {
		switch node {
		case 0:
			clustertest.Forge(t, folder, frames, forge)
		case 1:
			clustertest.Forge(t, folder, inside, forge)
		}
	})
	c.Whole(streams(t, conn), "CAKUPAN", 1)
	book := copies.NewBook(time.Now, nil)
	var log *jetstream.Log
	c.Await("the log is opened", func() (err error) {
		log, err = jetstream.Open(t.Context(), conn, jetstream.Options{Lacking: book})
		return err
	})
	want := []copies.Lack{
		{Stream: "CAKUPAN", Server: c.Name(0), Message: frames, How: copies.Differs},
		{Stream: "CAKUPAN", Server: c.Name(1), Message: inside, How: copies.Differs},
	}
	c.Await("copies are told that differ", func() error {
		err := log.CompareCopies(t.Context(), func() {})
		if err == nil && !slices.Equal(book.Lacks(), want) {
			err = fmt.Errorf("%+v", book.Lacks())
		}
		return err
	})
	for node := range 2 {
		c.Whole(streams(t, conn), "CAKUPAN", node)
		n := 0
		for frame, err := range log.Read(t.Context(), 1) {
			if err != nil || !bytes.Equal(frame.Raw(), stored[n]) {
				t.Errorf("n%d leads: frame %d: %v", node, n+1, err)
			}
			n++
		}
		if last, _, err := log.Last(t.Context()); err != nil ||
			!bytes.Equal(last.Raw(), stored[frames-1]) || n != frames {
			t.Errorf("n%d leads: the last of %d frames: %v", node, n, err)
		}
	}
}

// storeFrames makes a log of frames on a cluster.
func storeFrames(t *testing.T, c *clustertest.Cluster, conn *nats.Conn, frames int) (all [][]byte) {
	t.Helper()
	var log *jetstream.Log
	c.Await("the log is made", func() (err error) {
		opts := jetstream.Options{Replicas: 3}
		log, err = jetstream.Create(t.Context(), conn, opts, eventstore.NewIdentity(1))
		if errors.Is(err, eventstore.ErrExists) { // only the answer was late
			log, err = jetstream.Open(t.Context(), conn, opts)
		}
		return err
	})
	c.Whole(streams(t, conn), "CAKUPAN", -1)
	var maker logtest.Maker
	for range frames {
		raw := maker.Frame(2)
		all = append(all, raw)
		c.Await("a frame is appended", func() error {
			tail, err := log.Append(t.Context(), raw, maker.Before())
			if err != nil {
				_, is, failed := log.Last(t.Context())
				if failed != nil || is == maker.Before() {
					return err
				}
				tail = is // only the answer was lost
			}
			maker.Appended(tail)
			return nil
		})
	}
	c.Whole(streams(t, conn), "CAKUPAN", -1)
	return all
}
