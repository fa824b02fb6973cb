// The pictures: each is a function of answers, drawn in SVG, and has a table that says the same.
import { html, nothing, svg, type TemplateResult } from "lit";
import { children, gap, level, provincesAll, share, type Answer, type Difference, type Point } from "./model";
import type { Format, Words } from "./words";

export interface Look { t: Words; f: Format }

/** The band of a region against its target: the colours of tiles and of figures. */
export function band(a: Answer): "none" | "below" | "near" | "above" {
  const points = gap(a);
  if (share(a) === null) return "none";
  if (points === null || Math.abs(points) <= 5) return "near";
  return points < 0 ? "below" : "above";
}

/** A bullet bar on a scale that starts at 0 and has room for the largest of the page: covered, the
 * confirmed part of it darker, and a tick at the target. The numbers stand beside it. */
export function bullet(a: Answer, scale: number): TemplateResult | typeof nothing {
  const percent = share(a);
  if (percent === null) return nothing;
  const x = (value: number) => (Math.min(value, scale) / scale) * 100;
  const confirmed = a.covered ? (percent * (a.confirmed ?? 0)) / a.covered : 0;
  return html`<svg class="bullet ${band(a)}" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
    ${svg`<rect class="ground" width="100" height="10"></rect>
      <rect class="covered" y="2" height="6" width=${x(percent)}></rect>
      <rect class="confirmed" y="2" height="6" width=${x(confirmed)}></rect>
      ${a.target ? svg`<rect class="goal" x=${Math.max(0, x(Number(a.target.percent)) - 0.5)} width="1" height="10"></rect>` : nothing}`}
  </svg>`;
}

/** How far bars reach: 100, or more where a share or a target is beyond it. */
export const scaleOf = (answers: Answer[]): number =>
  Math.max(100, ...answers.map((a) => share(a) ?? 0), ...answers.map((a) => Number(a.target?.percent ?? 0)));

/** The last months of a region, from 0 to a top that all lines of a table share, with the target. */
export function sparkline(points: Point[] | undefined, top: number, target: number | null): TemplateResult | typeof nothing {
  const values = (points ?? []).map((p) => (p.percent === null ? null : Number(p.percent)));
  if (values.length < 2 || values.every((v) => v === null)) return nothing;
  const at = (v: number, i: number) => `${((i / (values.length - 1)) * 96 + 2).toFixed(1)},${(26 - (v / top) * 24).toFixed(1)}`;
  const line = values.flatMap((v, i) => (v === null ? [] : [at(v, i)])).join(" ");
  return html`<svg class="sparkline" viewBox="0 0 100 28" aria-hidden="true">${svg`${target === null ? nothing : svg`<path d="M2,${(26 - (target / top) * 24).toFixed(1)}H98"></path>`}<polyline points=${line}></polyline>`}</svg>`;
}

/** A count as the reader may see it: whoever runs the ledger may have it hide small ones. */
export const count = (look: Look, n: number | null): string => (n === null ? look.t.fewer : look.f.number(n));

/** The confirmed of the covered: they are hidden too where all but a few of these are. */
export const confirmedText = (look: Look, a: { covered: number | null; confirmed: number | null }): string =>
  a.confirmed === null && a.covered !== null ? look.t.hidden : count(look, a.confirmed);

export const percentText = (look: Look, a: Answer): string =>
  a.percent !== null ? look.f.percent(a.percent) : a.suppressed && a.workforce ? look.t.hidden : look.t.noWorkforce;

/** What is to be said of a region in one line, also to who cannot see its picture. */
export function spoken(look: Look, a: Answer): string {
  const { t, f } = look;
  const target = a.target ? `, ${t.target} ${f.goal(a.target.percent)}` : "";
  return `${a.name}: ${percentText(look, a)}${target}; ${count(look, a.covered)} ${t.covered.toLowerCase()}, ${confirmedText(look, a)} ${t.confirmed.toLowerCase()}`;
}

