// Package build says what a program was built of, by what Go notes in it.
package build

import (
	"runtime"
	"runtime/debug"
	"strings"
)

// stamp is what a release is of, where the linker was told: version, revision and its time, with
// spaces. Go itself notes a checkout in some ways of making one and not in others.
var stamp string

const stampWords = 3

// Stamp is the flag of the linker by which a release says what it is of.
func Stamp(version, revision, time string) string {
	return "-X 'cakupan/cmd/internal/build.stamp=" + version + " " + revision + " " + time + "'"
}

// Current returns what this program was built of.
func Current() Build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{GoVersion: runtime.Version()}
	}
	b := Of(info)
	if told := strings.Fields(stamp); len(told) == stampWords {
		b.Version, b.Revision, b.Time = told[0], told[1], told[2]
	}
	if b.Version == "" {
		b.Version = "unknown"
	}
	b.Target = runtime.GOOS + "/" + runtime.GOARCH
	return b
}

// Build is what a program was built of, for machines.
type Build struct {
	Version  string   `json:"version"`
	Revision string   `json:"revision,omitempty"`
	Time     string   `json:"time,omitempty"`     // of the revision (RFC 3339)
	Modified bool     `json:"modified,omitempty"` // since the revision
	Go       string   `json:"go"`
	Target   string   `json:"target"` // system and processor
	Modules  []Module `json:"modules"`
}

// Module is a module that a program is built with.
type Module struct {
	Path    string `json:"path"`
	Version string `json:"version"`
	Sum     string `json:"sum,omitempty"` // as in go.sum
}

// Of returns what was noted of a program when it was built.
func Of(info *debug.BuildInfo) Build {
	b := Build{Version: info.Main.Version, Go: info.GoVersion, Modules: []Module{}}
	settings := map[string]string{}
	for _, setting := range info.Settings {
		settings[setting.Key] = setting.Value
	}
	b.Revision, b.Time = settings["vcs.revision"], settings["vcs.time"]
	b.Modified = settings["vcs.modified"] == "true"
	b.Target = settings["GOOS"] + "/" + settings["GOARCH"]
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		b.Modules = append(b.Modules, Module{m.Path, m.Version, m.Sum})
	}
	return b
}

// Date returns the day of the revision, "" where it is not known.
func (b *Build) Date() string {
	day, _, _ := strings.Cut(b.Time, "T")
	return day
}

// BOM is a software bill of materials (CycloneDX 1.5).
type BOM struct {
	Schema       string       `json:"$schema"`
	Format       string       `json:"bomFormat"`
	Spec         string       `json:"specVersion"`
	Version      int          `json:"version"`
	Metadata     Metadata     `json:"metadata"`
	Components   []Component  `json:"components"`
	Dependencies []Dependency `json:"dependencies"`
}

// Metadata says what a bill is of.
type Metadata struct {
	Timestamp string    `json:"timestamp,omitempty"` // of the revision: same build, same bill
	Component Component `json:"component"`
}

// Component is one of the materials, or what is made of them.
type Component struct {
	Type       string     `json:"type"`
	Ref        string     `json:"bom-ref"`
	Name       string     `json:"name"`
	Version    string     `json:"version"`
	PURL       string     `json:"purl"`
	Properties []Property `json:"properties,omitempty"`
}

// Property is what no other member has a place for.
type Property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Dependency says which materials something is made of.
type Dependency struct {
	Ref       string   `json:"ref"`
	DependsOn []string `json:"dependsOn"`
}

// BOM returns what the program is built of: its modules, and Go's own packages. A program's build
// does not note which module needs which, so all are the program's.
func (b *Build) BOM() BOM {
	program := component("application", "cakupan", b.Version, "")
	program.Properties = []Property{{"cakupan:target", b.Target}}
	if b.Revision != "" {
		program.Properties = append(program.Properties, Property{"cakupan:revision", b.Revision})
	}
	bom := BOM{
		Schema: "http://cyclonedx.org/schema/bom-1.5.schema.json",
		Format: "CycloneDX", Spec: "1.5", Version: 1,
		Metadata: Metadata{b.Time, program},
		Components: []Component{
			component("library", "std", strings.TrimPrefix(b.Go, "go"), ""),
		},
	}
	for _, m := range b.Modules {
		bom.Components = append(bom.Components, component("library", m.Path, m.Version, m.Sum))
	}
	needs := Dependency{Ref: program.Ref}
	for i := range bom.Components {
		needs.DependsOn = append(needs.DependsOn, bom.Components[i].Ref)
	}
	bom.Dependencies = []Dependency{needs}
	return bom
}

// component names a material as package registries do. A sum of go.sum is of no file that anybody
// else hashes, so it is a property and no hash.
func component(kind, path, version, sum string) Component {
	purl := "pkg:golang/" + path + "@" + strings.ReplaceAll(version, "+", "%2B")
	c := Component{Type: kind, Ref: purl, Name: path, Version: version, PURL: purl}
	if sum != "" {
		c.Properties = []Property{{"go:sum", sum}}
	}
	return c
}
