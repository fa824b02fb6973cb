// The page: what it knows, what it asks, and how it is laid out.
import { LitElement, html, nothing, type TemplateResult } from "lit";
import type { Goal, Line } from "./chart";
import "./chart";
import { ask, boundaries, keepAnswers, marks, never, Problem, watch, type Asked, type Link } from "./data";
import type { Picture, Series } from "./download";
import { listed, parts, table, type Look } from "./figures";
import { map, shownProvince } from "./map";
import { dimensions, level, type Answer, type Boundaries, type Difference, type Mark, type Point, type Status } from "./model";
import "./funding";
import "./panels";
import { origin, share, tabs } from "./share";
import { beside, compare, crumbs, headline, legend, reason, stepper, stops, take, timeControls, withs, type Page } from "./sections";
import { fromDay, monthEnd, readState, toDay, today, writeState, zones, type State } from "./state";
import { Teller } from "./teller";
import { Format, words, type Words } from "./words";

const none: Point[] = [];
const noGoals: Goal[] = [];
const goalsMost = 12; // that are drawn: a step each

class App extends LitElement implements Page {
  state: State = readState(location.search);
  answers: Answer[] = [];
  private detailOf = ""; // the region of which that was asked
  private detail?: Answer; // of the region, with its dimensions
  private trend = new Map<string, Point[]>(); // of regions, over all months
  private goals = new Map<string, Goal[]>(); // of regions, over all months
  private trendOf = ""; // which knowledge
  private outdated = new Set<string>(); // regions that have changed since they were asked for
  private missing = new Set<string>(); // regions that were asked for and not answered
  private first: Goal[] = noGoals; // the target of now, while those of before are not known
  private later = 0; // timer until they are asked for again
  private ranged?: Promise<void>;
  private difference?: Difference | "denied";
  story: Mark[] = [];
  checkpoint = "";
  private format?: Format;
  private bounds: Boundaries = { features: [] };
  private notice = "";
  private failure?: Problem;
  private loading = true;
  private shownAt = 0; // when what is shown was answered
  private link: Link = "connecting";
  private status?: Status;
  range = { first: "", last: today(), recorded: "" };
  head = 0; // the last event that is known of
  private drawn: Line[] = []; // beside the line of the region
  private timer = 0; // that plays
  private stop = new AbortController();
  private teller = new Teller((text) => { this.querySelector("#told")!.textContent = text; });

  createRenderRoot() {
    return this;
  }

  connectedCallback() {
    super.connectedCallback();
    addEventListener("popstate", () => this.go(readState(location.search), false));
    void marks().then((story) => { this.story = story; this.requestUpdate(); }, () => undefined);
    void boundaries().then((bounds) => { this.bounds = bounds; this.requestUpdate(); }, () => undefined);
    void this.load();
    watch({
      answers: (changed, all) => this.changed(changed, all),
      status: (status) => { this.status = status; this.head = Math.max(this.head, status.sequence); this.requestUpdate(); },
      link: (link) => { this.link = link; this.requestUpdate(); },
    });
    if ("serviceWorker" in navigator) {
      navigator.serviceWorker.addEventListener("controllerchange", keepAnswers);
      navigator.serviceWorker.register("sw.js").catch(() => undefined);
    }
  }

  get look(): Look {
    const { lang, zone } = this.state;
    if (this.format?.lang !== lang || this.format.zone !== zone) this.format = new Format(lang, zone, zones[zone]);
    return { t: words[lang], f: this.format };
  }

  get on(): string {
    return this.state.on || today();
  }

  get playing(): boolean {
    return this.timer !== 0;
  }

  /** Whether what is shown moves with the ledger. */
  private get live(): boolean {
    return this.state.on === "" && this.state.known === "" && this.state.indicator === "EMPLOYED";
  }

  /** The reader's region: the one chosen, or the province when there is but one. */
  get region(): string {
    if (this.state.region !== "") return this.state.region;
    const provinces = this.answers.filter((a) => level(a.region) === "province");
    return provinces.length === 1 ? provinces[0].region : "ID";
  }

