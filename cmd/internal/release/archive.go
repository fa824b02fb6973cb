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

// entry is a file of an archive.
type entry struct {
	name    string
	mode    fs.FileMode
	content []byte
}

const (
	readable   fs.FileMode = 0o644
	executable fs.FileMode = 0o755
)

// archived returns the files in a tar below a folder, with the folders they are in. Times are the
// commit's, the owner is root by number alone, the order is that of names: nothing tells where or
// when it was made.
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

// withFolders returns the files, and each folder that one is in before it, "" first.
func withFolders(files []entry) []entry {
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

// compressed returns a text as gzip, without a name or a time.
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
