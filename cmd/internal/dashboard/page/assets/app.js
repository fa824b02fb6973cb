"use strict";

const texts = {
  id: {
    subtitle: "Cakupan jaminan sosial ketenagakerjaan, pada hari apa pun, sebagaimana diketahui kapan pun",
    on: "Pada tanggal", known: "Sebagaimana diketahui", indicator: "Penyebut", show: "Tampilkan",
    hint: "Diketahui: tanggal, waktu, atau nomor urut; kosong = semua yang tercatat.",
    region: "Wilayah", againstTarget: "Terhadap target", percent: "Cakupan", target: "Target",
    covered: "Terlindungi", workforce: "Pekerja", shortfall: "Kekurangan", inGrace: "Masa tenggang",
    EMPLOYED: "Penduduk bekerja", LABOUR_FORCE: "Angkatan kerja", ELIGIBLE: "Pekerja memenuhi syarat",
    loading: "Memuat …", empty: "Log masih kosong.", failed: "Tidak dapat memuat: ",
    status: (on, sequence, at) => `Pada ${on}, menurut ${sequence} peristiwa yang tercatat hingga ${at}.`,
    met: "target tercapai", missing: "belum ada angka pekerja", language: "English",
    none: "–", sample: "CONTOH SINTETIS",
  },
  en: {
    subtitle: "Coverage of employment social security, on any day, as known at any moment",
    on: "On", known: "As known at", indicator: "Out of", show: "Show",
    hint: "Known: a date, a time or a sequence; empty = everything recorded.",
    region: "Region", againstTarget: "Against the target", percent: "Coverage", target: "Target",
    covered: "Covered", workforce: "Workforce", shortfall: "Short of", inGrace: "In grace",
    EMPLOYED: "Employed", LABOUR_FORCE: "Labour force", ELIGIBLE: "Eligible workers",
    loading: "Loading …", empty: "The log is empty.", failed: "Cannot load: ",
    status: (on, sequence, at) => `On ${on}, by ${sequence} events recorded up to ${at}.`,
    met: "target met", missing: "no workforce published", language: "Bahasa Indonesia",
    none: "–", sample: "SYNTHETIC SAMPLE",
  },
};

const $ = (id) => document.getElementById(id);
const parameters = new URLSearchParams(location.search);
let language = texts[parameters.get("lang")] ? parameters.get("lang") : "id";
let shown = null;
let notice = "";

function element(name, text, ...classes) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  made.classList.add(...classes);
  return made;
}

const level = (region) => (region === "ID" ? "nation" : region.length === 2 ? "province" : "regency");
const number = (value) => new Intl.NumberFormat(language).format(value);
const percent = (text) =>
  new Intl.NumberFormat(language, { minimumFractionDigits: 2 }).format(Number(text)) + " %";

// bullet draws the percentage as a bar and the target as a line across it; the numbers stand
// beside it, so that it says nothing to those who cannot see it that they are not told.
function bullet(answer) {
  const cell = element("td", undefined, "bar");
  if (answer.percent === null) return cell;
  const target = answer.target ? Number(answer.target.percent) : 0;
  const scale = Math.max(100, Number(answer.percent), target);
  const bar = element("div", undefined, "bullet");
  bar.setAttribute("aria-hidden", "true");
  const value = element("div", undefined, "value");
  value.style.width = (100 * Number(answer.percent)) / scale + "%";
  bar.append(value);
  if (answer.target) {
    if (answer.target.met) bar.classList.add("met");
    const goal = element("div", undefined, "goal");
    goal.style.left = (100 * target) / scale + "%";
    bar.append(goal);
  }
  cell.append(bar);
  return cell;
}

function row(answer) {
  const t = texts[language];
  const line = element("tr", undefined, level(answer.region));
  const name = element("th");
  name.scope = "row";
  name.append(element("small", answer.region), answer.name);
  const met = answer.target && answer.target.met;
  const share = element("td", answer.percent === null ? t.none : percent(answer.percent), "number");
  if (answer.percent === null) share.title = t.missing;
  if (met) {
    share.append(element("span", " ✓", "met"));
    share.title = t.met;
  }
  let shortfall = t.none;
  if (answer.target && answer.target.shortfall !== null) shortfall = number(answer.target.shortfall);
  line.append(
    name,
    bullet(answer),
    share,
    element("td", answer.target ? percent(answer.target.percent) : t.none, "number"),
    element("td", number(answer.covered), "number"),
    element("td", answer.workforce ? number(answer.workforce.count) : t.none, "number"),
    element("td", shortfall, "number", met ? "met" : "short"),
    element("td", number(answer.inGrace), "number"),
  );
  return line;
}

function say(text, isError) {
  $("status").textContent = text;
  $("status").classList.toggle("error", Boolean(isError));
}

function render() {
  const t = texts[language];
  document.documentElement.lang = language;
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = t[node.dataset.text];
  $("language").textContent = t.language;
  $("language").lang = language === "id" ? "en" : "id";
  $("notice").hidden = notice === "";
  $("notice").textContent = notice === "SYNTHETIC SAMPLE" ? t.sample : notice;
  if (shown === null) return;
  $("rows").replaceChildren(...shown.map(row));
  $("table").hidden = false;
  const known = shown[0].known;
  if (known.sequence === 0) {
    say(t.empty);
    return;
  }
  const at = new Intl.DateTimeFormat(language, {
    dateStyle: "long", timeStyle: "medium", timeZone: "Asia/Makassar",
  }).format(new Date(known.recordedAt));
  const on = new Intl.DateTimeFormat(language, { dateStyle: "long", timeZone: "UTC" })
    .format(new Date(shown[0].on + "T00:00:00Z"));
  say(t.status(on, number(known.sequence), at + " WITA"));
}

async function load() {
  const query = new URLSearchParams();
  for (const name of ["on", "known", "indicator"]) {
    const value = $(name).value.trim();
    if (value !== "") query.set(name, value);
  }
  query.set("lang", language);
  history.replaceState(null, "", "?" + query);
  query.delete("lang");
  say(texts[language].loading);
  try {
    const response = await fetch("v1/coverage?" + query);
    notice = response.headers.get("Cakupan-Notice") || "";
    const body = await response.json();
    if (!response.ok) throw new Error(body.detail || body.title);
    shown = body;
    render();
  } catch (error) {
    say(texts[language].failed + error.message, true);
  }
}

for (const name of ["on", "known", "indicator"]) {
  if (parameters.has(name)) $(name).value = parameters.get(name);
}
$("question").addEventListener("submit", (submitted) => {
  submitted.preventDefault();
  load();
});
$("language").addEventListener("click", () => {
  language = language === "id" ? "en" : "id";
  render();
  load();
});
render();
load();
