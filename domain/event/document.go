package event

// Kind is the kind of a [Value].
type Kind uint8

// The kinds of values a document holds.
const (
	Null Kind = iota
	Bool
	Number
	String
	Object
	List
)

// Value is one node of a neutral document tree, as an edge (JSON, a spreadsheet row) read it. It is
// what lets JSON, spreadsheets and the log share one set of rules; and a number stays a literal, so
// that none is rounded before a rule has seen it.
type Value struct {
	//
	// Whoever makes one has seen to what the bytes alone can show: valid UTF-8, and no key twice.
	// What it holds is read only; the texts of an event that is accepted are those of its document.
	Kind    Kind
	Text    string   // String: the text. Number: its literal. Bool: "true" or "false"
	Members []Member // Object: in the order sent; names are distinct
	Items   []Value  // List
}

// Member is one named value of an object.
type Member struct {
	Name  string
	Value Value
}
