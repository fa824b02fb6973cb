package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// patience bounds each step of a walk through the page: long, for the machine may be busy.
const patience = 3 * time.Minute

// browser is a real Chromium with a tab, and what went wrong in it.
type browser struct {
	t      *testing.T
	ctx    context.Context
	origin string

	mu     sync.Mutex
	faults []string
}

// openBrowser starts Chromium; where there is none, the test is skipped.
func openBrowser(t *testing.T, origin string) *browser {
	t.Helper()
	openedOrSkip(t)
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is not installed (Debian: apt-get install chromium)")
	}
	profile := t.TempDir()
	t.Cleanup(func() { removeProfile(t, profile) })
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path),
		chromedp.NoSandbox, chromedp.UserDataDir(profile),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.WSURLReadTimeout(patience))
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	b := &browser{t: t, ctx: ctx, origin: origin}
	chromedp.ListenTarget(ctx, b.hear)
	b.do("start", network.Enable(), log.Enable(), runtime.Enable(), b.width(1360))
	return b
}

// removeProfile removes the folder of a browser that has been ended. Processes that it had begun end
// a little later, and write there until then.
func removeProfile(t *testing.T, folder string) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		err := os.RemoveAll(folder)
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Error(err)
			return
		}
	}
}

// openedOrSkip skips a test that looks at the page unless that is wanted.
func openedOrSkip(t *testing.T) {
	t.Helper()
	if os.Getenv("CAKUPAN_BROWSER") == "" {
		t.Skip("set CAKUPAN_BROWSER to look at the page in Chromium, as .ci/run does")
	}
}

// hear notes what must not happen: a message of an error, or a request that leaves the origin.
func (b *browser) hear(event any) {
	fault := ""
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		fault = "exception: " + e.ExceptionDetails.Error()
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.APITypeError {
			fault = fmt.Sprintf("console: %s", e.Args[0].Value)
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.LevelError {
			fault = "log: " + e.Entry.Text + " " + e.Entry.URL
		}
	case *network.EventRequestWillBeSent:
		if url := e.Request.URL; !strings.HasPrefix(url, b.origin) && !strings.HasPrefix(url, "data:") {
			fault = "request to " + url
		}
	}
	if fault == "" {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = append(b.faults, fault)
}

// sound fails the test for what went wrong so far, and forgets it.
func (b *browser) sound() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, fault := range b.faults {
		b.t.Error(fault)
	}
	b.faults = nil
}

// forget passes over what went wrong so far: a connection that is refused is said in the console by
// the browser itself.
func (b *browser) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = nil
}

// asks has the browser's own question for name and secret be answered by what answer returns: as a
// reader would who has none, or one.
func (b *browser) asks(answer func() *fetch.AuthChallengeResponse) {
	b.t.Helper()
	chromedp.ListenTarget(b.ctx, func(event any) {
		var next chromedp.Action
		switch e := event.(type) {
		case *fetch.EventAuthRequired:
			next = fetch.ContinueWithAuth(e.RequestID, answer())
		case *fetch.EventRequestPaused:
			next = fetch.ContinueRequest(e.RequestID)
		default:
			return
		}
		go func() { _ = chromedp.Run(b.ctx, next) }() // if it fails, what is waited for does not come
	})
	b.do("question", fetch.Enable().WithHandleAuthRequests(true))
}

// do runs steps of one name.
func (b *browser) do(name string, steps ...chromedp.Action) {
	b.t.Helper()
	if err := chromedp.Run(b.ctx, steps...); err != nil {
		b.t.Fatalf("%s: %v", name, err)
	}
}

func (b *browser) width(pixels int64) chromedp.Action {
	return chromedp.EmulateViewport(pixels, 900)
}

// dark sets the theme.
func (b *browser) dark(on bool) chromedp.Action {
	scheme := "light"
	if on {
		scheme = "dark"
	}
	return emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme},
	})
}

// open goes to an address of the page and waits until it has figures.
func (b *browser) open(query string) {
	b.t.Helper()
	b.do("open "+query, chromedp.Navigate(b.origin+"/"+query))
	b.until("figures", `document.querySelector(".headline") !== null`)
}

// until waits until an expression is true.
func (b *browser) until(what, expression string) {
	b.t.Helper()
	var got bool
	err := chromedp.Run(b.ctx, chromedp.Poll(expression, &got,
		chromedp.WithPollingTimeout(patience), chromedp.WithPollingInterval(50*time.Millisecond)))
	if err != nil {
		b.t.Fatalf("waiting for %s (%s): %v\n%s", what, expression, err, b.text("body"))
	}
}

// text returns what a reader sees of an element; a blank at which no line breaks is a blank.
func (b *browser) text(selector string) (text string) {
	b.t.Helper()
	b.eval(fmt.Sprintf(`document.querySelector(%q)?.innerText ?? ""`, selector), &text)
	return strings.ReplaceAll(text, "\u00a0", " ")
}

// eval returns the value of an expression.
func (b *browser) eval(expression string, into any) {
	b.t.Helper()
	b.do(expression, chromedp.Evaluate(expression, into))
}

// click clicks on what matches, with the mouse. What arrives late moves what is below it, so that a
// click may land beside: then it is clicked again.
func (b *browser) click(selector string) {
	b.t.Helper()
	for range 20 {
		var hit bool
		b.do("click "+selector, chromedp.WaitVisible(selector, chromedp.ByQuery),
			chromedp.Evaluate(fmt.Sprintf(`window.hit = false; document.querySelector(%q)
				.addEventListener("click", () => { window.hit = true; }, { once: true, capture: true })`,
				selector), nil),
			chromedp.Click(selector, chromedp.ByQuery),
			chromedp.Evaluate(`window.hit`, &hit))
		if hit {
			return
		}
	}
	b.t.Fatalf("%s is never hit", selector)
}

