package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"cakupan/cmd/internal/ledger"
)

// versionCommand prints the version.
type versionCommand struct{}

// Run runs the command.
func (*versionCommand) Run(w *where, out *console) error {
	version, revision := "unknown", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				revision = setting.Value
			}
		}
	}
	if w.JSON {
		return out.writeJSON(struct {
			Version  string `json:"version"`
			Revision string `json:"revision,omitempty"`
			Go       string `json:"go"`
			Format   int    `json:"format"` // of data folders
		}{version, revision, runtime.Version(), ledger.FolderFormat})
	}
	if revision != "" {
		version += " " + revision
	}
	_, err := fmt.Fprintf(out.stdout, "cakupan %s, %s, folder format %d\n",
		version, runtime.Version(), ledger.FolderFormat)
	return err
}
