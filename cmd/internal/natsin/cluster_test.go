package natsin_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/natsin"
	"cakupan/eventstore"
	"cakupan/eventstore/jetstream/copies"
	"cakupan/eventstore/natsd"
)

// nodes is a cluster of three servers, on which the intake of a world keeps its streams.
type nodes struct {
	*world
	options []natsd.NodeOptions
	running []*natsd.Node
	book    *copies.Book
}

func newNodes(t *testing.T) *nodes {
	t.Helper()
	c := &nodes{world: newWorld(t), running: make([]*natsd.Node, 3)}
	c.book = copies.NewBook(time.Now, nil)
	var ports, routes []string
	for range 2 * len(c.running) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ports = append(ports, listener.Addr().String())
		listener.Close()
	}
	routes = ports[len(c.running):]
	for n := range c.running {
		c.options = append(c.options, natsd.NodeOptions{
			Name: fmt.Sprintf("n%d", n), StoreDir: t.TempDir(), Address: ports[n],
			Cluster: routes[n], Routes: routes, Log: slog.New(slog.DiscardHandler),
		})
		c.start(n)
	}
	t.Cleanup(func() {
		c.stopIntake()
		for n := range c.running {
			c.stop(n)
		}
	})
	return c
}

func (c *nodes) start(n int) {
	c.t.Helper()
	var err error
	if c.running[n], err = natsd.StartNode(c.options[n]); err != nil {
		c.t.Fatal(err)
	}
}

func (c *nodes) stop(n int) {
	if c.running[n] == nil {
		return
	}
	if err := c.running[n].Leave(); err != nil {
		c.t.Error(err)
	}
	c.running[n] = nil
}

// connect connects to all nodes.
func (c *nodes) connect() (*nats.Conn, error) {
	urls := ""
	for _, o := range c.options {
		urls += ",nats://" + o.Address
	}
	return nats.Connect(urls[1:], nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond))
}

func (c *nodes) dialAll() *nats.Conn {
	c.t.Helper()
	conn, err := c.connect()
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(conn.Close)
	return conn
}

// takeIn starts the intake, once the cluster has a leader.
func (c *nodes) takeIn() {
	c.t.Helper()
	opts := natsin.Options{
		Connect: natsin.Connect{Front: c.connect, Store: c.connect}, Sealer: c.sealer, Replicas: 3,
		Log: slog.New(slog.NewTextHandler(c.t.Output(), nil)), Lacking: c.book,
	}
	c.long("the intake starts", func() (err error) {
		c.intake, err = natsin.Start(c.t.Context(), c.world, opts)
		return err
	})
}

// long does something again until it succeeds: a cluster may be between two leaders.
func (c *nodes) long(what string, do func() error) {
	c.t.Helper()
	for end := time.Now().Add(3 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		err := do()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			c.t.Fatalf("not so: %s: %v", what, err)
		}
	}
}

// whole waits until all nodes have all of a stream, and a node leads it; -1: any.
func (c *nodes) whole(js jetstream.JetStream, stream string, node int) {
	c.t.Helper()
	c.long(stream+" is whole", func() error {
		s, err := js.Stream(c.t.Context(), stream)
		if err != nil {
			return err
		}
		is, current := s.CachedInfo().Cluster, 0
		for _, r := range is.Replicas {
			if r.Current && !r.Offline {
				current++
			}
		}
		switch {
		case node >= 0 && is.Leader != c.options[node].Name:
			_, _ = js.Conn().Request("$JS.API.STREAM.LEADER.STEPDOWN."+stream,
				fmt.Appendf(nil, `{"placement":{"preferred":%q}}`, c.options[node].Name),
				time.Second)
		case is.Leader != "" && current == 2:
			return nil
		}
		return fmt.Errorf("%s leads, %d follow", is.Leader, current)
	})
}

// lose has each node lose messages of its copy of a stream, by a bit of each, while all are down.
func (c *nodes) lose(stream string, messages func(node int) []uint64) {
	c.t.Helper()
	for n := range c.running {
		c.stop(n)
	}
	for n := range c.running {
		folder := filepath.Join(c.options[n].StoreDir, "jetstream", "*", "streams", stream)
		for _, message := range messages(n) {
			flipIn(c.t, folder, message)
		}
	}
	for n := range c.running {
		c.start(n)
	}
}

// flipIn inverts a bit of a message in a stream's only block. A record begins with its length, of
// which the top bit marks headers, and the message's number.
func flipIn(t *testing.T, folder string, message uint64) {
	t.Helper()
	blocks, err := filepath.Glob(filepath.Join(folder, "msgs", "*.blk"))
	if err != nil || len(blocks) != 1 {
		t.Fatalf("blocks of %s: %v, %v", folder, blocks, err)
	}
	block, err := os.ReadFile(blocks[0])
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(block); {
		size := int(binary.LittleEndian.Uint32(block[at:]) &^ (1 << 31))
		if binary.LittleEndian.Uint64(block[at+4:]) == message {
			block[at+size-20] ^= 1
			if err := os.WriteFile(blocks[0], block, 0o600); err != nil {
				t.Fatal(err)
			}
			return
		}
		at += size
	}
	t.Fatalf("no message %d in %s", message, folder)
}

