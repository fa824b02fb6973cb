package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"
)

// spent is the processor's time that something took, in milliseconds: of the page's main thread, of
// it for scripts and for layout, of all threads of the page, and of the ledger. A busy machine makes
// it hardly longer, unlike the time that passes.
type spent struct{ thread, script, layout, page, ledger float64 }

func (s spent) String() string {
	return fmt.Sprintf("processor: page %.1f ms (main thread %.1f, of it scripts %.1f, layout %.1f), ledger %.1f ms",
		s.page, s.thread, s.script, s.layout, s.ledger)
}

func (s spent) minus(o spent) spent {
	return spent{s.thread - o.thread, s.script - o.script, s.layout - o.layout, s.page - o.page, s.ledger - o.ledger}
}

func (s spent) per(n int) spent {
	each := float64(n)
	return spent{s.thread / each, s.script / each, s.layout / each, s.page / each, s.ledger / each}
}

// counts has Chromium count its threads' time; it has to be asked before a page is opened.
func (b *browser) counts() {
	b.t.Helper()
	b.do("count", performance.Enable().WithTimeDomain(performance.EnableTimeDomainThreadTicks))
}

// spent returns what the page and the ledger have taken so far.
func (b *browser) spent(d *demoServer) spent {
	b.t.Helper()
	var metrics []*performance.Metric
	b.do("metrics", chromedp.ActionFunc(func(ctx context.Context) (err error) {
		metrics, err = performance.GetMetrics().Do(ctx)
		return err
	}))
	ms := func(name string) float64 {
		i := slices.IndexFunc(metrics, func(m *performance.Metric) bool { return m.Name == name })
		if i < 0 {
			b.t.Fatalf("Chromium does not tell %s", name)
		}
		return metrics[i].Value * 1_000
	}
	return spent{
		ms("TaskDuration"), ms("ScriptDuration"), ms("LayoutDuration") + ms("RecalcStyleDuration"), ms("ProcessTime"),
		processorTime(b.t, d.process.Process.Pid),
	}
}

// processorTime returns what a process has taken so far, in milliseconds; 0 where that is not told.
func processorTime(t *testing.T, pid int) float64 {
	t.Helper()
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// After the name, which is in brackets and may hold anything; in hundredths of a second.
	fields := strings.Fields(string(content[strings.LastIndexByte(string(content), ')')+1:]))
	total := 0.0
	for _, field := range fields[11:13] {
		ticks, err := strconv.ParseFloat(field, 64)
		if err != nil {
			t.Fatal(err)
		}
		total += ticks * 10
	}
	return total
}

// tellOpening opens an address anew and says what that took.
func (b *browser) tellOpening(d *demoServer, query string) {
	b.t.Helper()
	before := b.spent(d)
	b.open(query)
	b.until("a paint", `performance.getEntriesByName("first-contentful-paint").length > 0`)
	var first, said, all float64
	b.eval(`performance.getEntriesByName("first-contentful-paint")[0].startTime`, &first)
	b.eval(`performance.now()`, &said)
	b.until("all of it", `document.querySelectorAll(".sparkline").length > 5 && document.querySelector("#on-month") !== null && document.querySelector("coverage-chart canvas") !== null`)
	b.eval(`performance.now()`, &all)
	after := b.spent(d)
	taken := after.minus(spent{ledger: before.ledger}) // a page that is opened begins to count anew
	taken.page = after.page - before.page
	b.t.Logf("%s: first paint after %.0f ms, the sentence within %.0f ms, all of it within %.0f ms; %v",
		query, first, said, all, taken)
}

// tellSteps moves the slider, and says what a step took.
func (b *browser) tellSteps(d *demoServer) {
	b.t.Helper()
	var steps []float64
	before := b.spent(d)
	b.do("steps", chromedp.Evaluate(stepsOfSlider, &steps, awaited))
	b.t.Logf("a step of the slider is painted after %s; %v", quantiles(steps), b.spent(d).minus(before).per(len(steps)))
}

// walkTimings says how long things take, which depends on the machine: it fails for none of it.
func (b *browser) walkTimings(d *demoServer) {
	b.counts()
	b.tellOpening(d, "?lang=en&region=75.03&on=2020-12-31")
	b.tellSteps(d)
	b.open("?lang=en&region=75.03")
	b.until("live", `document.querySelector(".badge").classList.contains("live")`)
	var begun bool
	b.eval(`(() => { window.painted = 0; new MutationObserver(() => requestAnimationFrame(() => { window.painted = Date.now(); }))
		.observe(document.querySelector(".headline"), { characterData: true, subtree: true, childList: true }); return true; })()`, &begun)
	events := 20
	if os.Getenv("CAKUPAN_LONG") != "" {
		events = 200 // of which the last but one is the 99th percentile
	}
	var sent, accepted []float64
	before := b.spent(d)
	for i := range events {
		begin := time.Now().UnixMilli()
		d.publish(fmt.Sprintf(`{"specversion":"1.0","id":"timed-%[1]d","source":"urn:page","type":"id.cakupan.enrolment.opened.v1",`+
			`"data":{"enrolment":"timed-%[1]d","worker":"timed-%[1]d","region":"75.03","segment":"PU","category":"PRIVATE",`+
			`"programmes":["JKK"],"payer":"EMPLOYER","from":"2020-01-01"}}`, i))
		taken := time.Now().UnixMilli()
		b.until("it is painted", fmt.Sprintf(`window.painted >= %d`, begin))
		var painted int64
		b.eval(`window.painted`, &painted)
		sent = append(sent, float64(painted-begin))
		accepted = append(accepted, float64(painted-taken))
	}
	b.t.Logf("an event is painted %s after it was sent, %s after it was accepted; %v",
		quantiles(sent), quantiles(accepted), b.spent(d).minus(before).per(events))
	b.sound()
}

// stepsOfSlider moves the slider of months back, a step at a time, and measures until the sentence
// says so.
const stepsOfSlider = `(async () => {
	const taken = [], slider = document.querySelector("#on-month"), said = () => document.querySelector(".headline").textContent;
	for (let i = 0; i < 20; i++) {
		const before = said(), begin = performance.now();
		slider.value = String(Number(slider.value) - 1);
		slider.dispatchEvent(new Event("input", { bubbles: true }));
		while (said() === before) await new Promise(requestAnimationFrame);
		taken.push(performance.now() - begin);
	}
	return taken;
})()`

func quantiles(ms []float64) string {
	slices.Sort(ms)
	return fmt.Sprintf("%.0f ms (median of %d), %.0f ms (99th percentile), %.0f ms at most",
		ms[len(ms)/2], len(ms), ms[(len(ms)*99+99)/100-1], ms[len(ms)-1])
}
