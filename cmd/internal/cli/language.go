package cli

import (
	"os"

	"cakupan/cmd/internal/indonesian"
	"cakupan/cmd/internal/lists"
)

// Language returns the language of what a command says to people: what --lang says, else the
// environment, as for help.
func Language(flag string) lists.Language {
	if flag == "id" || flag == "" && indonesian.Wanted(nil, os.Getenv) {
		return lists.Indonesian
	}
	return lists.English
}
