package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	browserdomain "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestPage walks through the page in a real Chromium, as its readers would, over the sample.
func TestPage(t *testing.T) {
	d := startDemoFor(t)
	b := openBrowser(t, d.url())
	t.Run("load", func(t *testing.T) { b.t = t; b.walkLoad() })
	t.Run("time", func(t *testing.T) { b.t = t; b.walkTime() })
	t.Run("drill", func(t *testing.T) { b.t = t; b.walkDrill() })
	t.Run("compare", func(t *testing.T) { b.t = t; b.walkCompare() })
	t.Run("beside", func(t *testing.T) { b.t = t; b.walkBeside() })
	t.Run("story", func(t *testing.T) { b.t = t; b.walkStory() })
	t.Run("findings", func(t *testing.T) { b.t = t; b.walkFindings() })
	t.Run("funding", func(t *testing.T) { b.t = t; b.walkFunding() })
	t.Run("take", func(t *testing.T) { b.t = t; b.walkTake() })
	t.Run("phone", func(t *testing.T) { b.t = t; b.walkPhone() })
	t.Run("themes", func(t *testing.T) { b.t = t; b.walkThemes() })
	t.Run("keyboard", func(t *testing.T) { b.t = t; b.walkKeyboard() })
	t.Run("views", func(t *testing.T) { b.t = t; b.walkViews() })
	t.Run("lines", func(t *testing.T) { b.t = t; b.walkLines() })
	t.Run("knowledge", func(t *testing.T) { b.t = t; b.walkKnowledge() })
	t.Run("astray", func(t *testing.T) { b.t = t; b.walkAstray() })
	t.Run("cut", func(t *testing.T) { b.t = t; b.walkCut() })
	t.Run("numerator", func(t *testing.T) { b.t = t; b.walkNumerator() })
	t.Run("paper", func(t *testing.T) { b.t = t; b.walkPaper() })
	t.Run("offline", func(t *testing.T) { b.t = t; b.walkOffline(d) })
	t.Run("live", func(t *testing.T) { b.t = t; b.walkLive(d) })
	t.Run("timings", func(t *testing.T) { b.t = t; b.walkTimings(d) })
	t.Run("own", func(t *testing.T) { b.t = t; b.walkOwn(d) })
}

// startDemoFor starts the sample only where the page will be looked at.
func startDemoFor(t *testing.T) *demoServer {
	t.Helper()
	openedOrSkip(t)
	return startDemo(t)
}

func (b *browser) walkLoad() {
	b.open("?on=2020-12-31&lang=en")
	if got := b.text(".headline"); !strings.HasPrefix(got, "Gorontalo, December 31, 2020: 171,777 of 560,445 workers covered (30.65 %)") {
		b.t.Errorf("headline %q", got)
	}
	b.until("the line over time", `document.querySelector("coverage-chart canvas") !== null`)
	b.until("the slider", `document.querySelector("#on-month") !== null`)
	b.until("the parts", `document.querySelectorAll(".parts tr").length > 2`)
	b.until("sparklines", `document.querySelectorAll(".sparkline").length > 5`)
	b.picture("load")
	b.view("page") // docs/page.png is this one
	b.click(".language")
	b.until("Indonesian", `document.querySelector(".headline").innerText.startsWith("Gorontalo, 31 Desember 2020: 171.777 dari 560.445")`)
	b.sound()
}

