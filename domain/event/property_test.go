package event_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"cakupan/domain/event"
)

// checkAccept: Accept never panics; a refusal has a code and never shows a NIK; what is accepted
// holds no NIK but in Data.NIK, and its document is accepted as the same event.
func checkAccept(t interface{ Fatalf(string, ...any) }, doc event.Value, opts event.Options) {
	a, refusal := event.Accept(doc, opts)
	if refusal != nil {
		if refusal.Code == "" || refusal.Detail == "" {
			t.Fatalf("%v: empty refusal %+v", doc, refusal)
		}
		if event.HasNIK(refusal.Error()) || event.HasNIK(refusal.Field) ||
			event.HasNIK(a.ID) || event.HasNIK(a.Source) {
			t.Fatalf("%v: the refusal shows a NIK", doc)
		}
		return
	}
	if a.Data.Has&event.EdgeOnly != 0 {
		resolve(t, &a.Data)
	}
	for _, text := range textsOf(reflect.ValueOf(a.Event)) {
		if event.HasNIK(text) {
			t.Fatalf("%v: the accepted event holds a NIK", doc)
		}
	}
	again, refusal := event.Accept(a.Document(), opts)
	if refusal != nil {
		t.Fatalf("%v: its document is refused: %v", doc, refusal)
	}
	if !reflect.DeepEqual(a.Event, again.Event) {
		t.Fatalf("%v: its document is another event:\n%+v\n%+v", doc, a.Event, again.Event)
	}
}

// textsOf returns every string in a value.
func textsOf(v reflect.Value) (texts []string) {
	switch v.Kind() {
	case reflect.String:
		return []string{v.String()}
	case reflect.Struct:
		for i := range v.NumField() {
			texts = append(texts, textsOf(v.Field(i))...)
		}
	case reflect.Slice:
		for i := range v.Len() {
			texts = append(texts, textsOf(v.Index(i))...)
		}
	}
	return texts
}

func drawValue(t *rapid.T, depth int) event.Value {
	kinds := []event.Kind{event.String, event.String, event.String, event.Number, event.Null, event.Bool}
	if depth > 0 {
		kinds = append(kinds, event.Object, event.List)
	}
	v := event.Value{Kind: rapid.SampledFrom(kinds).Draw(t, "kind")}
	switch v.Kind {
	case event.String:
		v.Text = rapid.SampledFrom([]string{
			"", "x", "w-1", nik, "x" + nik, nik + "1", "759999-010190-9999", "75/99/99/010190/9999",
			"７５９９９９０１０１９０９９９９", "759999\u200b0101909999", "75.03", "7503", "ID", "2020-01-01", "2020-01", "PU",
			"JKK", "ALL", "60", "1.0", "urn:x", "2020-01-01T00:00:00Z", "id.cakupan.worker.died.v1",
			"application/json", rapid.String().Draw(t, "text"),
		}).Draw(t, "string")
	case event.Number:
		v.Text = rapid.SampledFrom([]string{"0", "-0", "1", "-1", "1.5", "1e9", nik, "99999999999999999999"}).
			Draw(t, "number")
	case event.Bool:
		v.Text = "true"
	case event.Object:
		v.Members = drawMembers(t, depth-1)
	case event.List:
		v.Items = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) event.Value {
			return drawValue(t, depth-1)
		}), 0, 3).Draw(t, "items")
	}
	return v
}

func drawMembers(t *rapid.T, depth int) []event.Member {
	names := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{
		"enrolment", "worker", "nik", "region", "from", "until", "note", nik, "x" + nik, "months", "", "into", "intoNik", "759999-010190-9999",
	}), 0, 4, rapid.ID[string]).Draw(t, "names")
	var members []event.Member
	for _, name := range names {
		members = append(members, event.Member{Name: name, Value: drawValue(t, depth)})
	}
	return members
}

