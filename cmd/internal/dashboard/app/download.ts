// What is shown, to take away.
import type { Answer } from "./model";

function save(name: string, content: Blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

const fields: [string, (a: Answer) => string | number | null | undefined][] = [
  ["region", (a) => a.region], ["name", (a) => a.name], ["on", (a) => a.on], ["known", (a) => a.known.sequence],
  ["recordedAt", (a) => a.known.recordedAt], ["covered", (a) => a.covered], ["confirmed", (a) => a.confirmed],
  ["inGrace", (a) => a.inGrace], ["enrolments", (a) => a.enrolments], ["workforce", (a) => a.workforce?.count],
  ["indicator", (a) => a.workforce?.indicator], ["reference", (a) => a.workforce?.reference], ["publication", (a) => a.workforce?.publication],
  ["percent", (a) => a.percent], ["target", (a) => a.target?.percent], ["shortfall", (a) => a.target?.shortfall],
];

/** A text that begins like a formula is not one to whoever opens the file. */
function quoted(value: string | number | null | undefined): string {
  let text = String(value ?? "");
  if (/^[=+\-@\t\r]/.test(text) && typeof value === "string" && Number.isNaN(Number(text))) text = "'" + text;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function csv(answers: Answer[]): string {
  const lines = [fields.map(([name]) => name), ...answers.map((a) => fields.map(([, value]) => quoted(value(a))))];
  return "\ufeff" + lines.map((line) => line.join(",") + "\r\n").join("");
}

export const saveCSV = (name: string, answers: Answer[]) => save(name + ".csv", new Blob([csv(answers)], { type: "text/csv" }));
export const saveJSON = (name: string, answers: Answer[]) =>
  save(name + ".json", new Blob([JSON.stringify(answers, null, 1)], { type: "application/json" }));

/** Draws a picture as it looks now: its colours are in the style sheet, which a copy does not have. */
export function savePNG(name: string, picture: SVGSVGElement | null) {
  if (!picture) return;
  const copy = picture.cloneNode(true) as SVGSVGElement;
  const originals = picture.querySelectorAll<SVGElement>("rect,text,path");
  copy.querySelectorAll<SVGElement>("rect,text,path").forEach((mark, i) => {
    const look = getComputedStyle(originals[i]);
    for (const part of ["fill", "stroke", "font-size", "font-family", "text-anchor", "font-weight"]) mark.setAttribute(part, look.getPropertyValue(part));
  });
  const { width, height } = picture.viewBox.baseVal;
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", String(width * 10));
  copy.setAttribute("height", String(height * 10));
  const image = new Image();
  image.onload = () => {
    const canvas = document.createElement("canvas");
    canvas.width = width * 10;
    canvas.height = height * 10;
    const pen = canvas.getContext("2d");
    if (!pen) return;
    pen.fillStyle = getComputedStyle(document.body).backgroundColor;
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(image, 0, 0);
    canvas.toBlob((blob) => blob && save(name + ".png", blob), "image/png");
  };
  image.src = "data:image/svg+xml," + encodeURIComponent(new XMLSerializer().serializeToString(copy));
}
