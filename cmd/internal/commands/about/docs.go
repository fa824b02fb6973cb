package about

import (
	"cakupan/cmd/internal/apidoc"
	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
)

// Docs prints the documents that a server answers with, without one. They are embedded in
// the program and describe it: not what an older server does.
type Docs struct {
	OpenAPI  docsOpenAPI  `cmd:"" name:"openapi" help:"The routes: an OpenAPI document."`
	AsyncAPI docsAsyncAPI `cmd:"" name:"asyncapi" help:"The NATS subjects: an AsyncAPI document."`
	Schema   docsSchema   `cmd:"" help:"The JSON Schema of an event."`
}

// Help returns what --help shows beyond the flags.
func (*Docs) Help() string {
	return `They are JSON, which is YAML too, and the same as what a server answers at
/openapi.json, /asyncapi.json and /schemas/.

Examples:

	cakupan docs openapi > openapi.json
	cakupan docs schema enrolment.opened.v1
	cakupan docs schema enrolment.opened.v1 --only-data` + cli.ExitCodes
}

// The commands below docs have no flags in common, and the first two none at all.
type (
	docsOpenAPI  struct{}
	docsAsyncAPI struct{}
	docsSchema   struct {
		Type     string `arg:"" optional:"" help:"${docsType}"`
		OnlyData bool   `help:"The schema of the data alone."`
	}
)

// Help returns what --help shows beyond the flags.
func (*docsOpenAPI) Help() string {
	return `Example:

	cakupan docs openapi > openapi.json` + cli.ExitCodes
}

// Run prints the document. It needs no ledger, and neither do the two below.
func (*docsOpenAPI) Run(out *cli.Console) error { return printDocument(out, "openapi.json") }

// Help returns what --help shows beyond the flags.
func (*docsAsyncAPI) Help() string {
	return `Example:

	cakupan docs asyncapi > asyncapi.json` + cli.ExitCodes
}

// Run prints the document.
func (*docsAsyncAPI) Run(out *cli.Console) error { return printDocument(out, "asyncapi.json") }

// Help returns what --help shows beyond the flags.
func (*docsSchema) Help() string {
	return `Examples:

	cakupan docs schema
	cakupan docs schema enrolment.opened.v1 --only-data` + cli.ExitCodes
}

// Run prints the schema of an event of the type, or of its data alone; without a type that of any
// event. An unknown type is exit 4.
func (c *docsSchema) Run(out *cli.Console) error {
	name := c.Type
	if name == "" {
		if c.OnlyData {
			return cli.Usage("data differs from type to type: name one, such as" +
				" enrolment.opened.v1")
		}
		name = apidoc.AnyEvent
	}
	document, found := apidoc.Schema(name, c.OnlyData)
	if !found {
		// What was typed is shown again, and people type a NIK where none belongs.
		return problem.New(problem.NotFound, "there is no type "+event.MaskNIK(name)+
			": types are such as enrolment.opened.v1")
	}
	return printDocument(out, document)
}

// printDocument prints a document of the program by its name, to the byte.
func printDocument(out *cli.Console, name string) error {
	text, found := apidoc.Document(name)
	if !found {
		return problem.New(problem.NotFound, "there is no document "+name)
	}
	_, err := out.Stdout.Write(text)
	return err
}
