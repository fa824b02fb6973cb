// The state of the page is its address: whoever opens it sees the same.
import type { Language } from "./words";

export const views = ["", "map", "table", "line"] as const;
export type View = (typeof views)[number];

export interface State {
  region: string; // "" until one is chosen
  on: string; // a date; "" is today
  known: string; // a date, a time or a sequence; "" is everything recorded
  to: string; // a second day to compare with
  toKnown: string;
  by: string; // dimension that the region is divided by
  with: string; // regions whose lines are drawn beside, by commas
  indicator: string;
  sort: "gap" | "name" | "percent";
  view: View; // the one picture that is shown; "" is all of them
  embed: "" | "1"; // within another page: without what is around the pictures
  lang: Language;
  zone: string; // IANA name in which times are shown
}

const defaults: State = {
  region: "", on: "", known: "", to: "", toKnown: "", by: "segment", with: "", indicator: "EMPLOYED",
  sort: "gap", view: "", embed: "", lang: "id", zone: "Asia/Makassar",
};

export const zones: Record<string, string> = {
  "Asia/Jakarta": "WIB", "Asia/Makassar": "WITA", "Asia/Jayapura": "WIT",
};

export function readState(search: string): State {
  const given = new URLSearchParams(search);
  const state = { ...defaults };
  for (const name of Object.keys(defaults) as (keyof State)[]) {
    const value = given.get(name);
    if (value !== null) (state as Record<string, string>)[name] = value;
  }
  if (state.lang !== "en") state.lang = "id";
  if (!views.includes(state.view)) state.view = "";
  state.embed = given.has("embed") && given.get("embed") !== "0" ? "1" : "";
  if (!(state.zone in zones)) state.zone = defaults.zone;
  return state;
}

export function writeState(state: State): string {
  const said = new URLSearchParams();
  for (const name of Object.keys(defaults) as (keyof State)[]) {
    if (state[name] !== defaults[name]) said.set(name, state[name]);
  }
  const text = said.toString();
  return text === "" ? location.pathname : "?" + text;
}

/** Today where the contract counts days. */
export const today = (): string =>
  new Intl.DateTimeFormat("en-CA", { timeZone: "Asia/Makassar", dateStyle: "short" }).format(new Date());

const dayMs = 86_400_000;
export const toDay = (date: string): number => Math.round(Date.parse(date + "T00:00:00Z") / dayMs);
export const fromDay = (day: number): string => new Date(day * dayMs).toISOString().slice(0, 10);
export const isDate = (text: string): boolean =>
  /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text + "T00:00:00Z")) && fromDay(toDay(text)) === text;

/** The last day of the month that lies so many months away. */
export function monthEnd(date: string, months: number): string {
  const at = new Date(date + "T00:00:00Z");
  return new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + months + 1, 0)).toISOString().slice(0, 10);
}
