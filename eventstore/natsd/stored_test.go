package natsd

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"cakupan/eventstore/inspect"
)

// storeStream stores messages in a stream that keeps everything, ends its server, and returns the
// folder of the stream.
func storeStream(t *testing.T, messages int) string {
	t.Helper()
	dir := t.TempDir()
	s, conn := start(t, Options{StoreDir: dir})
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "S", Subjects: []string{"log"}, DenyDelete: true, DenyPurge: true,
		Metadata: map[string]string{"of": "test"},
	}); err != nil {
		t.Fatal(err)
	}
	for n := range messages {
		if _, err := js.Publish(t.Context(), "log", fmt.Appendf(nil, "message %d", n)); err != nil {
			t.Fatal(err)
		}
	}
	conn.Close()
	if err := s.Shutdown(); err != nil {
		t.Fatal(err)
	}
	found := ""
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && IsStream(path) {
			found = path
		}
		return err
	})
	if err != nil || found == "" {
		t.Fatalf("no stream under %s: %v", dir, err)
	}
	return found
}

// looked inspects a stream and returns what lies in it.
func looked(t *testing.T, dir string) (inspect.Report, StoredStream, []string) {
	t.Helper()
	var stream StoredStream
	var messages []string
	r, err := InspectStream(dir, func(s StoredStream, _ *inspect.Report) func(StoredMessage) {
		stream, messages = s, nil
		return func(m StoredMessage) {
			messages = append(messages, fmt.Sprintf("%d %s %s", m.Sequence, m.Subject, m.Data))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return r, stream, messages
}

// TestInspectStream reads what a server has stored without one.
func TestInspectStream(t *testing.T) {
	const messages = 25
	dir := storeStream(t, messages)
	r, stream, found := looked(t, dir)
	if r.State != inspect.Whole || r.Entries != messages || len(found) != messages ||
		found[0] != "1 log message 0" || found[messages-1] != "25 log message 24" {
		t.Errorf("%+v: %q", r, found)
	}
	// The server adds notes of its own to the metadata.
	if stream.Name != "S" || !slices.Equal(stream.Subjects, []string{"log"}) || !stream.Keeps ||
		stream.Metadata["of"] != "test" {
		t.Errorf("%+v", stream)
	}
	if IsStream(filepath.Dir(dir)) || IsStream(filepath.Join(dir, metaFile)) {
		t.Error("what is no stream is taken for one")
	}
}

// TestInspectStreamDamaged changes one bit after the other, and cuts the files everywhere: each is
// found, and what is read before the place is what was written.
func TestInspectStreamDamaged(t *testing.T) {
	dir := storeStream(t, 12)
	_, _, sound := looked(t, dir)
	paths, err := blocks(dir)
	if err != nil || len(paths) == 0 {
		t.Fatalf("%q, %v", paths, err)
	}
	paths = append(paths, filepath.Join(dir, metaFile), filepath.Join(dir, metaSum),
		filepath.Join(dir, blocksDir, indexFile))
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(path)
		damage := func(what string, at int, changed []byte) {
			if err := os.WriteFile(path, changed, 0o600); err != nil {
				t.Fatal(err)
			}
			r, _, found := looked(t, dir)
			if r.State != inspect.Damaged || len(r.Findings) == 0 {
				t.Errorf("%s, %s byte %d: %+v", name, what, at, r)
			}
			if strings.HasSuffix(name, blockEnd) && len(found) > 0 &&
				found[0] != sound[0] && at > len(content)/2 {
				t.Errorf("%s, %s byte %d: the first message is %q", name, what, at, found[0])
			}
		}
		for at := 0; at < len(content); at += 3 {
			changed := slices.Clone(content)
			changed[at] ^= 1 << (at % 8)
			damage("a bit of", at, changed)
		}
		for at := 1; at < len(content); at += 41 {
			damage("cut at", at, content[:at])
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if r, _, found := looked(t, dir); r.State != inspect.Whole || !slices.Equal(found, sound) {
		t.Errorf("whole again: %+v, %q", r, found)
	}
}

// TestInspectStreamLostBlock: a stream that keeps everything, and has lost the file with its last
// messages or its first ones, says so.
func TestInspectStreamLostBlock(t *testing.T) {
	dir := storeStream(t, 12)
	paths, err := blocks(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	if r, _, found := looked(t, dir); r.State != inspect.Damaged || len(found) > 0 {
		t.Errorf("without blocks: %+v, %q", r, found)
	}
}
