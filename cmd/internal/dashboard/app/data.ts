// What the page asks of the ledger.
import type { Answer, Mark, Status } from "./model";

/** A refusal of the ledger, or that it cannot be reached. */
export class Problem extends Error {
  constructor(readonly status: number, readonly code: string, detail: string) {
    super(detail);
  }
}

export interface Got<T> { value: T; notice: string; at: number }

/** Asks a route. What is past is kept by the browser: see the ledger's Cache-Control. */
export async function ask<T>(path: string, query: Record<string, string | string[]>, stop?: AbortSignal): Promise<Got<T>> {
  const said = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of [value].flat()) if (one !== "") said.append(name, one);
  }
  let response: Response;
  try {
    response = await fetch(`${path}?${said}`, { signal: stop });
  } catch (cause) {
    if (stop?.aborted) throw cause;
    throw new Problem(0, "unreachable", String(cause));
  }
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Problem(response.status, body.code ?? "", body.detail ?? response.statusText);
  const at = Date.parse(response.headers.get("Date") ?? "") || Date.now();
  return { value: body as T, notice: response.headers.get("Cakupan-Notice") ?? "", at };
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
