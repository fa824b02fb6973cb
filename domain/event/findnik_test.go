package event_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"cakupan/domain/event"
)

// TestFindNIK: every way to write a number, and what is another number.
func TestFindNIK(t *testing.T) {
	for text, masked := range map[string]string{
		nik: "759999**********",
		// groups, one separator between
		"759999-010190-9999":   "759999-******-****",
		"759999 010190 9999":   "759999 ****** ****",
		"759999.010190/9999":   "759999.******/****",
		"7599-9901-0190-9999":  "7599-99**-****-****",
		"75.99.99.010190.9999": "75.99.99.******.****",
		"75/99/99/010190/9999": "75/99/99/******/****",
		// spaces and hyphens of word processors
		"759999\u00a0010190\u00a09999": "759999\u00a0******\u00a0****",
		"759999\u2011010190\u20119999": "759999\u2011******\u2011****",
		"759999－010190．9999":           "759999－******．****",
		// other scripts
		"７５９９９９０１０１９０９９９９":                     "７５９９９９**********",
		"٧٥٩٩٩٩٠١٠١٩٠٩٩٩٩":                     "٧٥٩٩٩٩**********",
		"७५९९९९-०१०१९०-९९९९":                   "७५९९९९-******-****",
		"𝟟𝟝𝟡𝟡𝟡𝟡𝟘𝟙𝟘𝟙𝟡𝟘𝟡𝟡𝟡𝟡":                     "𝟟𝟝𝟡𝟡𝟡𝟡**********",
		"７5９9９90１01９０９9９9":                     "７5９9９9**********",
		"7\u200b599\u00ad9901\ufeff01909999":   "7\u200b599\u00ad99**\ufeff********",
		"759999\u200b-\u2060010190-9999\u200d": "759999\u200b-\u2060******-****\u200d",
		"7599990101\x00909999":                 "759999****\x00******",
		// among other text
		"a7599990101909999b":                      "a759999**********b",
		"1-759999-010190-9999-2":                  "1-759999-******-****-2",
		"7599-9901-0190-9999-7599":                "7599-99**-****-****-7599",
		"0000-7599-9901-0190-9999":                "0000-7599-99**-****-****",
		"NIK: 759999-010190-9999.":                "NIK: 759999-******-****.",
		nik + " " + nikWoman:                      "759999********** 759999**********",
		"7599-9901-0190-9999-7599-9901-0190-9999": "7599-99**-****-****-7599-99**-****-****",
		// not a NIK
		"1" + nik: "", nik + "1": "", nik + "０": "", nik[:15]: "", "7599990101900000": "",
		"759999--010190-9999": "", "759999 - 010190-9999": "", "759999_010190_9999": "",
		"759999,010190,9999": "", "759999:010190:9999": "", "75-9999-0101-909999": "",
		"1759999-010190-9999": "", "759999-010190-99991": "", "7599-9901-0190-99991": "",
		"17599-9901-0190-9999": "", "759999\n0101909999": "", "75999901\t01909999": "",
		"759999-010190-0000": "", "9999-9901-0190-9999": "", "7599-9901-01909999": "",
		"-7599-99-01-01-90-9999": "", "": "", "①②③④": "",
	} {
		want := masked != ""
		if !want {
			masked = text
		}
		if got := event.HasNIK(text); got != want {
			t.Errorf("HasNIK(%q) is %t", text, got)
		}
		if got := event.MaskNIK(text); got != masked {
			t.Errorf("MaskNIK(%q) = %q, want %q", text, got, masked)
		}
	}
}

// TestDigits: the table of digits has rows of ten, each from its 0 on.
func TestDigits(t *testing.T) {
	zeros := strings.Repeat("9", 4)
	for first := rune(0x80); first <= unicode.MaxRune; first++ {
		if !unicode.Is(unicode.Nd, first) {
			continue
		}
		var row strings.Builder
		for _, digit := range "759999010190" {
			row.WriteRune(first + digit - '0')
		}
		if !event.HasNIK(row.String() + zeros) {
			t.Fatalf("the digits from %U on are not seen", first)
		}
		for n := range rune(10) {
			if !unicode.Is(unicode.Nd, first+n) {
				t.Fatalf("%U is no digit", first+n)
			}
		}
		first += 9
	}
}

// TestMaskLeavesNone: what was masked holds no NIK, is as long in characters, and a text without
// one is as it was.
func TestMaskLeavesNone(t *testing.T) {
	piece := rapid.SampledFrom([]string{
		nik, nikWoman, "759999", "010190", "9999", "7599", "9901", "0190", "75", "99", "1", " ", "-", ".", "/",
		"\u200b", "x", "９", "٩", "\xff", "\\",
	})
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(piece, 0, 40).Draw(t, "pieces"), "")
		masked := event.MaskNIK(text)
		if event.HasNIK(masked) {
			t.Fatalf("%q became %q", text, masked)
		}
		if event.HasNIK(text) == (masked == text) {
			t.Fatalf("%q became %q", text, masked)
		}
		if utf8.RuneCountInString(text) != utf8.RuneCountInString(masked) {
			t.Fatalf("%q became %q", text, masked)
		}
	})
}

func BenchmarkHasNIK(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		for _, text := range []string{"urn:vectors:evidence", "2020-000417-enrolment-7", "w-5c1f0b7e", "e-000012345678"} {
			if event.HasNIK(text) {
				b.Fatal(text)
			}
		}
	}
}