func (b *browser) walkTime() {
	b.open("?on=2020-12-31&lang=en")
	b.until("the sliders", `document.querySelector("#on-month") !== null && document.querySelector("#known-day") !== null`)
	b.do("a month back", chromedp.Focus("#on-month"), chromedp.KeyEvent(kb.ArrowLeft))
	b.until("November", `document.querySelector(".headline").innerText.includes("November 30, 2020")`)
	b.open("?on=2021-01-01&region=75.03&lang=en")
	b.until("the slider", `document.querySelector("#known-day") !== null`)
	b.set("#known-day", "18631") // 2021-01-04
	b.until("as known then", `document.querySelector(".headline").innerText.includes("28,218")`)
	b.set("#known-day", "18747") // 2021-04-30
	b.until("as known later", `document.querySelector(".headline").innerText.includes("47,930")`)
	b.until("its event", `Number(document.querySelector("#known-event").value) > 300000`)
	b.set("#known-event", "1000")
	b.until("as known at an event", `location.search.includes("known=1000") && document.querySelector(".headline").innerText.includes("workers covered, of them 0 confirmed")`)
	b.do("an event on", chromedp.Focus("#known-event"), chromedp.KeyEvent(kb.ArrowRight))
	b.until("the next event", `location.search.includes("known=1001") && document.querySelector("#known-event").getAttribute("aria-valuetext") === "event 1,001"`)
	b.do("all events", chromedp.KeyEvent(kb.End))
	b.until("everything", `!location.search.includes("known=") && document.querySelector(".headline").innerText.includes("47,303")`)
	b.sound()
}

// walkBeside draws the lines of several regions in one picture, and tells them in its table.
func (b *browser) walkBeside() {
	b.open("?on=2020-12-31&lang=en&region=75.03")
	b.until("the line", `document.querySelector("coverage-chart canvas") !== null`)
	b.click(".beside summary")
	b.click(`.beside [data-with="75.71"]`)
	b.click(`.beside [data-with="75"]`)
	b.until("three lines", `location.search.includes("with=75.71%2C75") && document.querySelector(".u-legend").textContent.includes("Kota Gorontalo26.96\u00a0%") && document.querySelector(".u-legend").textContent.includes("Gorontalo30.65\u00a0%")`)
	b.click(".twin summary")
	b.until("the table", `[...document.querySelectorAll(".twin tr")].some((r) => r.innerText.includes("December 31, 2020") && r.innerText.includes("72.96") && r.innerText.includes("26.96") && r.innerText.includes("30.65"))`)
	b.axe("beside")
	b.picture("beside")
	b.open("?on=2020-12-31&lang=en&region=ID&with=75,75.03,75.71,75.01,75.02,75.04")
	b.until("five at most", `document.querySelectorAll(".u-legend .u-series").length === 9 && document.querySelector(".u-legend").textContent.includes("Kabupaten Bone Bolango72.96\u00a0%")`)
	b.picture("beside-nation")
	b.click(`.beside [data-with="75.03"]`)
	b.until("one less", `document.querySelectorAll(".u-legend .u-series").length === 8`)
	b.sound()
}

func (b *browser) walkDrill() {
	b.open("?on=2020-12-31&lang=en&region=ID")
	b.do("hear what is told", chromedp.Evaluate(`{
		window.told = [];
		const place = document.querySelector("#told");
		new MutationObserver(() => told.push(place.textContent)).observe(place, { childList: true });
	}`, nil))
	b.click(`.tile[data-region="75"]`)
	b.until("the province", `document.querySelector(".headline").innerText.startsWith("Gorontalo,")`)
	b.until("its regencies", `document.querySelectorAll(".tiles.regencies .tile").length === 6`)
	b.click(`.tile[data-region="75.71"]`)
	b.until("the city", `document.querySelector(".headline").innerText.startsWith("Kota Gorontalo,")`)
	b.click(`tr[data-region="75.03"] button`)
	b.until("the regency", `location.search.includes("region=75.03") && document.querySelector(".headline").innerText.startsWith("Kabupaten Bone Bolango")`)
	b.until("that it is told, and taken away", `(([said, after]) => said?.includes("Kabupaten Bone Bolango, December 31, 2020:") && after === "")(told.slice(-2))`)
	b.click(`.dims .tabs button:nth-child(6)`)
	b.until("evidence", `document.querySelector(".parts")?.innerText.includes("contributions booked")`)
	b.do("back", chromedp.NavigateBack())
	b.until("what was before", `!location.search.includes("by=evidence")`)
	b.sound()
}

