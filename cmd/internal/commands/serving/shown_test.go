package serving

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/lists"
	"cakupan/cmd/internal/problem"
)

// TestState: an answer is printed whatever it says; what is not well is an error, and being behind
// is told from being broken.
func TestState(t *testing.T) {
	failed := errors.New("no answer")
	for _, c := range []struct {
		state state
		err   error
		code  problem.Code // "": all is well
	}{
		{state{status: ledger.HealthOK, head: 1_234}, nil, ""},
		{
			state{status: ledger.ReadyBehind, why: "it is being built", head: 1_234},
			nil, problem.ProjectionBehind,
		},
		{
			state{status: ledger.HealthFailing, why: "the disk is full", head: 1_234},
			nil, problem.LogUnavailable,
		},
		{state{status: ledger.HealthOK, head: 1_234}, failed, problem.Internal},
	} {
		for _, asJSON := range []bool{false, true} {
			var stdout bytes.Buffer
			err := tellState(&cli.Where{JSON: asJSON}, &cli.Console{Stdout: &stdout}, "all", c.state, c.err)
			if (err == nil) != (c.code == "") || err != nil && problem.From(err).Code != c.code {
				t.Errorf("%+v: %v", c, err)
			}
			want := c.state.status + ": the log ends at event 1,234\n"
			if asJSON {
				want = "\"all\"\n"
			}
			if c.err != nil {
				want = ""
			}
			if stdout.String() != want {
				t.Errorf("%+v: %q", c, &stdout)
			}
		}
	}
}

// TestWriterWords says who writes as far as it is known.
func TestWriterWords(t *testing.T) {
	since := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for want, w := range map[string]*ledger.WriterStatus{
		"nobody, as far as this ledger knows": nil,
		"this ledger":                         {Here: true},
		"a-1":                                 {Name: "a-1"},
		"http://a (a-1) since 2026-11-29T12:00:00Z":        {Name: "a-1", URL: "http://a", Since: since},
		"http://a, this ledger":                            {URL: "http://a", Here: true},
		"http://a since 2026-11-29T12:00:00Z, this ledger": {URL: "http://a", Since: since, Here: true},
		"http://a (a-1), this ledger":                      {Name: "a-1", URL: "http://a", Here: true},
		"a-1 since 2026-11-29T12:00:00Z":                   {Name: "a-1", Since: since},
		"http://a":                                         {URL: "http://a"},
	} {
		if got := writerWords(w, lists.English); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for want, w := range map[string]*ledger.WriterStatus{
		"tidak ada, sejauh diketahui buku besar ini": nil,
		"buku besar ini":           {Here: true, Name: "a"},
		"http://a, buku besar ini": {Here: true, URL: "http://a"},
		"a":                        {Name: "a"},
	} {
		if got := writerWords(w, lists.Indonesian); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestServeRefuses flags that contradict each other, and files of the operator's own that are none,
// before a folder is made.
func TestServeRefuses(t *testing.T) {
	dir := t.TempDir()
	broken := filepath.Join(dir, "broken.json")
	if err := os.WriteFile(broken, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	good := func(change func(*Serve)) *Serve {
		c := &Serve{Listen: "127.0.0.1:0", Consumers: 8}
		c.Share = shareLimits{
			Requests: 16, Streams: 4, MiB: 160, Connections: 64, Strangers: 1, Refusals: 2, Floor: 3,
		}
		c.Refused = refusedLimits{MiB: 100, Count: 20_000, Age: 24 * time.Hour}
		change(c)
		return c
	}
	for want, change := range map[string]func(*Serve){
		"--consumers is at least 1":   func(c *Serve) { c.Consumers = 0 },
		"--replicas is 1, 3 or 5":     func(c *Serve) { c.NATS, c.Replicas = "x", 2 },
		"--replicas is for a cluster": func(c *Serve) { c.Replicas = 3 },
		"--nats-system is for":        func(c *Serve) { c.NATSSystem = "x" },
		"--witness is no public key":  func(c *Serve) { c.Witness = []string{"x"} },
		"--share-requests is from":    func(c *Serve) { c.Share.Requests = 0 },
		"--story: ":                   func(c *Serve) { c.Story = broken },
		"--boundaries: ":              func(c *Serve) { c.Boundaries = filepath.Join(dir, "none") },
		"--frame-ancestors: ":         func(c *Serve) { c.FrameAncestors = []string{"x y"} },
		"leave out --nats-listen":     func(c *Serve) { c.NATS, c.NATSListen = "x", "127.0.0.1:0" },
	} {
		w := &cli.Where{Data: filepath.Join(dir, "ledger")}
		out := &cli.Console{Stdout: &bytes.Buffer{}, Stderr: &bytes.Buffer{}, Now: time.Now}
		err := good(change).Run(t.Context(), w, out)
		if err == nil || !strings.Contains(problem.From(err).Detail, want) {
			t.Errorf("%s: %v", want, err)
		}
		if _, err := os.Stat(w.Data); !os.IsNotExist(err) {
			t.Fatalf("%s: the folder was made", want)
		}
	}
}

// TestSetupNames: what could lead out of a folder or a line is no name of a machine, a publisher is
// whole or none, and a NIK is not repeated.
func TestSetupNames(t *testing.T) {
	const nik = "7503011501900001"
	good := Setup{Dir: "d", Nodes: []string{"10.0.0.1", "b"}, Ledgers: []string{"c.example"}}
	if opts, err := good.options(); err != nil || len(opts.Nodes) != 2 || opts.Owner != nil {
		t.Errorf("%+v, %v", opts, err)
	}
	for i, change := range []func(*Setup){
		func(c *Setup) { c.Nodes = []string{"../x"} },
		func(c *Setup) { c.Nodes = []string{""} },
		func(c *Setup) { c.Ledgers = []string{".."} },
		func(c *Setup) { c.Ledgers = []string{"a b"} },
		func(c *Setup) { c.Ledgers = []string{"a@" + nik} },
		func(c *Setup) { c.Auditor = "A B" },
		func(c *Setup) { c.Source = []string{"urn:x"} },
		func(c *Setup) { c.Publisher = "p" },
		func(c *Setup) { c.Owner = "root" },
	} {
		c := good
		change(&c)
		if _, err := c.options(); problem.From(err).Code != problem.UsageWrong ||
			strings.Contains(err.Error(), nik) {
			t.Errorf("%d: %v", i, err)
		}
	}
	c := good
	c.Auditor, c.Publisher, c.Owner = "board", "first", "65532:0"
	c.Source, c.Regions, c.Types = []string{"urn:first"}, []string{"75"}, []string{"all"}
	opts, err := c.options()
	if err != nil || len(opts.Members) != 2 || opts.Members[1].Sources[0] != "urn:first" ||
		len(opts.Members[1].Types) < 2 || opts.Owner == nil {
		t.Errorf("%+v, %v", opts, err)
	}
}
