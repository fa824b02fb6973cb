// Panels that are asked for when they are opened: what the events contradict. The money is in funding.ts.
import { LitElement, html, nothing, type TemplateResult } from "lit";
import { ask, lines, Problem } from "./data";
import type { Finding, FindingCount } from "./model";
import type { Format, Words } from "./words";

export const shownMost = 20; // of the findings of a code, and of commitments

/** A panel of a region and a knowledge. It asks when it is open, and again when those change. */
export abstract class Panel extends LitElement {
  static properties = { region: {}, known: {}, t: { attribute: false }, f: { attribute: false } };
  declare region: string;
  declare known: string;
  declare t: Words;
  declare f: Format;
  protected abstract readonly heading: string;
  protected said = ""; // why there is nothing
  protected asked = ""; // of which region and knowledge
  private open = false;

  createRenderRoot() {
    return this;
  }

  protected abstract load(stop: AbortSignal): Promise<void>;
  protected abstract content(): unknown;
  private stop = new AbortController();

  /** Of what is asked: when that is another, it is asked anew. */
  protected wanted(): string {
    return `${this.region} ${this.known}`;
  }

  private toggled(e: Event) {
    this.open = (e.target as HTMLDetailsElement).open;
    if (!this.open) { // who opens it again asks again
      this.asked = "";
      this.stop.abort();
    }
    this.requestUpdate();
  }

  updated() {
    const wanted = this.wanted();
    if (!this.open || this.asked === wanted) return;
    this.asked = wanted;
    this.stop.abort();
    this.stop = new AbortController();
    void this.ask(this.stop.signal);
  }

  private async ask(stop: AbortSignal) {
    this.said = this.t.loading;
    this.requestUpdate();
    try {
      await this.load(stop);
      this.said = "";
    } catch (cause) {
      if (stop.aborted) return;
      const status = cause instanceof Problem ? cause.status : 0;
      this.said = status === 403 ? this.t.notYours : status === 404 ? this.t.notHere : this.t.failed + String((cause as Error).message);
    }
    this.requestUpdate();
  }

  render(): TemplateResult {
    return html`<section class="panel"><details @toggle=${this.toggled}><summary><h2>${this.t.panels[this.heading]}</h2></summary>
      ${this.said ? html`<p class="note">${this.said}</p>` : this.asked ? this.content() : nothing}</details></section>`;
  }
}

const eventsMost = 8; // that are offered of a line

/** Events by their numbers, each to what it says. */
class Events extends LitElement {
  static properties = { events: { attribute: false }, said: { state: true }, at: { state: true } };
  declare events: number[];
  declare said: string;
  declare at: number; // which of them is open

  constructor() {
    super();
    this.events = [];
    this.said = "";
    this.at = 0;
  }

  createRenderRoot() {
    return this;
  }

  private async open(n: number) {
    this.at = this.at === n ? 0 : n;
    this.said = "";
    if (this.at === 0) return;
    try {
      for await (const event of lines("v1/events", { from: String(n), to: String(n) })) if (this.at === n) this.said = JSON.stringify(event, null, 1);
    } catch (cause) {
      this.said = String((cause as Error).message);
    }
  }

  render() {
    return html`${this.events.slice(0, eventsMost).map((n) => html`<button type="button" class="link" aria-expanded=${n === this.at} @click=${() => this.open(n)}>${n}</button> `)}${this.events.length > eventsMost ? "…" : nothing}
      ${this.said ? html`<pre tabindex="0">${this.said}</pre>` : nothing}`;
  }
}
customElements.define("coverage-events", Events);

interface Counted { worker: string; enrolments: { enrolment: string; segment: string; status: string; evidence: string[]; events: number[] }[] }

/** Who is counted, and by which events; for auditors. It is noted down that somebody looked: so it is
 * asked for what the reader has chosen, as known at the last event of then, and not again for each
 * event that comes. */
class Numerator extends Panel {
  static properties = { ...Panel.properties, on: {}, indicator: {}, chosen: {} };
  declare on: string;
  declare indicator: string;
  declare chosen: string; // the knowledge, "" for what there is
  protected readonly heading = "numerator";
  private people: Counted[] = [];
  private of = ""; // the event up to which it was asked

