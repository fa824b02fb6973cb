// The money: what was promised, for how many, what was paid, and when it ends.
import { html, nothing, svg, type TemplateResult } from "lit";
import { lines } from "./data";
import type { FundedMonths, Funding, Span } from "./model";
import { Panel, shownMost } from "./panels";

const monthsSince = (from: string, to: string): number =>
  (Number(to.slice(0, 4)) - Number(from.slice(0, 4))) * 12 + Number(to.slice(5)) - Number(from.slice(5));

const monthsMost = 240; // that are drawn of a stretch: a grant may be for ever by mistake

/** The month before a month. */
const before = (month: string): string => {
  const at = new Date(month + "-01T00:00:00Z");
  return new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() - 1, 1)).toISOString().slice(0, 7);
};

/** The earliest of the months in which the money ends, as far as it does. */
function end(one: Funding): string | null {
  const { granted, disbursed } = one.moneyEnds;
  return [granted, disbursed].filter((m) => m !== null).sort()[0] ?? null;
}

class FundingPanel extends Panel {
  protected readonly heading = "funding";
  private commitments: Funding[] = [];
  private more = false; // there are others than those that are shown

  protected async load(stop: AbortSignal) {
    const query = { known: this.known, ...(this.region === "ID" ? {} : { funder: this.region }) };
    const got: Funding[] = [];
    this.more = false;
    for await (const one of lines<Funding>("v1/funding", query, stop)) {
      if (typeof one.commitment !== "string") continue; // the first line and the last
      if ((this.more = got.length === shownMost)) break;
      got.push(one);
    }
    // Whose money ends last is of now; the others are history.
    this.commitments = got.sort((a, b) => ((a.until ?? "") < (b.until ?? "") ? 1 : -1));
  }

  private month = (month: string): string => this.f.month(month + "-01");

  private span({ from, until }: Span): string {
    const last = before(until);
    return from === last ? this.month(from) : `${this.month(from)} – ${this.month(last)}`;
  }

  protected content() {
    const { t, region, more } = this;
    if (this.commitments.length === 0) return html`<p>${t.noFunding}</p>`;
    return html`${this.commitments.map((one) => this.commitment(one))}
      ${more ? html`<p class="note">${t.firstOnes(shownMost)} <code>cakupan funding${region === "ID" ? "" : ` --funder ${region}`}</code></p>` : nothing}`;
  }

  private commitment(one: Funding): TemplateResult {
    const { t, f } = this, { committed, granted, disbursed } = one;
    const title = [t.values[one.funding] ?? one.funding, one.from && one.until ? this.span({ from: one.from, until: one.until }) : t.neverCommitted].join(", ");
    const sums: [string, number | null][] = [[t.fields.committed, committed?.rupiah ?? null], [t.fields.granted, granted.rupiah], [t.fields.disbursed, disbursed.rupiah]];
    const most = Math.max(...sums.map(([, sum]) => sum ?? 0));
    return html`<article class="commitment"><h3>${one.commitment} <small>${title}</small></h3>
      <table class="parts"><tbody>${sums.map(([name, sum]) => html`<tr><th scope="row">${name}</th><td class="number">${sum === null ? t.none : `Rp ${f.number(sum)}`}</td>
        <td class="bar"><svg class="part" viewBox="0 0 100 16" preserveAspectRatio="none" aria-hidden="true"><rect class="ground" width="100" height="16"></rect><rect class="covered" width=${most > 0 ? (100 * (sum ?? 0)) / most : 0} height="16"></rect></svg></td></tr>`)}</tbody></table>
      ${this.strip(one)}
      <ul>${this.remarks(one).map((remark) => html`<li>${remark}</li>`)}</ul></article>`;
  }

  /** What is to be said of a commitment, the end of its money first. */
  private remarks(one: Funding): string[] {
    const { t, f } = this, said: string[] = [], ends = end(one), last = one.months.at(-1);
    if (ends) said.push(t.moneyEnds(this.month(ends)));
    if (last && last.granted > 0) said.push(t.cliff(this.month(last.until), f.number(last.granted)));
    if (one.closed) said.push(t.closedFrom(this.month(one.closed)));
    if ((one.missing.rupiah ?? 0) > 0) said.push(t.notPaid(`Rp ${f.number(one.missing.rupiah ?? 0)}`));
    if (one.missing.months.length > 0) said.push(t.unpaidMonths(one.missing.months.map((s) => this.span(s)).join(", ")));
    if (one.missing.headMonths > 0) said.push(t.notCovered(f.number(one.missing.headMonths)));
    return said;
  }

  /** The months that are granted: how many people each, and which of them were paid for: those that
   * a payment names, as far as its money reaches. */
  private strip({ months, moneyEnds }: Funding): TemplateResult | typeof nothing {
    if (months.length === 0) return nothing;
    const { t, f } = this, first = months[0].from, width = monthsSince(first, months.at(-1)!.until);
    const most = Math.max(...months.map((m) => m.granted), 1);
    const reach = moneyEnds.disbursed === null ? Infinity : monthsSince(first, moneyEnds.disbursed);
    const paid = (m: FundedMonths, i: number) => m.disbursed && monthsSince(first, m.from) + i < reach;
    const all = months.flatMap((m) => Array.from({ length: Math.min(monthsSince(m.from, m.until), monthsMost) }, (_, i) => ({ m, i })));
    const label = t.stripLabel(f.number(width), f.number(all.filter(({ m, i }) => paid(m, i)).length), f.number(most));
    return html`<figure class="strip"><svg viewBox="0 0 ${width * 10} 40" preserveAspectRatio="none" role="img" aria-label=${label}>
      ${all.map(({ m, i }) => {
        const height = (38 * m.granted) / most;
        return svg`<rect class=${paid(m, i) ? "confirmed" : "covered"} x=${(monthsSince(first, m.from) + i) * 10 + 0.5} y=${40 - height} width="9" height=${height}></rect>`;
      })}</svg>
      <p class="ends"><span>${this.month(first)}</span><span>${label}</span><span>${this.month(before(months.at(-1)!.until))}</span></p></figure>`;
  }
}
customElements.define("coverage-funding", FundingPanel);
