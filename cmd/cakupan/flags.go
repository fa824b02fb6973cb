package main

import (
	"reflect"
	"slices"

	"github.com/alecthomas/kong"
)

// wrongFlag says which flag of a command line is empty, or is there twice where one value counts;
// "" when none is. An empty one is most often a variable of a script that has not been set: taken
// for one that was left out, --enrolment "$ID" would answer about all, and --on "$DAY" about today.
// Of two values one would be lost. Flags of the program itself may come again: who has them in an
// alias says another one behind it.
func wrongFlag(parsed *kong.Context) string {
	times := map[*kong.Flag]int{}
	for _, part := range parsed.Path {
		f := part.Flag
		if f == nil || f.Tag.Type == folderFlag {
			continue // --data has two meanings, and a reader of its own
		}
		times[f]++
		if times[f] > 1 && !f.IsCumulative() && !f.IsBool() &&
			!slices.Contains(parsed.Model.Flags, f) {
			return "--" + f.Name + " is there twice: give it once"
		}
	}
	for _, part := range parsed.Path {
		f := part.Flag
		if times[f] > 0 && isEmpty(reflect.ValueOf(parsed.FlagValue(f)), times[f]) {
			return "--" + f.Name + " is empty: leave it out where nothing is meant"
		}
	}
	return ""
}

// folderFlag is the type of --data, which is read by [publishing.FolderOrEvent].
const folderFlag = "folder"

// isEmpty tells whether a flag that was there so many times has an empty text, or fewer items.
func isEmpty(value reflect.Value, times int) bool {
	switch value.Kind() {
	case reflect.String:
		return value.Len() == 0
	case reflect.Slice:
		for i := range value.Len() {
			if isEmpty(value.Index(i), 1) {
				return true
			}
		}
		return value.Len() < times
	default: // a number or duration, which the parser has read
		return false
	}
}
