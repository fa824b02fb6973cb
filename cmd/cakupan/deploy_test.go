package main

import (
	"encoding/json"
	"fmt"
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
	for _, file := range []string{"workforce", "people"} {
		lines := map[string]string{
			"workforce": `{"specversion":"1.0","id":"w","source":"urn:a","type":"id.cakupan.workforce.published.v1",` +
				`"data":{"region":"75.03","sector":"ALL","indicator":"EMPLOYED","count":10,"reference":"2020-01-01","publication":"p"}}` + "\n" +
				`{"specversion":"1.0","id":"t","source":"urn:a","type":"id.cakupan.target.set.v1",` +
				`"data":{"region":"75.03","sector":"ALL","percent":"60","from":"2020-01-01"}}`,
			"people": people(7),
		}[file]
		status, answer := e2eDo(t, http.MethodPost, url+"/v1/events", "application/x-ndjson", []byte(lines))
		if status != http.StatusOK {
			t.Fatalf("%s: %d %s", file, status, answer)
		}
	}
	e2eDo(t, http.MethodGet, url+"/v1/coverage?region=75.03&min_seq=9", "", nil)
	_, text := e2eDo(t, http.MethodGet, url+"/metrics", "", nil)
	for _, want := range []string{
		`cakupan_coverage_covered{region="75.03"} 7`, `cakupan_coverage_percent{region="75.03"} 70`,
		`cakupan_coverage_target_percent{region="75.03"} 60`, "cakupan_frame_seconds_count ",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is missing", want)
		}
	}
	// Of a server with a certificate alone: TestTLS asks for it.
	there := map[string]bool{"cakupan_certificate_end_timestamp_seconds": true}
	for line := range strings.Lines(string(text)) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), "{")
		name, _, _ = strings.Cut(name, " ")
		there[name] = true
	}
	var dashboard struct {
		Templating struct {
			List []struct {
				Name, Type string
				Current    struct{ Value any }
			}
		}
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
	// Whoever takes the dashboard to a Grafana of his own has a source of another name, and chooses it.
	source := readDeploy(t, "grafana/datasource.yml")
	sources := map[string]bool{}
	for _, v := range dashboard.Templating.List {
		uid, _ := v.Current.Value.(string)
		sources["${"+v.Name+"}"] = v.Type == "datasource" && strings.Contains(source, "uid: "+uid+"\n")
	}
	for _, p := range dashboard.Panels {
		if !sources[p.Datasource.UID] {
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

// TestAlertsTested: each alert that there is has a test that sees it raised, which promtool runs.
func TestAlertsTested(t *testing.T) {
	tests := readDeploy(t, "rules.test.yml")
	alerts := regexp.MustCompile(`- alert: (\S+)`).FindAllStringSubmatch(readDeploy(t, "rules.yml"), -1)
	if len(alerts) < 15 {
		t.Fatalf("there are %d alerts", len(alerts))
	}
	for _, alert := range alerts {
		if !strings.Contains(tests, "alertname: "+alert[1]+"\n        exp_alerts:\n          - ") {
			t.Errorf("no test sees %s raised", alert[1])
		}
	}
}

// people returns events of people of one regency who enrol.
func people(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"specversion":"1.0","id":"p-%[1]d","source":"urn:a","type":"id.cakupan.enrolment.opened.v1",`+
			`"data":{"enrolment":"e-%[1]d","worker":"w-%[1]d","region":"75.03","segment":"PU","category":"PRIVATE",`+
			`"programmes":["JKK"],"payer":"EMPLOYER","from":"2020-01-01"}}`+"\n", i)
	}
	return b.String()
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
	for _, flags := range [][]string{{"--", "--listen", ":7071"}, {}} {
		args := []string{"install", "--program", "/usr/local/bin/cakupan", "--root", root}
		_, _, stderr = runCommand(t, append(args, flags...)...)
		if !strings.Contains(stderr, "is replaced; before, it had ExecStart=/usr/local/bin/cakupan") {
			t.Errorf("installed with %v again: %q", flags, stderr)
		}
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
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	text, err := os.ReadFile("../../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	// A restore sets up the same cluster.
	restore, err := os.ReadFile("../../deploy/compose.restore.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, flag := range regexp.MustCompile(`- --(dir=/setup|nodes|ledgers|owner).*`).
		FindAllString(string(text), -1) {
		if !strings.Contains(string(restore), flag) {
			t.Errorf("the setup of a restore lacks %s", flag)
		}
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
	keys := regexp.MustCompile(`=@?/keys/([a-z.]+)`).FindAllStringSubmatch(string(text), -1)
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
		for _, more := range [][]string{
			nil, {"-f", "deploy/compose.observability.yml"}, {"-f", "deploy/compose.restore.yml"},
		} {
			command := exec.Command(compose, append(append([]string{"-f", "docker-compose.yml"}, more...),
				"config", "-q")...)
			command.Dir = "../.."
			if said, err := command.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", more, said)
			}
		}
	}
}
