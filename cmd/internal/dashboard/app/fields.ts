// Controls of time: a day in three fields, named in the page's language whatever the browser's is,
// and sliders over months and days.
import { html, nothing, svg, type TemplateResult } from "lit";
import { fromDay, isDate, monthEnd, toDay } from "./state";
import type { Format, Words } from "./words";

/** A day as three fields. What is not a day is not passed on. */
export function dayField(name: string, label: string, value: string, f: Format, pick: (date: string) => void): TemplateResult {
  const [year, month, day] = value.split("-").map(Number);
  const last = new Date(Date.UTC(year, month, 0)).getUTCDate();
  const said = (y: number, m: number, d: number) => {
    const most = new Date(Date.UTC(y, m, 0)).getUTCDate();
    const date = `${String(y).padStart(4, "0")}-${String(m).padStart(2, "0")}-${String(Math.min(d, most)).padStart(2, "0")}`;
    if (isDate(date)) pick(date);
  };
  const read = (e: Event) => Number((e.target as HTMLInputElement).value);
  return html`<fieldset class="day" data-field=${name}><legend>${label}</legend>
    <select aria-label="${label}: ${f.lang === "id" ? "hari" : "day"}" @change=${(e: Event) => said(year, month, read(e))}>
      ${Array.from({ length: last }, (_, i) => html`<option value=${i + 1} ?selected=${i + 1 === day} .selected=${i + 1 === day}>${i + 1}</option>`)}</select>
    <select aria-label="${label}: ${f.lang === "id" ? "bulan" : "month"}" @change=${(e: Event) => said(year, read(e), day)}>
      ${Array.from({ length: 12 }, (_, i) => html`<option value=${i + 1} ?selected=${i + 1 === month} .selected=${i + 1 === month}>${f.monthNames[i]}</option>`)}</select>
    <input type="number" min="1900" max="2200" inputmode="numeric" aria-label="${label}: ${f.lang === "id" ? "tahun" : "year"}" .value=${String(year)} @change=${(e: Event) => said(read(e), month, day)}>
  </fieldset>`;
}

/** A slider over the last days of months, and one over the days of the month it stands in. */
export function monthSlider(look: { t: Words; f: Format }, first: string, last: string, at: string, stops: string[], pick: (date: string, done: boolean) => void): TemplateResult {
  const months = monthsBetween(first, last);
  const here = Math.max(0, Math.min(months, monthsBetween(first, at)));
  const [year, month, day] = at.split("-").map(Number);
  const days = new Date(Date.UTC(year, month, 0)).getUTCDate();
  const move = (e: Event, done: boolean) => pick(monthEnd(first, Number((e.target as HTMLInputElement).value)), done);
  const within = (e: Event, done: boolean) => pick(`${at.slice(0, 8)}${(e.target as HTMLInputElement).value.padStart(2, "0")}`, done);
  const marks = [...new Set(stops)].map((date) => monthsBetween(first, date) / Math.max(1, months)).filter((x) => x >= 0 && x <= 1);
  return html`<div class="sliders">${ticks(marks)}
    <input id="on-month" type="range" min="0" max=${months} step="1" .value=${String(here)} aria-label="${look.t.on}: ${look.f.lang === "id" ? "bulan" : "month"}" aria-valuetext=${look.f.month(at)}
      @input=${(e: Event) => move(e, false)} @change=${(e: Event) => move(e, true)}>
    <p class="ends"><span>${look.f.month(first)}</span><span>${look.f.month(last)}</span></p>
    <input id="on-day" class="days" type="range" min="1" max=${days} step="1" .value=${String(day)} aria-label="${look.t.on}: ${look.f.lang === "id" ? "hari" : "day"}" aria-valuetext=${look.f.day(at)}
      @input=${(e: Event) => within(e, false)} @change=${(e: Event) => within(e, true)}>
    <p class="ends"><span>${look.f.day(`${at.slice(0, 8)}01`)}</span><span>${look.f.day(monthEnd(at, 0))}</span></p>
  </div>`;
}

/** A slider over the days on which something was recorded; its end is everything. */
export function knownSlider(id: string, label: string, look: { t: Words; f: Format }, first: string, last: string, at: string, pick: (known: string, done: boolean) => void): TemplateResult {
  const from = toDay(first), until = toDay(last) + 1;
  const here = at === "" ? until : isDate(at) ? Math.max(from, Math.min(until, toDay(at))) : until;
  const move = (e: Event, done: boolean) => {
    const value = Number((e.target as HTMLInputElement).value);
    pick(value >= until ? "" : fromDay(value), done);
  };
  return html`<div class="sliders"><input id=${id} type="range" min=${from} max=${until} step="1" .value=${String(here)}
      aria-label=${label} aria-valuetext=${here === until ? look.t.latest : look.f.day(fromDay(here))}
      @input=${(e: Event) => move(e, false)} @change=${(e: Event) => move(e, true)}>
    <p class="ends"><span>${look.f.day(first)}</span><span>${look.t.latest}</span></p></div>`;
}

/** A slider over the events of the log; its end is everything. */
export function sequenceSlider(id: string, label: string, look: { t: Words; f: Format }, head: number, at: number, pick: (known: string, done: boolean) => void): TemplateResult {
  const { t, f } = look;
  const move = (e: Event, done: boolean) => {
    const value = Number((e.target as HTMLInputElement).value);
    pick(value >= head ? "" : String(value), done);
  };
  return html`<div class="sliders"><input id=${id} class="days" type="range" min="1" max=${head} step="1" .value=${String(at)}
      aria-label=${label} aria-valuetext=${t.event(f.number(at))} @input=${(e: Event) => move(e, false)} @change=${(e: Event) => move(e, true)}>
    <p class="ends"><span>${t.event(f.number(1))}</span><span>${t.event(f.number(at))}</span><span>${f.number(head)}</span></p></div>`;
}

/** Ticks over a slider, where the story stops; the stops themselves are opened below. */
function ticks(at: number[]): TemplateResult | typeof nothing {
  if (at.length === 0) return nothing;
  return html`<svg class="ticks" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
    ${at.map((x) => svg`<rect x=${(x * 100 - 0.15).toFixed(2)} width="0.3" height="6"></rect>`)}</svg>`;
}

const monthsBetween = (from: string, until: string): number =>
  (Number(until.slice(0, 4)) - Number(from.slice(0, 4))) * 12 + Number(until.slice(5, 7)) - Number(from.slice(5, 7));
