// Package about has the commands about the program itself: its version, its pages, what describes
// it to shells and other programs, and its release.
package about

import (
	"fmt"

	"cakupan/cmd/internal/build"
	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/folder"
)

// Version prints the version, or with SBOM the materials of the program, which are read from
// the program itself: they are those of this very file.
type Version struct {
	SBOM bool `name:"sbom" help:"Print what the program is built of, as CycloneDX JSON."`
}

// versionOf is the version of the program, for machines. Format says which data folders it makes: a
// folder of a later format is refused.
type versionOf struct {
	build.Build
	Format int `json:"format"` // of data folders
}

// readVersion returns what was noted of the program when it was built. What was not noted is empty.
func readVersion() versionOf {
	return versionOf{build.Current(), folder.Format}
}

// Run runs the command.
func (c *Version) Run(w *cli.Where, out *cli.Console) error {
	v := readVersion()
	if c.SBOM {
		return out.WriteJSON(v.BOM())
	}
	if w.JSON {
		return out.WriteJSON(v)
	}
	version, revision := v.Version, v.Revision
	if revision != "" {
		version += " " + revision
	}
	_, err := fmt.Fprintf(out.Stdout, "cakupan %s, %s, folder format %d\n",
		version, v.Go, v.Format)
	return err
}
