package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSmallHidden reports three people, and looks at what everybody may see of them.
func TestSmallHidden(t *testing.T) {
	dir := t.TempDir()
	publisher := addPublisher(t, dir, "dinas")
	secrets := map[string]string{
		"auditor":   member(t, dir, "reader", "add", "bpk", "--role", "auditor"),
		"dashboard": member(t, dir, "reader", "add", "layar", "--role", "dashboard"),
	}
	url := serveGuarded(t, dir).url
	for _, id := range []string{"1", "2", "3"} {
		response, body := asked{
			method: "POST", url: url + "/v1/events", contentType: oneEvent,
			body: openedBy("urn:dinas", id), authorization: "Bearer " + publisher,
		}.ask(t)
		if response.StatusCode != http.StatusOK {
			t.Fatal(body)
		}
	}
	const cover = "/v1/coverage?region=75.03&on=2020-01-31&by=segment&known=3"
	const series = "/v1/series?region=75.03&from=2020-01-31&until=2020-01-31&min_seq=3"
	get := func(who, path string) (*http.Response, string) {
		return asked{method: "GET", url: url + path, authorization: "Bearer " + secrets[who]}.ask(t)
	}
	tags := map[string]string{}
	for who, want := range map[string][]string{
		"auditor":   {`"covered":3`, `"PU":3`},
		"dashboard": {`"covered":null`, `"segment":{}`, `"suppressed":true`},
	} {
		response, body := get(who, cover)
		tags[who] = response.Header.Get("ETag")
		for _, part := range want {
			if !strings.Contains(body, part) {
				t.Errorf("%s: no %s in %s", who, part, body)
			}
		}
		if _, body := get(who, series); !strings.Contains(body, want[0]) {
			t.Errorf("%s: no %s in %s", who, want[0], body)
		}
		if snapshot := firstFrame(t, url, secrets[who]); !strings.Contains(snapshot, want[0]) {
			t.Errorf("%s: no %s in %s", who, want[0], snapshot)
		}
	}
	if tags["auditor"] == tags["dashboard"] {
		t.Error("what is hidden, and what is not, have one tag")
	}
	t.Setenv("CAKUPAN_SECRET", secrets["dashboard"])
	for _, args := range [][]string{
		{"coverage", "--region", "75.03", "--on", "2020-01-31"},
		{"series", "--region", "75.03", "--from", "2020-01-31", "--until", "2020-01-31", "--csv"},
	} {
		code, stdout, stderr := runCommand(t, append(args, "--server", url)...)
		if code == 0 || stdout != "" || !strings.Contains(stderr, "hidden") {
			t.Errorf("%q: %d %s %s", args, code, stdout, stderr)
		}
	}
}

// firstFrame returns the answers about Bone Bolango that who watches is told first.
func firstFrame(t *testing.T, url, secret string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
		url+"/v1/changes?region=75.03&on=2020-01-31", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+secret)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		if data, found := strings.CutPrefix(lines.Text(), "data: "); found {
			if !json.Valid([]byte(data)) {
				t.Errorf("no JSON: %s", data)
			}
			return data
		}
	}
	t.Fatal("nothing was told", lines.Err())
	return ""
}

// TestLoginPage makes sure that a person who opens the dashboard is told how to log in, and a
// program is given an object.
func TestLoginPage(t *testing.T) {
	dir := t.TempDir()
	publisher := addPublisher(t, dir, "dinas")
	url := serveGuarded(t, dir).url
	for _, c := range []struct {
		secret, accept, path string
		status               int
		holds                string
	}{
		{"", "text/html,*/*", "/", 401, "meminta masuk"},
		{"", "text/html,*/*", "/", 401, `lang="en"`},
		{publisher, "text/html,*/*", "/", 403, "tidak berhak melihat dasbor"},
		{"", "*/*", "/", 401, `"code":"unauthenticated"`},
		{"", "text/html", "/v1/coverage", 401, `"code":"unauthenticated"`},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Accept", c.accept)
		if c.secret != "" {
			request.Header.Set("Authorization", "Bearer "+c.secret)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		body := string(content)
		if err != nil || response.StatusCode != c.status || !strings.Contains(body, c.holds) {
			t.Errorf("%+v: %d %s", c, response.StatusCode, body)
		}
		if offers := response.Header.Values("Www-Authenticate"); (c.status == 401) != (len(offers) == 2) {
			t.Errorf("%+v offers %q", c, offers)
		}
		isPage := strings.HasPrefix(response.Header.Get("Content-Type"), "text/html")
		policy := response.Header.Get("Content-Security-Policy")
		if isPage && (!strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe")) {
			t.Errorf("policy %q", policy)
		}
	}
}

// TestOwnFiles makes sure that a story or a map that is wrong keeps the ledger from starting.
func TestOwnFiles(t *testing.T) {
	dir := t.TempDir()
	wrong := filepath.Join(dir, "wrong.json")
	if err := os.WriteFile(wrong, []byte(`[{"region":"75","on":"today"}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	for flag, says := range map[string]string{"--story": "mark 1: on", "--boundaries": "GeoJSON"} {
		for _, name := range []string{wrong, wrong + "x"} {
			code, _, stderr := runCommand(t, "serve", "--data", dir+"/data", "--listen", "127.0.0.1:0", flag, name)
			if code == 0 || !strings.Contains(stderr, flag) || name == wrong && !strings.Contains(stderr, says) {
				t.Errorf("%s %s: %d %s", flag, name, code, stderr)
			}
		}
	}
	code, _, stderr := runCommand(t, "serve", "--data", dir+"/data", "--listen", "127.0.0.1:0",
		"--frame-ancestors", "https://a.example.go.id", "--frame-ancestors", "*")
	if code != 2 || !strings.Contains(stderr, `--frame-ancestors: "*" is no origin`) {
		t.Errorf("--frame-ancestors: %d %s", code, stderr)
	}
}
