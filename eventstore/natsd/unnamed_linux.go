package natsd

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Unnamed returns the files of the server's folder that are open and have no name any more, as they
// were removed or others were put in their place while it runs. It reads and writes them on, and
// acknowledges what goes with them when they are closed. One that the server itself is writing anew
// may be among them for a moment.
func (s *Server) Unnamed() ([]string, error) {
	const files, gone = "/proc/self/fd", " (deleted)"
	open, err := os.ReadDir(files)
	if err != nil {
		return nil, fmt.Errorf("look for files without a name: %w", err)
	}
	var found []string
	for _, file := range open {
		// One that was closed meanwhile is of no interest.
		path, _ := os.Readlink(filepath.Join(files, file.Name()))
		path, isGone := strings.CutSuffix(path, gone)
		if isGone && strings.HasPrefix(path, s.realDir+string(filepath.Separator)) {
			found = append(found, path)
		}
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}
