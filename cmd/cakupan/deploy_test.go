package main

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

const deployFolder = "../../deploy/"

func readDeploy(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(deployFolder + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// metricNames are those that an expression of Prometheus asks for.
var metricNames = regexp.MustCompile(`\b(?:cakupan|process|go)_[a-z_]+\b`)

// TestMetricsExist asks a server for each metric that a rule or a panel is about.
func TestMetricsExist(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("metrics of the process are those of Linux")
	}
	url, stop := e2eServe(t, filepath.Join(t.TempDir(), "data"))
	defer stop()
	// Some begin when there is something to count.
	if status, answer := e2eDo(t, http.MethodPost, url+"/v1/events", "application/cloudevents+json",
		[]byte(`{"specversion":"1.0"}`)); status == http.StatusOK {
		t.Errorf("is taken in: %s", answer)
	}
	_, text := e2eDo(t, http.MethodGet, url+"/metrics", "", nil)
	there := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), "{")
		name, _, _ = strings.Cut(name, " ")
		there[name] = true
	}
	var dashboard struct {
		Panels []struct {
			Title      string
			Datasource struct{ UID string }
			Targets    []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(readDeploy(t, "grafana/cakupan.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	asked := map[string][]string{}
	for line := range strings.Lines(readDeploy(t, "rules.yml")) {
		if !strings.Contains(line, "summary:") {
			asked["rules.yml"] = append(asked["rules.yml"], metricNames.FindAllString(line, -1)...)
		}
	}
	source := readDeploy(t, "grafana/datasource.yml")
	for _, p := range dashboard.Panels {
		if !strings.Contains(source, "uid: "+p.Datasource.UID+"\n") {
			t.Errorf("panel %s asks %q, which is no source", p.Title, p.Datasource.UID)
		}
		for _, target := range p.Targets {
			names := metricNames.FindAllString(target.Expr, -1)
			if len(names) == 0 {
				t.Errorf("panel %s asks for nothing", p.Title)
			}
			asked[p.Title] = append(asked[p.Title], names...)
		}
	}
	if len(asked) < 10 || len(asked["rules.yml"]) < 9 {
		t.Fatalf("asked is for %v", asked)
	}
	for where, names := range asked {
		for _, name := range names {
			if !there[name] {
				t.Errorf("%s asks for %s, which there is not", where, name)
			}
		}
	}
}

// TestUnit compares the unit that is shown with the one that is installed, and installs it.
func TestUnit(t *testing.T) {
	root := t.TempDir()
	code, stdout, stderr := runCommand(t, "install", "--program", "/usr/local/bin/cakupan", "--dry-run",
		"--root", root)
	unit := readDeploy(t, "cakupan.service")
	if code != 0 || !strings.Contains(stdout, unit) {
		t.Errorf("deploy/cakupan.service is another one than cakupan install writes: %s%s", stdout, stderr)
	}
	if left, err := filepath.Glob(root + "/*"); err != nil || len(left) > 0 {
		t.Errorf("--dry-run writes %v, %v", left, err)
	}
	code, _, stderr = runCommand(t, "install", "--program", "/usr/local/bin/cakupan", "--root", root)
	text, err := os.ReadFile(filepath.Join(root, "etc/systemd/system/cakupan.service"))
	if code != 0 || err != nil || string(text) != unit {
		t.Errorf("exit %d: %s, %v", code, stderr, err)
	}
	code, stdout, stderr = runCommand(t, "install", "--program", "/usr/local/bin/cakupan", "--dry-run",
		"--name", "ledger-b", "--", "--listen", ":7071", "--tls-key", `/etc/$HOME/100% "mine".pem`)
	want := `ExecStart=/usr/local/bin/cakupan serve --data /var/lib/ledger-b "--listen" ":7071"` +
		` "--tls-key" "/etc/$$HOME/100%% \"mine\".pem"` + "\n"
	if code != 0 || !strings.Contains(stdout, want) || !strings.Contains(stdout, "\nUser=ledger-b\n") {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
	for _, wrong := range [][]string{
		{"--name", "Cakupan"},
		{"--name", "a/b"},
		{"--program", "cakupan"},
		{"--program", "/a b"},
		{"--", "--listen", "x\nUser=root"},
	} {
		if code, _, _ := runCommand(t, append([]string{"install", "--dry-run"}, wrong...)...); code != 2 {
			t.Errorf("%q: exit %d", wrong, code)
		}
	}
}

// TestComposeNames: what the file of compose says of files is where setup makes them, for each
// ledger and node.
func TestComposeNames(t *testing.T) {
	text, err := os.ReadFile("../../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	code, _, stderr := runCommand(t, "setup", "--dir", dir, "--nodes", "node-a,node-b,node-c",
		"--ledgers", "ledger-a,ledger-b", "--auditor", "board", "--publisher", "first",
		"--source", "urn:first", "--regions", "ID", "--types", "all")
	if code != 0 {
		t.Fatal(stderr)
	}
	for _, name := range regexp.MustCompile(`:/setup/(\S+)`).FindAllStringSubmatch(string(text), -1) {
		if _, err := os.Stat(filepath.Join(dir, name[1])); err != nil {
			t.Errorf("setup does not make %s: %v", name[1], err)
		}
	}
	keys := regexp.MustCompile(`/keys/([a-z.]+)`).FindAllStringSubmatch(string(text), -1)
	if len(keys) < 10 {
		t.Fatalf("there are %d keys in the file", len(keys))
	}
	for _, name := range keys {
		_, node := os.Stat(filepath.Join(dir, "nodes/node-a", name[1]))
		_, ledger := os.Stat(filepath.Join(dir, "ledgers/ledger-a", name[1]))
		if node != nil && ledger != nil {
			t.Errorf("setup does not make %s", name[1])
		}
	}
	if compose, err := exec.LookPath("docker-compose"); err == nil {
		for _, more := range [][]string{nil, {"-f", "deploy/compose.observability.yml"}} {
			command := exec.Command(compose, append(append([]string{"-f", "docker-compose.yml"}, more...),
				"config", "-q")...)
			command.Dir = "../.."
			if said, err := command.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", more, said)
			}
		}
	}
}
