// What is shown, to take away.
import type { Answer, Point } from "./model";

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

/** A line over time: of a region, as known at an event. */
export interface Series { region: string; name: string; known: number; points: Point[] }

/** What is taken away: the lines of the table, or those over time where they alone are shown. */
export type Taken = { answers: Answer[] } | { series: Series[] };

const seriesFields = ["region", "name", "known", "on", "covered", "confirmed", "inGrace", "percent"];

export function csv(taken: Taken): string {
  const lines = "answers" in taken
    ? [fields.map(([name]) => name), ...taken.answers.map((a) => fields.map(([, value]) => quoted(value(a))))]
    : [seriesFields, ...taken.series.flatMap((s) => s.points.map((p) => [s.region, s.name, s.known, p.on, p.covered, p.confirmed, p.inGrace, p.percent].map(quoted)))];
  return "\ufeff" + lines.map((line) => line.join(",") + "\r\n").join("");
}

export const saveCSV = (name: string, taken: Taken) => save(name + ".csv", new Blob([csv(taken)], { type: "text/csv" }));
export const saveJSON = (name: string, taken: Taken) =>
  save(name + ".json", new Blob([JSON.stringify("answers" in taken ? taken.answers : taken.series, null, 1)], { type: "application/json" }));

/** A picture to take away: what is drawn, what it says, what its colours mean, and what it rests on. */
export interface Picture { drawn: SVGSVGElement | HTMLCanvasElement | null; title: string; legend: { text: string; colour: string }[]; source: string[] }

const width = 1200, margin = 40;

/** Breaks a text into lines that are no wider than the picture. */
function broken(pen: CanvasRenderingContext2D, text: string): string[] {
  const lines = [""];
  for (const word of text.trim().split(/[ \n]+/)) {
    const longer = `${lines[lines.length - 1]} ${word}`.trim();
    if (lines[lines.length - 1] !== "" && pen.measureText(longer).width > width - 2 * margin) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}

/** A drawing as an image that looks as it does now: its colours are in the style sheet, which a copy
 * does not have. */
async function drawing(picture: SVGSVGElement): Promise<HTMLImageElement> {
  const copy = picture.cloneNode(true) as SVGSVGElement;
  const originals = picture.querySelectorAll<SVGElement>("rect,text,path");
  copy.querySelectorAll<SVGElement>("rect,text,path").forEach((mark, i) => {
    const look = getComputedStyle(originals[i]);
    for (const part of ["fill", "stroke", "font-size", "font-family", "text-anchor", "font-weight"]) mark.setAttribute(part, look.getPropertyValue(part));
  });
  const box = picture.viewBox.baseVal;
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", String(box.width * 10));
  copy.setAttribute("height", String(box.height * 10));
  const image = new Image();
  image.src = "data:image/svg+xml," + encodeURIComponent(new XMLSerializer().serializeToString(copy));
  await image.decode();
  return image;
}

/** Saves what is shown as one picture that can stand alone. */
export async function savePNG(name: string, { drawn, title, legend, source }: Picture) {
  const canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
  if (!drawn || !pen) return;
  const image = drawn instanceof HTMLCanvasElement ? drawn : await drawing(drawn);
  const look = getComputedStyle(document.body), font = (size: number) => `${size}px ${look.fontFamily}`;
  const high = (image.height / image.width) * (width - 2 * margin);
  pen.font = font(30);
  const above = broken(pen, title);
  pen.font = font(18);
  const below = source.flatMap((line) => broken(pen, line));
  canvas.width = width;
  canvas.height = 3 * margin + above.length * 40 + high + 40 + below.length * 26;
  pen.fillStyle = look.backgroundColor;
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.textBaseline = "top";
  let y = margin;
  const write = (lines: string[], size: number, step: number) => {
    pen.fillStyle = look.color;
    pen.font = font(size);
    for (const line of lines) { pen.fillText(line, margin, y); y += step; }
  };
  write(above, 30, 40);
  pen.drawImage(image, margin, y + 10, width - 2 * margin, high);
  y += high + 24;
  pen.font = font(18);
  let x = margin;
  for (const { text, colour } of legend) {
    pen.fillStyle = colour;
    pen.fillRect(x, y + 2, 16, 16);
    pen.fillStyle = look.color;
    pen.fillText(text, x + 22, y);
    x += pen.measureText(text).width + 44;
  }
  y += 40;
  write(below, 18, 26);
  canvas.toBlob((blob) => blob && save(name + ".png", blob), "image/png");
}
