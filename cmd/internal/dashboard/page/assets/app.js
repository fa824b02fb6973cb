"use strict";

const texts = {
  id: {
    subtitle: "Cakupan jaminan sosial ketenagakerjaan, pada hari apa pun, sebagaimana diketahui kapan pun",
    on: "Pada tanggal", known: "Sebagaimana diketahui", indicator: "Penyebut", show: "Tampilkan",
    hint: "Diketahui: tanggal, waktu, atau nomor urut; kosong = semua yang tercatat.",
    region: "Wilayah", againstTarget: "Terhadap target", percent: "Cakupan", target: "Target",
    covered: "Terlindungi", confirmed: "Terkonfirmasi", workforce: "Pekerja", shortfall: "Kekurangan", inGrace: "Masa tenggang",
    EMPLOYED: "Penduduk bekerja", LABOUR_FORCE: "Angkatan kerja", ELIGIBLE: "Pekerja memenuhi syarat",
    loading: "Memuat …", empty: "Log masih kosong.", failed: "Tidak dapat memuat: ",
    status: (on, sequence, at) => `Pada ${on}, menurut ${sequence} peristiwa yang tercatat hingga ${at}.`,
    summary: (name, covered, confirmed) =>
      `${name}: ${covered} terlindungi, ${confirmed} di antaranya terkonfirmasi oleh pembayaran yang dibukukan.`,
    share: (confirmed, covered) => `${confirmed} dari ${covered} terkonfirmasi oleh pembayaran yang dibukukan`,
    evidence: (parts) => `Dasar perlindungan (satu orang dapat memiliki lebih dari satu): ${parts}.`,
    CREDITED: "iuran dibukukan", DISBURSED: "dibayar pemerintah daerah",
    PROMISED: "dijanjikan anggaran, belum dibayar", DUE: "iuran belum masuk, masih dalam tiga bulan",
    PRESUMED: "dianggap, belum ada laporan iuran",
    met: "target tercapai", missing: "belum ada angka pekerja", language: "English",
    none: "–", sample: "CONTOH SINTETIS",
  },
  en: {
    subtitle: "Coverage of employment social security, on any day, as known at any moment",
    on: "On", known: "As known at", indicator: "Out of", show: "Show",
    hint: "Known: a date, a time or a sequence; empty = everything recorded.",
    region: "Region", againstTarget: "Against the target", percent: "Coverage", target: "Target",
    covered: "Covered", confirmed: "Confirmed", workforce: "Workforce", shortfall: "Short of", inGrace: "In grace",
    EMPLOYED: "Employed", LABOUR_FORCE: "Labour force", ELIGIBLE: "Eligible workers",
    loading: "Loading …", empty: "The log is empty.", failed: "Cannot load: ",
    status: (on, sequence, at) => `On ${on}, by ${sequence} events recorded up to ${at}.`,
    summary: (name, covered, confirmed) =>
      `${name}: ${covered} covered, ${confirmed} of them confirmed by money booked.`,
    share: (confirmed, covered) => `${confirmed} of ${covered} confirmed by money booked`,
    evidence: (parts) => `What this rests on (a person may have more than one): ${parts}.`,
    CREDITED: "contributions booked", DISBURSED: "paid by the local government",
    PROMISED: "promised by a budget, not paid yet", DUE: "contributions due, within three months",
    PRESUMED: "presumed, no payment reported either way",
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

const whole = (text) => new Intl.NumberFormat(language, { style: "percent" }).format(text);

// cell makes a cell that says its column's name where columns have no room beside each other.
function cell(label, text, ...classes) {
  const made = element("td", text, ...classes);
  made.role = "cell";
  made.dataset.label = texts[language][label];
  return made;
}

// bullet draws the percentage as a bar, the confirmed part of it filled, and the target as a line
// across it; the numbers stand beside it, so that it says nothing to those who cannot see it that
// they are not told.
function bullet(answer) {
  const made = cell("againstTarget", undefined, "bar");
  if (answer.percent === null) return made;
  const target = answer.target ? Number(answer.target.percent) : 0;
  const scale = Math.max(100, Number(answer.percent), target);
  const bar = element("div", undefined, "bullet");
  bar.setAttribute("aria-hidden", "true");
  const value = element("div", undefined, "value");
  const width = (100 * Number(answer.percent)) / scale;
  value.style.width = width + "%";
  const confirmed = element("div", undefined, "confirmed");
  confirmed.style.width = width * part(answer) + "%";
  bar.append(value, confirmed);
  if (answer.target) {
    if (answer.target.met) bar.classList.add("met");
    const goal = element("div", undefined, "goal");
    goal.style.left = (100 * target) / scale + "%";
    bar.append(goal);
  }
  made.append(bar);
  return made;
}

// part is which part of the covered are confirmed.
const part = (answer) => (answer.covered === 0 ? 0 : answer.confirmed / answer.covered);

// confirmedCell has the number, and a line as long as its part of the covered.
function confirmedCell(answer) {
  const made = cell("confirmed", number(answer.confirmed), "number");
  if (answer.covered === 0) return made;
  made.append(element("small", " " + whole(part(answer))));
  const line = element("div", undefined, "share");
  line.role = "img";
  line.ariaLabel = texts[language].share(number(answer.confirmed), number(answer.covered));
  line.title = line.ariaLabel;
  const filled = element("div");
  filled.style.width = 100 * part(answer) + "%";
  line.append(filled);
  made.append(line);
  return made;
}

function row(answer) {
  const t = texts[language];
  const line = element("tr", undefined, level(answer.region));
  line.role = "row";
  const name = element("th");
  name.scope = "row";
  name.role = "rowheader";
  name.append(element("small", answer.region), answer.name);
  const met = answer.target && answer.target.met;
  const share = cell("percent", answer.percent === null ? t.none : percent(answer.percent), "number");
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
    cell("target", answer.target ? percent(answer.target.percent) : t.none, "number"),
    cell("covered", number(answer.covered), "number"),
    confirmedCell(answer),
    cell("workforce", answer.workforce ? number(answer.workforce.count) : t.none, "number"),
    cell("shortfall", shortfall, "number", met ? "met" : "short"),
    cell("inGrace", number(answer.inGrace), "number"),
  );
  return line;
}

// summarize says of the first region in words what its row shows, and what its coverage rests on.
function summarize(answer) {
  const t = texts[language];
  $("summary").textContent = t.summary(answer.name, number(answer.covered), number(answer.confirmed));
  const cells = (answer.by && answer.by.evidence) || {};
  const parts = Object.keys(cells).map((name) => `${t[name] || name} ${number(cells[name])}`);
  $("evidence").textContent = t.evidence(parts.join("; "));
  $("summary").hidden = false;
  $("evidence").hidden = parts.length === 0;
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
  summarize(shown[0]);
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
  query.set("by", "evidence");
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
