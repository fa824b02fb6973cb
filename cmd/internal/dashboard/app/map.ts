// The map: tiles of equal area for provinces and for a province's regencies, or the boundaries that
// whoever runs the ledger gave it. Each is a picture with a table beside it that says the same.
import { html, nothing, svg, type TemplateResult } from "lit";
import { band, percentText, spoken, type Look } from "./figures";
import { children, level, type Answer, type Boundaries, type Boundary } from "./model";
import { columns, places, rows } from "./tiles";

/** A mark of the map: where it stands, in columns and rows, and what is written on it. */
interface Place { code: string; x: number; y: number; answer?: Answer; lines: string[] }

/** The province whose regencies are to be shown, "" for the nation. */
export const shownProvince = (region: string): string => (region === "ID" ? "" : region.slice(0, 2));

/** Draws the nation, or the province that the region is or lies in. */
export function map(look: Look, answers: Answer[], region: string, bounds: Boundaries, pick: (region: string) => void): TemplateResult {
  const within = shownProvince(region);
  const drawn = bounds.features.filter((b) => (within === "" ? b.code.length === 2 : b.code.length > 2 && b.code.startsWith(within)));
  if (drawn.length > 0) return choropleth(look, answers, region, drawn, pick);
  return within === "" ? provinces(look, answers, region, pick) : regencies(look, children(answers, within), region, answers.find((a) => a.region === within)?.name ?? within, pick);
}

const figure = (look: Look, a: Answer): string => (a.percent === null ? "?" : look.f.short(a.percent));

/** What the keys do on a mark: Enter opens it, arrows go to the nearest one in their direction. */
function keys(e: KeyboardEvent, from: Place, all: Place[], pick: (region: string) => void) {
  if (e.key === "Enter" || e.key === " ") {
    e.preventDefault();
    pick(from.code);
    return;
  }
  const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.key] ?? [0, 0];
  if (dx === 0 && dy === 0) return;
  e.preventDefault();
  const far = (p: Place) => Math.abs(p.x - from.x) * (dx === 0 ? 3 : 1) + Math.abs(p.y - from.y) * (dy === 0 ? 3 : 1);
  const [next] = all
    .filter((p) => p.answer && (p.x - from.x) * dx + (p.y - from.y) * dy > 0)
    .sort((a, b) => far(a) - far(b));
  if (next) (e.currentTarget as Element).closest("svg")?.querySelector<SVGElement>(`[data-region="${next.code}"]`)?.focus();
}

/** A mark that can be opened. Its name begins with what is written on it, so that who speaks to the
 * page can say what is read. One of them is in the walk of the tabulator key. */
function mark(look: Look, p: Place, all: Place[], at: string, shape: unknown, pick: (region: string) => void) {
  const a = p.answer;
  if (!a) return svg`<g class="tile none" aria-hidden="true">${shape}</g>`;
  const open = all.filter((other) => other.answer);
  const stop = open.find((other) => other.code === at) ?? open[0];
  return svg`<g class="tile ${band(a)} ${p.code === at ? "here" : ""}" data-region=${p.code} role="button"
    tabindex=${p === stop ? 0 : -1} aria-label="${[...p.lines, ""].join(" ")}(${spoken(look, a)})"
    @click=${() => pick(p.code)} @keydown=${(e: KeyboardEvent) => keys(e, p, all, pick)}>${shape}</g>`;
}

function provinces(look: Look, answers: Answer[], region: string, pick: (region: string) => void): TemplateResult {
  const byCode = new Map(answers.map((a) => [a.region, a]));
  const all: Place[] = Object.entries(places).map(([code, [x, y]]) => {
    const answer = byCode.get(code);
    return { code, x, y, answer, lines: answer ? [code, figure(look, answer).replace("\u00a0", "")] : [code] };
  });
  return html`<svg class="tiles" viewBox="0 0 ${columns * 10} ${rows * 10}" role="group" aria-label=${look.t.map}>
    ${all.map((p) => mark(look, p, all, shownProvince(region), svg`<g transform="translate(${p.x * 10},${p.y * 10})">
      <rect width="9.4" height="9.4" rx="1"></rect><text x="4.7" y=${p.answer ? 3.9 : 5.6}>${p.code}</text>
      ${p.answer ? svg`<text class="figure" x="4.7" y="7.7">${p.lines[1]}</text>` : nothing}</g>`, pick))}
  </svg>`;
}

