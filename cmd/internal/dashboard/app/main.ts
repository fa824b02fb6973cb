// The page: what it knows, what it asks, and how it is laid out.
import { LitElement, html, nothing, type TemplateResult } from "lit";
import "./chart";
import { ask, marks, Problem, watch, type Link } from "./data";
import { saveCSV, saveJSON, savePNG } from "./download";
import { dayField, knownSlider, monthSlider } from "./fields";
import { listed, parts, percentText, sorted, table, tiles, waterfall, type Look } from "./figures";
import { dimensions, level, parent, type Answer, type Difference, type Mark, type Point, type Status } from "./model";
import { monthEnd, readState, today, writeState, zones, type State } from "./state";
import { Format, words } from "./words";

class App extends LitElement {
  private state: State = readState(location.search);
  private answers: Answer[] = [];
  private detail?: Answer; // of the region, with its dimensions
  private points: Point[] = []; // of the region, over time
  private trend = new Map<string, Point[]>();
  private difference?: Difference | "denied";
  private story: Mark[] = [];
  private notice = "";
  private failure?: Problem;
  private loading = true;
  private shownAt = 0; // when what is shown was answered
  private link: Link = "connecting";
  private status?: Status;
  private range = { first: "", last: today(), recorded: "" };
  private playing = 0;
  private stop = new AbortController();

  createRenderRoot() {
    return this;
  }

  connectedCallback() {
    super.connectedCallback();
    addEventListener("popstate", () => this.go(readState(location.search), false));
    void marks().then((story) => { this.story = story; this.requestUpdate(); }, () => undefined);
    void this.load(true);
    watch({
      answers: (changed, all) => this.changed(changed, all),
      status: (status) => { this.status = status; this.requestUpdate(); },
      link: (link) => { this.link = link; this.requestUpdate(); },
    });
    if ("serviceWorker" in navigator) navigator.serviceWorker.register("sw.js").catch(() => undefined);
  }

  private get look(): Look {
    return { t: words[this.state.lang], f: new Format(this.state.lang, this.state.zone, zones[this.state.zone]) };
  }

  private get on(): string {
    return this.state.on || today();
  }

  /** Whether what is shown moves with the ledger. */
  private get live(): boolean {
    return this.state.on === "" && this.state.known === "" && this.state.indicator === "EMPLOYED";
  }

  /** The reader's region: the one chosen, or the province when there is but one. */
  private get region(): string {
    if (this.state.region !== "") return this.state.region;
    const provinces = this.answers.filter((a) => level(a.region) === "province");
    return provinces.length === 1 ? provinces[0].region : "ID";
  }

  private get answer(): Answer | undefined {
    return this.answers.find((a) => a.region === this.region) ?? this.detail;
  }

  private go(change: Partial<State>, keep = true) {
    this.state = { ...this.state, ...change };
    if (keep) history.pushState(null, "", writeState(this.state));
    this.requestUpdate();
    void this.load(false);
  }

  private changed(changed: Answer[], all: boolean) {
    if (!this.live) return;
    const byRegion = new Map(all ? [] : this.answers.map((a) => [a.region, a]));
    for (const a of changed) byRegion.set(a.region, a);
    const rank = (a: Answer) => (a.region === "ID" ? "" : a.region);
    this.answers = [...byRegion.values()].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
    this.shownAt = Date.now();
    this.failure = undefined;
    this.loading = false;
    this.requestUpdate();
    if (changed.some((a) => a.region === this.region)) void this.loadDetail();
  }

  private async load(first: boolean) {
    this.stop.abort();
    this.stop = new AbortController();
    const { on, known, indicator } = this.state;
    try {
      const got = await ask<Answer[]>("v1/coverage", { on, known, indicator }, this.stop.signal);
      this.answers = got.value;
      this.notice = got.notice;
      this.shownAt = got.at;
      this.failure = undefined;
    } catch (cause) {
      if (!(cause instanceof Problem)) return; // asked anew meanwhile
      this.failure = cause;
    }
    this.loading = false;
    this.requestUpdate();
    if (this.failure) return;
    if (first) void this.loadRange();
    await Promise.all([this.loadDetail(), this.loadTrend(), this.loadDifference()]);
  }

  private async quietly<T>(path: string, query: Record<string, string | string[]>): Promise<T | undefined> {
    try {
      return (await ask<T>(path, query, this.stop.signal)).value;
    } catch {
      return undefined;
    }
  }

