// What the page asks of the ledger.
import type { Answer, Boundaries, Boundary, Mark, Status } from "./model";

/** A refusal of the ledger, or that it cannot be reached. */
export class Problem extends Error {
  constructor(readonly status: number, readonly code: string, detail: string) {
    super(detail);
  }
}

export interface Got<T> { value: T; notice: string; at: number }

/** Of what is asked whatever the reader goes on to. */
export const never = new AbortController().signal;

export type Asked = Record<string, string | string[]>;

// What was asked before there was anything to keep the answers: at the first visit.
const unkept = new Set<string>();
const keptPaths = new Set(["v1/coverage", "v1/series", "v1/difference"]); // as sw.js says

/** Asks again for what nothing could keep, and has it kept. */
export function keepAnswers() {
  for (const url of unkept) void fetch(url).catch(() => undefined);
  unkept.clear();
}

/** Asks a route, and returns its answer, which is a good one. */
async function fetched(path: string, query: Asked, stop?: AbortSignal): Promise<Response> {
  const said = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of [value].flat()) if (one !== "") said.append(name, one);
  }
  const url = `${path}?${said}`;
  if (navigator.serviceWorker?.controller === null && keptPaths.has(path)) unkept.add(url);
  let response: Response;
  try {
    response = await fetch(url, { signal: stop });
  } catch (cause) {
    if (stop?.aborted) throw cause;
    throw new Problem(0, "unreachable", String(cause));
  }
  if (!response.ok) {
    const body = await response.json().catch(() => ({}));
    throw new Problem(response.status, body.code ?? "", body.detail ?? response.statusText);
  }
  return response;
}

/** Asks a route. What is past is kept by the browser: see the ledger's Cache-Control. */
export async function ask<T>(path: string, query: Asked, stop?: AbortSignal): Promise<Got<T>> {
  const response = await fetched(path, query, stop);
  let body: T;
  try {
    body = await response.json();
  } catch (cause) { // it broke off in the middle
    if (stop?.aborted) throw cause;
    throw new Problem(0, "unreachable", String(cause));
  }
  const at = Date.parse(response.headers.get("Date") ?? "") || Date.now();
  return { value: body, notice: response.headers.get("Cakupan-Notice") ?? "", at };
}

/** Asks a route that answers with a line for each thing, or with an array of them. Who stops to read
 * stops the answer. */
export async function* lines<T>(path: string, query: Asked, stop?: AbortSignal): AsyncGenerator<T> {
  const response = await fetched(path, query, stop);
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      const ended = (rest + (value ?? "")).split("\n");
      rest = done ? "" : (ended.pop() ?? "");
      for (const line of ended) {
        const text = line.replace(/^\[/, "").replace(/[,\]]$/, "").trim(); // of an array, a line each
        if (text !== "") yield JSON.parse(text) as T;
      }
      if (done) return;
    }
  } finally {
    void reader.cancel().catch(() => undefined);
  }
}

/** The operator's own map, as GeoJSON; none where there is none. */
export async function boundaries(): Promise<Boundaries> {
  const response = await fetch("assets/boundaries.json");
  if (!response.ok) return { features: [] };
  const read = await response.json();
  const features: Boundary[] = (read.features ?? []).map((one: { properties: { code: string }; geometry: { type: string; coordinates: never } }) => ({
    code: one.properties.code,
    polygons: one.geometry.type === "Polygon" ? [one.geometry.coordinates] : one.geometry.coordinates,
  }));
  return { features };
}

export async function marks(): Promise<Mark[]> {
  const response = await fetch("assets/story.json");
  return response.ok ? await response.json() : [];
}

export type Link = "connecting" | "open" | "lost" | "ended";

export interface Listener {
  answers(changed: Answer[], all: boolean): void;
  status(status: Status): void;
  link(link: Link, why?: string): void;
}

/** Watches what changes, until close is called. The browser connects again by itself, and goes on
 * where it was; a tab that nobody sees need not watch. */
export function watch(listener: Listener): { close(): void } {
  let source: EventSource | undefined;
  const open = () => {
    source?.close();
    listener.link("connecting");
    source = new EventSource("v1/changes");
    source.onopen = () => listener.link("open");
    source.onerror = () => {
      listener.link("lost");
      if (source?.readyState === EventSource.CLOSED) again = window.setTimeout(open, 3_000);
    };
    const on = (name: string, take: (data: string) => void) =>
      source?.addEventListener(name, (e) => take((e as MessageEvent<string>).data));
    on("snapshot", (data) => listener.answers(JSON.parse(data), true));
    on("change", (data) => listener.answers(JSON.parse(data), false));
    on("state", (data) => listener.status(JSON.parse(data)));
    on("end", (data) => listener.link("ended", JSON.parse(data).detail));
  };
  let again = 0;
  const seen = () => {
    window.clearTimeout(again);
    if (document.visibilityState === "visible") open();
    else source?.close();
  };
  document.addEventListener("visibilitychange", seen);
  seen();
  return {
    close() {
      document.removeEventListener("visibilitychange", seen);
      window.clearTimeout(again);
      source?.close();
    },
  };
}
