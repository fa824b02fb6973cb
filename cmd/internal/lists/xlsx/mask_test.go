package xlsx

import "testing"

// TestMasks shows numbers as Excel does, and leaves those alone that it shows otherwise.
func TestMasks(t *testing.T) {
	for _, c := range []struct{ code, digits, want string }{
		{"00000000000", "8012345678", "08012345678"},
		{"00000000000;-00000000000;;@", "8012345678", "08012345678"},
		{"[$-421]00000000000", "8012345678", "08012345678"},
		{`"0"0`, "8012345678", "08012345678"},
		{`000\-0000\-0000`, "8012345678", "080-1234-5678"},
		{"000 0000 0000", "20012345678", "200 1234 5678"},
		{"000-0000", "123456789", "12345-6789"},
		{"##-00", "7", "-07"},
		{"0", "7", ""},
		{"General", "7", ""},
		{"#,##0", "7", ""},
		{"0.00", "7", ""},
		{"0%", "7", ""},
		{`"Rp"00`, "7", ""},
		{`00 "bulan"`, "7", ""},
		{`"0`, "7", ""},
		{`00\`, "7", ""},
		{"00:00", "7", ""},
		{"", "7", ""},
	} {
		got := ""
		if m := maskOf(c.code); m != "" {
			got = string(m.append(nil, []byte(c.digits)))
		}
		if got != c.want {
			t.Errorf("%q shows %s as %q, not %q", c.code, c.digits, got, c.want)
		}
	}
}