func (b *browser) walkCompare() {
	b.open("?on=2021-01-01&known=2021-04-30&to=2021-04-01&toKnown=2021-04-30&region=75.03&lang=en")
	b.until("the waterfall", `document.querySelectorAll(".waterfall tr").length > 3`)
	b.picture("compare")
	b.set("#to-known-day", "18631") // 2021-01-04
	b.until("a second knowledge", `location.search.includes("toKnown=2021-01-04")`)
	b.sound()
}

// walkStory goes along the story by its stops, and by its list.
func (b *browser) walkStory() {
	b.open("?lang=en")
	b.until("the stops", `document.querySelectorAll(".story li").length > 5 && document.querySelector(".ticks") !== null`)
	b.click("#story-next")
	b.until("the first", `document.querySelector(".stepper").innerText.includes("1/") && document.querySelector(".headline").innerText.startsWith("Gorontalo, December 31, 2019")`)
	b.click("#story-next")
	b.until("the second", `document.querySelector(".headline").innerText.includes("61.28")`)
	b.click("#story-back")
	b.until("the first again", `document.querySelector(".stepper").innerText.includes("1/")`)
	b.click(".story summary")
	b.click(".story li:nth-child(2) button")
	b.until("the second again", `document.querySelector(".headline").innerText.includes("61.28")`)
	b.click(".time button[aria-pressed]")
	b.until("a month later", `location.search !== "" && document.querySelector(".headline").innerText.includes("2020")`)
	b.click(".time button[aria-pressed]")
	b.until("where it stopped", `(() => { const on = new URLSearchParams(location.search).get("on"), day = new Date(on + "T00:00:00Z");
		return day > new Date("2019-12-31") && document.querySelector(".headline").innerText.includes(day.toLocaleDateString("en", { dateStyle: "long", timeZone: "UTC" })); })()`)
	b.sound()
}

func (b *browser) walkPhone() {
	for _, width := range []int64{1100, 900, 768, 320, 390} {
		b.do("width", b.width(width))
		b.open("?on=2020-12-31")
		b.until("all regions", `document.querySelectorAll(".list td.percent").length > 5`)
		var off []string
		b.eval(`[...document.querySelectorAll(".list td, .list button, .headline")].filter((e) => { const r = e.getBoundingClientRect();
			return r.left < 0 || r.right > innerWidth; }).map((e) => e.innerText)`, &off)
		for _, text := range off {
			b.t.Errorf("at %d pixels %q is off the screen", width, text)
		}
		var wide bool
		b.eval(`document.documentElement.scrollWidth > innerWidth`, &wide)
		if wide {
			b.t.Errorf("at %d pixels the page scrolls sideways", width)
		}
	}
	b.until("all of it", `document.querySelector("coverage-chart canvas") !== null && document.querySelectorAll(".parts tr").length > 2`)
	b.picture("phone")
	b.axe("phone")
	b.do("desktop", b.width(1360))
	b.sound()
}

func (b *browser) walkThemes() {
	for _, dark := range []bool{false, true} {
		b.do("theme", b.dark(dark))
		b.open("?on=2021-01-01&known=2021-04-30&to=2021-04-01&toKnown=2021-04-30&region=75.03&lang=en")
		b.until("all of it", `document.querySelectorAll(".waterfall tr").length > 3 && document.querySelector("coverage-chart canvas") !== null`)
		b.axe(fmt.Sprintf("dark %t", dark))
		b.picture(fmt.Sprintf("dark-%t", dark))
		b.open("?on=2020-12-31&lang=en&region=ID")
		b.until("the nation", `document.querySelectorAll(".tiles .tile").length > 30 && document.querySelector("coverage-chart canvas") !== null`)
		b.axe(fmt.Sprintf("nation, dark %t", dark))
		b.picture(fmt.Sprintf("nation-dark-%t", dark))
	}
	b.do("theme", b.dark(false))
	b.sound()
}

