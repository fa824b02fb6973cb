package main

import (
	"bytes"
	"encoding/json"
)

// object is a JSON object whose members stay in order, so that the documents read well and do not
// change without reason. A Go map would lose the order. nil is the empty object, {}.
type object []member

// member is a name and its value: text, number, boolean, nil, list or object.
type member struct {
	name  string
	value any
}

// list is a JSON array.
type list = []any

// o returns an object with one member. More are added by the methods. The name is short because it
// stands in front of every object of the documents.
func o(name string, value any) object { return object{{name, value}} }

// with returns the object with one more member. The two may share memory, so a is not used again,
// but for one fresh from o, which has no room for more.
func (a object) with(name string, value any) object { return append(a, member{name, value}) }

// join returns an object with the members of both. Names that both have are there twice then, so
// they must have none in common. What is said of the memory of with is true of a here.
func (a object) join(b object) object { return append(a, b...) }

// undefined returns the names of definitions that were asked for and that say nothing, which would
// let anything pass: nobody has made them.
func (a object) undefined() (names []string) {
	for _, m := range a {
		of, _ := m.value.(object)
		names = append(names, of.undefined()...)
		if m.name != "schemas" && m.name != "$defs" {
			continue
		}
		for _, definition := range of {
			if made, _ := definition.value.(object); len(made) == 0 {
				names = append(names, definition.name)
			}
		}
	}
	return names
}

// member returns the value of a member, and false where the object has none of the name.
func (a object) member(name string) (any, bool) {
	for i := range a {
		if a[i].name == name {
			return a[i].value, true
		}
	}
	return nil, false
}

// repeated returns the names that an object, or one in it, has twice. Readers of JSON take one or
// the other of them, and some read no more of a document that has one.
func (a object) repeated() (names []string) {
	seen := map[string]bool{}
	for _, m := range a {
		if seen[m.name] {
			names = append(names, m.name)
		}
		seen[m.name] = true
		names = append(names, repeatedIn(m.value)...)
	}
	return names
}

func repeatedIn(value any) (names []string) {
	switch value := value.(type) {
	case object:
		return value.repeated()
	case list:
		for _, item := range value {
			names = append(names, repeatedIn(item)...)
		}
	}
	return names
}

// MarshalJSON writes the members in their order. encoding/json would otherwise write a list of
// pairs.
func (a object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i := range a {
		if i > 0 {
			b.WriteByte(',')
		}
		for _, part := range []any{a[i].name, a[i].value} {
			text, err := compact(part)
			if err != nil {
				return nil, err
			}
			b.Write(text)
			b.WriteByte(':')
		}
		b.Truncate(b.Len() - 1)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// compact returns a value as one line of JSON. Signs such as < stay as they are: people read the
// documents. It has no line end.
func compact(value any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// pretty returns a value as the documents are written. Two spaces, a member a line and a line end:
// what is checked in is read as a difference, line by line.
func pretty(value any) ([]byte, error) {
	text, err := compact(value)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// texts returns strings as a JSON array. A list of strings itself would be another type than list,
// and not fit where one is wanted.
func texts(of ...string) list {
	all := make(list, len(of))
	for i := range of {
		all[i] = of[i]
	}
	return all
}

// replace returns a copy of the object with another value for a member it has. A member that it has
// not is not added. The original is left as it is, so examples and definitions can be varied.
func (a object) replace(name string, value any) object {
	changed := append(object(nil), a...)
	for i := range changed {
		if changed[i].name == name {
			changed[i].value = value
		}
	}
	return changed
}
