package gzipped

import (
	"bytes"
	"compress/gzip"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
)

func TestTaken(t *testing.T) {
	for value, want := range map[string]bool{
		"": false, "br": false, "gzip": true, "br, GZip;q=0.5, zstd": true, "gzip;q=0": false,
		"gzip; q=0.000, br": false, "gzip;q=1.0": true, "xgzip": false, "*": false, "x-gzip": false,
	} {
		if got := Taken(http.Header{"Accept-Encoding": {value}}); got != want {
			t.Errorf("%q: %v", value, got)
		}
	}
	if !Taken(http.Header{"Accept-Encoding": {"br", "gzip"}}) || Taken(http.Header{}) {
		t.Error("of two lines, and of none")
	}
}

// TestPack: what is packed is the same again, and what is not worth it is not packed.
func TestPack(t *testing.T) {
	noise := make([]byte, 2*packMin)
	for i := range noise {
		noise[i] = byte(rand.NewChaCha8([32]byte{byte(i), byte(i >> 8)}).Uint64())
	}
	if Pack(noise) != nil || Pack([]byte(strings.Repeat("a", packMin-1))) != nil {
		t.Error("packed without need")
	}
	if PackWell(noise) != nil {
		t.Error("packed without need, and well")
	}
	text := []byte(strings.Repeat(`{"region":"75.03","covered":7}`, 1_000))
	packed := Pack(text)
	if well := PackWell(text); len(well) == 0 || len(well) > len(packed) {
		t.Errorf("%d bytes packed, %d well", len(packed), len(well))
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	again, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(again, text) || len(packed) > len(text)/10 ||
		!bytes.Equal(packed, Pack(text)) {
		t.Errorf("%d bytes of %d, %d again: %v", len(packed), len(text), len(again), err)
	}
}
