package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"cakupan/cmd/internal/ledger"
)

// versionCommand prints the version.
type versionCommand struct {
	SBOM bool `name:"sbom" help:"Print what the program is built of, as CycloneDX JSON."`
}

// versionOf is the version of the program, for machines.
type versionOf struct {
	Version  string          `json:"version"`
	Revision string          `json:"revision,omitempty"`
	Modified bool            `json:"modified,omitempty"` // since the revision
	Go       string          `json:"go"`
	Target   string          `json:"target"` // system and processor
	Format   int             `json:"format"` // of data folders
	Modules  []versionModule `json:"modules"`
}

// versionModule is a module that the program is built with.
type versionModule struct {
	Path    string `json:"path"`
	Version string `json:"version"`
	Sum     string `json:"sum,omitempty"` // as in go.sum
}

// readVersion returns what was noted of the program when it was built.
func readVersion() versionOf {
	v := versionOf{
		Version: "unknown", Go: runtime.Version(), Format: ledger.FolderFormat,
		Target: runtime.GOOS + "/" + runtime.GOARCH, Modules: []versionModule{},
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	v.Version = info.Main.Version
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			v.Revision = setting.Value
		case "vcs.modified":
			v.Modified = setting.Value == "true"
		}
	}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		v.Modules = append(v.Modules, versionModule{m.Path, m.Version, m.Sum})
	}
	return v
}

// Run runs the command.
func (c *versionCommand) Run(w *where, out *console) error {
	v := readVersion()
	if c.SBOM {
		return out.writeJSON(v.sbom())
	}
	if w.JSON {
		return out.writeJSON(v)
	}
	version, revision := v.Version, v.Revision
	if revision != "" {
		version += " " + revision
	}
	_, err := fmt.Fprintf(out.stdout, "cakupan %s, %s, folder format %d\n",
		version, v.Go, v.Format)
	return err
}

// bom is a software bill of materials (CycloneDX 1.5).
type bom struct {
	Format     string         `json:"bomFormat"`
	Spec       string         `json:"specVersion"`
	Version    int            `json:"version"`
	Metadata   bomMetadata    `json:"metadata"`
	Components []bomComponent `json:"components"`
}

type bomMetadata struct {
	Component bomComponent `json:"component"`
}

type bomComponent struct {
	Type    string `json:"type"`
	Name    string `json:"name"`
	Version string `json:"version"`
	PURL    string `json:"purl"`
}

// sbom returns what the program is built of: its modules, and Go's own packages.
func (v *versionOf) sbom() bom {
	component := func(kind, path, version string) bomComponent {
		return bomComponent{kind, path, version, "pkg:golang/" + path + "@" + version}
	}
	b := bom{
		Format: "CycloneDX", Spec: "1.5", Version: 1,
		Metadata:   bomMetadata{component("application", "cakupan", v.Version)},
		Components: []bomComponent{component("library", "std", strings.TrimPrefix(v.Go, "go"))},
	}
	for _, m := range v.Modules {
		b.Components = append(b.Components, component("library", m.Path, m.Version))
	}
	return b
}
