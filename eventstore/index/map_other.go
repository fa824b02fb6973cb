//go:build !unix

package index

import "os"

// mapFile maps nothing here: lookups read from the file, which is slower and otherwise the same.
func mapFile(*os.File, int64) ([]byte, error) { return nil, nil }

func unmapFile([]byte) error { return nil }
