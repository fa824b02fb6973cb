// The pictures: each is a function of answers, drawn in SVG, and has a table that says the same.
import { html, nothing, svg, type TemplateResult } from "lit";
import { children, gap, level, share, type Answer, type Difference, type Point } from "./model";
import { columns, places, rows } from "./tiles";
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
  const confirmed = a.covered === 0 ? 0 : (percent * a.confirmed) / a.covered;
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

export function sparkline(points: Point[] | undefined): TemplateResult | typeof nothing {
  const values = (points ?? []).map((p) => (p.percent === null ? null : Number(p.percent)));
  if (values.length < 2 || values.every((v) => v === null)) return nothing;
  const top = Math.max(1, ...values.map((v) => v ?? 0));
  const at = (v: number, i: number) => `${((i / (values.length - 1)) * 96 + 2).toFixed(1)},${(26 - (v / top) * 24).toFixed(1)}`;
  const line = values.flatMap((v, i) => (v === null ? [] : [at(v, i)])).join(" ");
  return html`<svg class="sparkline" viewBox="0 0 100 28" aria-hidden="true">${svg`<polyline points=${line}></polyline>`}</svg>`;
}

/** Covered as the reader may see it: small numbers come as they are from the ledger. */
const count = (look: Look, n: number): string => look.f.number(n);

export const percentText = (look: Look, a: Answer): string =>
  a.percent === null ? look.t.noWorkforce : look.f.percent(a.percent);

/** What is to be said of a region in one line, also to who cannot see its picture. */
export function spoken(look: Look, a: Answer): string {
  const { t, f } = look;
  const target = a.target ? `, ${t.target} ${f.percent(a.target.percent)}` : "";
  return `${a.name}: ${percentText(look, a)}${target}; ${f.number(a.covered)} ${t.covered.toLowerCase()}, ${f.number(a.confirmed)} ${t.confirmed.toLowerCase()}`;
}

/** The tile map of the provinces. One is in the walk of the tabulator key; arrows move between
 * them, to the next in that direction. */
export function tiles(look: Look, answers: Answer[], at: string, pick: (region: string) => void): TemplateResult {
  const byCode = new Map(answers.map((a) => [a.region, a]));
  const here = at.length >= 2 && at !== "ID" ? at.slice(0, 2) : "";
  const known = Object.keys(places).filter((code) => byCode.has(code));
  const stop = known.includes(here) ? here : known[0];
  const move = (e: KeyboardEvent, from: string) => {
    const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.key] ?? [0, 0];
    if (dx === 0 && dy === 0) return;
    e.preventDefault();
    const [x, y] = places[from];
    const ahead = known
      .filter((code) => (places[code][0] - x) * dx + (places[code][1] - y) * dy > 0)
      .sort((a, b) => distance(a) - distance(b));
    function distance(code: string): number {
      const [px, py] = places[code];
      return Math.abs(px - x) * (dx === 0 ? 3 : 1) + Math.abs(py - y) * (dy === 0 ? 3 : 1);
    }
    (e.currentTarget as Element).closest("svg")?.querySelector<SVGElement>(`[data-region="${ahead[0]}"]`)?.focus();
  };
  return html`<svg class="tiles" viewBox="0 0 ${columns * 10} ${rows * 10}" role="group" aria-label=${look.t.map}>
    ${Object.entries(places).map(([code, [x, y]]) => {
      const a = byCode.get(code);
      const place = `translate(${x * 10},${y * 10})`;
      if (!a) return svg`<g class="tile none" transform=${place} aria-hidden="true"><rect width="9.4" height="9.4" rx="1"></rect><text x="4.7" y="5.6">${code}</text></g>`;
      return svg`<g class="tile ${band(a)} ${code === here ? "here" : ""}" transform=${place} data-region=${code} role="button"
        tabindex=${code === stop ? 0 : -1} aria-label=${spoken(look, a)}
        @click=${() => pick(code)} @keydown=${(e: KeyboardEvent) => (e.key === "Enter" || e.key === " " ? (e.preventDefault(), pick(code)) : move(e, code))}>
        <title>${spoken(look, a)}</title><rect width="9.4" height="9.4" rx="1"></rect>
        <text x="4.7" y="4.3">${code}</text><text class="figure" x="4.7" y="7.7">${a.percent === null ? "?" : look.f.short(a.percent)}</text></g>`;
    })}
  </svg>`;
}

export type Sort = "gap" | "name" | "percent";

export function sorted(answers: Answer[], by: Sort): Answer[] {
  const last = Number.POSITIVE_INFINITY;
  const key = { gap: (a: Answer) => gap(a) ?? last, percent: (a: Answer) => share(a) ?? last };
  return [...answers].sort((a, b) => (by === "name" ? a.name.localeCompare(b.name, "id") : key[by](a) - key[by](b) || a.name.localeCompare(b.name, "id")));
}

