// What the page shows at a time, and how others come to see the same: views, the whole screen, the
// address, and the frame to put into another page.
import { html, nothing, type TemplateResult } from "lit";
import type { Page } from "./sections";
import { views, writeState } from "./state";

/** Chooses one picture, or all of them. */
export function tabs(page: Page): TemplateResult {
  const { look: { t }, state } = page;
  const whole = () => (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen()).catch(() => undefined);
  return html`<div class="tabs views" role="group" aria-label=${t.view}>${views.map((view) => html`<button type="button" data-view=${view || "all"} aria-pressed=${view === state.view} @click=${() => page.go({ view })}>${t.views[view]}</button>`)}
    ${document.fullscreenEnabled ? html`<button type="button" id="full-screen" @click=${whole}>${t.fullScreen}</button>` : nothing}</div>`;
}

const address = (page: Page, embed: "" | "1"): string => new URL(writeState({ ...page.state, region: page.region, embed }), location.href).href;

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");

/** The element of HTML that shows the page within another one. */
const frame = (page: Page, title: string): string =>
  `<iframe src="${escaped(address(page, "1"))}" title="${escaped(title)}" width="100%" height="640" frameborder="0" loading="lazy" allow="fullscreen"></iframe>`;

/** Copies what a field holds, also where the browser gives a page no clipboard. */
async function copy(e: Event, done: string) {
  const button = e.target as HTMLButtonElement, said = button.textContent;
  const field = button.previousElementSibling as HTMLTextAreaElement;
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    if (!document.execCommand("copy")) return; // it is marked: the reader's keys copy it
  }
  button.textContent = done;
  setTimeout(() => { button.textContent = said; }, 2_000);
}

/** The address, and the frame, to take away. */
export function share(page: Page, title: string): TemplateResult {
  const { t } = page.look;
  const field = (id: string, label: string, value: string, rows: number) => html`<p><label for=${id}>${label}</label><textarea id=${id} readonly rows=${rows} .value=${value}></textarea>
    <button type="button" @click=${(e: Event) => copy(e, t.copied)}>${t.copy}</button></p>`;
  return html`<section class="share" aria-labelledby="share-title"><details><summary><h2 id="share-title">${t.share}</h2></summary>
    ${field("share-address", t.address, address(page, ""), 2)}${field("share-frame", t.embedCode, frame(page, title), 4)}<p class="note">${t.embedNote}</p></details></section>`;
}

/** What stands below a page within another: whose it is, and where there is more. */
export function origin(page: Page, source: string): TemplateResult {
  return html`<p class="origin">${page.look.t.source}: ${source} <a href=${address(page, "")} target="_blank" rel="noopener">${page.look.t.opened}</a></p>`;
}
