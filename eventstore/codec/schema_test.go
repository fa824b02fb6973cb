package codec

import (
	"strings"
	"testing"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/reflect/protoreflect"

	"cakupan/domain/event"
)

// schema compiles event.proto.
func schema(t testing.TB) protoreflect.FileDescriptor {
	t.Helper()
	compiler := protocompile.Compiler{Resolver: &protocompile.SourceResolver{}}
	files, err := compiler.Compile(t.Context(), "event.proto")
	if err != nil {
		t.Fatal(err)
	}
	return files[0]
}

// TestSchemaNumbersTheFields: the schema has each field of the catalogue under its number, in the
// wire form of its kind, and no other.
func TestSchemaNumbersTheFields(t *testing.T) {
	fields := schema(t).Messages().ByName("Data").Fields()
	if want := int(event.FieldEnd) - 1 - 2; fields.Len() != want { // two are reserved
		t.Errorf("schema has %d fields of data, want %d", fields.Len(), want)
	}
	for f := event.FieldEnrolment; f < event.FieldEnd; f++ {
		if event.EdgeOnly.Has(f) {
			continue
		}
		got := fields.ByNumber(protoreflect.FieldNumber(f))
		if got == nil {
			t.Errorf("schema has no field %d (%s)", f, f.Name())
			continue
		}
		if want := wireForms[f.Kind()]; !strings.Contains(want, got.Kind().String()) {
			t.Errorf("%s is %s, want %s", got.Name(), got.Kind(), want)
		}
		isList := f.Kind() == event.ProgrammeList || f.Kind() == event.MonthList
		if got.IsList() != isList || !isList && !got.HasPresence() {
			t.Errorf("%s: list %t, presence %t", got.Name(), got.IsList(), got.HasPresence())
		}
		last := string(got.Name()[strings.LastIndexByte(string(got.Name()), '_')+1:])
		if !strings.Contains(strings.ToLower(f.Name()+" month reference text source id"), last) {
			t.Errorf("field %d is %s in the schema, %s in the catalogue", f, got.Name(), f.Name())
		}
	}
}

var wireForms = map[event.FieldKind]string{
	event.TextField: "string", event.IntegerField: "int64", event.DateField: "sint32",
	event.MonthField: "sint32", event.CodeField: "enum uint32",
	event.ProgrammeList: "enum", event.MonthList: "sint32",
}

// TestSchemaNumbersTheLists: each enumeration has the numbers and names of its code list.
func TestSchemaNumbersTheLists(t *testing.T) {
	enums := schema(t).Enums()
	for name, text := range map[string]func(int) string{
		"Type":      func(n int) string { return event.Type(n).Name() },
		"Segment":   func(n int) string { return event.Segment(n).String() },
		"Category":  func(n int) string { return event.Category(n).String() },
		"Programme": func(n int) string { return event.Programme(n).String() },
		"Payer":     func(n int) string { return event.Payer(n).String() },
		"Reason":    func(n int) string { return event.Reason(n).String() },
		"Funding":   func(n int) string { return event.Funding(n).String() },
		"Sector":    func(n int) string { return event.Sector(n).String() },
		"Indicator": func(n int) string { return event.Indicator(n).String() },
	} {
		values := enums.ByName(protoreflect.Name(name)).Values()
		for n := 1; n < values.Len(); n++ {
			got := strings.TrimPrefix(string(values.Get(n).Name()), strings.ToUpper(name)+"_")
			want := strings.TrimPrefix(text(n), "id.cakupan.")
			want = strings.ReplaceAll(strings.ToUpper(want), ".", "_")
			if int(values.Get(n).Number()) != n || got != want {
				t.Errorf("%s %d is %s in the schema, %s in the list", name, n, got, want)
			}
		}
		if next := text(values.Len()); !strings.HasSuffix(next, itoa(values.Len())) {
			t.Errorf("%s: %s is not in the schema", name, next)
		}
	}
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + itoa(n%10)
}