// TestPackLost has servers of a cluster lose packs that were acknowledged and wait, the last one too:
// two of them the same, so that most often the one that leads and the one that delivers have lost
// them, and the third another one. All packs are taken in, and none is left.
func TestPackLost(t *testing.T) {
	longCluster(t)
	c := newNodes(t)
	c.takeIn()
	conn := c.dialAll()
	c.fail(eventstore.ErrUnknownOutcome)
	const packs = 7
	for n := range packs {
		c.long("a message is acknowledged", func() error {
			m := message(natsin.SubjectIntake+"bone", structured, line("urn:bone", n))
			answer, err := conn.RequestMsg(m, 5*time.Second)
			if err == nil && bytes.Contains(answer.Data, []byte(`"error"`)) {
				err = errors.New(string(answer.Data))
			}
			return err
		})
	}
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	c.whole(js, natsin.StreamIntake, -1)
	c.stopIntake()
	c.fail(nil)
	c.lose(natsin.StreamIntake, func(node int) []uint64 {
		return [][]uint64{{2, packs}, {2, packs}, {4}}[node]
	})
	c.whole(js, natsin.StreamIntake, 0)
	c.takeIn()
	c.long("all are in the log", func() error {
		if got := c.length(); got != packs {
			return fmt.Errorf("%d of %d", got, packs)
		}
		return nil
	})
	c.long("no pack is left", func() error {
		stream, err := js.Stream(t.Context(), natsin.StreamIntake)
		if err == nil && stream.CachedInfo().State.Msgs > 0 {
			err = fmt.Errorf("%d are", stream.CachedInfo().State.Msgs)
		}
		return err
	})
}

// TestRefusalLost has each server of a cluster lose another refusal. All are listed, shown and
// dropped, whichever of them leads; one that was dropped does not come back.
func TestRefusalLost(t *testing.T) {
	longCluster(t)
	c := newNodes(t)
	c.takeIn()
	conn := c.dialAll()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	const all = 7
	for n := range all {
		m := message(natsin.SubjectIntake+"bone", structured, fmt.Appendf(nil, "no event %d", n))
		c.long("a message is acknowledged", func() error {
			answer, err := conn.RequestMsg(m, 5*time.Second)
			if err == nil && bytes.Contains(answer.Data, []byte(`"error"`)) {
				err = errors.New(string(answer.Data))
			}
			return err
		})
		c.long("it is refused", func() error {
			stream, err := js.Stream(t.Context(), natsin.StreamRefused)
			if err == nil && stream.CachedInfo().State.Msgs != uint64(n+1) {
				err = errors.New("not yet")
			}
			return err
		})
	}
	c.whole(js, natsin.StreamRefused, -1)
	c.stopIntake()
	lost := []uint64{2, 4, all}
	c.lose(natsin.StreamRefused, func(node int) []uint64 { return lost[node : node+1] })
	want := []uint64{1, 2, 3, 4, 5, 6, 7}
	for n, number := range lost {
		c.whole(js, natsin.StreamRefused, n)
		r := natsin.NewRefusals(conn, c.sealer, nil, c.book)
		c.listed(r, want)
		c.long("the one that it has lost is dropped", func() error {
			return r.Drop(t.Context(), number)
		})
		want = slices.DeleteFunc(want, func(n uint64) bool { return n == number })
		if _, err := r.Get(t.Context(), number); !errors.Is(err, natsin.ErrNoSuch) {
			t.Errorf("%d was dropped: %v", number, err)
		}
		c.listed(r, want)
	}
}

// listed wants these to be told in each way, as soon as the cluster answers.
func (c *nodes) listed(r *natsin.Refusals, want []uint64) {
	c.t.Helper()
	c.long(fmt.Sprintf("%d are told", want), func() error {
		var outlined, read, got []uint64
		for _, publisher := range []string{"", "bone"} {
			outlined = nil
			err := r.Outlines(c.t.Context(), 1, publisher, func(one intake.Refused) error {
				if one.Bytes == 0 || one.Publisher != "bone" {
					c.t.Errorf("outline: %+v", one)
				}
				outlined = append(outlined, one.Number)
				return nil
			})
			if err != nil || !slices.Equal(outlined, want) {
				return fmt.Errorf("outlines of %q: %d, %w", publisher, outlined, err)
			}
		}
		for number := uint64(1); ; number = read[len(read)-1] + 1 {
			k, err := r.Next(c.t.Context(), number)
			if errors.Is(err, natsin.ErrNoSuch) {
				break
			}
			if err != nil {
				return err
			}
			read = append(read, k.Number)
		}
		for _, number := range want {
			k, err := r.Get(c.t.Context(), number)
			if err != nil || k.Code == natsin.PackUnreadable {
				return fmt.Errorf("%d: %s, %w", number, k.Code, err)
			}
			got = append(got, k.Number)
		}
		if !slices.Equal(read, want) || !slices.Equal(got, want) {
			return fmt.Errorf("read %d, got %d", read, got)
		}
		return nil
	})
}

// longCluster skips what takes a cluster of its own.
func longCluster(t *testing.T) {
	t.Helper()
	if os.Getenv("CAKUPAN_LONG") == "" {
		t.Skip("set CAKUPAN_LONG=1 to damage copies of a cluster's streams")
	}
	t.Parallel()
}
