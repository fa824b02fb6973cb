package natsin_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/natsin"
	"cakupan/eventstore"
	"cakupan/eventstore/jetstream/copies"
	"cakupan/eventstore/natsd/clustertest"
)

// nodes is a cluster of three servers, on which the intake of a world keeps its streams.
type nodes struct {
	*world
	*clustertest.Cluster
	book *copies.Book
}

func newNodes(t *testing.T) *nodes {
	t.Helper()
	c := &nodes{world: newWorld(t), Cluster: clustertest.Start(t)}
	c.book = copies.NewBook(time.Now, nil)
	t.Cleanup(c.stopIntake)
	return c
}

// takeIn starts the intake, once the cluster has a leader.
func (c *nodes) takeIn() {
	c.t.Helper()
	opts := natsin.Options{
		Connect: natsin.Connect{Front: c.Connect, Store: c.Connect}, Sealer: c.sealer, Replicas: 3,
		Log: slog.New(slog.NewTextHandler(c.t.Output(), nil)), Lacking: c.book,
	}
	c.Await("the intake starts", func() (err error) {
		c.intake, err = natsin.Start(c.t.Context(), c.world, opts)
		return err
	})
}

// send has a message of a publisher acknowledged.
func (c *nodes) send(conn *nats.Conn, payload []byte) {
	c.t.Helper()
	c.Await("a message is acknowledged", func() error {
		m := message(natsin.SubjectIntake+"bone", structured, payload)
		answer, err := conn.RequestMsg(m, 5*time.Second)
		if err == nil && bytes.Contains(answer.Data, []byte(`"error"`)) {
			err = errors.New(string(answer.Data))
		}
		return err
	})
}

// holds waits until a stream has so many messages.
func (c *nodes) holds(js jetstream.JetStream, stream string, count uint64) {
	c.t.Helper()
	c.Await(fmt.Sprintf("%s has %d messages", stream, count), func() error {
		is, err := js.Stream(c.t.Context(), stream)
		if err == nil && is.CachedInfo().State.Msgs != count {
			err = fmt.Errorf("it has %d", is.CachedInfo().State.Msgs)
		}
		return err
	})
}

// flip has each server lose messages of its copy of a stream, by a bit of each.
func (c *nodes) flip(stream string, messages func(node int) []uint64) {
	c.t.Helper()
	c.WhileDown(stream, func(node int, folder string) {
		for _, message := range messages(node) {
			clustertest.Flip(c.t, folder, message)
		}
	})
}

// waiting has packs wait that were acknowledged and that nobody could take in, and ends the intake.
func (c *nodes) waiting(packs int) jetstream.JetStream {
	c.t.Helper()
	c.takeIn()
	conn := c.Dial()
	c.fail(eventstore.ErrUnknownOutcome)
	for n := range packs {
		c.send(conn, line("urn:bone", n))
	}
	js, err := jetstream.New(conn)
	if err != nil {
		c.t.Fatal(err)
	}
	c.Whole(js, natsin.StreamIntake, -1)
	c.stopIntake()
	c.fail(nil)
	return js
}

// TestPackLost has servers of a cluster lose packs that were acknowledged and wait, the last one too:
// two of them the same, so that most often the one that leads and the one that delivers have lost
// them, and the third another one. All packs are taken in, and none is left.
func TestPackLost(t *testing.T) {
	longCluster(t)
	const packs = 7
	c := newNodes(t)
	js := c.waiting(packs)
	c.flip(natsin.StreamIntake, func(node int) []uint64 {
		return [][]uint64{{2, packs}, {2, packs}, {4}}[node]
	})
	c.Whole(js, natsin.StreamIntake, 0)
	c.takeIn()
	c.Await("all are in the log", func() error {
		if got := c.length(); got != packs {
			return fmt.Errorf("%d of %d", got, packs)
		}
		return nil
	})
	c.holds(js, natsin.StreamIntake, 0)
}

// TestPackForged has two servers hold a pack that can be read and not opened, so that most often the
// one that delivers has it so. It is taken in as the third one has it, and nothing is refused.
func TestPackForged(t *testing.T) {
	if testing.Short() {
		t.Skip("three servers, several times")
	}
	t.Parallel()
	const packs = 3
	c := newNodes(t)
	js := c.waiting(packs)
	c.WhileDown(natsin.StreamIntake, func(node int, folder string) {
		if node < 2 {
			clustertest.Forge(t, folder, 2, func(sealed []byte) { sealed[len(sealed)-20] ^= 1 })
		}
	})
	c.Whole(js, natsin.StreamIntake, 0)
	c.takeIn()
	c.holds(js, natsin.StreamIntake, 0)
	c.holds(js, natsin.StreamRefused, 0)
	if got := c.length(); got != packs {
		t.Errorf("%d of %d are in the log", got, packs)
	}
}

// TestFirstPacksLost has the server that leads lose the first packs that wait, and one in between,
// so that it says that they were removed. All are taken in.
func TestFirstPacksLost(t *testing.T) {
	longCluster(t)
	const packs = 7
	c := newNodes(t)
	js := c.waiting(packs)
	c.WhileDown(natsin.StreamIntake, func(node int, folder string) {
		if node == 0 {
			clustertest.Drop(t, folder, 1, 2, 5)
		}
	})
	c.Whole(js, natsin.StreamIntake, 0)
	is, err := js.Stream(t.Context(), natsin.StreamIntake)
	if err != nil || is.CachedInfo().State.FirstSeq != 3 || is.CachedInfo().State.Msgs != 4 {
		t.Fatalf("the server that leads has all: %+v, %v", is.CachedInfo().State, err)
	}
	c.takeIn()
	c.Await("all are in the log", func() error {
		if got := c.length(); got != packs {
			return fmt.Errorf("%d of %d", got, packs)
		}
		return nil
	})
	c.holds(js, natsin.StreamIntake, 0)
}

// TestRefusalLost has each server of a cluster lose another refusal. All are listed, shown and
// dropped, whichever of them leads; one that was dropped does not come back.
func TestRefusalLost(t *testing.T) {
	longCluster(t)
	c := newNodes(t)
	c.takeIn()
	conn := c.Dial()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	const all = 7
	for n := range all {
		c.send(conn, fmt.Appendf(nil, "no event %d", n))
		c.holds(js, natsin.StreamRefused, uint64(n+1))
	}
	c.Whole(js, natsin.StreamRefused, -1)
	c.stopIntake()
	lost := []uint64{2, 4, all}
	c.flip(natsin.StreamRefused, func(node int) []uint64 { return lost[node : node+1] })
	want := []uint64{1, 2, 3, 4, 5, 6, 7}
	for n, number := range lost {
		c.Whole(js, natsin.StreamRefused, n)
		r := natsin.NewRefusals(conn, c.sealer, nil, c.book)
		c.listed(r, want)
		c.Await("the one that it has lost is dropped", func() error {
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
	c.Await(fmt.Sprintf("%d are told", want), func() error {
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
