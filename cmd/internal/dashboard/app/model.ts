// What the ledger answers (contract, sections 4, 8 and 9), as far as the page shows it.

export interface Workforce { count: number; indicator: string; reference: string; publication: string; sequence: number }
export interface Target { percent: string; from: string; region: string; met: boolean | null; shortfall: number | null; sequence: number }
export interface Sector { covered: number | null; workforce: Workforce | null; percent: string | null; target: Target | null }

export interface Answer extends Sector {
  region: string; name: string; on: string;
  known: { sequence: number; recordedAt: string | null };
  confirmed: number | null; inGrace: number | null; enrolments: number | null;
  suppressed?: boolean; // small counts are null, and small cells are left out
  sectors: { FORMAL: Sector; INFORMAL: Sector };
  by?: Record<string, Record<string, number>>;
}

export interface Point { on: string; covered: number | null; confirmed: number | null; inGrace: number | null; percent: string | null }

export interface Step { step: "knowledge" | "time"; joined: Record<string, number>; left: Record<string, number> }
export interface Difference { from: Answer; to: Answer; steps: Step[]; percent: { numerator: string; denominator: string } | null }

export interface Status { state: "live" | "behind" | "stale"; head: number; sequence: number; behindEvents: number; behindSeconds: number; since: string; why?: string }

/** A moment worth a stop: where to look, when, as known when, and what is to be seen. */
export interface Mark { region: string; on: string; known?: string; id: string; en: string }

/** An area of the operator's own map, by the code of its region: polygons of rings of places. */
export interface Boundary { code: string; polygons: [number, number][][][] }
export interface Boundaries { features: Boundary[] }

/** How many findings of a code there are. */
export interface FindingCount { code: string; region?: string; open: number; resolved: number; months: number; rupiah: number }
export interface Finding { code: string; since: number; until: number | null; events: number[]; region?: string; text: string }

export interface Span { from: string; until: string } // months; until is out
export interface FundedMonths extends Span { granted: number; covered: number; disbursed: boolean }
interface Part { heads: number; most: number; headMonths: number; rupiah: number | null }

/** The money of a commitment, side by side. It may never have been committed. */
export interface Funding {
  commitment: string; funder: string | null; funding: string; fiscalYear: number | null;
  from: string | null; until: string | null; closed: string | null;
  committed: { heads: number; months: number; tariff: number; rupiah: number; ceiling: number } | null;
  granted: Part; covered: Part; disbursed: { months: Span[]; rupiah: number };
  missing: { headMonths: number; months: Span[]; rupiah: number | null };
  moneyEnds: { last: string | null; committed: string | null; granted: string | null; disbursed: string | null };
  months: FundedMonths[];
}

export const dimensions = ["sector", "segment", "category", "programme", "funding", "evidence"];

/** How many provinces there are. */
export const provincesAll = 38;

export type Level = "nation" | "province" | "regency";
export const level = (region: string): Level =>
  region === "ID" ? "nation" : region.length === 2 ? "province" : "regency";
export const parent = (region: string): string => (region.length > 2 ? region.slice(0, 2) : "ID");

/** The share of the workforce that is covered, in percent; null: no workforce is published. */
export const share = (a: Sector): number | null => (a.percent === null ? null : Number(a.percent));

/** Points above (or, negative, below) the target. */
export const gap = (a: Sector): number | null =>
  a.percent === null || a.target === null ? null : Number(a.percent) - Number(a.target.percent);

/** The children of a region among the answers. */
export const children = (answers: Answer[], region: string): Answer[] =>
  answers.filter((a) => a.region !== region && level(a.region) !== "nation" && parent(a.region) === region);
