package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io/fs"
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

// archived returns the files in a tar, with the folders they are in. Times are the commit's, the
// owner is root by number alone, the order is that of names: nothing tells where or when it was
// made. names begin with prefix.
func archived(prefix string, files []entry, at time.Time) ([]byte, error) {
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	made := map[string]bool{}
	for _, file := range files {
		for _, folder := range folders(prefix + file.name) {
			if made[folder] {
				continue
			}
			made[folder] = true
			header := &tar.Header{
				Typeflag: tar.TypeDir, Name: folder + "/", Mode: int64(executable),
				ModTime: at, Format: tar.FormatGNU,
			}
			if err := w.WriteHeader(header); err != nil {
				return nil, fmt.Errorf("archive %s: %w", folder, err)
			}
		}
		header := &tar.Header{
			Typeflag: tar.TypeReg, Name: prefix + file.name, Mode: int64(file.mode),
			Size: int64(len(file.content)), ModTime: at, Format: tar.FormatGNU,
		}
		if err := w.WriteHeader(header); err != nil {
			return nil, fmt.Errorf("archive %s: %w", file.name, err)
		}
		if _, err := w.Write(file.content); err != nil {
			return nil, fmt.Errorf("archive %s: %w", file.name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	return compressed(b.Bytes())
}

// folders returns the folders that a file is in, the outermost first.
func folders(name string) (all []string) {
	for folder := path.Dir(name); folder != "."; folder = path.Dir(folder) {
		all = append(all, folder)
	}
	slices.Reverse(all)
	return all
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
