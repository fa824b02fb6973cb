package httpapi

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"cakupan/cmd/internal/intake"
)

// TestRightsOfRoutes makes sure that somebody has thought of who may use each route: what is not
// in the table is nobody's, and what is in it is there.
func TestRightsOfRoutes(t *testing.T) {
	known := map[string]bool{}
	for _, route := range New(newMemory(t), Config{}).routes() {
		pattern := route.method + " " + route.path
		known[pattern] = true
		if rights[pattern] == 0 {
			t.Errorf("nobody may use %s: say who in rights", pattern)
		}
	}
	for pattern := range rights {
		if !known[pattern] {
			t.Errorf("rights to %s, which is no route", pattern)
		}
	}
}

// TestScope makes sure that nobody without a scope submits as if there were no limits.
func TestScope(t *testing.T) {
	for _, role := range []Role{0, Publisher, Auditor, Dashboard} {
		var opts intake.Options
		if err := confine(&opts, &Member{Role: role}); err == nil {
			t.Errorf("role %d without a scope may report everything", role)
		}
	}
}

func TestCredentials(t *testing.T) {
	basic := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	for _, c := range []struct {
		values       []string
		name, secret string
		ok           bool
	}{
		{[]string{"Bearer ckp_x"}, "", "ckp_x", true},
		{[]string{"bearer  ckp_x "}, "", "ckp_x", true},
		{[]string{"Basic " + basic("dinas:ckp_x")}, "dinas", "ckp_x", true},
		{[]string{"BASIC " + basic(":ckp_x")}, "", "ckp_x", true},
		{[]string{"Basic " + basic("dinas:a:b")}, "dinas", "a:b", true},
		{nil, "", "", false},
		{[]string{""}, "", "", false},
		{[]string{"Bearer"}, "", "", false},
		{[]string{"ckp_x"}, "", "", false},
		{[]string{"Digest ckp_x"}, "", "", false},
		{[]string{"Basic " + basic("dinas")}, "", "", false},
		{[]string{"Basic ***"}, "", "", false},
		{[]string{"Bearer a", "Bearer a"}, "", "", false},
		{[]string{"Bearer " + strings.Repeat("x", 600)}, "", "", false},
	} {
		name, secret, err := credentials(http.Header{"Authorization": c.values})
		if name != c.name || secret != c.secret || (err == nil) != c.ok {
			t.Errorf("%q: %q %q %v", c.values, name, secret, err)
		}
	}
}

// FuzzCredentials reads any Authorization header. No error repeats what was sent.
func FuzzCredentials(f *testing.F) {
	for _, seed := range []string{
		"Bearer ckp_x", "Basic ZGluYXM6Y2twX3g=", "Basic", "Basic Og==", " ", "Bearer \x00\xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		name, secret, err := credentials(http.Header{"Authorization": {value}})
		switch {
		case err == nil && len(name)+len(secret) > len(value):
			t.Errorf("%q became %q and %q", value, name, secret)
		case err != nil && name+secret != "":
			t.Errorf("%q: %q %q %v", value, name, secret, err)
		case err != nil && len(value) > 20 && strings.Contains(err.Error(), value):
			t.Errorf("%v repeats %q", err, value)
		}
	})
}