// walkKeyboard reaches a province by keys alone.
func (b *browser) walkKeyboard() {
	b.open("?on=2020-12-31&lang=en&region=ID")
	at := func() (here string) {
		b.eval(`document.activeElement?.dataset?.region ?? document.activeElement?.id ?? ""`, &here)
		return here
	}
	for range 60 {
		if at() == "75" {
			break
		}
		b.do("tab", chromedp.KeyEvent(kb.Tab))
	}
	if got := at(); got != "75" {
		b.t.Fatalf("the keyboard reaches %q, not the tile", got)
	}
	b.do("enter", chromedp.KeyEvent(kb.Enter))
	b.until("the province", `location.search.includes("region=75")`)
	b.until("its regencies", `document.querySelectorAll(".tiles.regencies .tile").length === 6`)
	b.do("the first tile", chromedp.Focus(`.tiles [tabindex="0"]`))
	first := at()
	b.do("right", chromedp.KeyEvent(kb.ArrowRight))
	if at() == first {
		b.t.Error("an arrow does not move to the next tile")
	}
	b.do("down", chromedp.KeyEvent(kb.ArrowDown))
	want := at()
	b.do("open it", chromedp.KeyEvent(" "))
	b.until("the regency", fmt.Sprintf(`location.search.includes("region=%s")`, want))
	b.tabs("#story-next", "[data-view]", "#full-screen", ".tile", "#on-month", "#on-day", ".time button[aria-pressed]", "#known", "#known-day", "#known-event",
		".crumbs .link", "#find", ".list tr button", ".twin summary", ".beside summary", ".dims .tabs button", "#to-known", "#to-known-day", ".why summary",
		"coverage-findings summary", "coverage-funding summary", ".story summary", ".share summary", "#save-csv", "#save-png", ".language", ".zone select", ".skip")
	b.sound()
}

// walkFindings opens what the events contradict.
func (b *browser) walkFindings() {
	b.open("?on=2020-12-31&lang=en&region=75")
	b.click("coverage-findings summary")
	b.until("counts", `document.querySelectorAll(".findings tbody tr").length > 2`)
	b.click(".findings tbody button")
	b.until("the first ones", `document.querySelectorAll("coverage-findings li").length > 0`)
	b.click("coverage-findings coverage-events button")
	b.until("its event", `document.querySelector("coverage-findings pre")?.innerText.includes("id.cakupan.")`)
	b.axe("findings")
	b.picture("findings")
	b.sound()
}

// walkFunding opens the money, as the ledger tells it.
func (b *browser) walkFunding() {
	b.open("?on=2020-12-31&lang=en&region=75.03")
	b.click("coverage-funding summary")
	b.until("commitments", `document.querySelectorAll(".commitment").length >= 2 && document.querySelectorAll(".strip rect").length > 5`)
	got := b.text("coverage-funding")
	for _, want := range []string{"bb-2020", "Rp 4,019,904,000", "Rp 2,368,800,000", "The money ends in Aug 2020.", "12 months funded, 7 of them paid in full", "Rp 1,651,104,000 is granted and not paid."} {
		if !strings.Contains(got, want) {
			b.t.Errorf("the money does not say %q: %s", want, got)
		}
	}
	b.axe("funding")
	b.picture("funding")
	b.open("?lang=en&region=75.71&known=1")
	b.click("coverage-funding summary")
	b.until("none", `document.querySelector("coverage-funding").innerText.includes("No funding is recorded.")`)
	b.sound()
}

