// Command bundle makes what the page is served as, in page/assets, from its sources in app and npm.
// It is run by go generate, in the folder of the package dashboard.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/evanw/esbuild/pkg/api"
)

func main() {
	if err := bundle(); err != nil {
		fmt.Fprintln(os.Stderr, "bundle:", err)
		os.Exit(1)
	}
}

// bundle writes app.js and style.css. The same sources make the same bytes.
func bundle() error {
	at := func(name string) string { return "./" + filepath.Join("npm", name) }
	result := api.Build(api.BuildOptions{
		EntryPointsAdvanced: []api.EntryPoint{
			{InputPath: "app/main.ts", OutputPath: "app"},
			{InputPath: "app/style.css", OutputPath: "style"},
		},
		Outdir: "page/assets", Write: true, Bundle: true,
		Format: api.FormatESModule, Target: api.ES2022, Charset: api.CharsetUTF8,
		MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true,
		LegalComments: api.LegalCommentsEndOfFile,
		Alias: map[string]string{
			"lit": at("lit-element.js"), "lit-html": at("lit-html.js"),
			"@lit/reactive-element": at("reactive-element.js"), "uplot": at("uPlot.esm.js"),
		},
		LogLevel: api.LogLevelWarning,
	})
	if len(result.Errors) > 0 {
		return errors.New(result.Errors[0].Text)
	}
	return nil
}
