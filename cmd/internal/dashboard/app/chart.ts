// The line of a region over time, drawn by uPlot. The table of the same points is beside it for who
// cannot see it.
import { LitElement, html, nothing } from "lit";
import uPlot from "uplot";
import { confirmedText, count } from "./figures";
import type { Point } from "./model";
import { toDay } from "./state";
import type { Format, Words } from "./words";

const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A target, from a day on until the next one. */
export interface Goal { from: string; percent: number; sequence: number }

/** The target of a day; null: none yet. */
const goalAt = (targets: Goal[], day: string): number | null => targets.findLast((goal) => goal.from <= day)?.percent ?? null;

/** A region that is drawn beside: its points are of the same days. */
export interface Line { name: string; points: Point[] }

// Of lines beside: told apart by their colour, and by their dashes.
const dashes = [[], [8, 3], [2, 3], [8, 3, 2, 3], [14, 4]];

export class Chart extends LitElement {
  static properties = { points: { attribute: false }, others: { attribute: false }, targets: { attribute: false }, missing: { attribute: false }, at: { attribute: false }, t: { attribute: false }, f: { attribute: false } };
  declare points: Point[];
  declare others: Line[];
  declare targets: Goal[];
  /** It was asked for, and there is no answer. */
  declare missing: boolean;
  declare at: string;
  declare t: Words;
  declare f: Format;
  private plot?: uPlot;
  private ink = ""; // of the mark, which moves with each step: to ask for a colour is dear
  private open = false; // the table of the same points
  private resized?: ResizeObserver;
  private dark = matchMedia("(prefers-color-scheme: dark)");
  private again = () => this.draw();

  constructor() {
    super();
    this.points = [];
    this.others = [];
    this.targets = [];
    this.missing = false;
    this.at = "";
  }

  createRenderRoot() {
    return this;
  }

  connectedCallback() {
    super.connectedCallback();
    this.resized = new ResizeObserver(() => this.plot?.setSize(this.size()));
    this.resized.observe(this);
    this.dark.addEventListener("change", this.again);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.resized?.disconnect();
    this.dark.removeEventListener("change", this.again);
    this.plot?.destroy();
    this.plot = undefined;
  }

  render() {
    const { t, f } = this;
    const none = this.points.length > 0 && this.points.every((p) => p.covered === null && p.percent === null) && this.others.length === 0;
    return html`<div class="plot" aria-hidden="true"></div>${none ? html`<p class="note">${t.fewer}</p>` : this.points.length === 0 ? html`<p class="note">${this.missing ? t.noLine : t.loading}</p>` : nothing}
      <details class="twin" @toggle=${this.toggled}><summary>${t.table}: ${t.chart}</summary><div class="tall" tabindex="0" role="region" aria-label="${t.table}: ${t.chart}"><table>
        <thead><tr><th scope="col">${t.on}</th><th scope="col" class="number">${t.percent}</th><th scope="col" class="number">${t.covered}</th><th scope="col" class="number">${t.confirmed}</th>${this.others.map((o) => html`<th scope="col" class="number">${o.name}</th>`)}</tr></thead>
        <tbody>${(this.open ? this.points : []).map((p, i) => html`<tr><th scope="row">${f.day(p.on)}</th><td class="number">${p.percent === null ? "–" : f.percent(p.percent)}</td><td class="number">${count(this, p.covered)}</td><td class="number">${confirmedText(this, p)}</td>${this.others.map((o) => html`<td class="number">${o.points[i]?.percent == null ? "–" : f.percent(o.points[i].percent!)}</td>`)}</tr>`).reverse()}</tbody>
      </table></div></details>`;
  }

  private toggled(e: Event) {
    this.open = (e.target as HTMLDetailsElement).open;
    this.requestUpdate();
  }

  updated(changed: Map<string, unknown>) {
    if (this.plot && changed.size > 0 && [...changed.keys()].every((name) => name === "at")) {
      this.plot.redraw(false);
      this.tell(this.plot);
    } else if (changed.size > 0) this.draw();
  }

  /** Says in the legend what was at the day of the page, while nobody points elsewhere. */
  private tell(u: uPlot) {
    const day = toDay(this.at) * 86_400;
    u.setLegend({ idx: Math.max(0, u.data[0].findLastIndex((at) => at <= day)) }, false);
  }