export type Sort = "gap" | "name" | "percent";

export function sorted(answers: Answer[], by: Sort): Answer[] {
  const last = Number.POSITIVE_INFINITY;
  const key = { gap: (a: Answer) => gap(a) ?? last, percent: (a: Answer) => share(a) ?? last };
  return [...answers].sort((a, b) => (by === "name" ? a.name.localeCompare(b.name, "id") : key[by](a) - key[by](b) || a.name.localeCompare(b.name, "id")));
}

/** The thirteen months until a day. */
const year = (points: Point[] = [], on: string): Point[] => points.slice(0, points.findLastIndex((p) => p.on <= on) + 1).slice(-13);

/** Where there is no figure: a dash to the eye, and words to the ear. */
const bare = (look: Look): TemplateResult => html`<span aria-hidden="true">–</span><span class="hidden">${look.t.none}</span>`;

/** What a sparkline says, in words: by how many points a region moved over it. */
function moved(look: Look, points: Point[]): TemplateResult {
  const first = points.find((p) => p.percent !== null)?.percent, last = points.at(-1)?.percent;
  return html`<span class="moved">${first == null || last == null ? bare(look) : look.f.points(Number(last) - Number(first))}</span>`;
}

/** Of how many provinces the nation's figures are, where those are not all. */
const partOf = (look: Look, answers: Answer[], a: Answer): unknown => {
  const provinces = answers.filter((one) => level(one.region) === "province").length;
  return a.region === "ID" && provinces < provincesAll ? html` <small>${look.t.onlyProvinces(look.f.number(provinces))}</small>` : nothing;
};

/** The table beside the map; on a phone each line is a card with its percentage first. */
export function table(look: Look, answers: Answer[], all: Answer[], trend: Map<string, Point[]>, on: string, at: string, pick: (region: string) => void): TemplateResult {
  const { t, f } = look;
  const scale = scaleOf(answers);
  const top = Math.max(1, ...answers.map((a) => share(a) ?? 0), ...answers.map((a) => Number(a.target?.percent ?? 0))) * 1.1;
  const cell = (label: string, value: unknown, kind = "number") =>
    html`<td role="cell" class=${kind} data-label=${label}>${value}</td>`;
  return html`<table role="table" aria-labelledby="list-title">
    <thead role="rowgroup"><tr role="row">
      <th scope="col" role="columnheader">${t.region}</th><th scope="col" role="columnheader" class="number">${t.percent}</th>
      <th scope="col" role="columnheader" class="bar"><span class="hidden">${t.percent}, ${t.target}</span></th>
      ${[t.target, t.gapPoints, t.covered, t.confirmed, t.workforce, t.shortfall, t.inGrace].map((name) => html`<th scope="col" role="columnheader" class="number">${name}</th>`)}
      <th scope="col" role="columnheader">${t.trend}</th>
    </tr></thead>
    <tbody role="rowgroup">${answers.map((a) => {
      const points = gap(a);
      return html`<tr role="row" class="${level(a.region)} ${a.region === at ? "here" : ""}" data-region=${a.region}>
        <th scope="row" role="rowheader"><button type="button" class="link" @click=${() => pick(a.region)} aria-current=${a.region === at ? "true" : nothing}>${a.name}</button>${partOf(look, all, a)}</th>
        ${cell(t.percent, percentText(look, a), a.percent === null ? "number percent words" : "number percent")}
        <td role="cell" class="bar" data-label="">${bullet(a, scale)}</td>
        ${cell(t.target, a.target ? f.goal(a.target.percent) : bare(look))}
        ${cell(t.gapPoints, points === null ? bare(look) : f.points(points))}
        ${cell(t.covered, count(look, a.covered))}${cell(t.confirmed, confirmedText(look, a))}
        ${cell(t.workforce, a.workforce ? f.number(a.workforce.count) : bare(look))}
        ${cell(t.shortfall, a.target?.shortfall == null ? bare(look) : f.number(a.target.shortfall))}
        ${cell(t.inGrace, count(look, a.inGrace))}
        <td role="cell" class="trend" data-label=${t.trend}>${moved(look, year(trend.get(a.region), on))}${sparkline(year(trend.get(a.region), on), top, a.target ? Number(a.target.percent) : null)}</td>
      </tr>`;
    })}</tbody>
  </table>`;
}

