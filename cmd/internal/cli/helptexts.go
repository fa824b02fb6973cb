package cli

import (
	"maps"
	"regexp"

	"github.com/alecthomas/kong"
)

// named finds ${name} in a help. It is never written.
var named = regexp.MustCompile(`\$\{\w+\}`)

// HelpTexts puts the texts in the place of their names, ${name}, in the help of commands, flags and
// arguments. Given to kong as its variables, each text would be gone through again for every flag
// of every command, at every start, which was most of what a short command took. The texts of a
// later set go before those of an earlier one with the same name. It runs once the model is built,
// before a command line is read.
func HelpTexts(texts ...kong.Vars) kong.Option {
	all := kong.Vars{}
	for _, some := range texts {
		maps.Copy(all, some)
	}
	put := func(help *string) {
		*help = named.ReplaceAllStringFunc(*help, func(name string) string {
			if text, ok := all[name[2:len(name)-1]]; ok {
				return text
			}
			return name // one of kong's own, such as ${default}
		})
	}
	return kong.PostBuild(func(k *kong.Kong) error {
		// Commands, arguments and flags have a help each; that of the program has no names in it.
		return kong.Visit(k.Model, func(at kong.Visitable, next kong.Next) error {
			switch at := at.(type) {
			case *kong.Node:
				put(&at.Help)
			case *kong.Value:
				put(&at.Help)
			case *kong.Flag:
				put(&at.Help)
			}
			return next(nil)
		})
	})
}
