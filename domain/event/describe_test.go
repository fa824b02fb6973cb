package event

import (
	"slices"
	"testing"
)

// TestUses makes sure that what is described is what is read: an event without a required field
// is refused, and a code list is the one of its reader.
func TestUses(t *testing.T) {
	for _, typ := range Types() {
		uses := typ.Uses()
		if len(uses) == 0 || len(uses) != len(typ.Fields()) {
			t.Fatalf("%s: %v", typ, uses)
		}
		first := slices.IndexFunc(uses, func(u Use) bool { return u.Need == Required })
		var d Data
		var wrong defects
		d.accept(typ, nil, &wrong)
		refusal := wrong.refusal()
		switch {
		case first < 0: // only a worker
		case refusal == nil || refusal.Code != FieldMissing ||
			refusal.Field != "data."+uses[first].Field.Name():
			t.Errorf("%s: %+v, want %s missing", typ, refusal, uses[first].Field.Name())
		}
	}
	if Type(0).Uses() != nil || Field(200).Form() != TextForm || Field(200).Codes() != nil {
		t.Error("what is unknown is described")
	}
}

func TestCodes(t *testing.T) {
	for f := Field(1); f < FieldEnd; f++ {
		codes := f.Codes()
		listed := f.Form() == CodeForm || f.Form() == ProgrammesForm
		if listed != (len(codes) > 0) || slices.Contains(codes, "") {
			t.Errorf("%s: %q", f.Name(), codes)
		}
	}
	if slices.Contains(FieldFunding.Codes(), "UNKNOWN") || len(FieldProgrammes.Codes()) != 5 {
		t.Error("a code that nobody may send, or one is missing")
	}
}
