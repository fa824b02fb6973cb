package stranger

import "testing"

func TestNetwork(t *testing.T) {
	t.Parallel()
	for remote, want := range map[string]string{
		"192.0.2.7:4222":           "192.0.2.0/24",
		"[::ffff:192.0.2.7]:4222":  "192.0.2.0/24",
		"[2001:db8:1:2::3%eth0]:1": "2001:db8:1::/48",
		"127.0.0.1:1":              "invalid Prefix",
		"[::1]:1":                  "invalid Prefix",
		"[::ffff:127.0.0.1]:1":     "invalid Prefix",
		"pipe":                     "invalid Prefix",
		"":                         "invalid Prefix",
	} {
		if got := Network(remote).String(); got != want {
			t.Errorf("%s is of %s, want %s", remote, got, want)
		}
	}
}