  private get answer(): Answer | undefined {
    return this.answers.find((a) => a.region === this.region) ?? (this.detail?.region === this.region ? this.detail : undefined);
  }

  go(change: Partial<State>, keep = true) {
    const was = this.state;
    this.state = { ...was, ...change };
    if (keep) history.pushState(null, "", writeState(this.state));
    this.requestUpdate();
    const moved = (names: (keyof State)[]) => names.some((name) => was[name] !== this.state[name]);
    if (moved(["on", "known", "indicator"]) || this.failure) void this.load();
    else if (moved(["region", "to", "toKnown", "with"])) void this.loadRest();
  }

  private changed(changed: Answer[], all: boolean) {
    if (!this.live) return;
    const byRegion = new Map(all ? [] : this.answers.map((a) => [a.region, a]));
    for (const a of changed) byRegion.set(a.region, a);
    const rank = (a: Answer) => (a.region === "ID" ? "" : a.region);
    this.answers = [...byRegion.values()].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
    this.noteHead();
    this.shownAt = Date.now();
    this.failure = undefined;
    this.loading = false;
    this.requestUpdate();
    for (const a of changed) {
      this.outdated.add(a.region);
      if (a.target && !this.goals.get(a.region)?.some((goal) => goal.sequence === a.target?.sequence)) this.goals.delete(a.region);
    }
    this.later ||= window.setTimeout(() => this.renew(), 2_000);
  }

  private noteHead() {
    this.head = Math.max(this.head, ...this.answers.map((a) => a.known.sequence));
  }

  /** Asks again for what is not told by itself, at a pace that a busy ledger does not set. */
  private renew() {
    this.later = 0;
    if (this.live) void Promise.all([this.loadDetail(), this.loadTrend()]);
  }

  private async load() {
    this.stop.abort();
    this.stop = new AbortController();
    const { on, known, indicator } = this.state;
    try {
      const got = await ask<Answer[]>("v1/coverage", { on, known, indicator }, this.stop.signal);
      this.answers = got.value;
      this.noteHead();
      this.notice = got.notice;
      this.shownAt = got.at;
      this.failure = undefined;
    } catch (cause) {
      if (!(cause instanceof Problem)) return; // asked anew meanwhile
      this.failure = cause;
    }
    this.loading = false;
    this.requestUpdate();
    if (!this.failure) await this.loadRest();
  }

  private async loadRest() {
    await Promise.all([this.loadDetail(), this.loadTrend(), this.loadDifference()]);
  }

  private async quietly<T>(path: string, query: Asked, stop: AbortSignal | undefined = this.stop.signal): Promise<T | undefined> {
    try {
      return (await ask<T>(path, query, stop)).value;
    } catch {
      return undefined;
    }
  }

  private async loadDetail() {
    const { on, known, indicator } = this.state;
    const region = this.region;
    const got = await this.quietly<Answer[]>("v1/coverage", { region, on, known, indicator, by: dimensions });
    if (region === this.region) this.detailOf = region;
    if (got && region === this.region) this.detail = got[0];
    this.requestUpdate();
  }

  /** Asks how the regions that are listed moved over all months, of those that are not known yet. */
  private async loadTrend() {
    await (this.ranged ??= this.loadRange());
    const { known, indicator } = this.state;
    const { first, last } = this.range;
    if (first === "") return;
    if (this.trendOf !== known + indicator) {
      this.trend.clear();
      this.goals.clear();
      this.trendOf = known + indicator;
    }
    const wanted = new Set([this.region, ...withs(this.state), ...listed(this.answers, this.region).map((a) => a.region)]);
    // What is known stays in the picture until it is known anew.
    await Promise.all([...wanted].filter((region) => !this.trend.has(region) || this.outdated.has(region)).map(async (region) => {
      this.outdated.delete(region); // before it is asked: it may change meanwhile
      const stop = this.stop.signal;
      const points = await this.quietly<Point[]>("v1/series", { region, from: first, until: last, known, indicator }, stop);
      if (points && this.trendOf === known + indicator) this.trend.set(region, points);
      else this.outdated.add(region);
      if (points) this.missing.delete(region);
      else if (!stop.aborted) this.missing.add(region);
    }));
    this.requestUpdate();
    await this.loadGoals();
  }

