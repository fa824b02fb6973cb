// Package indonesian says the help of a clerk's commands in Indonesian, and what is wrong with a
// command line. Whoever runs a ledger reads English; whoever sends lists to it need not.
package indonesian

import (
	"maps"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// page is the help of a command.
type page struct {
	help   string
	detail string
	args   map[string]string
	flags  map[string]string
}

// Wanted tells whether whoever gave a command line reads Indonesian: --lang says so, else the
// environment does, by the variables that say in which language a program speaks.
func Wanted(args []string, env func(string) string) bool {
	for i, arg := range args {
		value, joined := strings.CutPrefix(arg, "--lang=")
		switch {
		case joined:
			return value == "id"
		case arg == "--lang" && i+1 < len(args):
			return args[i+1] == "id"
		}
	}
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value := env(name); value != "" {
			return strings.HasPrefix(value, "id")
		}
	}
	return false
}

// Chosen tells whether a command is to speak Indonesian: its --lang says so, else the environment.
func Chosen(flag string, env func(string) string) bool {
	return flag == "id" || flag == "" && Wanted(nil, env)
}

// ForHelp returns a command line that asks for help without the language in which: every command
// has help, and not every one the flag. Another command line stays as it is.
func ForHelp(args []string) []string {
	if !slices.Contains(args, "--help") && !slices.Contains(args, "-h") {
		return args
	}
	var left []string
	for i, arg := range args {
		joined := strings.HasPrefix(arg, "--lang=")
		if !joined && arg != "--lang" && (i == 0 || args[i-1] != "--lang") {
			left = append(left, arg)
		}
	}
	return left
}

// Translate puts the help of the commands that have it in Indonesian into the model. The kinds of
// lists are told as they are called.
func Translate(app *kong.Application, kinds string) {
	translate(app.Node, &program)
	all := pages(kinds)
	_ = kong.Visit(app, func(node kong.Visitable, next kong.Next) error { // the visitor never fails
		if n, ok := node.(*kong.Node); ok && n.Type == kong.CommandNode {
			if p, found := all[n.Path()]; found {
				translate(n, &p)
			}
		}
		return next(nil)
	})
}

func translate(n *kong.Node, p *page) {
	n.Help = p.help
	if p.detail != "" {
		n.Detail = p.detail
	}
	for _, a := range n.Positional {
		if words, found := p.args[a.Name]; found {
			a.Help = words
		}
	}
	for _, f := range n.Flags {
		words, found := p.flags[f.Name]
		if !found {
			continue
		}
		f.Help = words
		if place, found := places[f.PlaceHolder]; found {
			f.PlaceHolder = place
		}
	}
}

// Speaks tells whether the help of a command is in Indonesian; nil stands for the program.
func Speaks(n *kong.Node) bool {
	if n == nil {
		return true
	}
	_, found := pages("")[n.Path()]
	return found
}

// Missing returns what of a command has no words in Indonesian, of the commands that have any: a
// flag that is new must get them too.
func Missing(app *kong.Application) (names []string) {
	all := pages("")
	left := maps.Clone(all)
	_ = kong.Visit(app, func(node kong.Visitable, next kong.Next) error { // the visitor never fails
		n, ok := node.(*kong.Node)
		if !ok || n.Type != kong.CommandNode {
			return next(nil)
		}
		p, found := all[n.Path()]
		if !found {
			return next(nil)
		}
		delete(left, n.Path())
		for _, a := range n.Positional {
			if p.args[a.Name] == "" {
				names = append(names, n.Path()+" <"+a.Name+">")
			}
		}
		for _, f := range n.Flags {
			if p.flags[f.Name] == "" {
				names = append(names, n.Path()+" --"+f.Name)
			}
		}
		return next(nil)
	})
	return slices.Concat(names, slices.Sorted(maps.Keys(left)))
}

// frame are the words that stand around the help of any command.
var frame = strings.NewReplacer(
	"Usage: ", "Cara pakai: ", "\nArguments:\n", "\nYang ditulis:\n", "\nFlags:\n", "\nPilihan:\n",
	"\nCommands:\n", "\nPerintah:\n", "[flags]", "[pilihan]", "<command>", "<perintah>",
	"for more information on a command.", "menjelaskan satu perintah.", "\nRun \"", "\n\"",
)

// Frame says in Indonesian what stands around the help of a command.
func Frame(help string) string { return frame.Replace(help) }

// wrong are the words in which a command line is said to be wrong.
var wrong = strings.NewReplacer(
	"unknown flag ", "tidak ada pilihan ", "unexpected argument ", "tidak dikenal: ",
	", did you mean ", "; maksudnya ", "missing flags: ", "pilihan ini harus ada: ",
	"expected one of ", "tulis salah satu perintah: ", "expected ", "belum lengkap, tulis ",
	" must be one of ", " harus salah satu dari ", " but got ", ", bukan ",
	": missing value, ", ": nilainya belum ditulis, ",
	" is empty: leave it out where nothing is meant", " kosong: hapus bila tidak ada yang dimaksud",
	" is there twice: give it once", " ditulis dua kali: tulis sekali saja",
)

// Wrong says in Indonesian what is wrong with a command line.
func Wrong(words string) string { return wrong.Replace(words) }
