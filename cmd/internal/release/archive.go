package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

// entry is a file of an archive. name is its path below the archive's folder, with slashes; that of
// a folder ends with one, so that it comes right before what is in it. mode has the rights, and
// whether it is a folder.
type entry struct {
	name    string
	mode    fs.FileMode
	content []byte
}

// The rights of files. A folder is as an executable is. They are set here, and not taken from the
// checkout, where they are as the umask of whoever made it.
const (
	readable   fs.FileMode = 0o644
	executable fs.FileMode = 0o755
)

// archived returns the files in a tar below a folder, with the folders they are in, as gzip. Times
// are the commit's, the owner is root by number alone, the order is that of names: nothing tells
// where or when it was made. GNU's format is one that dpkg reads.
func archived(below string, files []entry, at time.Time) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, one := range withFolders(files) {
		header := &tar.Header{
			Typeflag: tar.TypeReg, Name: below + "/" + one.name, Mode: int64(one.mode.Perm()),
			Size: int64(len(one.content)), ModTime: at, Format: tar.FormatGNU,
		}
		if one.mode.IsDir() {
			header.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(header); err != nil {
			return nil, fmt.Errorf("archive %s: %w", one.name, err)
		}
		if _, err := w.Write(one.content); err != nil {
			return nil, fmt.Errorf("archive %s: %w", one.name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	return compressed(b.Bytes())
}

// withFolders returns the files, and each folder that one is in before it, "" first. Of two files
// of one name the last one counts.
func withFolders(files []entry) []entry {
	// The folder that all is below: without it, whoever unpacks would give it rights of his own.
	all := map[string]entry{"": {mode: fs.ModeDir | executable}}
	for _, file := range files {
		all[file.name] = file
		for folder := path.Dir(file.name); folder != "."; folder = path.Dir(folder) {
			all[folder+"/"] = entry{folder + "/", fs.ModeDir | executable, nil}
		}
	}
	return slices.SortedFunc(maps.Values(all), func(a, b entry) int {
		return strings.Compare(a.name, b.name)
	})
}

// compressed returns a text as gzip, without a name or a time. The bytes depend on the compressor
// that comes with Go: the same release takes the same Go.
func compressed(text []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, fmt.Errorf("compress: %w", err)
	}
	if _, err := w.Write(text); err != nil {
		return nil, fmt.Errorf("compress: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compress: %w", err)
	}
	return b.Bytes(), nil
}
