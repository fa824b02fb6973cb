package jetstream_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"cakupan/eventstore"
	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/jetstream/copies"
	"cakupan/eventstore/logtest"
)

const elsewhereFrames = 9

// lostBy is the message that each server has lost of its copy.
func lostBy() []uint64 { return []uint64{3, 5, 7} }

// damagedCluster is three servers, each of which has lost another message of the log.
type damagedCluster struct {
	t       *testing.T
	servers []*server.Server
	options []*server.Options
	conn    *nats.Conn
}

// newDamagedCluster flips a bit of the copies of some servers, in another message of each, while all
// of them are down.
func newDamagedCluster(t *testing.T, damaged ...int) *damagedCluster {
	t.Helper()
	c := &damagedCluster{t: t}
	c.servers, c.options = cluster(t)
	c.conn = connect(t, c.servers[0])
	var log *jetstream.Log
	again(t, "the log is made", func() (err error) {
		opts := jetstream.Options{Replicas: 3}
		log, err = jetstream.Create(t.Context(), c.conn, opts, eventstore.NewIdentity(1))
		if errors.Is(err, eventstore.ErrExists) { // only the answer was late
			log, err = jetstream.Open(t.Context(), c.conn, opts)
		}
		return err
	})
	c.leads(anyServer) // else nobody takes anything in
	c.fill(log)
	c.leads(anyServer) // and all have all of it
	c.conn.Close()
	for n := range c.servers {
		c.stop(n)
	}
	for _, n := range damaged {
		flip(t, filepath.Join(c.folder(n), "msgs"), lostBy()[n], 200)
	}
	for n := range c.servers {
		c.start(n)
	}
	c.conn = connect(t, c.servers[0])
	return c
}

// fill appends frames, also where the cluster is between two leaders.
func (c *damagedCluster) fill(log *jetstream.Log) {
	c.t.Helper()
	var maker logtest.Maker
	for range elsewhereFrames {
		raw := maker.Frame(2)
		again(c.t, "a frame is appended", func() error {
			tail, err := log.Append(c.t.Context(), raw, maker.Before())
			if err != nil {
				_, is, failed := log.Last(c.t.Context())
				if failed != nil || is == maker.Before() {
					return err
				}
				tail = is // only the answer was lost
			}
			maker.Appended(tail)
			return nil
		})
	}
}

func (c *damagedCluster) stop(n int) {
	c.servers[n].Shutdown()
	c.servers[n].WaitForShutdown()
}

func (c *damagedCluster) start(n int) { c.servers[n] = start3(c.t, c.options[n]) }

// folder is that of a server's copy of the log.
func (c *damagedCluster) folder(n int) string {
	return filepath.Join(c.options[n].StoreDir, "jetstream", "$G", "streams", "CAKUPAN")
}

// anyServer leads where it does not matter which one does.
const anyServer = -1

// leads waits until a server leads the log, and the others have all of it.
func (c *damagedCluster) leads(n int) {
	c.t.Helper()
	name := ""
	if n != anyServer {
		name = c.options[n].ServerName
	}
	deadline := time.Now().Add(3 * time.Minute)
	for {
		var info struct {
			Cluster struct {
				Leader   string
				Replicas []struct{ Current bool }
			}
		}
		answer, err := c.conn.Request("$JS.API.STREAM.INFO.CAKUPAN", nil, 2*time.Second)
		if err == nil {
			err = json.Unmarshal(answer.Data, &info)
		}
		current := 0
		for _, r := range info.Cluster.Replicas {
			if r.Current {
				current++
			}
		}
		switch {
		case err == nil && current == 2 && (name == "" || info.Cluster.Leader == name):
			return
		case time.Now().After(deadline):
			c.t.Fatalf("%s does not lead: %v: %+v", name, err, info)
		case name != "" && info.Cluster.Leader != name:
			_, _ = c.conn.Request("$JS.API.STREAM.LEADER.STEPDOWN.CAKUPAN",
				[]byte(`{"placement":{"preferred":"`+name+`"}}`), time.Second)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// again does something until it succeeds: a cluster may be between two leaders.
func again(t *testing.T, what string, do func() error) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		err := do()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("it does not happen that %s: %v", what, err)
		}
	}
}

// open opens the log, with a book of what copies lack.
func (c *damagedCluster) open() (*jetstream.Log, *copies.Book) {
	c.t.Helper()
	book := copies.NewBook(time.Now, nil)
	var log *jetstream.Log
	again(c.t, "the log is opened", func() (err error) {
		log, err = jetstream.Open(c.t.Context(), c.conn, jetstream.Options{Lacking: book})
		return err
	})
	return log, book
}

