// The sections of the page: each is a function of what the page knows.
import { html, nothing, type TemplateResult } from "lit";
import { saveCSV, saveJSON, savePNG, type Picture, type Series, type Taken } from "./download";
import { dayField, knownSlider, monthSlider, sequenceSlider } from "./fields";
import { confirmedText, count, listed, percentText, waterfall, type Look } from "./figures";
import { level, parent, provincesAll, type Answer, type Difference, type Mark } from "./model";
import { today, type State } from "./state";

/** What a section may know of the page, and what it may ask of it. */
export interface Page {
  readonly look: Look;
  readonly state: State;
  readonly on: string;
  readonly region: string;
  readonly answers: Answer[];
  readonly story: Mark[];
  readonly range: { first: string; last: string; recorded: string };
  readonly head: number; // the last event that is known of
  readonly playing: boolean;
  readonly checkpoint: string; // the ledger's signed head, "" until it was asked for
  /** The lines that are drawn. */
  series(): Series[];
  /** Asks for the checkpoint. */
  sign(): void;
  /** Goes to another state of the page; with keep, as an address to come back to. */
  go(change: Partial<State>, keep?: boolean): void;
  play(): void;
}

const valueOf = (e: Event): string => (e.target as HTMLInputElement | HTMLSelectElement).value;

/** The sentence that matters. */
export function headline(page: Page, a: Answer): TemplateResult {
  const { t, f } = page.look;
  // Not connected, a page may be days old.
  const day = page.state.on === "" && a.on === today() ? t.today : f.day(a.on);
  const confirmed = confirmedText(page.look, a), covered = count(page.look, a.covered);
  const sentence = a.percent !== null && a.workforce
    ? t.headline(a.name, day, covered, f.number(a.workforce.count), f.percent(a.percent), confirmed)
    : a.workforce ? t.headlineHidden(a.name, day, covered, f.number(a.workforce.count)) : t.headlineBare(a.name, day, covered, confirmed);
  const goal = !a.target || a.percent === null ? t.noTarget : a.target.met ? t.met(f.goal(a.target.percent)) : t.short(f.goal(a.target.percent), f.number(a.target.shortfall ?? 0));
  const provinces = page.answers.filter((x) => level(x.region) === "province").length;
  return html`<p class="headline">${sentence} <b>${a.target && a.percent === null ? nothing : goal}</b>
    ${page.state.known !== "" && a.known.recordedAt ? html`<span class="known">${t.asKnown(f.time(a.known.recordedAt))}</span>` : nothing}
    ${a.region === "ID" && provinces < provincesAll ? html`<span class="known">${t.onlyPart(f.number(provinces))}</span>` : nothing}</p>`;
}

/** Where the reader is: nation, province, regency; and in which order the table is. */
export function crumbs(page: Page): TemplateResult {
  const { t } = page.look;
  const name = (region: string) => (region === "ID" ? t.nation : (page.answers.find((a) => a.region === region)?.name ?? region));
  const path: string[] = [];
  for (let at = page.region; ; at = parent(at)) {
    path.unshift(at);
    if (at === "ID") break;
  }
  return html`<nav class="crumbs" aria-label=${t.region}>${path.map((region) => (region === page.region ? html`<span aria-current="page">${name(region)}</span>` : html`<button type="button" class="link" @click=${() => page.go({ region })}>${name(region)}</button> › `))}
    ${finder(page)}<label>${t.sort} <select @change=${(e: Event) => page.go({ sort: valueOf(e) as State["sort"] })}>
      ${Object.entries(t.sortBy).map(([key, label]) => html`<option value=${key} .selected=${key === page.state.sort}>${label}</option>`)}</select></label></nav>`;
}

/** Goes to a region by its name or code. */
function finder(page: Page): TemplateResult {
  const { t } = page.look;
  const go = (e: Event) => {
    const field = e.target as HTMLInputElement, said = field.value.trim().toLowerCase();
    const found = page.answers.find((a) => a.region === said || a.name.toLowerCase() === said);
    if (!found) return;
    field.value = "";
    page.go({ region: found.region });
  };
  return html`<label>${t.find} <input id="find" type="search" list="regions" autocomplete="off" @change=${go} @input=${(e: InputEvent) => e.inputType === "insertReplacementText" && go(e)}></label>
    <datalist id="regions">${page.answers.map((a) => html`<option value=${a.name}></option>`)}</datalist>`;
}

export function legend({ t }: Look): TemplateResult {
  return html`<ul class="legend"><li class="band below">${t.legendBelow}</li><li class="band near">${t.legendNear}</li><li class="band above">${t.legendAbove}</li><li class="band none">${t.legendNone}</li>
    <li class="confirmed">${t.legendConfirmed}</li><li class="covered">${t.legendPromised}</li><li class="goal">${t.legendTarget}</li></ul>`;
}

