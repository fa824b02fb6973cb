package cloudevents

import (
	"bytes"
	"strings"
	"testing"

	"cakupan/domain/event"
)

func TestMaskNIK(t *testing.T) {
	const masked = "759999**********"
	for input, want := range map[string]string{
		``:                                  ``,
		`{"id":"a"}`:                        `{"id":"a"}`,
		nik:                                 masked,
		`x` + nik + `y`:                     `x` + masked + `y`,
		nik + "," + nik:                     masked + "," + masked,
		`1` + nik:                           `1` + nik, // part of a longer run
		nik + `1`:                           nik + `1`,
		`7599990101900000`:                  `7599990101900000`, // no serial 0000
		`{"nik":"` + nik + `"}`:             `{"nik":"` + masked + `"}`,
		`{"nik":"7599990101900000"}`:        `{"nik":"` + masked + `"}`,
		`{"NIK" : "75999901019A9999"}`:      `{"NIK" : "759999**********"}`,
		`{"nik":"75x9990101909999"}`:        `{"nik":"75**************"}`,
		`{"nik":7599990101900000,"on":"2"}`: `{"nik":759999**********,"on":"2"}`,
		`{"nik":"759999010190`:              `{"nik":"759999******`,
		`{"nik":"7599\u00390101900000"}`:    `{"nik":"7599****************"}`,
		`{"nik":["7599990101900000"]}`:      `{"nik":["****************"]}`,
		`{"nik":null,"a":1}`:                `{"nik":null,"a":1}`,
		`{"nik":""}`:                        `{"nik":""}`,
		`{"nik"`:                            `{"nik"`,
		`{"nik":`:                           `{"nik":`,
		`{"nik":"\`:                         `{"nik":"*`,
		`{"data":{"nik":"é` + `"}}`:         `{"data":{"nik":"*"}}`,
		`"\u0037599990101909999"`:           `"\u003759999**********"`,
		`"\\u0037599990101909999"`:          `"\\u0037599990101909999"`,
		`"\n` + nik + `"`:                   `"\n` + masked + `"`,
		"\xff" + nik:                        "\xff" + masked,
		`"\u00e9` + nik + `"`:               `"\u00e9` + masked + `"`,
		`0\1` + nik[1:]:                     `0\159999**********`, // no JSON: plain text
		`0\` + nik:                          `0\` + masked,
		// in groups, in other digits, with what does not show between them
		`{"id":"759999-010190-9999"}`:            `{"id":"759999-******-****"}`,
		`"759999\/010190\/9999"`:                 `"759999\/******\/****"`,
		`"759999\u002d010190-9999"`:              `"759999\u002d******-****"`,
		`"\u0667\u0665999\u0669010190\u0669999"`: `"\u0667\u0665999\u0669**********"`,
		`"759999\u200b0101909999"`:               `"759999\u200b**********"`,
		`"759999\b0101909999"`:                   `"759999\b**********"`,
		`"\ud835\udfdf599990101909999"`:          `"\ud835\udfdf59999**********"`,
		`"759999\n0101909999"`:                   `"759999\n0101909999"`,
		`{"intoNik":"7599990101900000"}`:         `{"intoNik":"` + masked + `"}`,
		`{"INTONIK" :"7599990101900000"}`:        `{"INTONIK" :"` + masked + `"}`,
	} {
		if got := string(MaskNIK([]byte(input))); got != want {
			t.Errorf("MaskNIK(%s)\n got %s\nwant %s", input, got, want)
		}
	}
}

// FuzzMaskNIK: nothing that is left over is a NIK, masking twice is masking once, the input stays.
func FuzzMaskNIK(f *testing.F) {
	f.Add([]byte(`{"nik":"` + nik + `","id":"\u0037599990101909999"}`))
	f.Add([]byte(nik + "0" + nik + "x" + nik))
	f.Fuzz(func(t *testing.T, input []byte) {
		before := bytes.Clone(input)
		masked := MaskNIK(input)
		if !bytes.Equal(before, input) {
			t.Fatal("the input changed")
		}
		if event.HasNIK(string(masked)) {
			t.Fatalf("%q: a NIK is left", input)
		}
		if again := MaskNIK(masked); !bytes.Equal(again, masked) {
			t.Fatalf("%q: %q, then %q", input, masked, again)
		}
	})
}

// TestMaskNIKIsLinear: a hostile input of many members takes no more than a moment.
func TestMaskNIKIsLinear(t *testing.T) {
	for _, unit := range []string{`"nik":"1",`, nik + ",", `"nik":[`, `\u0037`, `\`, `"nik":`} {
		input := []byte(strings.Repeat(unit, 1<<16))
		if got := MaskNIK(input); len(got) == 0 {
			t.Errorf("%s: nothing is left", unit)
		}
	}
}
