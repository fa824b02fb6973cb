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

  private toggled(e: Event) {
    this.open = (e.target as HTMLDetailsElement).open;
    this.requestUpdate();
  }

  updated() {
    const wanted = `${this.region} ${this.known}`;
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
      ${this.code ? html`<h3>${t.codes[this.code] ?? this.code}</h3><ul>${this.first.map((one) => html`<li>${one.text} <small>${t.events}: ${one.events.slice(0, 8).join(", ")}${one.events.length > 8 ? " …" : ""}</small></li>`)}</ul>
        <p class="note">${t.firstOnes(shownMost)} <code>cakupan findings --code ${this.code} --region ${this.region} --open</code></p>` : nothing}`;
  }
}
customElements.define("coverage-findings", Findings);