  /** Asks which targets a region had, the last one first: each says since when it holds. */
  private async loadGoals() {
    const { known, indicator } = this.state, region = this.region, goals: Goal[] = [];
    if (this.goals.has(region)) return;
    for (let on = this.range.last; goals.length < goalsMost;) {
      const got = await this.quietly<Answer[]>("v1/coverage", { region, on, known, indicator });
      if (!got) return; // to be asked again
      const target = got[0]?.target;
      if (!target) break;
      goals.unshift({ from: target.from, percent: Number(target.percent), sequence: target.sequence });
      on = fromDay(toDay(target.from) - 1);
    }
    if (this.trendOf !== known + indicator) return;
    this.goals.set(region, goals);
    this.requestUpdate();
  }

  sign() {
    void fetch("checkpoint").then(async (r) => { if (r.ok) this.checkpoint = await r.text(); this.requestUpdate(); }, () => undefined);
  }

  private async loadDifference() {
    const { on, known, to, toKnown, indicator } = this.state;
    if (to === "" && toKnown === "") {
      this.difference = undefined;
      return;
    }
    try {
      const got = await ask<Difference>("v1/difference", { region: this.region, on, known, to_on: to || this.on, to_known: toKnown || (known && today()), indicator }, this.stop.signal);
      this.difference = got.value;
    } catch (cause) {
      if (cause instanceof Problem) this.difference = cause.status === 403 ? "denied" : undefined;
    }
    this.requestUpdate();
  }

  /** How far back there is something to be seen, and since when something was recorded. */
  private async loadRange() {
    const all = await this.quietly<Point[]>("v1/series", { region: "ID", from: "1990-01-31", until: monthEnd(today(), 0) }, never);
    const one = await this.quietly<Answer[]>("v1/coverage", { region: "ID", known: "1" }, never);
    if (!all || !one) {
      this.ranged = undefined; // to be asked again
      this.missing.add(this.region);
      this.requestUpdate();
      return;
    }
    this.range = {
      first: all.find((p) => p.covered !== 0)?.on ?? monthEnd(today(), -36),
      last: monthEnd(today(), 0),
      recorded: one[0].known.recordedAt?.slice(0, 10) ?? "",
    };
    if (this.range.recorded === "") this.ranged = undefined; // there is no event yet
    this.requestUpdate();
  }

  play() {
    if (this.timer) {
      clearInterval(this.timer);
      this.timer = 0;
      this.go({}); // while it plays, the address stays behind
    } else {
      if (this.on >= this.range.last) this.go({ on: this.range.first });
      this.timer = window.setInterval(() => {
        const next = monthEnd(this.on, this.on === monthEnd(this.on, 0) ? 1 : 0);
        if (next > this.range.last) this.play();
        else this.go({ on: next }, false);
      }, 700);
    }
    this.requestUpdate();
  }

  render() {
    const look = this.look, { t } = look;
    if (document.documentElement.lang !== this.state.lang) document.documentElement.lang = this.state.lang;
    this.classList.toggle("embedded", this.state.embed !== "");
    document.title = `Cakupan: ${this.answer?.name ?? t.title}`;
    return html`<a class="skip" href="#main">${t.skip}</a>
      ${this.state.embed ? nothing : html`<header><h1>Cakupan</h1><p>${t.title}</p>${this.badge(look)}
        <label class="zone"><span class="hidden">${t.zone}</span><select aria-label=${t.zone} @change=${(e: Event) => this.go({ zone: (e.target as HTMLSelectElement).value })}>
          ${Object.entries(zones).map(([zone, name]) => html`<option value=${zone} .selected=${zone === this.state.zone}>${name}</option>`)}</select></label>
        <button type="button" class="language" lang=${this.state.lang === "id" ? "en" : "id"} @click=${() => this.go({ lang: this.state.lang === "id" ? "en" : "id" })}>${t.language}</button>
      </header>`}
      <main id="main" tabindex="-1"><p id="told" class="hidden" role="status"></p>${this.state.embed ? html`<h1 class="hidden">Cakupan: ${this.answer?.name ?? t.title}</h1>` : nothing}${this.notice ? html`<p class="notice">${t.sample}</p>` : nothing}${this.body(look)}</main>`;
  }