/** The name of a regency on its tile, in two lines where it is long. */
function named(name: string, most: number): string[] {
  const short = name.replace(/^Kabupaten /, "Kab. ");
  if (short.length <= most) return [short];
  const words = short.split(" ");
  let first = words.shift() ?? "";
  while (words.length > 1 && first.length + words[0].length < most) first += " " + words.shift();
  return [first, words.join(" ")].filter((line) => line !== "");
}

function regencies(look: Look, inside: Answer[], region: string, name: string, pick: (region: string) => void): TemplateResult {
  const across = inside.length > 12 ? 3 : 2;
  const width = 66 / across, high = 15;
  const ordered = [...inside].sort((a, b) => (a.region < b.region ? -1 : 1));
  const all: Place[] = ordered.map((answer, i) => ({
    code: answer.region, x: i % across, y: Math.floor(i / across), answer,
    lines: [...named(answer.name, across === 2 ? 20 : 13), figure(look, answer)],
  }));
  if (all.length === 0) return html`<p class="note">${look.t.noChildren}</p>`;
  const last = all[all.length - 1].y + 1;
  return html`<svg class="tiles regencies" viewBox="0 0 66 ${last * high}" role="group" aria-label=${look.t.mapOf(name)}>
    ${all.map((p) => mark(look, p, all, region, svg`<g transform="translate(${p.x * width},${p.y * high})">
      <rect width=${width - 0.8} height=${high - 0.8} rx="1"></rect>
      ${p.lines.map((line, i) => svg`<text class=${i === p.lines.length - 1 ? "figure" : "name"} x=${(width - 0.8) / 2} y=${i === p.lines.length - 1 ? 12.4 : (p.lines.length === 2 ? 5.6 : 4 + i * 3.2)}>${line}</text> `)}</g>`, pick))}
  </svg>`;
}

/** A shape in a plane: degrees of longitude are as wide as they are in the middle of the picture. */
interface Shape { path: string; x: number; y: number }
interface Plan { box: string; shapes: Shape[] }
const plans = new WeakMap<Boundary, Plan>(); // by the first of those drawn

function plan(drawn: Boundary[]): Plan {
  const known = plans.get(drawn[0]);
  if (known && known.shapes.length === drawn.length) return known;
  let [west, east, south, north] = [180, -180, 90, -90];
  const each = (see: (lon: number, lat: number) => void) => {
    for (const b of drawn) for (const polygon of b.polygons) for (const ring of polygon) for (const [lon, lat] of ring) see(lon, lat);
  };
  each((lon, lat) => {
    west = Math.min(west, lon); east = Math.max(east, lon);
    south = Math.min(south, lat); north = Math.max(north, lat);
  });
  const narrow = Math.cos((((south + north) / 2) * Math.PI) / 180);
  const scale = 150 / Math.max((east - west) * narrow, 0.001);
  const x = (lon: number) => (lon - west) * narrow * scale;
  const y = (lat: number) => (north - lat) * scale;
  const shapes = drawn.map((b) => {
    let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
    const path = b.polygons.flat().map((ring) => "M" + ring.map(([lon, lat]) => {
      const [px, py] = [x(lon), y(lat)];
      left = Math.min(left, px); right = Math.max(right, px);
      top = Math.min(top, py); bottom = Math.max(bottom, py);
      return `${px.toFixed(2)},${py.toFixed(2)}`;
    }).join("L") + "Z").join("");
    return { path, x: (left + right) / 2, y: (top + bottom) / 2 };
  });
  const made = { box: `-1 -1 152 ${((north - south) * scale + 2).toFixed(1)}`, shapes };
  plans.set(drawn[0], made);
  return made;
}

function choropleth(look: Look, answers: Answer[], region: string, drawn: Boundary[], pick: (region: string) => void): TemplateResult {
  const byCode = new Map(answers.map((a) => [a.region, a]));
  const { box, shapes } = plan(drawn);
  const all: Place[] = drawn.map((b, i) => ({ code: b.code, x: shapes[i].x, y: shapes[i].y, answer: byCode.get(b.code), lines: [] }));
  const at = level(region) === "regency" ? region : shownProvince(region);
  return html`<svg class="tiles choropleth" viewBox=${box} role="group" aria-label=${look.t.map}>
    ${all.map((p, i) => mark(look, p, all, at, svg`<path d=${shapes[i].path}></path><title>${p.answer ? `${p.answer.name}: ${percentText(look, p.answer)}` : p.code}</title>`, pick))}
  </svg>`;
}