/** What the table lists: what lies in the region (or beside it, where nothing does), sorted, and
 * below that what it all lies in, as for sums. */
export function listed(answers: Answer[], region: string, by: Sort = "name"): Answer[] {
  const within = level(region) === "regency" ? region.slice(0, 2) : region;
  const around = answers.filter((a) => a.region === within || a.region === "ID");
  return [...sorted(children(answers, within), by), ...around.sort((a, b) => b.region.length - a.region.length || (a.region === "ID" ? 1 : -1))];
}

/** The parts of a region along a dimension, each as long as its part of the covered. */
export function parts(look: Look, a: Answer, by: string): TemplateResult {
  const cells = Object.entries(a.by?.[by] ?? {}).sort((x, y) => y[1] - x[1]);
  const top = Math.max(1, a.covered ?? 0, ...cells.map(([, n]) => n));
  return html`<table class="parts"><caption class="hidden">${`${look.t.dividing} ${look.t.dims[by]}`}</caption>
    <tbody>${cells.map(([value, n]) => html`<tr><th scope="row">${look.t.values[value] ?? value}</th>
      <td class="number">${count(look, n)}</td>
      <td class="bar"><svg class="part" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">${svg`<rect class="ground" width="100" height="10"></rect><rect class="covered" y="2" height="6" width=${(n / top) * 100}></rect>`}</svg></td></tr>`)}
    </tbody></table>${a.suppressed ? html`<p class="note">${look.t.leftOut}</p>` : nothing}`;
}

/** Why two figures differ, as a waterfall: from the first, by cause, to the second. */
export function waterfall(look: Look, d: Difference): TemplateResult {
  const { t, f } = look;
  const lines: { label: string; from: number; to: number; kind: string }[] = [];
  const first = d.from.covered ?? 0, last = d.to.covered ?? 0; // never hidden from who may see causes
  let at = first;
  lines.push({ label: t.differenceFrom, from: 0, to: at, kind: "total" });
  for (const step of d.steps) {
    const flows = [...Object.entries(step.joined), ...Object.entries(step.left).map(([cause, n]) => [cause, -n] as [string, number])];
    for (const [cause, n] of flows.sort((x, y) => y[1] - x[1])) {
      lines.push({ label: `${t.causes[cause] ?? cause} (${t.steps[step.step]})`, from: at, to: at + n, kind: n > 0 ? "joined" : "left" });
      at += n;
    }
  }
  lines.push({ label: t.differenceTo, from: 0, to: last, kind: "total" });
  const low = Math.min(...lines.slice(1, -1).flatMap((l) => [l.from, l.to]), first, last);
  const high = Math.max(...lines.flatMap((l) => [l.from, l.to]));
  const floor = Math.max(0, low - (high - low)); // flows are small beside the totals
  const x = (n: number) => ((Math.max(n, floor) - floor) / Math.max(1, high - floor)) * 100;
  return html`<table class="waterfall"><caption class="hidden">${t.difference}</caption><tbody>${lines.map((l) => html`<tr class=${l.kind}>
    <th scope="row">${l.label}</th>
    <td class="number">${l.kind === "total" ? f.number(l.to) : (l.to > l.from ? "+" : "−") + f.number(Math.abs(l.to - l.from))}</td>
    <td class="bar"><svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">${svg`<rect class="ground" width="100" height="10"></rect><rect class="flow" y="1" height="8" x=${Math.min(x(l.from), x(l.to))} width=${Math.max(0.4, Math.abs(x(l.to) - x(l.from)))}></rect>`}</svg></td></tr>`)}</tbody></table>`;
}