  private async loadDetail() {
    const { on, known, indicator } = this.state;
    const region = this.region;
    const got = await this.quietly<Answer[]>("v1/coverage", { region, on, known, indicator, by: dimensions });
    if (got && region === this.region) this.detail = got[0];
    const last = this.range.last > this.on ? this.range.last : this.on;
    const points = await this.quietly<Point[]>("v1/series", { region, from: this.range.first || monthEnd(this.on, -36), until: monthEnd(last, 0), known, indicator });
    if (points && region === this.region) this.points = points;
    this.requestUpdate();
  }

  private async loadTrend() {
    const { known, indicator } = this.state;
    const until = monthEnd(this.on, 0), from = monthEnd(this.on, -12);
    const shown = listed(this.answers, this.region);
    const got = await Promise.all(shown.map((a) => this.quietly<Point[]>("v1/series", { region: a.region, from, until, known, indicator })));
    shown.forEach((a, i) => got[i] && this.trend.set(a.region, got[i]));
    this.requestUpdate();
  }

  private async loadDifference() {
    const { on, known, to, toKnown, indicator } = this.state;
    if (to === "" && toKnown === "") {
      this.difference = undefined;
      return;
    }
    try {
      const got = await ask<Difference>("v1/difference", { region: this.region, on, known, to_on: to || this.on, to_known: toKnown || known, indicator }, this.stop.signal);
      this.difference = got.value;
    } catch (cause) {
      if (cause instanceof Problem) this.difference = cause.status === 403 ? "denied" : undefined;
    }
    this.requestUpdate();
  }

  /** How far back there is something to be seen, and since when something was recorded. */
  private async loadRange() {
    const all = await this.quietly<Point[]>("v1/series", { region: "ID", from: "1990-01-31", until: monthEnd(today(), 0) });
    const one = await this.quietly<Answer[]>("v1/coverage", { region: "ID", known: "1" });
    this.range = {
      first: all?.find((p) => p.covered > 0)?.on ?? monthEnd(today(), -36),
      last: monthEnd(today(), 0),
      recorded: one?.[0].known.recordedAt?.slice(0, 10) ?? "",
    };
    await this.loadDetail();
  }

  private play() {
    if (this.playing) {
      clearInterval(this.playing);
      this.playing = 0;
    } else {
      if (this.on >= this.range.last) this.go({ on: this.range.first });
      this.playing = window.setInterval(() => {
        const next = monthEnd(this.on, this.on === monthEnd(this.on, 0) ? 1 : 0);
        if (next > this.range.last) this.play();
        else this.go({ on: next }, false);
      }, 700);
    }
    this.requestUpdate();
  }

  render() {
    const look = this.look, { t } = look;
    document.documentElement.lang = this.state.lang;
    document.title = `Cakupan: ${this.answer?.name ?? t.title}`;
    return html`<a class="skip" href="#main">${t.skip}</a>
      <header><h1>Cakupan</h1><p>${t.title}</p>${this.badge(look)}
        <label class="zone"><span class="hidden">${t.zone}</span><select aria-label=${t.zone} @change=${(e: Event) => this.go({ zone: (e.target as HTMLSelectElement).value })}>
          ${Object.entries(zones).map(([zone, name]) => html`<option value=${zone} .selected=${zone === this.state.zone}>${name}</option>`)}</select></label>
        <button type="button" class="language" lang=${this.state.lang === "id" ? "en" : "id"} @click=${() => this.go({ lang: this.state.lang === "id" ? "en" : "id" })}>${t.language}</button>
      </header>
      ${this.notice ? html`<p class="notice" role="note">${t.sample}</p>` : nothing}
      <main id="main" tabindex="-1">${this.body(look)}</main>`;
  }

  private badge({ t, f }: Look) {
    const kind = !this.live ? "past" : this.link !== "open" ? this.link : (this.status?.state ?? "connecting");
    const lag = this.status && this.status.behindEvents > 0 ? t.behind(f.number(this.status.behindEvents)) : (this.status?.why ?? "");
    return html`<p class="badge ${kind}" role="status" title=${lag}>${t.state[kind]}${kind === "behind" ? html` <small>${lag}</small>` : nothing}</p>`;
  }

