package main

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	browserdomain "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// walkViews shows one picture at a time, on a desk and on a phone, and gives it away.
func (b *browser) walkViews() {
	for _, width := range []int64{1360, 390} {
		b.do("width", b.width(width))
		b.open("?on=2020-12-31&lang=en&region=75")
		for view, shown := range map[string]string{
			"map": ".tiles", "table": ".list", "line": "coverage-chart canvas",
		} {
			b.click(fmt.Sprintf("[data-view=%q]", view))
			b.until(view+" alone", fmt.Sprintf(`location.search.includes("view=%s") && document.querySelector(%q) !== null &&
				document.querySelectorAll(".tiles, .list, coverage-chart").length === 1`, view, shown))
			var wide bool
			b.eval(`document.documentElement.scrollWidth > innerWidth`, &wide)
			if wide {
				b.t.Errorf("%s at %d pixels scrolls sideways", view, width)
			}
			b.axe(view)
			b.picture(fmt.Sprintf("view-%s-%d", view, width))
		}
		b.click(`[data-view="all"]`)
		b.until("all of them", `document.querySelectorAll(".tiles, .list, coverage-chart").length === 3`)
	}
	b.do("desktop", b.width(1360))
	b.open("?on=2020-12-31&lang=en&region=75&view=map&embed")
	b.until("no more than that", `document.querySelector("header, .share, .why, .dims") === null && document.querySelector(".origin a") !== null`)
	b.axe("embedded")
	b.open("?on=2020-12-31&lang=en&region=75")
	b.do("a name", chromedp.SendKeys("#find", "kota gorontalo"+kb.Enter))
	b.until("its region", `location.search.includes("region=75.71")`)
	b.click(".share summary")
	b.click("#share-address + button")
	b.until("a copy", `document.querySelector("#share-address + button").innerText === "Copied"`)
	var address, frame string
	b.eval(`document.querySelector("#share-address").value`, &address)
	b.eval(`document.querySelector("#share-frame").value`, &frame)
	if !strings.Contains(address, "region=75.71") || strings.Contains(address, "embed") {
		b.t.Errorf("the address to share is %q", address)
	}
	if !strings.Contains(frame, `title="Cakupan: Kota Gorontalo"`) || !strings.Contains(frame, "&amp;embed=1") {
		b.t.Errorf("the frame is %q", frame)
	}
	b.sound()
}

// walkLines takes away the lines over time, where they alone are shown.
func (b *browser) walkLines() {
	dir := b.t.TempDir()
	b.do("downloads", browserdomain.SetDownloadBehavior(browserdomain.SetDownloadBehaviorBehaviorAllow).
		WithDownloadPath(dir))
	b.open("?on=2020-12-31&lang=en&region=75.03&with=75.71,75.03&view=line")
	b.until("both lines", `document.querySelector(".u-legend")?.textContent.includes("Kota Gorontalo26.96\u00a0%")`)
	name := filepath.Join(dir, "cakupan-75.03-2020-12-31.")
	for kind, holds := range map[string]string{
		"csv":  "75.03,Kabupaten Bone Bolango,597172,2020-12-31,57344,48510,236,72.96\r\n",
		"json": `"name": "Kota Gorontalo",`, "png": "PNG",
	} {
		b.click("#save-" + kind)
		got := b.taken(name + kind)
		if !strings.Contains(got, holds) {
			b.t.Errorf("%s: %.300q", kind, got)
		}
		if kind == "csv" && (strings.Count(got, "2020-12-31") != 2 || !strings.HasPrefix(got, "\ufeffregion,name,known,on,")) {
			b.t.Errorf("csv: %.300q", got)
		}
		if kind == "png" {
			b.keep("taken-line", []byte(got))
		}
	}
	b.sound()
}

// walkKnowledge compares what was known once with what is known now, of the same day: both figures
// are of the knowledge that the page says.
func (b *browser) walkKnowledge() {
	b.open("?on=2021-01-01&known=2021-01-04&to=2021-01-01&region=75.03&lang=en")
	b.until("both", `document.querySelector(".compare").innerText.includes("35.90\u00a0%") && document.querySelectorAll(".waterfall tr").length > 2`)
	if got := b.text(".compare"); !strings.Contains(got, "60.18 %") || !strings.Contains(got, "reported late") {
		b.t.Errorf("what is known now is not compared with: %s", got)
	}
	b.picture("knowledge")
	b.sound()
}

