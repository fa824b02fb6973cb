package auditing

import (
	"os"

	"cakupan/cmd/internal/indonesian"
	"cakupan/cmd/internal/lists"
)

// languageOf returns the language of what people read: what --lang says, else the environment, as
// for help.
func languageOf(flag string) lists.Language {
	if flag == "id" || flag == "" && indonesian.Wanted(nil, os.Getenv) {
		return lists.Indonesian
	}
	return lists.English
}
