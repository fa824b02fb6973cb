package natsd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// removeHalfMade removes the folders of streams whose creation was cut short, and which hold no
// message yet.
//
// The server creates a stream by writing meta.inf and then its checksum, meta.sum. If it is killed
// in between, the next one ignores the folder; but when the stream is created again, it finds
// meta.inf, writes neither file, and acknowledges messages all the same. The start after that
// ignores the folder again, and with it all these messages. A folder with any message in it is left
// alone: that is damage, and metadata.go says so.
func removeHalfMade(dir string) error {
	metas, err := fs.Glob(os.DirFS(dir), "jetstream/*/streams/*/meta.inf")
	if err != nil {
		return fmt.Errorf("look for streams: %w", err)
	}
	for _, meta := range metas {
		stream := filepath.Join(dir, filepath.Dir(meta))
		if _, err := os.Stat(filepath.Join(stream, "meta.sum")); !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		empty, err := holdsNothing(stream)
		if err == nil && empty {
			err = os.RemoveAll(stream)
		}
		if err != nil {
			return fmt.Errorf("remove half-made stream: %w", err)
		}
	}
	return nil
}

// holdsNothing reports whether all block files of a stream are empty. A stream without a block
// holds nothing either.
func holdsNothing(stream string) (bool, error) {
	blocks, err := fs.Glob(os.DirFS(stream), "msgs/*.blk")
	if err != nil {
		return false, err
	}
	for _, block := range blocks {
		if info, err := os.Stat(filepath.Join(stream, block)); err != nil || info.Size() > 0 {
			return false, err
		}
	}
	return true, nil
}