// walkTake takes away what is shown, and has it as a page for a meeting.
func (b *browser) walkTake() {
	dir := b.t.TempDir()
	b.do("downloads", browserdomain.SetDownloadBehavior(browserdomain.SetDownloadBehaviorBehaviorAllow).
		WithDownloadPath(dir))
	b.open("?on=2020-12-31&lang=en&region=75")
	for kind, holds := range map[string]string{"csv": "75.03,Kabupaten Bone Bolango,2020-12-31", "json": `"name": "Kabupaten Bone Bolango"`, "png": "PNG"} {
		b.click("#save-" + kind)
		got := b.taken(filepath.Join(dir, "cakupan-75-2020-12-31."+kind))
		if !strings.Contains(got, holds) {
			b.t.Errorf("%s: %.300q", kind, got)
		}
		if kind == "png" {
			b.keep("taken", []byte(got))
		}
	}
	b.click(".why summary")
	b.click("#save-bundle")
	name := b.text("#save-bundle")
	key := filepath.Join(dir, "ledger.pub")
	code, stdout, stderr := runCommand(b.t, "checkpoint", "--key", "--server", b.origin)
	if code != 0 {
		b.t.Fatal(stderr)
	}
	if err := os.WriteFile(key, []byte(stdout), 0o600); err != nil {
		b.t.Fatal(err)
	}
	b.taken(filepath.Join(dir, name))
	code, stdout, stderr = runCommand(b.t, "check", filepath.Join(dir, name), "--key", key, "--lang", "en")
	if code != 0 || !strings.Contains(stdout, "covered 171777, confirmed 121881") {
		b.t.Errorf("the proof: exit %d: %s%s", code, stdout, stderr)
	}
	b.do("print", emulation.SetEmulatedMedia().WithMedia("print"))
	b.picture("print")
	var shown []string
	b.eval(`[...document.querySelectorAll(".time, .take, header button, .printed")].filter((e) => e.offsetParent !== null).map((e) => e.className)`, &shown)
	if !slices.Equal(shown, []string{"printed"}) {
		b.t.Errorf("printed: %q", shown)
	}
	b.do("screen", emulation.SetEmulatedMedia().WithMedia(""))
	b.sound()
}

// taken waits for a file that was downloaded.
func (b *browser) taken(name string) string {
	b.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if content, err := os.ReadFile(name); err == nil && len(content) > 0 {
			return string(content)
		}
	}
	b.t.Fatalf("%s was not downloaded", name)
	return ""
}

// walkOffline loads the page again when there is no server: it shows what it had, and how old it is.
func (b *browser) walkOffline(d *demoServer) {
	b.open("?on=2020-12-31&lang=en")
	b.do("forget all that is kept", chromedp.Evaluate(firstVisit, nil, awaited))
	b.open("?on=2020-12-31&lang=en")
	b.until("what keeps it", `navigator.serviceWorker?.controller != null`)
	b.until("all of it", `document.querySelectorAll(".sparkline").length > 5 && document.querySelector("coverage-chart canvas") !== null`)
	var kept bool
	b.do("until all is kept", chromedp.Evaluate(allKept, &kept, awaited))
	b.sound()
	d.stop()
	b.open("?on=2020-12-31&lang=en")
	b.until("how old it is", `document.querySelector(".failure")?.innerText.startsWith("Not connected. What is shown is from")`)
	if got := b.text(".headline"); !strings.Contains(got, "171,777 of 560,445") {
		b.t.Errorf("headline %q", got)
	}
	b.until("the badge", `document.querySelector(".badge").innerText.includes("disconnected")`)
	b.picture("offline")
	d.start()
	b.until("that it is back", `document.querySelector(".failure") === null`)
	b.forget()
}

