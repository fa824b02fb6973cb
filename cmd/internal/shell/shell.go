// Package shell completes command lines in bash, zsh and fish. What may stand at a place is told by
// the command line's own grammar, so the scripts of the shells know nothing of it, and are as right
// as the program that answers them.
package shell

import (
	"embed"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

//go:embed scripts
var scripts embed.FS

// Names are the shells that have a script.
func Names() []string { return []string{"bash", "zsh", "fish"} }

// Script returns what a shell reads to complete the command lines of the program.
func Script(shell string) (text []byte, found bool) {
	if !slices.Contains(Names(), shell) {
		return nil, false
	}
	text, err := scripts.ReadFile("scripts/" + shell)
	return text, err == nil
}

// Answer is what may stand at a place of a command line.
type Answer struct {
	Words []Word
	Files bool // the name of a file or a folder, which the shell knows better
}

// Word is one that may stand there, and what it means.
type Word struct{ Text, Help string }

// String returns an answer as the scripts read it: a line a word, its help after a tab; "/" alone
// for a file.
func (a Answer) String() string {
	var b strings.Builder
	for _, word := range a.Words {
		b.WriteString(word.Text + "\t" + word.Help + "\n")
	}
	if a.Files {
		b.WriteString("/\n")
	}
	return b.String()
}

// Complete says what the last of the words may become, those after the program's name. The last is
// "" where a new word begins.
func Complete(model *kong.Application, words []string) Answer {
	line := line{node: model.Node}
	words = joined(words)
	if len(words) == 0 {
		words = []string{""}
	}
	last := words[len(words)-1]
	for _, word := range words[:len(words)-1] {
		line.take(word)
	}
	return line.answer(last)
}

// joined undoes what bash does to --flag=value: it takes = for a word of its own.
func joined(words []string) (together []string) {
	for i := 0; i < len(words); i++ {
		if words[i] != "=" || len(together) == 0 || !isFlag(together[len(together)-1]) {
			together = append(together, words[i])
			continue
		}
		if i == len(words)-1 {
			together = append(together, "")
		}
	}
	return together
}

func isFlag(word string) bool { return strings.HasPrefix(word, "-") && len(word) > 1 }

// line is a command line as far as it has been read.
type line struct {
	node  *kong.Node
	value *kong.Value // of a flag that waits for it
	taken int         // how many arguments of the command are there
	plain bool        // after --: no more flags
}

// take reads a word that is whole.
func (l *line) take(word string) {
	switch {
	case l.value != nil:
		l.value = nil
	case word == "--" && !l.plain:
		l.plain = true
	case isFlag(word) && !l.plain:
		name, _, given := strings.Cut(word, "=")
		if flag := l.flag(name); flag != nil && !given && !flag.IsBool() {
			l.value = flag.Value
		}
	default:
		if child := l.child(word); child != nil {
			l.node, l.taken = child, 0
		} else {
			l.taken++
		}
	}
}

// answer says what an unfinished word may become.
func (l *line) answer(word string) Answer {
	if l.value != nil {
		return ofValue(l.value, "", word)
	}
	if isFlag(word) || word == "-" {
		if l.plain {
			return Answer{}
		}
		return l.flags(word)
	}
	var a Answer
	for _, child := range l.node.Children {
		if !child.Hidden && strings.HasPrefix(child.Name, word) {
			a.Words = append(a.Words, Word{child.Name, child.Help})
		}
	}
	if at := l.argument(); at != nil {
		argument := ofValue(at, "", word)
		a.Words, a.Files = append(a.Words, argument.Words...), argument.Files
	}
	return a
}

// flags says what a word that begins a flag may become, its value after = included.
func (l *line) flags(word string) (a Answer) {
	if name, value, given := strings.Cut(word, "="); given {
		if flag := l.flag(name); flag != nil {
			return ofValue(flag.Value, name+"=", value)
		}
		return a
	}
	for _, group := range l.node.AllFlags(true) {
		for _, flag := range group {
			if name := "--" + flag.Name; strings.HasPrefix(name, word) {
				a.Words = append(a.Words, Word{name, flag.Help})
			}
		}
	}
	return a
}

// flag returns the flag with a name as it is written, nil for none.
func (l *line) flag(name string) *kong.Flag {
	for _, group := range l.node.AllFlags(true) {
		for _, flag := range group {
			if name == "--"+flag.Name || flag.Short != 0 && name == "-"+string(flag.Short) {
				return flag
			}
		}
	}
	return nil
}

func (l *line) child(name string) *kong.Node {
	for _, child := range l.node.Children {
		if child.Name == name {
			return child
		}
	}
	return nil
}

// argument returns the argument that comes next, nil for none; the last one may take many words.
func (l *line) argument() *kong.Value {
	arguments := l.node.Positional
	switch {
	case len(arguments) == 0:
		return nil
	case l.taken < len(arguments):
		return arguments[l.taken]
	}
	if last := arguments[len(arguments)-1]; last.IsSlice() {
		return last
	}
	return nil
}

// ofValue says what a value that has begun may become.
func ofValue(value *kong.Value, before, begun string) (a Answer) {
	for _, one := range strings.Split(value.Enum, ",") {
		if one != "" && strings.HasPrefix(one, begun) {
			a.Words = append(a.Words, Word{before + one, ""})
		}
	}
	a.Files = isFile(value)
	return a
}

// isFile tells whether a value is the name of a file or a folder, by the words that the help has
// for it.
func isFile(value *kong.Value) bool {
	names := []string{value.Name, value.Tag.PlaceHolder}
	if value.Flag != nil {
		names = []string{value.Flag.PlaceHolder}
	}
	return slices.ContainsFunc(names, func(name string) bool {
		return slices.Contains([]string{"file", "path", "dir"}, strings.ToLower(name))
	})
}