// compare has all copies read until those are found that lack something: a server that has just come
// back is not judged, and does not answer.
func (c *damagedCluster) compare(log *jetstream.Log, book *copies.Book, want []copies.Lack) {
	c.t.Helper()
	var err error
	for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(200 * time.Millisecond) {
		err = log.CompareCopies(c.t.Context(), func() {})
		if err == nil && slices.Equal(book.Lacks(), want) {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("copies lack %+v, want %+v: %v", book.Lacks(), want, err)
		}
	}
}

// lacks is what the servers' copies lack.
func (c *damagedCluster) lacks(servers ...int) (lacks []copies.Lack) {
	for _, n := range servers {
		lacks = append(lacks, copies.Lack{
			Stream: "CAKUPAN", Server: c.options[n].ServerName, Message: lostBy()[n],
			How: copies.Lacks,
		})
	}
	return lacks
}

// TestElsewhere has each server lead a log of which it has lost a message: it is read whole all the
// same, each message is found, and it is told whose copy lacks what.
func TestElsewhere(t *testing.T) {
	if os.Getenv("CAKUPAN_LONG") == "" {
		t.Skip("set CAKUPAN_LONG=1 to damage three copies of a log")
	}
	t.Parallel()
	c := newDamagedCluster(t, 0, 1, 2)
	c.leads(0)
	log, book := c.open()
	for n := range c.servers {
		c.leads(n)
		if lost := damages(t, log.Read(t.Context(), 1)); len(lost) > 0 {
			t.Errorf("led by %s: named as lost: %v", c.options[n].ServerName, lost)
		}
		number, err := log.Get(t.Context(), lostBy()[n])
		if number != lostBy()[n] || err != nil {
			t.Errorf("led by %s: message %d: %d, %v", c.options[n].ServerName, lostBy()[n],
				number, err)
		}
		_, tail, err := log.Last(t.Context())
		if err != nil || tail.Message != elsewhereFrames {
			t.Errorf("led by %s: ends with message %d: %v", c.options[n].ServerName,
				tail.Message, err)
		}
	}
	c.compare(log, book, c.lacks(0, 1, 2))
}

// TestElsewhereMended removes a damaged copy while its server is down: it is made anew, and then
// lacks nothing.
func TestElsewhereMended(t *testing.T) {
	if os.Getenv("CAKUPAN_LONG") == "" {
		t.Skip("set CAKUPAN_LONG=1 to damage a copy of a log")
	}
	t.Parallel()
	c := newDamagedCluster(t, 1)
	c.leads(1)
	log, book := c.open()
	c.compare(log, book, c.lacks(1))
	c.stop(1)
	if err := os.RemoveAll(c.folder(1)); err != nil {
		t.Fatal(err)
	}
	c.start(1)
	c.compare(log, book, nil)
	c.leads(1)
	if lost := damages(t, log.Read(t.Context(), 1)); len(lost) > 0 {
		t.Errorf("named as lost: %v", lost)
	}
	if number, err := log.Get(t.Context(), lostBy()[1]); number != lostBy()[1] || err != nil {
		t.Errorf("message %d: %d, %v", lostBy()[1], number, err)
	}
}

// TestElsewhereOld reads a damaged log whose stream takes no direct gets, as an older program made
// it: nobody is asked, and what the leader has lost is named. Once direct gets are allowed, it is
// read whole. What no server has is lost, and nobody waits for it.
func TestElsewhereOld(t *testing.T) {
	if os.Getenv("CAKUPAN_LONG") == "" {
		t.Skip("set CAKUPAN_LONG=1 to damage three copies of a log")
	}
	t.Parallel()
	c := newDamagedCluster(t, 0)
	c.leads(0)
	js := streams(t, c.conn)
	stream, err := js.Stream(t.Context(), "CAKUPAN")
	if err != nil {
		t.Fatal(err)
	}
	config := stream.CachedInfo().Config
	if !config.AllowDirect {
		t.Fatal("the stream does not take direct gets")
	}
	config.AllowDirect = false
	again(t, "direct gets are forbidden", func() error {
		_, err := js.UpdateStream(t.Context(), config)
		return err
	})
	log, _ := c.open()
	c.leads(0)
	if number, err := log.Get(t.Context(), lostBy()[0]); number != lostBy()[0]+1 || err != nil {
		t.Errorf("without direct gets: message %d, %v", number, err)
	}
	again(t, "direct gets are allowed", func() error {
		return jetstream.AllowDirect(t.Context(), c.conn, "CAKUPAN")
	})
	c.leads(0)
	if number, err := log.Get(t.Context(), lostBy()[0]); number != lostBy()[0] || err != nil {
		t.Errorf("with direct gets: message %d, %v", number, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if number, err := log.Get(ctx, elsewhereFrames+1); err == nil {
		t.Errorf("message %d is there", number)
	}
	cancel()
	if _, err := log.Get(ctx, elsewhereFrames+1); err == nil {
		t.Error("there is one that nobody stored")
	}
}