// walkOwn looks at a story and a map of the operator's own.
func (b *browser) walkOwn(d *demoServer) {
	d.stop()
	story, shapes := filepath.Join(b.t.TempDir(), "story.json"), filepath.Join(b.t.TempDir(), "map.json")
	area := func(code string, west float64) string {
		return fmt.Sprintf(`{"type":"Feature","properties":{"code":%q},"geometry":{"type":"Polygon","coordinates":`+
			`[[[%[2]g,0.2],[%[3]g,0.3],[%[3]g,1],[%[2]g,0.9],[%[2]g,0.2]]]}}`, code, west, west+0.5)
	}
	for name, content := range map[string]string{
		story: `[{"region":"75.71","on":"2020-06-30","id":"Juni","en":"June in the city"}]`,
		shapes: `{"type":"FeatureCollection","features":[` + strings.Join([]string{
			area("75", 122), area("75.03", 122), area("75.71", 122.5), area("75.05", 123),
		}, ",") + `]}`,
	} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
	outer := another(b.t, d.url())
	d.command = []string{
		"serve", "--story", story, "--boundaries", shapes, "--frame-ancestors", outer.URL,
	}
	d.start()
	b.forget()
	b.open("?lang=en&region=75&on=2020-12-31")
	b.until("the map", `document.querySelectorAll(".choropleth path").length === 3`)
	b.click(`.choropleth [data-region="75.71"]`)
	b.until("the city", `document.querySelector(".headline").innerText.startsWith("Kota Gorontalo,")`)
	b.click("#story-next")
	b.until("the story", `document.querySelector(".stepper").innerText.includes("June in the city") && location.search.includes("on=2020-06-30")`)
	b.axe("own map")
	b.picture("own")
	b.sound()
	b.walkFrame(outer.URL)
}

// firstVisit has the page loaded next as in a browser that has never seen it.
const firstVisit = `(async () => {
	for (const one of await navigator.serviceWorker.getRegistrations()) await one.unregister();
	for (const name of await caches.keys()) await caches.delete(name);
})()`

// allKept waits until all that the page has asked for is kept for when there is no network.
const allKept = `(async () => {
	const cache = await caches.open("cakupan-1");
	const asked = performance.getEntriesByType("resource").map((e) => e.name).filter((url) => /v1.(coverage|series)/.test(url));
	for (;;) {
		const kept = (await cache.keys()).map((one) => one.url);
		if (asked.every((url) => kept.includes(url))) return true;
		await new Promise((again) => setTimeout(again, 20));
	}
})()`

// blankFrames counts the frames from now on in which there are no lines.
const blankFrames = `(() => {
	window.begun = performance.now(); window.blank = 0;
	const look = () => {
		if (!document.querySelector("coverage-chart canvas") || document.querySelectorAll(".sparkline").length < 6) window.blank++;
		requestAnimationFrame(look);
	};
	look();
})()`

// walkLive sees an event arrive, the ledger go and come back.
func (b *browser) walkLive(d *demoServer) {
	b.open("?lang=en&region=75.03")
	b.until("live", `document.querySelector(".badge").classList.contains("live")`)
	b.until("the line", `document.querySelector("coverage-chart canvas") !== null && document.querySelectorAll(".sparkline").length > 5`)
	b.click(".why > details > summary")
	b.click("coverage-numerator summary")
	b.until("who is counted", `document.querySelectorAll("coverage-numerator tbody tr").length >= 20`)
	b.do("look at each frame", chromedp.Evaluate(blankFrames, nil))
	b.do("look at what is asked", chromedp.Evaluate(`{
		window.looked = 0;
		const asks = window.fetch;
		window.fetch = (...what) => {
			if (String(what[0]).includes("explain")) window.looked++;
			return asks(...what);
		};
	}`, nil))
	before := b.text(".headline")
	d.publish(`{"specversion":"1.0","id":"page-1","source":"urn:page","type":"id.cakupan.enrolment.opened.v1",` +
		`"data":{"enrolment":"page-1","worker":"page-1","region":"75.03","segment":"PU","category":"PRIVATE",` +
		`"programmes":["JKK"],"payer":"EMPLOYER","from":"2020-01-01"}}`)
	b.until("one more", fmt.Sprintf(`document.querySelector(".headline").innerText !== %q`, before))
	var looked int // it is noted down each time, and so is not asked for each event
	b.eval(`window.looked`, &looked)
	if looked > 0 {
		b.t.Errorf("an event has the page ask %d times who is counted", looked)
	}
	b.until("its line", `performance.getEntriesByType("resource").some((e) => e.name.includes("region=75.03") && e.name.includes("series") && e.startTime > window.begun)`)
	var blank int
	b.eval(`window.blank`, &blank)
	if blank > 0 {
		b.t.Errorf("in %d frames the lines are gone, while they are asked for again", blank)
	}
	b.sound()
	d.stop()
	b.until("that it is gone", `["lost","ended","connecting"].some((k) => document.querySelector(".badge").classList.contains(k))`)
	b.do("look days later", chromedp.Evaluate(`{
		const now = window.now = Date;
		window.Date = class extends now { constructor(...of) { of.length ? super(...of) : super(now.now() + 3 * 86_400_000); } };
		document.querySelector("cakupan-app").requestUpdate();
	}`, nil))
	b.until("of which day it is", `/^Kabupaten Bone Bolango, \w+ \d+, \d{4}: /.test(document.querySelector(".headline").innerText)`)
	b.do("look today", chromedp.Evaluate(`{ window.Date = window.now; }`, nil))
	d.start()
	b.until("that it is back", `document.querySelector(".badge").classList.contains("live")`)
	b.forget()
}