// TestAcceptProperties changes some members of valid events into something else.
func TestAcceptProperties(t *testing.T) {
	types := event.Types()
	rapid.Check(t, func(r *rapid.T) {
		kind := rapid.SampledFrom(types).Draw(r, "type")
		doc := document(t, send(kind, data[kind], `"time":"2020-01-01T00:00:00Z"`, `"subject":"s"`, `"note":"n"`,
			`"recordedat":"2020-01-01T00:00:00Z"`, `"datacontenttype":"application/json"`))
		fields := &doc.Members[4].Value
		for range rapid.IntRange(0, 2).Draw(r, "changes of data") {
			i := rapid.IntRange(0, len(fields.Members)-1).Draw(r, "field")
			fields.Members[i].Value = drawValue(r, 2)
		}
		for range rapid.IntRange(0, 1).Draw(r, "changes of envelope") {
			i := rapid.IntRange(0, len(doc.Members)-1).Draw(r, "attribute")
			doc.Members[i].Value = drawValue(r, 2)
		}
		if rapid.Bool().Draw(r, "more") {
			doc.Members = append(doc.Members, event.Member{
				Name:  rapid.SampledFrom([]string{"a", "b1", nik, "X", ""}).Draw(r, "extension"),
				Value: drawValue(r, 1),
			})
		}
		checkAccept(r, doc, event.Options{KeepRecorded: rapid.Bool().Draw(r, "keep")})
	})
}

func FuzzAccept(f *testing.F) {
	for _, kind := range event.Types() {
		f.Add([]byte(send(kind, data[kind], `"time":"2020-01-01T00:00:00Z"`, `"note":7`)), true)
	}
	f.Add([]byte(send(event.WorkerDied, `"nik":"`+nik+`","on":"2020-01-01"`, `"subject":"`+nik+`"`)), false)
	f.Fuzz(func(t *testing.T, text []byte, keep bool) {
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.UseNumber()
		doc, err := readValue(decoder)
		if err != nil || hasTwins(doc) {
			return
		}
		checkAccept(t, doc, event.Options{KeepRecorded: keep})
	})
}

// hasTwins tells whether an object names a member twice, which no document does.
func hasTwins(v event.Value) bool {
	seen := map[string]bool{}
	for _, m := range v.Members {
		if seen[m.Name] || hasTwins(m.Value) {
			return true
		}
		seen[m.Name] = true
	}
	for _, item := range v.Items {
		if hasTwins(item) {
			return true
		}
	}
	return false
}

// TestCheckNIK compares with the rule said another way, over all days, months and years.
func TestCheckNIK(t *testing.T) {
	days := [...]int{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}
	for day := range 100 {
		for month := range 100 {
			for year := range 100 {
				born := day
				if day > 40 {
					born = day - 40
				}
				want := month >= 1 && month <= 12 && born >= 1 && born <= days[max(0, min(11, month-1))]
				if month == 2 && born == 29 && year%4 != 0 {
					want = false
				}
				text := fmt.Sprintf("759999%02d%02d%02d9999", day, month, year)
				if got := event.CheckNIK(text) == ""; got != want {
					t.Fatalf("%s: %t, want %t: %s", text[6:12], got, want, event.CheckNIK(text))
				}
			}
		}
	}
	for text, want := range map[string]bool{
		nik: true, nikWoman: true, "": false, nik[1:]: false, nik + "1": false, " " + nik[1:]: false,
		"7599990101900000": false, "7599990101900001": true, "1099990101909999": false,
		"0099990101909999": false, "1199990101909999": true, "9699990101909999": true, "9799990101909999": false,
		"7599992902009999": true, "7599996902009999": true, "7599992902019999": false, "759999010190999A": false,
		"７599990101909999": false,
	} {
		if got := event.CheckNIK(text) == ""; got != want {
			t.Errorf("CheckNIK(%s) is %t, want %t", text, got, want)
		}
		if detail := event.CheckNIK(text); text != "" && strings.Contains(detail, text) {
			t.Errorf("the rule shows the number: %s", detail)
		}
	}
}

func TestMaskNIK(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "x": "x", nik: "759999**********", nik + "1": nik + "1",
		"a" + nik + "b" + nikWoman: "a759999**********b759999**********",
		nik[:15] + "x" + nik:       nik[:15] + "x759999**********",
	} {
		if got := event.MaskNIK(text); got != want {
			t.Errorf("MaskNIK(%s) = %s, want %s", text, got, want)
		}
	}
}

