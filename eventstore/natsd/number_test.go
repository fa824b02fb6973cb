package natsd

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// startPlain starts a server that lets everybody remove what he likes.
func startPlain(t *testing.T, dir string) (*server.Server, *nats.Conn) {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		ServerName: "plain", JetStream: true, StoreDir: dir, SyncAlways: true, DontListen: true,
		NoSigs: true, NoLog: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(s.Shutdown)
	conn, err := nats.Connect("", nats.InProcessServer(s), nats.Timeout(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return s, conn
}

// TestLastNumber stores and removes at random, in small blocks, in each way that a server has. After
// each step the files name the highest number that was given, as after a crash: also where nothing
// is left, where a block was dropped, and in the files of a server that was started on them again.
func TestLastNumber(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(2, 8)) //nolint:gosec // the same each time
	s, conn := startPlain(t, dir)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "S", Subjects: []string{"s.*"}, MaxBytes: 120_000, // in blocks of 32,000
	})
	if err != nil {
		t.Fatal(err)
	}
	given, blocksSeen := uint64(0), 0
	check := func(step string) {
		t.Helper()
		if info, err := stream.Info(t.Context()); err != nil || info.State.LastSeq != given {
			t.Fatalf("%s: the server says %+v, not %d: %v", step, info, given, err)
		}
		of := filepath.Join(dir, "jetstream", "$G", "streams", "S")
		if number, known, err := LastNumber(of); number != given || !known || err != nil {
			t.Fatalf("%s: %d, %t, not %d: %v", step, number, known, given, err)
		}
		paths, err := blocks(of)
		if err != nil {
			t.Fatal(err)
		}
		blocksSeen = max(blocksSeen, len(paths))
	}
	for i := range 400 {
		step := "store"
		info, err := stream.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		first, last := info.State.FirstSeq, info.State.LastSeq
		switch random.IntN(24) {
		case 0, 1:
			step, err = "remove the first", stream.DeleteMsg(t.Context(), first)
		case 2:
			step, err = "remove the last", stream.DeleteMsg(t.Context(), last)
		case 3:
			step, err = "overwrite the last", stream.SecureDeleteMsg(t.Context(), last)
		case 4:
			step = "remove all, one by one"
			for number := first; number <= last; number++ {
				_ = stream.DeleteMsg(t.Context(), number) // some are gone
			}
		case 5:
			if random.IntN(4) == 0 {
				step, err = "purge", stream.Purge(t.Context())
			}
		case 6:
			step, err = "purge a subject", stream.Purge(t.Context(),
				jetstream.WithPurgeSubject("s.1"))
		default:
			given++
			_, err = js.Publish(t.Context(), fmt.Sprintf("s.%d", random.IntN(3)),
				make([]byte, random.IntN(8<<10)))
		}
		// What is gone cannot be removed: then nothing has changed.
		check(fmt.Sprintf("step %d, %s: %v", i, step, err))
	}
	if blocksSeen < 3 {
		t.Errorf("there were never more than %d blocks", blocksSeen)
	}
	// What a crash leaves of it, if it comes before the server has written its index.
	crashed := filepath.Join(t.TempDir(), "crashed")
	for err = fs.ErrNotExist; errors.Is(err, fs.ErrNotExist); { // it replaces files meanwhile
		if err = os.RemoveAll(crashed); err == nil {
			err = os.CopyFS(crashed, os.DirFS(dir))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	s.Shutdown()
	s.WaitForShutdown()
	for _, dir = range []string{dir, crashed} {
		_, conn := startPlain(t, dir)
		if js, err = jetstream.New(conn); err != nil {
			t.Fatal(err)
		}
		if stream, err = js.Stream(t.Context(), "S"); err != nil {
			t.Fatal(err)
		}
		check("started again")
	}
}