// TestPageOfEmpty looks at a ledger that has no event yet: it says what to do, and fills by itself.
func TestPageOfEmpty(t *testing.T) {
	openedOrSkip(t)
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	d := &demoServer{
		t: t, dir: filepath.Join(t.TempDir(), "data"), address: address, command: []string{"serve"},
	}
	d.start()
	t.Cleanup(d.stop)
	b := openBrowser(t, d.url())
	b.do("open", chromedp.Navigate(d.url()+"/?lang=en"))
	b.until("that it is empty", `document.querySelector(".empty")?.innerText.startsWith("This ledger is still empty.")`)
	b.axe("empty")
	b.picture("empty")
	status, answer := e2eDo(t, http.MethodPost, d.url()+"/v1/events", "application/x-ndjson", []byte(people(7)))
	if status != http.StatusOK {
		t.Fatalf("status %d: %s", status, answer)
	}
	b.until("the figures", `document.querySelector(".headline")?.innerText.includes("7 workers covered")`)
	b.until("how far back is known", `document.querySelector("#known-day") !== null`)
	b.sound()
}

// TestPageOfDashboard looks at a guarded ledger of three people with a dashboard's login, and with
// none.
func TestPageOfDashboard(t *testing.T) {
	openedOrSkip(t)
	dir := t.TempDir()
	publisher := addPublisher(t, dir, "dinas")
	secret := member(t, dir, "reader", "add", "layar", "--role", "dashboard")
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
	b := openBrowser(t, url)
	var known atomic.Bool
	b.asks(func() *fetch.AuthChallengeResponse {
		if !known.Load() {
			return &fetch.AuthChallengeResponse{Response: fetch.AuthChallengeResponseResponseCancelAuth}
		}
		return &fetch.AuthChallengeResponse{
			Response: fetch.AuthChallengeResponseResponseProvideCredentials, Username: "layar", Password: secret,
		}
	})
	b.do("nobody", chromedp.Navigate(url+"/"))
	b.until("how to log in", `document.body.innerText.includes("Buku besar ini meminta masuk")`)
	b.axe("login")
	b.picture("login")
	b.forget() // that it was not let in is said in the console
	known.Store(true)
	b.open("?lang=en&on=2020-01-31&region=75.03")
	b.until("what is hidden", `document.querySelector(".headline").innerText.includes("fewer than 5 workers covered")`)
	b.until("no parts", `document.querySelector(".dims").innerText.includes("Lines of fewer than 5 people are hidden") && document.querySelectorAll(".parts tr").length === 0`)
	b.axe("dashboard")
	b.picture("dashboard")
	b.sound()
}