// set moves a slider, or writes into a field, as a reader would.
func (b *browser) set(selector, value string) {
	b.t.Helper()
	var done bool
	b.eval(fmt.Sprintf(`(() => { const e = document.querySelector(%q); e.value = %q;
		e.dispatchEvent(new Event("input", { bubbles: true }));
		e.dispatchEvent(new Event("change", { bubbles: true })); return true; })()`, selector, value), &done)
}

// picture keeps what the page looks like, as output of the test.
func (b *browser) picture(name string) {
	b.t.Helper()
	var png []byte
	b.do("picture", chromedp.FullScreenshot(&png, 100))
	b.keep(name, png)
}

func (b *browser) keep(name string, png []byte) {
	b.t.Helper()
	folder := os.Getenv("CAKUPAN_SCREENSHOTS")
	if folder == "" {
		folder = b.t.ArtifactDir()
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), png, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// view keeps what is to be seen of the page without scrolling.
func (b *browser) view(name string) {
	b.t.Helper()
	var png []byte
	b.do("view", chromedp.CaptureScreenshot(&png))
	b.keep(name, png)
}

// awaited has an expression be evaluated until its promise is fulfilled.
func awaited(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }

// axe fails the test for each finding of axe-core, by WCAG 2.2 AA and what it holds good practice.
func (b *browser) axe(what string) {
	b.t.Helper()
	source, err := os.ReadFile("../internal/dashboard/npm/axe.min.js")
	if err != nil {
		b.t.Fatal(err)
	}
	var none any
	var found []string
	b.do("load axe", chromedp.Evaluate(string(source)+"; null", &none))
	b.do("axe", chromedp.Evaluate(`axe.run({ rules: { "target-size": { enabled: true } } }).then((r) => r.violations.flatMap((v) =>
		v.nodes.map((n) => v.id + ": " + n.target + " " + n.failureSummary)))`, &found, awaited))
	for _, finding := range found {
		b.t.Errorf("%s: %s", what, finding)
	}
}

// tabs walks through the page by the tabulator key alone: it stops at each of what is wanted, and
// where it is can be seen.
func (b *browser) tabs(wanted ...string) {
	b.t.Helper()
	b.until("the last of it", `document.querySelector("#on-month") !== null && document.querySelector("coverage-chart canvas") !== null`)
	b.do("from the start", chromedp.Evaluate(`document.activeElement?.blur(); window.scrollTo(0, 0)`, nil))
	list, err := json.Marshal(wanted)
	if err != nil {
		b.t.Fatal(err)
	}
	left := map[string]bool{}
	for _, selector := range wanted {
		left[selector] = true
	}
	for range 200 {
		b.do("tab", chromedp.KeyEvent(kb.Tab))
		var here struct {
			Name    string   `json:"name"`
			Seen    bool     `json:"seen"`
			Matches []string `json:"matches"`
		}
		b.do("where it is", chromedp.Evaluate(fmt.Sprintf(whereKeyboardIs, list), &here))
		if !here.Seen {
			b.t.Errorf("where the keyboard is cannot be seen: %s", here.Name)
		}
		for _, selector := range here.Matches {
			delete(left, selector)
		}
		if len(left) == 0 {
			return
		}
	}
	b.t.Errorf("the keyboard does not reach %q", slices.Sorted(maps.Keys(left)))
}

// whereKeyboardIs says on what the keyboard is, and whether that is marked. That it is scrolled to is
// the browser's part: nothing of the page covers anything.
const whereKeyboardIs = `(() => {
	const e = document.activeElement;
	return {
		name: e.outerHTML.slice(0, 120), matches: %s.filter((one) => e.matches(one)),
		seen: e === document.body || getComputedStyle(e).outlineStyle !== "none" || (e.matches(".tile") && getComputedStyle(e.querySelector("rect, path")).stroke !== "none"),
	};
})()`

// demoServer is the sample, served by the program as a process of its own.
type demoServer struct {
	t       *testing.T
	dir     string
	address string
	command []string // what is run on the folder; nil: demo
	process *exec.Cmd
	output  bytes.Buffer
}

func startDemo(t *testing.T) *demoServer {
	t.Helper()
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	d := &demoServer{t: t, dir: filepath.Join(t.TempDir(), "demo"), address: address}
	d.start()
	t.Cleanup(d.stop)
	return d
}

func (d *demoServer) start() {
	d.t.Helper()
	self, err := os.Executable()
	if err != nil {
		d.t.Fatal(err)
	}
	command := append([]string{"cakupan"}, d.command...)
	if d.command == nil {
		command = append(command, "demo")
	}
	d.process = &exec.Cmd{
		Path: self, Args: append(command, "--data", d.dir, "--listen", d.address),
		Stdout: &d.output, Stderr: &d.output,
	}
	if err := d.process.Start(); err != nil {
		d.t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Minute); time.Now().Before(deadline); {
		if response, err := httpGet(d.t.Context(), d.url()+"/readyz"); err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	d.t.Fatalf("the demo does not answer: %s", d.output.String())
}

func (d *demoServer) stop() {
	if d.process == nil {
		return
	}
	err := d.process.Process.Signal(syscall.SIGTERM)
	if err = errors.Join(err, d.process.Wait()); err != nil {
		d.t.Errorf("the demo ended with %v: %s", err, d.output.String())
	}
	d.process = nil
}

func (d *demoServer) url() string { return "http://" + d.address }

// publish appends an event that must be taken.
func (d *demoServer) publish(event string) {
	d.t.Helper()
	request, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost,
		d.url()+"/v1/events", strings.NewReader(event))
	if err != nil {
		d.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/cloudevents+json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		d.t.Fatalf("status %d", response.StatusCode)
	}
}
