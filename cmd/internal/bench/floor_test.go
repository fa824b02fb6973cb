package bench

import (
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
)

// TestFloorRefused: a batch that the server refuses fills no floor, and says so.
func TestFloorRefused(t *testing.T) {
	b := &benchmark{dir: t.TempDir()}
	conn, js, end, err := b.openFloor()
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: floorStream, Subjects: []string{"floor"}, Storage: jetstream.FileStorage,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := floorFill(t.Context(), conn, []byte("x")); err == nil ||
		!strings.Contains(err.Error(), "refused") {
		t.Errorf("a stream that takes no batches is filled with them: %v", err)
	}
}