/** The two axes of time, and the story along them. */
export function timeControls(page: Page): TemplateResult {
  const { look, state, range: { first, last, recorded } } = page, { t, f } = look;
  return html`<section class="time" aria-label=${t.time}>
    <div>${dayField("on", t.on, page.on, f, (on) => page.go({ on }))}
      ${first ? monthSlider(look, first, last, page.on, page.story.map((m) => m.on), (on, done) => page.go({ on }, done)) : nothing}
      <button type="button" aria-pressed=${page.playing} @click=${() => page.play()}>${page.playing ? t.pause : t.play}</button>
      <button type="button" ?disabled=${state.on === "" && state.known === ""} @click=${() => page.go({ on: "", known: "" })}>${t.reset}</button></div>
    <div class="known-at"><label>${t.known} <input id="known" type="text" autocomplete="off" spellcheck="false" .value=${state.known} placeholder=${t.latest} aria-describedby="known-hint" @change=${(e: Event) => page.go({ known: valueOf(e).trim() })}></label>
      <small id="known-hint">${t.knownHint}</small>
      ${recorded ? knownSlider("known-day", t.known, look, recorded, today(), state.known, (known, done) => page.go({ known }, done)) : nothing}
      ${page.head > 1 ? sequenceSlider("known-event", t.knownEvent, look, page.head, knownSequence(page), (known, done) => page.go({ known }, done)) : nothing}</div>
  </section>`;
}

/** The last event of what is shown: the one that was asked for, else the one that was answered with. */
const knownSequence = ({ state, head, answers }: Page): number =>
  state.known === "" ? head : /^\d+$/.test(state.known) ? Math.min(Number(state.known), head) : (answers[0]?.known.sequence ?? head);

const isHere = (state: State, m: Mark): boolean =>
  m.region === state.region && m.on === state.on && (m.known ?? "") === state.known;
const stopAt = (page: Page, m: Mark) => page.go({ region: m.region, on: m.on, known: m.known ?? "" });

/** The story, a stop at a time. */
export function stepper(page: Page): TemplateResult | typeof nothing {
  const { story, state } = page, { t } = page.look;
  if (story.length === 0) return nothing;
  const at = story.findIndex((m) => isHere(state, m));
  const step = (by: number) => stopAt(page, story[(at < 0 && by < 0 ? story.length - 1 : at + by + story.length) % story.length]);
  return html`<div class="stepper" role="group" aria-label=${t.story}>
    <button type="button" id="story-back" aria-label=${t.storyBack} @click=${() => step(-1)}>◀</button>
    <button type="button" id="story-next" aria-label=${t.storyNext} @click=${() => step(1)}>▶</button>
    <p aria-live="polite"><b>${t.story} ${at < 0 ? "" : `${at + 1}/${story.length}`}</b> ${at < 0 ? t.storyNote : story[at][state.lang]}</p></div>`;
}

export function stops(page: Page): TemplateResult | typeof nothing {
  const { t, f } = page.look;
  if (page.story.length === 0) return nothing;
  return html`<section class="story" aria-labelledby="story-title"><details><summary><h2 id="story-title">${t.storyAll(page.story.length)}</h2></summary>
    <ol>${page.story.map((m) => html`<li class=${isHere(page.state, m) ? "here" : ""}>
      <button type="button" class="link" @click=${() => stopAt(page, m)}>${f.day(m.on)}</button> ${m[page.state.lang]}</li>`)}</ol></details></section>`;
}

/** A second place on both axes, and why the figures differ. */
export function compare(page: Page, difference: Difference | "denied" | undefined): TemplateResult {
  const { look, state: { to, toKnown }, range } = page, { t, f } = look;
  const asKnown = (a: Answer) => (a.known.recordedAt ? ` (${t.known.toLowerCase()} ${f.time(a.known.recordedAt)})` : "");
  const answer = (a: Answer) => `${f.day(a.on)}${asKnown(a)}: ${percentText(look, a)}`;
  return html`<section class="compare" aria-labelledby="compare-title"><h2 id="compare-title">${t.difference}</h2>
    <div class="second">${dayField("to", t.toOn, to || page.on, f, (date) => page.go(to || toKnown ? { to: date } : { to: date, toKnown: page.state.known }))}
      <div><label>${t.toKnown} <input id="to-known" type="text" autocomplete="off" spellcheck="false" .value=${toKnown} placeholder=${t.latest} @change=${(e: Event) => page.go({ toKnown: valueOf(e).trim() })}></label>
      ${range.recorded ? knownSlider("to-known-day", t.toKnown, look, range.recorded, today(), toKnown, (known, done) => page.go({ to: to || page.on, toKnown: known }, done)) : nothing}</div>
      ${to || toKnown ? html`<button type="button" @click=${() => page.go({ to: "", toKnown: "" })}>${t.compareNone}</button>` : nothing}</div>
    ${difference === "denied" ? html`<p class="note">${t.notYours}</p>` : difference ? html`<p>${answer(difference.from)} → ${answer(difference.to)}</p>${waterfall(look, difference)}<p class="note">${t.waterfallNote}</p>` : nothing}</section>`;
}