  updated() {
    const shown = this.playing ? "" : (this.querySelector(".headline")?.textContent ?? "");
    this.teller.hear(writeState(this.state), this.look.t.state[this.kind], shown);
  }

  private get kind(): keyof Words["state"] {
    return this.link === "lost" ? this.link : !this.live ? "past" : this.link !== "open" ? this.link : (this.status?.state ?? "connecting");
  }

  private badge({ t, f }: Look) {
    const { kind } = this;
    const lag = this.status && this.status.behindEvents > 0 ? t.behind(f.number(this.status.behindEvents)) : (this.status?.why ?? "");
    return html`<p class="badge ${kind}" title=${lag}>${t.state[kind]}${kind === "behind" ? html` <small>${lag}</small>` : nothing}</p>`;
  }

  private body(look: Look): TemplateResult {
    const { t, f } = look;
    if (this.failure?.status === 401) return html`<p class="failure">${t.login}</p>`;
    const old = this.trouble(look);
    if (this.loading) return html`${old}<p>${t.loading}</p>`;
    // As known at some event, a ledger that has one has figures of 0.
    if (this.answers.length === 0 || (this.head === 0 && this.state.known === "")) return html`${old}<p class="empty">${this.failure ? nothing : t.empty}</p>`;
    const a = this.answer;
    const name = this.answers.find((one) => one.region === shownProvince(this.region))?.name;
    const pick = (region: string) => this.go({ region });
    const { view, embed, sort } = this.state;
    const chart = a ? this.line(look, a) : nothing, time = timeControls(this);
    const picture = html`<section class="map" aria-labelledby="map-title"><h2 id="map-title">${name ? t.mapOf(name) : t.map}</h2>
      ${map(look, this.answers, this.region, this.bounds, pick)}${legend(look)}</section>`;
    const list = html`<section class="list" aria-labelledby="list-title"><h2 id="list-title">${t.table}</h2>${crumbs(this)}
      <div class="wide" tabindex="-1">${table(look, listed(this.answers, this.region, sort), this.answers, this.trend, this.on, this.region, pick)}</div></section>`;
    return html`${old}${a ? headline(this, a) : this.detailOf === this.region ? html`<p class="failure" role="alert">${t.noRegion(this.region)} ${this.again(look)}</p>` : nothing}${embed ? nothing : stepper(this)}${tabs(this)}
      ${view === "" ? html`<div class="pair ${name ? "" : "nation"}"><div>${picture}${time}</div><div>${list}${chart}</div></div>`
        : html`<div class="alone">${{ map: picture, table: list, line: chart }[view]}${time}</div>`}
      ${embed ? origin(this, this.sources(a).join(" ")) : a ? this.sections(look, a) : nothing}`;
  }

  /** What keeps the page from showing what was asked for: the ledger is not reached, or it refuses. */
  private trouble(look: Look): TemplateResult | typeof nothing {
    const { t, f } = look, { failure, shownAt } = this, at = shownAt ? f.time(shownAt) : "";
    if (failure && failure.status > 0) return html`<p class="failure" role="alert">${t.failed}${failure.message}. ${at ? t.refusedNow(at) : nothing} ${this.again(look)}</p>`;
    if (!failure && this.link !== "lost") return nothing;
    return html`<p class="failure" role="alert">${at ? t.offline(at) : t.unreached}</p>`;
  }

  /** Out of an address that leads nowhere. */
  private again = ({ t }: Look) =>
    html`<button type="button" id="start-again" class="link" @click=${() => this.go({ region: "", on: "", known: "", to: "", toKnown: "", indicator: "EMPLOYED" })}>${t.startAgain}</button>`;

  /** What the figures rest on, in words. */
  private sources(a: Answer | undefined): string[] {
    const { t, f } = this.look, w = a?.workforce;
    return [
      ...(w ? [t.whyDenominator(w.publication, f.day(w.reference), f.number(w.sequence))] : []),
      ...(a?.known.recordedAt ? [t.whyKnown(f.number(a.known.sequence), f.time(a.known.recordedAt))] : []),
      ...(this.notice ? [t.sample] : []),
    ];
  }