  protected wanted(): string {
    return [this.region, this.chosen, this.on, this.indicator].join(" ");
  }

  protected async load(stop: AbortSignal) {
    const { region, on, known, indicator } = this, people: Counted[] = [];
    this.of = known;
    for await (const one of lines<Counted>("v1/explain", { region, on, known, indicator }, stop)) {
      if (typeof one.worker !== "string") continue; // the first line, which is the answer
      if (people.length === shownMost) break;
      people.push(one);
    }
    this.people = people;
  }

  protected content() {
    const { t } = this;
    return html`<p class="note">${t.numeratorNote(shownMost)} <code>cakupan explain --region ${this.region} --on ${this.on} --known ${this.of}</code></p>
      <div class="wide" tabindex="0" role="region" aria-label=${t.panels.numerator}><table><thead><tr>${[t.person, t.enrolment, t.dims.segment, t.dims.evidence, t.events].map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
      <tbody>${this.people.flatMap((p) => p.enrolments.map((e) => html`<tr><th scope="row"><code>${p.worker}</code></th><td>${e.enrolment}</td><td>${t.values[e.segment] ?? e.segment}</td>
        <td>${e.evidence.map((one) => t.values[one] ?? one).join(", ")}</td><td><coverage-events .events=${e.events}></coverage-events></td></tr>`))}</tbody></table></div>`;
  }
}
customElements.define("coverage-numerator", Numerator);

class Findings extends Panel {
  protected readonly heading = "findings";
  private counts: FindingCount[] = [];
  private code = "";
  private first: Finding[] = [];

  protected async load(stop: AbortSignal) {
    const { region, known } = this;
    const got = await ask<{ counts: FindingCount[] }>("v1/findings", { region, known, summary: "true" }, stop);
    const byCode = new Map<string, FindingCount>();
    for (const c of got.value.counts ?? []) {
      const sum = byCode.get(c.code) ?? { code: c.code, open: 0, resolved: 0, months: 0, rupiah: 0 };
      byCode.set(c.code, { ...sum, open: sum.open + c.open, resolved: sum.resolved + c.resolved, months: sum.months + c.months, rupiah: sum.rupiah + c.rupiah });
    }
    this.counts = [...byCode.values()];
    this.code = "";
  }

  private async show(code: string) {
    const { region, known } = this;
    this.code = code;
    this.first = [];
    this.requestUpdate();
    try {
      for await (const finding of lines<Finding>("v1/findings", { region, known, code, open: "true", lang: this.f.lang })) {
        if (this.code !== code || this.first.length >= shownMost) break;
        this.first = [...this.first, finding];
        this.requestUpdate();
      }
    } catch (cause) {
      this.said = this.t.failed + String((cause as Error).message);
      this.requestUpdate();
    }
  }

  protected content() {
    const { t, f } = this;
    if (this.counts.length === 0) return html`<p>${t.noFindings}</p>`;
    return html`<div class="wide" tabindex="0" role="region" aria-label=${t.panels.findings}><table class="findings"><thead><tr><th scope="col">${t.finding}</th>${[t.open, t.resolved, t.months, t.rupiah].map((name) => html`<th scope="col" class="number">${name}</th>`)}</tr></thead>
      <tbody>${this.counts.map((c) => html`<tr><th scope="row"><button type="button" class="link" aria-expanded=${c.code === this.code} @click=${() => this.show(c.code)}>${t.codes[c.code] ?? c.code}</button></th>
        ${[c.open, c.resolved, c.months, c.rupiah].map((n) => html`<td class="number">${f.number(n)}</td>`)}</tr>`)}</tbody></table></div>
      ${this.code ? html`<h3>${t.codes[this.code] ?? this.code}</h3><ul>${this.first.map((one) => html`<li>${one.text} <small>${t.events}: <coverage-events .events=${one.events}></coverage-events></small></li>`)}</ul>
        <p class="note">${t.firstOnes(shownMost)} <code>cakupan findings --code ${this.code} --region ${this.region} --open</code></p>` : nothing}`;
  }
}
customElements.define("coverage-findings", Findings);