  private body(look: Look): TemplateResult {
    const { t, f } = look;
    if (this.failure?.status === 401) return html`<p class="failure">${t.login}</p>`;
    const old = this.failure || this.link === "lost" ? html`<p class="failure" role="alert">${this.shownAt ? t.offline(f.time(this.shownAt)) : t.failed + this.failure?.message}${this.failure && this.failure.status > 0 ? html` ${this.failure.message}` : nothing}</p>` : nothing;
    if (this.loading) return html`${old}<p>${t.loading}</p>`;
    if (this.answers.length === 0) return html`${old}<p>${this.failure ? nothing : t.empty}</p>`;
    const a = this.answer;
    return html`${old}${a ? this.headline(look, a) : nothing}
      ${this.timeControls(look)}
      <div class="pair"><section class="map" aria-labelledby="map-title"><h2 id="map-title">${t.map}</h2>
        ${tiles(look, this.answers, this.region, (region) => this.go({ region }))}${this.legend(look)}</section>
      <section class="list" aria-labelledby="list-title"><h2 id="list-title">${t.table}</h2>${this.crumbs(look)}
        <div class="wide" tabindex="-1">${table(look, sorted(listed(this.answers, this.region), this.state.sort), this.trend, this.region, (region) => this.go({ region }))}</div></section></div>
      ${a ? this.sections(look, a) : nothing}`;
  }

  private headline(look: Look, a: Answer) {
    const { t, f } = look;
    const day = this.state.on === "" ? t.today : f.day(a.on);
    const confirmed = f.number(a.confirmed), covered = f.number(a.covered);
    const sentence = a.percent !== null && a.workforce
      ? t.headline(a.name, day, covered, f.number(a.workforce.count), f.percent(a.percent), confirmed)
      : t.headlineBare(a.name, day, covered, confirmed);
    const goal = !a.target || a.percent === null ? t.noTarget : a.target.met ? t.met(f.percent(a.target.percent)) : t.short(f.percent(a.target.percent), f.number(a.target.shortfall ?? 0));
    const provinces = this.answers.filter((x) => level(x.region) === "province").length;
    return html`<p class="headline" aria-live="polite">${sentence} <b>${goal}</b>
      ${this.state.known !== "" && a.known.recordedAt ? html`<span class="known">${t.asKnown(f.time(a.known.recordedAt))}</span>` : nothing}
      ${a.region === "ID" && provinces < 38 ? html`<span class="known">${t.onlyPart}</span>` : nothing}</p>`;
  }

  private crumbs({ t }: Look) {
    const name = (region: string) => (region === "ID" ? t.nation : (this.answers.find((a) => a.region === region)?.name ?? region));
    const path: string[] = [];
    for (let at = this.region; ; at = parent(at)) {
      path.unshift(at);
      if (at === "ID") break;
    }
    return html`<nav class="crumbs" aria-label=${t.region}>${path.map((region) => (region === this.region ? html`<span aria-current="page">${name(region)}</span>` : html`<button type="button" class="link" @click=${() => this.go({ region })}>${name(region)}</button> › `))}
      <label>${t.sort} <select @change=${(e: Event) => this.go({ sort: (e.target as HTMLSelectElement).value as State["sort"] })}>
        ${Object.entries(t.sortBy).map(([key, label]) => html`<option value=${key} .selected=${key === this.state.sort}>${label}</option>`)}</select></label></nav>`;
  }

  private legend({ t }: Look) {
    return html`<ul class="legend"><li class="below">${t.legendBelow}</li><li class="near">${t.legendNear}</li><li class="above">${t.legendAbove}</li><li class="none">${t.noWorkforce}</li>
      <li class="confirmed">${t.legendConfirmed}</li><li class="covered">${t.legendPromised}</li><li class="goal">${t.legendTarget}</li></ul>`;
  }

  private timeControls(look: Look) {
    const { t, f } = look, { first, last, recorded } = this.range;
    return html`<section class="time" aria-label=${t.time}>
      <div>${dayField("on", t.on, this.on, f, (on) => this.go({ on }))}
        ${first ? monthSlider(look, first, last, this.on, (on, done) => this.go({ on }, done)) : nothing}
        <button type="button" aria-pressed=${this.playing !== 0} @click=${() => this.play()}>${this.playing ? t.pause : t.play}</button>
        <button type="button" ?disabled=${this.state.on === "" && this.state.known === ""} @click=${() => this.go({ on: "", known: "" })}>${t.reset}</button></div>
      <div><label>${t.known} <input id="known" type="text" autocomplete="off" spellcheck="false" .value=${this.state.known} placeholder=${t.latest} aria-describedby="known-hint" @change=${(e: Event) => this.go({ known: (e.target as HTMLInputElement).value.trim() })}></label>
        <small id="known-hint">${t.knownHint}</small>
        ${recorded ? knownSlider(look, recorded, today(), this.state.known, (known, done) => this.go({ known }, done)) : nothing}</div>
    </section>`;
  }