// walkAstray opens addresses that lead nowhere: each says why, once, and has a way out.
func (b *browser) walkAstray() {
	for query, says := range map[string]string{
		"?lang=en&known=abc":         "known must be a sequence such as 4711",
		"?lang=en&on=2020-13-45":     "on is no date",
		"?lang=en&region=99.99":      "Nothing is here about region 99.99.",
		"?lang=en&indicator=NOTHING": "indicator",
	} {
		b.do("astray", chromedp.Navigate(b.origin+"/"+query))
		b.until("why", `document.querySelector(".failure #start-again") !== null`)
		if got := b.text(".failure"); strings.Count(got, says) != 1 || strings.Contains(got, "Not connected") {
			b.t.Errorf("%s: %q", query, got)
		}
		b.axe(query)
		b.click("#start-again")
		b.until("today", `document.querySelector(".failure") === null && document.querySelector(".headline")?.innerText.startsWith("Gorontalo, today")`)
		b.forget() // that it was refused is said in the console
	}
	b.open("?lang=en&on=2020-12-31")
	b.until("the field", `document.querySelector("#known") !== null`)
	b.set("#known", "yesterday")
	b.until("why", `document.querySelector(".failure")?.innerText.includes("What is shown is still from") && document.querySelector(".headline").innerText.includes("171,777")`)
	b.set("#known", "2021-04-30")
	b.until("that it is well again", `document.querySelector(".failure") === null && document.querySelector(".headline").innerText.includes("As known at Apr 30, 2021")`)
	b.forget()
}

// walkCut looks at the page where the months are not answered: it says so in the line's place, and
// draws it once they are.
func (b *browser) walkCut() {
	b.do("no months", network.Enable(), network.SetBypassServiceWorker(true),
		network.SetBlockedURLs([]string{"*/v1/series*"}))
	b.open("?lang=en&on=2020-12-31")
	b.until("why there is no line", `document.querySelector(".over .note")?.innerText.startsWith("This line cannot be loaded yet")`)
	b.axe("cut")
	b.do("months again", network.SetBlockedURLs([]string{}), network.SetBypassServiceWorker(false))
	b.forget() // that they were not answered
	b.open("?lang=en&on=2020-12-31")
	b.until("the line", `document.querySelector("coverage-chart canvas") !== null && document.querySelector(".over .note") === null`)
	b.sound()
}

// walkNumerator opens what a number rests on: the signed head, and people with their events.
func (b *browser) walkNumerator() {
	b.open("?on=2020-12-31&lang=en&region=75.71")
	b.click(".why > details > summary")
	b.until("the checkpoint", `document.querySelector(".why").innerText.includes("— cakupan/")`)
	b.click("coverage-numerator summary")
	b.until("twenty people", `document.querySelectorAll("coverage-numerator tbody tr").length >= 20`)
	b.click("coverage-numerator tbody coverage-events button")
	b.until("what it says", `document.querySelector("coverage-numerator pre")?.innerText.includes("id.cakupan.enrolment.opened.v1")`)
	b.axe("numerator")
	b.picture("why")
	b.sound()
}

// walkPaper prints on a sheet of A4: nothing of the table is cut off.
func (b *browser) walkPaper() {
	const sheet = 702 // pixels of 210 mm less two margins of 12 mm
	b.do("sheet", chromedp.EmulateViewport(sheet, 1000))
	for name, query := range map[string]string{
		"paper": "?on=2020-12-31&region=75", "paper-nation": "?on=2020-12-31&region=ID&lang=en",
	} {
		b.open(query)
		b.until("all of it", `document.querySelector("coverage-chart canvas") !== null`)
		b.do("print", emulation.SetEmulatedMedia().WithMedia("print"))
		var off []string
		b.eval(`[...document.querySelectorAll(".list td, .list th, .headline, coverage-chart")].filter((e) => e.offsetParent !== null &&
			e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.innerText)`, &off)
		for _, text := range off {
			b.t.Errorf("%s: %q is off the sheet", query, text)
		}
		b.picture(name)
		b.do("screen", emulation.SetEmulatedMedia().WithMedia(""))
	}
	b.do("desktop", b.width(1360))
	b.sound()
}

// another is somebody else's page that shows the dashboard within it.
func another(t *testing.T, address string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, `<!doctype html><title>x</title><h1>A page of somebody else</h1><iframe src="%s/?lang=en&amp;region=75`+
			`&amp;on=2020-12-31&amp;view=line&amp;embed" width="900" height="900"></iframe>`, html.EscapeString(address))
	}))
	t.Cleanup(server.Close)
	return server
}

// walkFrame looks at the page within another one, which whoever runs the ledger has allowed.
func (b *browser) walkFrame(outer string) {
	own := b.origin
	b.origin = "http://127.0.0.1:" // both
	defer func() { b.origin = own }()
	var frames []*cdp.Node
	b.do("another page", chromedp.Navigate(outer), chromedp.Nodes("iframe", &frames, chromedp.ByQuery))
	var source, heading string
	b.do("within it", chromedp.WaitReady("coverage-chart canvas", chromedp.ByQuery, chromedp.FromNode(frames[0])),
		chromedp.Text(".origin", &source, chromedp.ByQuery, chromedp.FromNode(frames[0])),
		chromedp.Text(".headline", &heading, chromedp.ByQuery, chromedp.FromNode(frames[0])))
	if !strings.Contains(heading, "of 560,445 workers covered") || !strings.Contains(source, "Open in Cakupan") {
		b.t.Errorf("within another page: %q %q", heading, source)
	}
	b.picture("embedded")
	b.sound()
}
