package codec

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"pgregory.net/rapid"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
)

var update = flag.Bool("update", false, "write the golden files of types that have none")

// TestGolden: the bytes of every type are those written when it came into being, and are read as
// the same event for ever.
func TestGolden(t *testing.T) {
	for name, want := range samples() {
		path := filepath.Join("testdata", strings.TrimPrefix(name, "id.cakupan.")+".hex")
		encoded := Append(nil, &want)
		text, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) && *update {
			text = []byte(hex.Dump(encoded))
			err = os.WriteFile(path, text, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.Dump(encoded); got != string(text) {
			t.Errorf("%s:\n got\n%s\nwant\n%s", name, got, text)
		}
		var got event.Event
		if _, err := Decode(encoded, &got); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	var reused event.Event // what an event held before must not show
	rapid.Check(t, func(t *rapid.T) {
		want := drawEvent(t)
		encoded := Append([]byte("before"), &want)[len("before"):]
		digest, err := Digest(encoded)
		if err != nil {
			t.Fatal(err)
		}
		sequence := rapid.Uint64Min(1).Draw(t, "sequence")
		encoded = AppendRetracts(encoded, sequence)
		retracts, err := Decode(encoded, &reused)
		if err != nil || retracts != sequence {
			t.Fatalf("Decode = %d, %v, want %d", retracts, err, sequence)
		}
		if diff := cmp.Diff(want, reused, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		compareScan(t, encoded, &reused)
		if after, err := Digest(encoded); err != nil || after != digest {
			t.Fatalf("AppendRetracts changed the digest: %v", err)
		}
	})
}

// TestDigest: the digest is over type and data, and nothing else.
func TestDigest(t *testing.T) {
	base := samples()[event.TargetSet.Name()]
	digest := func(change func(*event.Event)) [DigestBytes]byte {
		e := base
		change(&e)
		d, err := Digest(Append(nil, &e))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	same := digest(func(*event.Event) {})
	for name, change := range map[string]func(*event.Event){
		"id":        func(e *event.Event) { e.ID = "other" },
		"time":      func(e *event.Event) { e.Time = "2020-01-01T00:00:00Z" },
		"subject":   func(e *event.Event) { e.Subject = "other" },
		"extension": func(e *event.Event) { e.Extensions = samples()["full-envelope"].Extensions },
	} {
		if digest(change) != same {
			t.Errorf("another %s is another fact", name)
		}
	}
	for name, change := range map[string]func(*event.Event){
		"type":     func(e *event.Event) { e.Type = event.WorkforcePublished },
		"percent":  func(e *event.Event) { e.Data.Percent = "60.0" },
		"no basis": func(e *event.Event) { e.Data.Has = e.Data.Has.Without(event.FieldBasis) },
		"empty basis": func(e *event.Event) {
			e.Data.Basis = ""
		},
	} {
		if digest(change) == same {
			t.Errorf("another %s is the same fact", name)
		}
	}
}

// TestDigestMonths: the months of a disbursement are a list, not a set.
func TestDigestMonths(t *testing.T) {
	seen := map[[DigestBytes]byte]bool{}
	for _, months := range [][]temporal.Month{{600}, {600, 601}, {601, 600}, {600, 600}} {
		e := samples()[event.FundingDisbursed.Name()]
		e.Data.PaidMonths = months
		digest, err := Digest(Append(nil, &e))
		if err != nil || seen[digest] {
			t.Errorf("%v is the same list as another, or %v", months, err)
		}
		seen[digest] = true
	}
}

// TestDigestProgrammes: programmes are a set, and the digest of an event that has each once and in
// order is the one that it always had.
func TestDigestProgrammes(t *testing.T) {
	digest := func(list ...event.Programme) [DigestBytes]byte {
		e := samples()[event.EnrolmentOpened.Name()]
		e.Data.Programmes = list
		stored := Append(nil, &e)
		d, err := Digest(stored)
		if err != nil {
			t.Fatal(err)
		}
		if inOrder := slices.IsSorted(list) && len(slices.Compact(slices.Clone(list))) == len(list); inOrder {
			content := binary.AppendUvarint(nil, uint64(e.Type))
			content = appendData(content, &e.Data)
			if want := sha256.Sum256(content); !bytes.Equal(d[:], want[:DigestBytes]) {
				t.Errorf("%v has another digest than before", list)
			}
		}
		return d
	}
	programme := rapid.Custom(func(t *rapid.T) event.Programme {
		return event.Programme(rapid.Uint8Range(1, 5).Draw(t, "programme"))
	})
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(programme, 1, 200).Draw(t, "list")
		set := slices.Clone(list)
		slices.Sort(set)
		set = slices.Compact(set)
		if digest(list...) != digest(set...) {
			t.Fatalf("%v is another set than %v", list, set)
		}
		if other := rapid.SliceOfN(programme, 1, 8).Draw(t, "other"); (digest(list...) == digest(other...)) !=
			(setOf(list) == setOf(other)) {
			t.Fatalf("%v and %v", list, other)
		}
	})
}

func setOf(list []event.Programme) event.ProgrammeSet {
	d := event.Data{Programmes: list}
	return d.ProgrammeSet()
}

// TestAppendNeverWritesNIK: even a caller that forgot to replace it cannot store it.
func TestAppendNeverWritesNIK(t *testing.T) {
	const nik = "7599990101909999"
	e := event.Event{Type: event.WorkerMerged}
	e.Data.NIK, e.Data.IntoNIK = nik, nik
	e.Data.Has = event.EdgeOnly.With(event.FieldOn)
	if encoded := Append(nil, &e); bytes.Contains(encoded, []byte(nik)) {
		t.Error("the NIK is in the bytes")
	}
	for _, f := range []event.Field{event.FieldNIK, event.FieldIntoNIK} {
		planted := protowire.AppendTag(nil, protowire.Number(f), protowire.BytesType)
		planted = protowire.AppendString(planted, nik)
		encoded := protowire.AppendVarint([]byte{numberType << 3}, uint64(event.WorkerMerged))
		encoded = protowire.AppendTag(encoded, numberData, protowire.BytesType)
		encoded = protowire.AppendBytes(encoded, planted)
		if _, err := Decode(encoded, &e); err != nil || *e.Data.Text(f) != "" || e.Data.Has != 0 {
			t.Errorf("Decode read a NIK: %v", err)
		}
	}
}

func TestDecodeUnknownType(t *testing.T) {
	for _, number := range []uint64{0, uint64(event.TypeEnd), 255, 256 + 1, 1 << 31} {
		encoded := protowire.AppendVarint([]byte{numberType << 3}, number)
		_, err := Decode(encoded, new(event.Event))
		var unknown *UnknownTypeError
		if !errors.As(err, &unknown) || uint64(unknown.Number) != number {
			t.Errorf("Decode(type %d): %v", number, err)
		}
	}
}

// TestDecodeDamaged: every prefix and every single changed byte gives an event or an error.
func TestDecodeDamaged(t *testing.T) {
	for _, e := range samples() {
		encoded := Append(nil, &e)
		for i := range encoded {
			damaged := slices.Clone(encoded)
			for _, flip := range []byte{1, 0x40, 0x80, 0xff} {
				damaged[i] = encoded[i] ^ flip
				check(t, damaged)
			}
			check(t, encoded[:i])
		}
	}
}

func check(t *testing.T, b []byte) {
	t.Helper()
	var unknown *UnknownTypeError
	_, err := Decode(b, new(event.Event))
	if err != nil && !errors.Is(err, ErrMalformed) && !errors.As(err, &unknown) {
		t.Errorf("Decode(%x): %v is of no kind", b, err)
	}
	if scanned := Scan(b, new(Fields)); scanned != nil && err == nil {
		t.Errorf("Decode(%x) reads what Scan refuses: %v", b, scanned)
	}
	_, _ = Digest(b)
}

func TestDecodeDoesNotAllocate(t *testing.T) {
	for name, e := range samples() {
		encoded := AppendRetracts(Append(nil, &e), 7)
		var into event.Event
		if n := testing.AllocsPerRun(100, func() {
			if _, err := Decode(encoded, &into); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// TestAppendAgainstProtobuf: the protobuf library writes the same bytes and reads ours.
func TestAppendAgainstProtobuf(t *testing.T) {
	message := schema(t).Messages().ByName("Event")
	rapid.Check(t, func(t *rapid.T) {
		e := drawEvent(t)
		encoded := Append(nil, &e)
		m := dynamicpb.NewMessage(message)
		if err := proto.Unmarshal(encoded, m); err != nil {
			t.Fatal(err)
		}
		if len(m.GetUnknown()) > 0 {
			t.Fatalf("unknown to the schema: %x", m.GetUnknown())
		}
		again, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again, encoded) {
			t.Fatalf("\nours     %x\nprotobuf %x", encoded, again)
		}
		compare(t, &e, m)
	})
}

// FuzzDecode compares our reader with the protobuf library: what we read it reads alike, and what
// it reads we read too, unless the event is none of the catalogue.
func FuzzDecode(f *testing.F) {
	for _, e := range samples() {
		f.Add(AppendRetracts(Append(nil, &e), 4711))
	}
	message := schema(f).Messages().ByName("Event")
	f.Fuzz(func(t *testing.T, b []byte) {
		var e event.Event
		retracts, err := Decode(b, &e)
		if err == nil {
			compareScan(t, b, &e)
		}
		m := dynamicpb.NewMessage(message)
		reference := proto.Unmarshal(b, m)
		switch {
		case err == nil && reference == nil:
			compare(t, &e, m)
			if got := m.Get(message.Fields().ByNumber(numberRetracts)).Uint(); got != retracts {
				t.Fatalf("retracts = %d, protobuf %d", retracts, got)
			}
		case err == nil && !strings.Contains(reference.Error(), "UTF-8"):
			t.Fatalf("we read what protobuf does not: %v", reference)
		case err != nil && reference == nil && inCatalogue(m) && proto.Size(m) == len(b):
			// Of other lengths are bytes that say a thing twice: we look at each, protobuf at
			// the last.
			t.Fatalf("we do not read what protobuf does: %v", err)
		}
	})
}

// compareScan fails unless Scan finds in the bytes what Decode has read.
func compareScan(t interface{ Fatalf(string, ...any) }, b []byte, e *event.Event) {
	scanned := stale
	if err := Scan(b, &scanned); err != nil {
		t.Fatalf("Scan refuses what Decode reads: %v", err)
	}
	d := &e.Data
	got := event.Event{Key: event.Key{Source: scanned.Source, ID: scanned.ID}, Type: scanned.Type}
	want := event.Event{Key: e.Key, Type: e.Type}
	for f := event.Field(1); f < event.FieldEnd; f++ {
		if event.EdgeOnly.Has(f) {
			continue
		}
		has := scanned.Has.Has(f)
		switch f.Kind() {
		case event.TextField:
			*got.Data.Text(f), *want.Data.Text(f) = scanned.Text(f), *d.Text(f)
		case event.DateField:
			*got.Data.Date(f), *want.Data.Date(f) = scanned.Date(f), *d.Date(f)
		case event.MonthField:
			*got.Data.Month(f), *want.Data.Month(f) = scanned.Month(f), *d.Month(f)
		case event.CodeField:
			if code := scanned.Code(f); code != d.CodeNumber(f) {
				t.Fatalf("%s is %d, want %d", f.Name(), code, d.CodeNumber(f))
			}
		case event.ProgrammeList:
			if scanned.Programmes != d.ProgrammeSet() {
				t.Fatalf("programmes %b, want %b", scanned.Programmes, d.ProgrammeSet())
			}
		default: // Scan does not look at it
			continue
		}
		if has != d.Has.Has(f) {
			t.Fatalf("%s: found %v, want %v", f.Name(), has, d.Has.Has(f))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
}

// stale are fields as an event before has left them.
var stale = func() (s Fields) {
	s.ID, s.Source, s.Has, s.Programmes = "stale", "stale", ^event.FieldSet(0), 62
	for i := range s.texts {
		s.texts[i], s.numbers[i] = "stale", 7
	}
	return s
}()

// inCatalogue tells whether all numbers of a message are of their lists, and it has no groups.
func inCatalogue(m protoreflect.Message) bool {
	for unknown := m.GetUnknown(); len(unknown) > 0; {
		_, wire, n := protowire.ConsumeField(unknown)
		if n < 0 || wire == protowire.StartGroupType {
			return false
		}
		unknown = unknown[n:]
	}
	fields := m.Descriptor().Fields()
	if m.Descriptor().Name() != "Data" && !m.Has(fields.ByNumber(numberType)) {
		return false
	}
	ok := true
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		ok = ok && allKnown(fd, v)
		return ok
	})
	return ok
}

func allKnown(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
	known := func(v protoreflect.Value) bool {
		switch {
		case fd.Kind() == protoreflect.MessageKind && fd.Name() == "extensions":
			x := v.Message()
			kind := x.Get(x.Descriptor().Fields().ByNumber(extensionKind)).Enum()
			return len(x.GetUnknown()) == 0 && kind >= kindString && kind <= kindNumber
		case fd.Kind() == protoreflect.MessageKind:
			return inCatalogue(v.Message())
		case fd.Kind() == protoreflect.EnumKind:
			return v.Enum() > 0 && fd.Enum().Values().ByNumber(v.Enum()) != nil
		case fd.Name() == "region" || fd.Name() == "funder":
			return new(event.Data).SetCodeNumber(event.FieldRegion, v.Uint())
		}
		return true
	}
	if !fd.IsList() {
		return known(v)
	}
	for i := range v.List().Len() {
		if !known(v.List().Get(i)) {
			return false
		}
	}
	return true
}

type failer interface {
	Helper()
	Fatalf(string, ...any)
}

// compare fails when the event differs from the message.
func compare(t failer, e *event.Event, m protoreflect.Message) {
	t.Helper()
	fields := m.Descriptor().Fields()
	get := func(n protoreflect.FieldNumber) protoreflect.Value { return m.Get(fields.ByNumber(n)) }
	if get(numberID).String() != e.ID || get(numberSource).String() != e.Source ||
		get(numberTime).String() != e.Time || get(numberSubject).String() != e.Subject ||
		event.Type(get(numberType).Enum()) != e.Type {
		t.Fatalf("envelope differs: %v", m)
	}
	extensions := get(numberExtensions).List()
	if extensions.Len() != len(e.Extensions) {
		t.Fatalf("%d extensions, protobuf %d", len(e.Extensions), extensions.Len())
	}
	for i, x := range e.Extensions {
		got := extensions.Get(i).Message()
		of := got.Descriptor().Fields()
		if got.Get(of.ByNumber(extensionName)).String() != x.Name ||
			got.Get(of.ByNumber(extensionText)).String() != x.Value.Text {
			t.Fatalf("extension %d differs: %v", i, got)
		}
	}
	data := get(numberData).Message()
	for f := event.FieldEnrolment; f < event.FieldEnd; f++ {
		if event.EdgeOnly.Has(f) {
			continue
		}
		fd := data.Descriptor().Fields().ByNumber(protoreflect.FieldNumber(f))
		if data.Has(fd) != e.Data.Has.Has(f) {
			t.Fatalf("%s: has %t, protobuf %t", fd.Name(), e.Data.Has.Has(f), data.Has(fd))
		}
		if !same(&e.Data, f, data.Get(fd)) {
			t.Fatalf("%s differs: %v", fd.Name(), data.Get(fd))
		}
	}
}

func same(d *event.Data, f event.Field, v protoreflect.Value) bool {
	switch f.Kind() {
	case event.TextField:
		return *d.Text(f) == v.String()
	case event.IntegerField:
		return *d.Integer(f) == v.Int()
	case event.DateField:
		return int64(*d.Date(f)) == v.Int()
	case event.MonthField:
		return int64(*d.Month(f)) == v.Int()
	case event.CodeField:
		if f == event.FieldRegion || f == event.FieldFunder {
			return d.CodeNumber(f) == v.Uint()
		}
		return d.CodeNumber(f) == uint64(v.Enum())
	}
	list := v.List()
	if f.Kind() == event.ProgrammeList {
		for i, p := range d.Programmes {
			if protoreflect.EnumNumber(p) != list.Get(i).Enum() {
				return false
			}
		}
		return list.Len() == len(d.Programmes)
	}
	for i, month := range d.PaidMonths {
		if int64(month) != list.Get(i).Int() {
			return false
		}
	}
	return list.Len() == len(d.PaidMonths)
}

func BenchmarkDecode(b *testing.B) {
	for _, t := range []event.Type{event.EnrolmentOpened, event.FundingGranted} {
		e := samples()[t.Name()]
		encoded := Append(nil, &e)
		b.Run(t.Name(), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(encoded)))
			var into event.Event
			for b.Loop() {
				if _, err := Decode(encoded, &into); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	e := samples()[event.EnrolmentOpened.Name()]
	b.ReportAllocs()
	var dst []byte
	for b.Loop() {
		dst = Append(dst[:0], &e)
	}
}

func BenchmarkDigest(b *testing.B) {
	e := samples()[event.EnrolmentOpened.Name()]
	encoded := Append(nil, &e)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Digest(encoded); err != nil {
			b.Fatal(err)
		}
	}
}
