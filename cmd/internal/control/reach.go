package control

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// socketPathMax is how long the path of a socket may be: systems give it some 104 bytes.
const socketPathMax = 100

// reach returns a path by which the socket in a folder is reached. Where that of the folder is too
// long it leads through the open folder, which the caller closes once the socket is open or, for
// who listens, when it ends.
func reach(dir string) (path string, folder *os.File, err error) {
	path = filepath.Join(dir, SocketName)
	if len(path) <= socketPathMax || runtime.GOOS != "linux" {
		return path, nil, nil
	}
	if folder, err = os.Open(dir); err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", folder.Fd(), SocketName), folder, nil
}

func closeFolder(folder *os.File) error {
	if folder == nil {
		return nil
	}
	return folder.Close()
}
