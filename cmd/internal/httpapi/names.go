package httpapi

import (
	"encoding/json"
	"fmt"
	"strings"
)

// namesOnly returns what was sent with the names of its fields and without their values, for those
// who are to see what is wrong and not of whom it speaks. Headers are lines before the payload;
// what is no JSON has no names. It is for an auditor who looks at one that was refused: a NIK in
// the wrong place, or a name, may be all that is wrong with it. What it returns is text for people,
// and no event any more.
func namesOnly(original string) string {
	var shown strings.Builder
	rest := original
	for {
		line, after, found := strings.Cut(rest, "\n")
		name, _, field := strings.Cut(line, ": ")
		if !found || !field || strings.ContainsAny(name, "{[\" \t") {
			break
		}
		fmt.Fprintf(&shown, "%s: ...\n", name)
		rest = after
	}
	var value any
	if json.Unmarshal([]byte(rest), &value) != nil {
		fmt.Fprintf(&shown, "(%d bytes that are no JSON)", len(rest))
		return shown.String()
	}
	text, err := json.Marshal(hideValues(value))
	if err != nil { // what was read can be written
		return shown.String()
	}
	_, _ = shown.Write(text) // a builder takes everything
	return shown.String()
}

// hideValues returns a value of JSON with what kind of value stands in place of each. It changes
// the value it is given, which is nobody else's. null says nothing of anybody and stays, as names
// do: they are what is to be seen.
func hideValues(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name := range v {
			v[name] = hideValues(v[name])
		}
		return v
	case []any:
		for i := range v {
			v[i] = hideValues(v[i])
		}
		return v
	case string:
		return "text"
	case float64:
		return "number"
	case bool:
		return "boolean"
	}
	return nil
}
