// Package manual writes the man pages of a command line: one of the program, and one of each of its
// commands, with the commands below it.
package manual

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/alecthomas/kong"
)

// Page is a man page.
type Page struct {
	Name string // of its file: cakupan-serve.1
	Text []byte // in the macros of man(7)
}

// Edition is what the foot of each page says.
type Edition struct {
	Version string
	Date    string // "" where it is not known
}

// Pages returns all man pages of a program. The same command line gives the same bytes.
func Pages(model *kong.Application, edition Edition) []Page {
	pages := []Page{program(model, edition)}
	for _, command := range model.Children {
		if !command.Hidden {
			pages = append(pages, ofCommand(model, command, edition))
		}
	}
	return pages
}

// writer writes the text of a page.
type writer struct {
	strings.Builder
	begun bool // a section has just begun: its first paragraph needs no request
}

// line writes a request, with its arguments as they are to be seen.
func (w *writer) line(request string, arguments ...string) {
	if request == "PP" && w.begun {
		return
	}
	w.begun = strings.HasPrefix(request, "S")
	w.WriteString("." + request)
	for _, argument := range arguments {
		w.WriteString(` "` + strings.ReplaceAll(visible(argument), `"`, `\(dq`) + `"`)
	}
	w.WriteString("\n")
}

// text writes words that are filled to lines.
func (w *writer) text(words string) {
	words, w.begun = visible(words), false
	if strings.HasPrefix(words, ".") || strings.HasPrefix(words, "'") {
		words = `\&` + words // what begins so is a request otherwise
	}
	w.WriteString(words + "\n")
}

// escapes are how roff writes what means something to it.
var escapes = map[rune]string{
	'\\': `\e`, '-': `\-`, '\'': `\(aq`, '`': `\(ga`, '~': `\(ti`, '^': `\(ha`,
}

// visible escapes what means something to roff, and what is not ASCII, of which it would have to
// be told how it is encoded.
func visible(words string) string {
	var b strings.Builder
	for _, r := range words {
		switch escaped, found := escapes[r]; {
		case found:
			b.WriteString(escaped)
		case r > unicode.MaxASCII:
			fmt.Fprintf(&b, `\[u%04X]`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// head begins a page.
func (w *writer) head(name, help string, edition Edition) {
	w.WriteString(`.\" Made by: cakupan man` + "\n")
	// A date is one for programs, too, only as it is.
	fmt.Fprintf(&w.Builder, ".TH \"%s\" 1 \"%s\" \"cakupan %s\" \"Cakupan Manual\"\n",
		visible(strings.ToUpper(name)), edition.Date, edition.Version)
	w.line("SH", "NAME")
	w.WriteString(visible(name) + ` \- ` + visible(strings.TrimSuffix(help, ".")) + "\n")
}

// program writes the page of the program.
func program(model *kong.Application, edition Edition) Page {
	var w writer
	w.head(model.Name, "a ledger of employment-social-security coverage", edition)
	w.line("SH", "SYNOPSIS")
	w.line("B", model.Name)
	w.text("COMMAND [FLAGS]")
	w.line("SH", "DESCRIPTION")
	w.prose(model.Help, false)
	w.line("SH", "COMMANDS")
	for _, command := range model.Children {
		if command.Hidden {
			continue
		}
		w.line("TP")
		w.line("BR", model.Name+"-"+command.Name, "(1)")
		w.text(command.Help)
	}
	w.line("SH", "OPTIONS")
	w.flags(model.Node)
	return Page{model.Name + ".1", []byte(w.String())}
}

// ofCommand writes the page of a command.
func ofCommand(model *kong.Application, command *kong.Node, edition Edition) Page {
	name := model.Name + "-" + command.Name
	var w writer
	w.head(name, command.Help, edition)
	w.line("SH", "SYNOPSIS")
	for i, leaf := range leaves(command) {
		if i > 0 {
			w.line("br")
		}
		w.synopsis(leaf)
	}
	w.line("SH", "DESCRIPTION")
	w.text(command.Help)
	w.prose(command.Detail, false)
	if !command.Leaf() {
		w.line("SH", "COMMANDS")
	}
	for _, leaf := range leaves(command) {
		if leaf != command {
			w.line("SS", leaf.FullPath())
			w.text(leaf.Help)
			w.prose(leaf.Detail, true)
		}
		w.arguments(leaf)
	}
	w.line("SH", "OPTIONS OF ALL COMMANDS")
	w.flags(model.Node)
	w.line("SH", "SEE ALSO")
	w.line("BR", model.Name, "(1)")
	return Page{name + ".1", []byte(w.String())}
}

// leaves returns the commands that can be run, below one or itself.
func leaves(node *kong.Node) (all []*kong.Node) {
	if node.Leaf() {
		return []*kong.Node{node}
	}
	for _, child := range node.Children {
		if !child.Hidden {
			all = append(all, leaves(child)...)
		}
	}
	return all
}

// synopsis writes how a command is called.
func (w *writer) synopsis(leaf *kong.Node) {
	w.line("B", leaf.FullPath())
	words := "[FLAGS]"
	for _, argument := range leaf.Positional {
		words += " " + argument.Summary()
	}
	w.text(words)
}

// arguments writes what a command takes.
func (w *writer) arguments(leaf *kong.Node) {
	if len(leaf.Positional) > 0 {
		w.heading(leaf, "ARGUMENTS")
		for _, argument := range leaf.Positional {
			w.line("TP")
			w.text(argument.Summary())
			w.text(argument.Help)
		}
	}
	if len(leaf.Flags) > 0 {
		w.heading(leaf, "OPTIONS")
		w.flags(leaf)
	}
}

// heading begins a part of a command: a section where the page is all its own.
func (w *writer) heading(leaf *kong.Node, title string) {
	if leaf.Parent.Type == kong.ApplicationNode {
		w.line("SH", title)
		return
	}
	w.line("PP")
	w.line("I", title[:1]+strings.ToLower(title[1:])+":")
}

// flags writes the flags that a command has for itself.
func (w *writer) flags(node *kong.Node) {
	for _, flag := range node.Flags {
		if flag.Hidden {
			continue
		}
		w.line("TP")
		w.line("B", flag.String())
		w.text(flag.Help)
	}
}

// prose writes the words of a help: paragraphs, and lines that are to stay as they are, which begin
// with a tab. A line that ends with a colon before such lines is their heading.
func (w *writer) prose(help string, within bool) {
	for _, paragraph := range strings.Split(help, "\n\n") {
		lines := strings.Split(strings.Trim(paragraph, "\n"), "\n")
		switch title, isTitle := strings.CutSuffix(lines[0], ":"); {
		case lines[0] == "":
		case strings.HasPrefix(lines[0], "\t"):
			w.asIs(lines)
		case len(lines) == 1 && isTitle && len(strings.Fields(title)) <= 2:
			w.title(title, within)
		default:
			w.line("PP")
			w.text(strings.Join(lines, " "))
		}
	}
}

func (w *writer) title(title string, within bool) {
	if within {
		w.line("PP")
		w.line("I", title+":")
		return
	}
	w.line("SH", strings.Replace(strings.ToUpper(title), "EXIT CODES", "EXIT STATUS", 1))
}

// asIs writes lines that are not filled.
func (w *writer) asIs(lines []string) {
	w.line("PP")
	w.line("nf")
	w.line("RS", "4")
	for _, line := range lines {
		w.text(strings.TrimPrefix(line, "\t"))
	}
	w.line("RE")
	w.line("fi")
}