/** Which regions' lines are drawn beside that of the page: as many as can be told apart. */
export function beside(page: Page): TemplateResult | typeof nothing {
  const { look: { t }, state } = page;
  const chosen = withs(state), near = listed(page.answers, page.region).filter((a) => a.percent !== null);
  const offered = [...near, ...page.answers.filter((a) => chosen.includes(a.region) && !near.includes(a))].filter((a) => a.region !== page.region);
  if (offered.length === 0) return nothing;
  const toggle = (region: string) =>
    page.go({ with: (chosen.includes(region) ? chosen.filter((one) => one !== region) : [...chosen, region]).join(",") });
  return html`<details class="beside" ?open=${chosen.length > 0}><summary>${t.beside}</summary><div class="tabs" role="group" aria-label=${t.beside}>
    ${offered.map((a) => html`<button type="button" data-with=${a.region} aria-pressed=${chosen.includes(a.region)} ?disabled=${chosen.length >= besideMost && !chosen.includes(a.region)} @click=${() => toggle(a.region)}>${a.name}</button>`)}
  </div></details>`;
}

const besideMost = 5;
export const withs = (state: State): string[] => state.with.split(",").filter((one) => one !== "").slice(0, besideMost);

/** What the number rests on, and how anybody gets the same. */
export function reason(page: Page, a: Answer): TemplateResult {
  const { look, state } = page, { t, f } = look, w = a.workforce;
  const indicator = state.indicator === "EMPLOYED" ? "" : ` --indicator ${state.indicator}`;
  const signed = page.checkpoint, opened = (e: Event) => (e.target as HTMLDetailsElement).open && page.sign();
  const asked = `--region ${a.region} --on ${a.on} --known ${a.known.sequence}${indicator}`;
  const bundle = `v1/bundle?${new URLSearchParams({ region: a.region, on: a.on, known: String(a.known.sequence), indicator: state.indicator })}`;
  const file = `cakupan-${a.region}-${a.on}-${a.known.sequence}.bundle`;
  return html`<section class="why" aria-labelledby="why-title"><details @toggle=${opened}><summary><h2 id="why-title">${t.why}</h2></summary>
    ${a.percent !== null && w ? html`<p><b>${t.whyFormula(count(look, a.covered), f.number(w.count), f.percent(a.percent))}</b></p>` : nothing}
    <p>${t.whyNumerator}</p>${w ? html`<p>${t.whyDenominator(w.publication, f.day(w.reference), f.number(w.sequence))}</p>` : nothing}
    ${a.target ? html`<p>${t.whyTarget(f.goal(a.target.percent), f.day(a.target.from), f.number(a.target.sequence))}</p>` : nothing}
    ${a.known.recordedAt ? html`<p>${t.whyKnown(f.number(a.known.sequence), f.time(a.known.recordedAt))}</p>` : nothing}
    <p>${t.whyCommand}</p><pre tabindex="0">cakupan coverage ${asked}</pre>
    <p>${t.whyWho}</p><pre tabindex="0">cakupan explain ${asked}</pre>
    ${a.suppressed ? nothing : html`<p>${t.whyBundle} <a id="save-bundle" href=${bundle} download=${file}>${file}</a></p><pre tabindex="0">cakupan check ${file} --key ledger.pub</pre>`}
    ${signed ? html`<p>${t.checkpoint}</p><pre tabindex="0">${signed}</pre>` : nothing}
    ${a.suppressed ? nothing : html`<coverage-numerator .region=${a.region} .on=${a.on} .known=${String(a.known.sequence)} .chosen=${state.known} .indicator=${state.indicator} .t=${t} .f=${f}></coverage-numerator>`}</details></section>`;
}

/** What is shown, to take away. */
export function take(page: Page, picture: () => Picture): TemplateResult {
  const { t } = page.look, name = `cakupan-${page.region}-${page.on}`;
  const shown = (): Taken => (page.state.view === "line" ? { series: page.series() } : { answers: listed(page.answers, page.region, page.state.sort) });
  return html`<section class="take" aria-label=${t.take}><button type="button" id="save-csv" @click=${() => saveCSV(name, shown())}>${t.take} CSV</button>
    <button type="button" id="save-json" @click=${() => saveJSON(name, shown())}>${t.take} JSON</button>
    <button type="button" id="save-png" @click=${() => void savePNG(name, picture())}>${t.take} PNG</button>
    <button type="button" @click=${() => print()}>${t.print}</button></section>`;
}