  private size() {
    return { width: Math.max(240, this.clientWidth), height: this.closest(".alone") ? 400 : 220 };
  }

  private draw() {
    const place = this.querySelector<HTMLElement>(".plot");
    if (!place) return;
    this.plot?.destroy();
    this.plot = undefined;
    const lines = [this.points, ...this.others.map((o) => o.points)];
    const first = Math.max(0, this.points.findIndex((_, i) => lines.some((l) => l[i]?.percent != null)));
    const points = this.points.slice(first); // before, there was no workforce
    if (points.length < 2 || lines.every((l) => l.every((p) => p.covered === null && p.percent === null))) return;
    const days = points.map((p) => toDay(p.on) * 86_400);
    const hasShare = this.others.length > 0 || points.some((p) => p.percent !== null);
    const covered = points.map((p) => (hasShare ? (p.percent === null ? null : Number(p.percent)) : p.covered));
    const confirmed = points.map((p, i) => (covered[i] === null || p.confirmed === null ? null : p.covered ? (covered[i]! * p.confirmed) / p.covered : 0));
    const line = points.map((p) => (hasShare ? goalAt(this.targets, p.on) : null));
    const others = this.others.map((o) => days.map((_, i) => (o.points[first + i]?.percent == null ? null : Number(o.points[first + i].percent))));
    const ink = colour("--ink-soft");
    this.ink = colour("--ink");
    const value = (n: number | null) => (n == null ? "–" : hasShare ? this.f.percent(n) : this.f.number(n));
    const axis = { stroke: ink, grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } };
    this.plot = new uPlot(
      {
        ...this.size(),
        tzDate: (at) => uPlot.tzDate(new Date(at * 1e3), "UTC"),
        cursor: { drag: { x: false, y: false } },
        scales: { y: { range: (_u, _low, high) => [0, Math.max(1, high * 1.08)] } },
        axes: [
          { ...axis, space: 64, values: (_u, at, _i, _space, step) => at.map((s) => {
            const day = new Date(s * 1e3).toISOString();
            return step >= 360 * 86_400 ? day.slice(0, 4) : this.f.month(day.slice(0, 10));
          }) },
          { ...axis, values: (_u, at) => at.map((n) => (hasShare ? this.f.short(n) : this.f.number(n))), size: hasShare ? 60 : 90 },
        ],
        series: [
          { label: this.t.monthEnd, value: (_u, s) => (s == null ? "–" : this.f.day(new Date(s * 1e3).toISOString().slice(0, 10))) },
          { label: this.t.covered, stroke: colour("--covered"), fill: colour("--covered-soft"), width: 2, value: (_u, n) => value(n) },
          { label: this.t.confirmed, stroke: colour("--confirmed"), width: 2, value: (_u, n) => value(n) },
          { label: this.t.target, stroke: ink, width: 1, dash: [6, 4], points: { show: false }, paths: uPlot.paths.stepped!({ align: 1 }), value: (_u, n) => (n == null ? "–" : this.f.goal(n)) },
          ...this.others.map((o, i) => ({ label: o.name, stroke: colour(`--line-${i + 1}`), width: 2, dash: dashes[i], points: { show: false }, value: (_u: uPlot, n: number | null) => value(n) })),
        ],
        hooks: { draw: [(u) => this.mark(u)], ready: [(u) => this.tell(u)], setCursor: [(u) => u.cursor.idx == null && this.tell(u)] },
      },
      [days, covered, confirmed, line, ...others] as uPlot.AlignedData,
      place,
    );
  }

  /** Draws where the page is on the axis of time. */
  private mark(u: uPlot) {
    const x = Math.round(u.valToPos(toDay(this.at) * 86_400, "x", true));
    if (!(x >= u.bbox.left && x <= u.bbox.left + u.bbox.width)) return;
    u.ctx.save();
    u.ctx.strokeStyle = this.ink;
    u.ctx.lineWidth = devicePixelRatio;
    u.ctx.beginPath();
    u.ctx.moveTo(x, u.bbox.top);
    u.ctx.lineTo(x, u.bbox.top + u.bbox.height);
    u.ctx.stroke();
    u.ctx.restore();
  }
}
customElements.define("coverage-chart", Chart);