  private sections(look: Look, a: Answer) {
    const { t, f } = look;
    const detail = this.detail?.region === a.region ? this.detail : undefined;
    return html`
      <section class="over" aria-labelledby="chart-title"><h2 id="chart-title">${t.chart}: ${a.name}</h2>
        <coverage-chart .points=${this.points} .target=${a.target ? Number(a.target.percent) : null} .at=${this.on} .t=${t} .f=${f}></coverage-chart></section>
      <section class="dims" aria-labelledby="dims-title"><h2 id="dims-title">${t.dividing}</h2>
        <div class="tabs" role="group" aria-labelledby="dims-title">${dimensions.map((by) => html`<button type="button" aria-pressed=${by === this.state.by} @click=${() => this.go({ by })}>${t.dims[by]}</button>`)}</div>
        ${detail ? parts(look, detail, this.state.by) : nothing}<p class="note">${t.dimNote}</p></section>
      ${this.compare(look)}${this.stops(look)}${this.reason(look, a)}${this.take(look)}`;
  }

  private compare(look: Look) {
    const { t, f } = look, { to, toKnown } = this.state;
    return html`<section class="compare" aria-labelledby="compare-title"><h2 id="compare-title">${t.difference}</h2>
      ${dayField("to", t.toOn, to || this.on, f, (date) => this.go({ to: date }))}
      <label>${t.toKnown} <input id="to-known" type="text" autocomplete="off" .value=${toKnown} placeholder=${t.latest} @change=${(e: Event) => this.go({ toKnown: (e.target as HTMLInputElement).value.trim() })}></label>
      ${to || toKnown ? html`<button type="button" @click=${() => this.go({ to: "", toKnown: "" })}>${t.compareNone}</button>` : nothing}
      ${this.difference === "denied" ? html`<p class="note">${t.notYours}</p>` : this.difference ? html`<p>${f.day(this.difference.from.on)}: ${percentText(look, this.difference.from)} → ${f.day(this.difference.to.on)}: ${percentText(look, this.difference.to)}</p>${waterfall(look, this.difference)}` : nothing}</section>`;
  }

  private stops({ t, f }: Look) {
    if (this.story.length === 0) return nothing;
    return html`<section class="story" aria-labelledby="story-title"><h2 id="story-title">${t.story}</h2><p class="note">${t.storyNote}</p>
      <ol>${this.story.map((m) => html`<li class=${m.region === this.state.region && m.on === this.state.on && (m.known ?? "") === this.state.known ? "here" : ""}>
        <button type="button" class="link" @click=${() => this.go({ region: m.region, on: m.on, known: m.known ?? "" })}>${f.day(m.on)}</button> ${m[this.state.lang]}</li>`)}</ol></section>`;
  }

  private reason(look: Look, a: Answer) {
    const { t, f } = look, w = a.workforce;
    const known = String(a.known.sequence);
    return html`<section class="why" aria-labelledby="why-title"><details><summary><h2 id="why-title">${t.why}</h2></summary>
      ${a.percent !== null && w ? html`<p><b>${t.whyFormula(f.number(a.covered), f.number(w.count), f.percent(a.percent))}</b></p>` : nothing}
      <p>${t.whyNumerator}</p>${w ? html`<p>${t.whyDenominator(w.publication, f.day(w.reference), f.number(w.sequence))}</p>` : nothing}
      ${a.known.recordedAt ? html`<p>${t.whyKnown(f.number(a.known.sequence), f.time(a.known.recordedAt))}</p>` : nothing}
      <p>${t.whyCommand}</p><pre tabindex="0">cakupan coverage --region ${a.region} --on ${a.on} --known ${known}</pre>
      <p>${t.whyWho}</p><pre tabindex="0">cakupan explain --region ${a.region} --on ${a.on} --known ${known}</pre></details></section>`;
  }

  private take({ t }: Look) {
    const shown = listed(this.answers, this.region), name = `cakupan-${this.region}-${this.on}`;
    return html`<section class="take" aria-label=${t.take}><button type="button" @click=${() => saveCSV(name, shown)}>${t.take} CSV</button>
      <button type="button" @click=${() => saveJSON(name, shown)}>${t.take} JSON</button>
      <button type="button" @click=${() => savePNG(name, this.querySelector("svg.tiles"))}>${t.take} PNG</button>
      <button type="button" @click=${() => print()}>${t.print}</button></section>`;
  }
}
customElements.define("cakupan-app", App);