  series(): Series[] {
    const known = this.answer?.known.sequence ?? this.head;
    return [this.region, ...withs(this.state)].filter((region, i, all) => this.trend.has(region) && all.indexOf(region) === i).map((region) => ({
      region, name: this.answers.find((a) => a.region === region)?.name ?? region, known, points: this.trend.get(region)!,
    }));
  }

  /** The picture that is shown, to be taken away. */
  private picture(): Picture {
    const line = this.state.view === "line";
    return {
      drawn: line ? this.querySelector<HTMLCanvasElement>("coverage-chart canvas") : this.querySelector<SVGSVGElement>("svg.tiles"),
      title: this.querySelector<HTMLElement>(".headline")?.innerText ?? "",
      legend: line
        ? [...this.querySelectorAll<HTMLElement>(".u-legend .u-series:not(:first-child)")].map((one) => ({
          text: [...one.children].map((part) => part.textContent).join(": "), colour: getComputedStyle(one.querySelector(".u-marker")!).borderTopColor,
        }))
        : [...this.querySelectorAll<HTMLElement>(".legend .band")].map((one) => ({ text: one.innerText, colour: getComputedStyle(one, "::before").backgroundColor })),
      source: [...this.sources(this.answer), location.href],
    };
  }

  /** The line over time. */
  private line({ t, f }: Look, a: Answer): TemplateResult {
    return html`<section class="over" aria-labelledby="chart-title"><h2 id="chart-title">${t.chart}: ${a.name}</h2>
      <coverage-chart .points=${this.trend.get(a.region) ?? none} .others=${this.others(a.region)} .targets=${this.goals.get(a.region) ?? this.goalNow(a)} .missing=${this.missing.has(a.region)} .at=${this.on} .t=${t} .f=${f}></coverage-chart>${beside(this)}</section>`;
  }

  /** The target of an answer, the same array while it is the same. */
  private goalNow({ target }: Answer): Goal[] {
    if (!target) return noGoals;
    if (this.first[0]?.sequence !== target.sequence) this.first = [{ from: target.from, percent: Number(target.percent), sequence: target.sequence }];
    return this.first;
  }

  /** The lines that are drawn beside that of a region, of those that are known: the same array while
   * they are the same, by which the chart sees that it need not be drawn again. */
  private others(region: string): Line[] {
    const lines = withs(this.state).filter((one) => one !== region && this.trend.has(one)).map((one) => ({
      name: this.answers.find((a) => a.region === one)?.name ?? one, points: this.trend.get(one)!,
    }));
    if (lines.length !== this.drawn.length || lines.some((l, i) => l.name !== this.drawn[i].name || l.points !== this.drawn[i].points)) this.drawn = lines;
    return this.drawn;
  }

  private sections(look: Look, a: Answer) {
    const { t, f } = look;
    const detail = this.detail?.region === a.region ? this.detail : undefined;
    return html`
      <section class="dims" aria-labelledby="dims-title"><h2 id="dims-title">${t.dividing}</h2>
        <div class="tabs" role="group" aria-labelledby="dims-title">${dimensions.map((by) => html`<button type="button" aria-pressed=${by === this.state.by} @click=${() => this.go({ by })}>${t.dims[by]}</button>`)}</div>
        ${detail ? parts(look, detail, this.state.by) : nothing}<p class="note">${t.dimNote}</p></section>
      ${compare(this, this.difference)}${reason(this, a)}
      <coverage-findings .region=${a.region} .known=${this.state.known} .t=${t} .f=${f}></coverage-findings>
      <coverage-funding .region=${a.region} .known=${this.state.known} .t=${t} .f=${f}></coverage-funding>
      <p class="printed">${a.known.recordedAt ? t.whyKnown(f.number(a.known.sequence), f.time(a.known.recordedAt)) : nothing} ${location.href}</p>
      ${stops(this)}${share(this, `Cakupan: ${a.name}`)}${take(this, () => this.picture())}`;
  }
}
customElements.define("cakupan-app", App);
