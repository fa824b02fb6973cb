package natsd

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/bits"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/nats-server/v2/server"

	"cakupan/eventstore/durable"
)

// MetadataError names a stream whose configuration is damaged so that it cannot be derived. The
// server would start without it, as if there were no such stream, whatever its blocks hold. What is
// in the blocks is untouched: with the right file in its place all of it is there again.
type MetadataError struct {
	Stream string
	Path   string // of its configuration
	Reason string
}

// Error returns one sentence with the file and what is wrong with it.
func (e *MetadataError) Error() string {
	return fmt.Sprintf("the configuration of stream %s is damaged: %s: %s",
		e.Stream, e.Path, e.Reason)
}

// mendMetadata looks at the configuration of each stream, and writes again what can be derived: a
// checksum that is missing, and the one bit that differs in a file of which the other is whole.
//
// It is done before a server looks at the folder. A file is replaced only where the one that is
// left proves what it must be. If we crash here, the next start does the same.
func mendMetadata(dir string, log *slog.Logger) error {
	streams, err := filepath.Glob(filepath.Join(dir, server.JetStreamStoreDir, "*", "streams", "*"))
	if err != nil {
		return fmt.Errorf("look for streams: %w", err)
	}
	for _, stream := range streams {
		if strings.HasPrefix(filepath.Base(stream), ".") { // is being removed
			continue
		}
		if err := mendStream(stream, log); err != nil {
			return err
		}
	}
	return nil
}

// mendStream does so for one stream.
func mendStream(dir string, log *slog.Logger) error {
	path, sumPath := filepath.Join(dir, metaFile), filepath.Join(dir, metaSum)
	name := filepath.Base(dir)
	damaged := func(why string) error {
		return &MetadataError{Stream: name, Path: path, Reason: why}
	}
	meta, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		// A stream whose making was cut short: see halfmade.go.
		if empty, err := holdsNothing(dir); err != nil || empty {
			return err
		}
		return damaged("it is missing")
	}
	if err != nil {
		return fmt.Errorf("read configuration of stream: %w", err)
	}
	sum, err := os.ReadFile(sumPath)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read checksum of configuration: %w", err)
	}
	want := hex.EncodeToString(sumOf(name, meta))
	missing := err != nil
	switch {
	case string(sum) == want:
		return nil
	case isConfiguration(meta, name) && (missing || differByOneBit(sum, []byte(want))):
		path, meta = sumPath, []byte(want)
	case !correctBit(meta, name, string(sum)):
		return damaged("it does not fit its checksum, by more than one bit")
	}
	log.Warn("configuration of a stream was damaged and is written again",
		slog.String("stream", name), slog.String("file", filepath.Base(path)))
	if err := durable.WriteFile(path, meta, 0o600); err != nil {
		return fmt.Errorf("write configuration of stream: %w", err)
	}
	return nil
}

// isConfiguration tells whether a text is the configuration of a stream of the name.
func isConfiguration(text []byte, name string) bool {
	var info server.FileStreamInfo
	return json.Unmarshal(text, &info) == nil && info.Name == name
}

// differByOneBit tells whether two texts of one length differ in a single bit.
func differByOneBit(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	differ := 0
	for i := range a {
		differ += bits.OnesCount8(a[i] ^ b[i])
	}
	return differ == 1
}

// correctBit changes the one bit of a text with which it has the checksum, and reports whether
// there is one. A text is a thousand bytes; that one of its eight thousand changes fits 64 bits by
// chance does not happen. Where there is none, the text is as it was.
func correctBit(text []byte, name, sum string) bool {
	for i := range text {
		for bit := range 8 {
			text[i] ^= 1 << bit
			if hex.EncodeToString(sumOf(name, text)) == sum {
				return true
			}
			text[i] ^= 1 << bit
		}
	}
	return false
}