/** The table beside the map; on a phone each line is a card with its percentage first. */
export function table(look: Look, answers: Answer[], trend: Map<string, Point[]>, at: string, pick: (region: string) => void): TemplateResult {
  const { t, f } = look;
  const scale = scaleOf(answers);
  const cell = (label: string, value: unknown, kind = "number") =>
    html`<td role="cell" class=${kind} data-label=${label}>${value}</td>`;
  return html`<table role="table">
    <thead role="rowgroup"><tr role="row">
      <th scope="col" role="columnheader">${t.region}</th><th scope="col" role="columnheader" class="number">${t.percent}</th>
      <th scope="col" role="columnheader" class="bar"><span class="hidden">${t.percent}, ${t.target}</span></th>
      ${[t.target, t.gapPoints, t.covered, t.confirmed, t.workforce, t.shortfall, t.inGrace].map((name) => html`<th scope="col" role="columnheader" class="number">${name}</th>`)}
      <th scope="col" role="columnheader">${t.trend}</th>
    </tr></thead>
    <tbody role="rowgroup">${answers.map((a) => {
      const points = gap(a);
      return html`<tr role="row" class="${level(a.region)} ${a.region === at ? "here" : ""}" data-region=${a.region}>
        <th scope="row" role="rowheader"><button type="button" class="link" @click=${() => pick(a.region)} aria-current=${a.region === at ? "true" : nothing}>${a.name}</button></th>
        ${cell(t.percent, percentText(look, a), a.percent === null ? "number percent words" : "number percent")}
        <td role="cell" class="bar" data-label="">${bullet(a, scale)}</td>
        ${cell(t.target, a.target ? f.percent(a.target.percent) : "–")}
        ${cell(t.gapPoints, points === null ? "–" : (points > 0 ? "+" : "") + f.number(Math.round(points * 100) / 100))}
        ${cell(t.covered, count(look, a.covered))}${cell(t.confirmed, count(look, a.confirmed))}
        ${cell(t.workforce, a.workforce ? f.number(a.workforce.count) : "–")}
        ${cell(t.shortfall, a.target?.shortfall == null ? "–" : f.number(a.target.shortfall))}
        ${cell(t.inGrace, count(look, a.inGrace))}
        <td role="cell" class="trend" data-label="">${sparkline(trend.get(a.region))}</td>
      </tr>`;
    })}</tbody>
  </table>`;
}

/** What the table lists: the region, what lies in it, and what it lies in. */
export function listed(answers: Answer[], region: string): Answer[] {
  const within = level(region) === "regency" ? region.slice(0, 2) : region;
  const inside = children(answers, within);
  return answers.filter((a) => a.region === "ID" || a.region === within || a.region === region || inside.includes(a));
}

/** The parts of a region along a dimension, each as long as its part of the covered. */
export function parts(look: Look, a: Answer, by: string): TemplateResult {
  const cells = Object.entries(a.by?.[by] ?? {}).sort((x, y) => y[1] - x[1]);
  const top = Math.max(1, a.covered, ...cells.map(([, n]) => n));
  return html`<table class="parts"><caption class="hidden">${look.t.dividing} ${look.t.dims[by]}</caption>
    <tbody>${cells.map(([value, n]) => html`<tr><th scope="row">${look.t.values[value] ?? value}</th>
      <td class="number">${count(look, n)}</td>
      <td class="bar"><svg class="part" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">${svg`<rect class="ground" width="100" height="10"></rect><rect class="covered" y="2" height="6" width=${(n / top) * 100}></rect>`}</svg></td></tr>`)}
    </tbody></table>`;
}

/** Why two figures differ, as a waterfall: from the first, by cause, to the second. */
export function waterfall(look: Look, d: Difference): TemplateResult {
  const { t, f } = look;
  const lines: { label: string; from: number; to: number; kind: string }[] = [];
  let level = d.from.covered;
  lines.push({ label: t.differenceFrom, from: 0, to: level, kind: "total" });
  for (const step of d.steps) {
    const flows = [...Object.entries(step.joined), ...Object.entries(step.left).map(([cause, n]) => [cause, -n] as [string, number])];
    for (const [cause, n] of flows.sort((x, y) => y[1] - x[1])) {
      lines.push({ label: `${t.causes[cause] ?? cause} (${t.steps[step.step]})`, from: level, to: level + n, kind: n > 0 ? "joined" : "left" });
      level += n;
    }
  }
  lines.push({ label: t.differenceTo, from: 0, to: d.to.covered, kind: "total" });
  const low = Math.min(...lines.slice(1, -1).flatMap((l) => [l.from, l.to]), d.from.covered, d.to.covered);
  const high = Math.max(...lines.flatMap((l) => [l.from, l.to]));
  const floor = Math.max(0, low - (high - low)); // flows are small beside the totals
  const x = (n: number) => ((Math.max(n, floor) - floor) / Math.max(1, high - floor)) * 100;
  return html`<table class="waterfall"><caption class="hidden">${t.difference}</caption><tbody>${lines.map((l) => html`<tr class=${l.kind}>
    <th scope="row">${l.label}</th>
    <td class="number">${l.kind === "total" ? f.number(l.to) : (l.to > l.from ? "+" : "−") + f.number(Math.abs(l.to - l.from))}</td>
    <td class="bar"><svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">${svg`<rect class="ground" width="100" height="10"></rect><rect class="flow" y="1" height="8" x=${Math.min(x(l.from), x(l.to))} width=${Math.max(0.4, Math.abs(x(l.to) - x(l.from)))}></rect>`}</svg></td></tr>`)}</tbody></table>`;
}