// TestCodeLists: each list of the contract, in its order; parsing is exact.
func TestCodeLists(t *testing.T) {
	for want, name := range map[string]func(int) (string, bool){
		"PU BPU JAKON PMI": list(event.ParseSegment),
		"ASN NON_ASN VILLAGE_OFFICIAL PRIVATE SELF_EMPLOYED VULNERABLE OTHER": list(event.ParseCategory),
		"JKK JKM JHT JP JKP": list(event.ParseProgramme),
		"EMPLOYER SELF APBD": list(event.ParsePayer),
		"APBD APBD_P APBDES DBH_SAWIT DBH_CHT POKIR OTHER": list(event.ParseFunding),
		"ALL FORMAL INFORMAL":                              list(event.ParseSector),
		"LABOUR_FORCE EMPLOYED ELIGIBLE":                   list(event.ParseIndicator),
		"RETIREMENT RESIGNATION LAYOFF CONTRACT_END ARREARS MOVED BECAME_ASN EMIGRATED DISABILITY PROJECT_END ERROR OTHER": list(event.ParseReason),
	} {
		words := strings.Fields(want)
		for i, word := range words {
			if got, ok := name(i + 1); !ok || got != word {
				t.Errorf("%d of %s is %s", i+1, want, got)
			}
		}
		if got, ok := name(len(words) + 1); ok {
			t.Errorf("%s goes on with %s", want, got)
		}
	}
	if event.UnknownFunding.String() != "UNKNOWN" {
		t.Errorf("unknown funding is %s", event.UnknownFunding)
	}
	if _, ok := event.ParseFunding("UNKNOWN"); ok {
		t.Error("UNKNOWN can be reported")
	}
}

// list returns the name of a number if parsing it gives the number back.
func list[C interface {
	~uint8
	String() string
}](parse func(string) (C, bool)) func(int) (string, bool) {
	return func(n int) (string, bool) {
		text := C(n).String()
		back, ok := parse(text)
		_, lower := parse(strings.ToLower(text))
		_, empty := parse("")
		return text, ok && int(back) == n && !lower && !empty
	}
}

func TestFieldSet(t *testing.T) {
	var set event.FieldSet
	set = set.With(event.FieldWorker).With(event.FieldRetractedID).With(event.FieldEnrolment)
	set = set.Without(event.FieldRetractedID)
	var got []event.Field
	for rest := set; rest != 0; {
		var f event.Field
		f, rest = rest.Next()
		got = append(got, f)
	}
	if !slices.Equal(got, []event.Field{event.FieldEnrolment, event.FieldWorker}) ||
		set.Has(event.FieldRetractedID) || !set.Has(event.FieldWorker) {
		t.Errorf("%v %b", got, set)
	}
}

// TestAccessorsReachEveryField: each field is reached by the accessor of its kind and by no other.
func TestAccessorsReachEveryField(t *testing.T) {
	for f := event.Field(0); f < 100; f++ {
		var d event.Data
		reached := map[event.FieldKind]bool{
			event.TextField: d.Text(f) != nil, event.IntegerField: d.Integer(f) != nil,
			event.DateField: d.Date(f) != nil, event.MonthField: d.Month(f) != nil,
			event.CodeField: d.SetCodeNumber(f, 1) || d.SetCodeNumber(f, 75),
		}
		for kind, ok := range reached {
			if ok != (f.Kind() == kind) {
				t.Errorf("field %d %s of kind %d: accessor of kind %d: %t", f, f.Name(), f.Kind(), kind, ok)
			}
		}
		if f.Kind() == event.CodeField && (d.CodeNumber(f) == 0 || d.SetCodeNumber(f, 9999)) {
			t.Errorf("%s: number %d", f.Name(), d.CodeNumber(f))
		}
		if (f.Name() == "") != (f.Kind() == event.NoField) {
			t.Errorf("field %d has name %q and kind %d", f, f.Name(), f.Kind())
		}
	}
}

func BenchmarkAccept(b *testing.B) {
	doc := document(b, send(event.EnrolmentOpened, data[event.EnrolmentOpened]))
	b.ReportAllocs()
	for b.Loop() {
		if _, refusal := event.Accept(doc, event.Options{}); refusal != nil {
			b.Fatal(refusal)
		}
	}
}
