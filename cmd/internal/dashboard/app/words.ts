// All words of the page, in both languages.
export type Language = "id" | "en";

const id = {
  title: "Cakupan jaminan sosial ketenagakerjaan",
  headline: (name: string, day: string, covered: string, of: string, percent: string, confirmed: string) =>
    `${name}, ${day}: ${covered} dari ${of} pekerja terlindungi (${percent}), ${confirmed} di antaranya terkonfirmasi oleh pembayaran yang dibukukan.`,
  headlineBare: (name: string, day: string, covered: string, confirmed: string) =>
    `${name}, ${day}: ${covered} pekerja terlindungi, ${confirmed} di antaranya terkonfirmasi oleh pembayaran yang dibukukan. Belum ada angka pekerja untuk wilayah ini, jadi tidak ada persentase.`,
  headlineHidden: (name: string, day: string, covered: string, of: string) =>
    `${name}, ${day}: ${covered} dari ${of} pekerja terlindungi. Angka kecil disembunyikan.`,
  short: (target: string, n: string) => `Target ${target}: kurang ${n} orang.`,
  met: (target: string) => `Target ${target} tercapai.`,
  noTarget: "Belum ada target.", onlyProvinces: (n: string) => `hanya ${n} dari 38 provinsi`,
  asKnown: (at: string) => `Sebagaimana diketahui ${at}.`,
  today: "hari ini", region: "Wilayah", nation: "Nasional", onlyPart: (n: string) => `Hanya berisi data ${n} dari 38 provinsi.`,
  map: "Peta provinsi", mapOf: (name: string) => `Wilayah di ${name}`, table: "Tabel", back: "Kembali",
  percent: "Cakupan", target: "Target", covered: "Terlindungi", confirmed: "Terkonfirmasi", workforce: "Pekerja",
  shortfall: "Kekurangan", inGrace: "Masa tenggang", trend: "12 bulan (poin)", gapPoints: "Selisih", find: "Cari wilayah", monthEnd: "Akhir bulan",
  noWorkforce: "belum ada angka pekerja", none: "tidak ada data", fewer: "kurang dari 5", hidden: "disembunyikan", leftOut: "Baris dengan kurang dari 5 orang disembunyikan.",
  noChildren: "Tidak ada wilayah yang tercatat di bawah ini.",
  sort: "Urutkan", sortBy: { gap: "selisih dari target", name: "nama", percent: "cakupan" },
  legendNone: "tidak ada data atau angka pekerja", legendBelow: "di bawah target", legendAbove: "di atas target", legendNear: "± 5 poin dari target",
  legendConfirmed: "terkonfirmasi", legendPromised: "terlindungi tanpa pembayaran dibukukan", legendTarget: "target",
  time: "Waktu", on: "Pada tanggal", known: "Sebagaimana diketahui", latest: "semua yang tercatat",
  play: "Putar", pause: "Berhenti", reset: "Hari ini", compare: "Bandingkan dengan", compareNone: "Jangan bandingkan",
  toOn: "Tanggal kedua", toKnown: "Diketahui kedua", knownHint: "Tanggal, waktu, atau nomor urut; kosong berarti semua.",
  knownEvent: "Sebagaimana diketahui: peristiwa", event: (n: string) => `peristiwa ${n}`, beside: "Gambar wilayah lain di sampingnya",
  badDate: "Tulis tanggal sebagai tahun-bulan-hari, misalnya 2020-12-31.", dayHint: "tahun-bulan-hari",
  dividing: "Rincian menurut",
  dims: { sector: "sektor", segment: "segmen", category: "kategori", programme: "program", funding: "sumber dana", evidence: "dasar" } as Record<string, string>,
  values: {
    FORMAL: "formal", INFORMAL: "informal", PU: "Penerima Upah", BPU: "Bukan Penerima Upah", JAKON: "Jasa Konstruksi", PMI: "Pekerja Migran",
    ASN: "ASN", NON_ASN: "Non-ASN", VILLAGE_OFFICIAL: "perangkat desa", PRIVATE: "swasta", SELF_EMPLOYED: "mandiri", VULNERABLE: "rentan", OTHER: "lainnya",
    EMPLOYER: "pemberi kerja", SELF: "peserta sendiri", APBD: "APBD", APBD_P: "APBD-P", APBDES: "APBDes", DBH_SAWIT: "DBH sawit", DBH_CHT: "DBH CHT", POKIR: "Pokir", UNKNOWN: "tidak diketahui",
    CREDITED: "iuran dibukukan", DISBURSED: "dibayar pemerintah daerah", PROMISED: "dijanjikan anggaran, belum dibayar", DUE: "jatuh tempo, dalam tiga bulan", PRESUMED: "dianggap, belum ada laporan iuran",
  } as Record<string, string>,
  dimNote: "Satu orang dapat masuk lebih dari satu baris; baris tidak dijumlahkan.",
  chart: "Perjalanan waktu", noLine: "Garis ini belum dapat dimuat; tanpa jaringan hanya yang sudah pernah dilihat yang ada.",
  difference: "Apa yang berubah", waterfallNote: "Batang menunjukkan perubahan; tidak dimulai dari 0.", differenceFrom: "awal", differenceTo: "akhir",
  steps: { knowledge: "karena laporan baru", time: "karena waktu" } as Record<string, string>,
  causes: {
    REPORTED_LATE: "dilaporkan terlambat", RETRACTED: "laporan ditarik", MERGED: "dua id, satu orang", ENROLLED: "mendaftar", REINSTATED: "aktif kembali",
    MOVED_IN: "pindah masuk", FUNDING_BEGAN: "mulai didanai", CONTRIBUTIONS_BEGAN: "mulai membayar", TERMS_CHANGED: "ketentuan berubah", TERMINATED: "berhenti",
    DIED: "meninggal", MOVED_OUT: "pindah keluar", FUNDING_LAPSED: "pendanaan habis", FUNDING_REVOKED: "pendanaan dicabut", FUNDING_CLOSED: "pendanaan ditutup", CONTRIBUTIONS_STOPPED: "berhenti membayar",
  } as Record<string, string>,
  notYours: "Akun ini tidak berhak melihat rincian ini; mintalah akun auditor.",
  why: "Mengapa angka ini", whyFormula: (covered: string, count: string, percent: string) => `${covered} terlindungi ÷ ${count} pekerja × 100 = ${percent}`,
  whyNumerator: "Pembilang: orang yang pada hari itu memiliki setidaknya satu kepesertaan yang berlaku dan terbayar (kontrak, bagian 3), dihitung satu kali.",
  whyDenominator: (publication: string, reference: string, sequence: string) => `Penyebut: ${publication}, keadaan ${reference}, peristiwa nomor ${sequence}.`,
  whyKnown: (sequence: string, at: string) => `Berdasarkan ${sequence} peristiwa pertama, yang terakhir dicatat ${at}.`,
  checkpoint: "Tanda tangan buku besar atas semua peristiwanya (checkpoint):", numeratorNote: (n: number) => `Paling banyak ${n} orang pertama yang dihitung, dengan peristiwanya; semuanya:`,
  views: { "": "Semua", map: "Peta", table: "Tabel", line: "Garis waktu" } as Record<string, string>, view: "Tampilan", fullScreen: "Layar penuh",
  share: "Bagikan dan sematkan", address: "Alamat halaman ini, dengan semua yang dipilih:", embedCode: "Untuk disematkan di halaman lain:", copy: "Salin", copied: "Tersalin",
  embedNote: "Pengelola buku besar harus mengizinkan halaman itu (serve --frame-ancestors).", opened: "Buka di Cakupan", source: "Sumber", person: "Orang", enrolment: "Kepesertaan", people: "orang",
  whyBundle: "Bukti untuk dibawa pulang, dapat diperiksa tanpa buku besar ini (untuk auditor):",
  neverCommitted: "tidak pernah dijanjikan", moneyEnds: (month: string) => `Uangnya habis dalam ${month}.`,
  cliff: (month: string, n: string) => `Mulai ${month} tidak ada lagi yang didanai: ${n} peserta bergantung padanya.`,
  closedFrom: (month: string) => `Ditutup mulai ${month}.`, notPaid: (rupiah: string) => `${rupiah} diberikan tetapi belum dibayar.`,
  unpaidMonths: (months: string) => `Belum dibayar untuk ${months}.`, notCovered: (n: string) => `${n} bulan-orang diberikan tetapi tidak terlindungi.`,
  stripLabel: (months: string, paid: string, most: string) => `${months} bulan didanai, ${paid} dibayar penuh, paling banyak ${most} peserta`,
  whyCommand: "Perintah yang menghasilkan angka yang sama:", whyWho: "Siapa saja (untuk auditor):",
  story: "Cerita", storyNote: "Setiap perhentian menunjukkan satu saat dan apa yang terlihat.",
  storyAll: (n: number) => `Cerita: semua perhentian (${n})`, storyBack: "Perhentian sebelumnya", storyNext: "Perhentian berikutnya",
  whyTarget: (percent: string, from: string, sequence: string) => `Target ${percent} sejak ${from}, peristiwa nomor ${sequence}.`,
  panels: { findings: "Temuan", funding: "Pendanaan", numerator: "Peristiwa di balik pembilang (untuk auditor)" } as Record<string, string>,
  notHere: "Buku besar ini tidak menjawabnya.", noFindings: "Tidak ada temuan.", noFunding: "Tidak ada pendanaan yang tercatat.",
  finding: "Temuan", open: "Terbuka", resolved: "Selesai", months: "Bulan", rupiah: "Rupiah", events: "peristiwa",
  firstOnes: (n: number) => `Paling banyak ${n} yang pertama; selebihnya:`,
  codes: {
    DOUBLE_FUNDED: "Dibiayai dua kali", PAID_AFTER_DEATH: "Dibayar setelah meninggal", GRANT_UNKNOWN_ENROLMENT: "Hibah untuk kepesertaan yang tidak dikenal",
    GRANT_UNKNOWN_COMMITMENT: "Hibah dari komitmen yang tidak dikenal", GRANT_NOT_APBD: "Hibah untuk bukan peserta APBD", GRANT_BEYOND_HEADS: "Lebih banyak peserta daripada yang dianggarkan",
    GRANT_BEYOND_PERIOD: "Bulan di luar masa komitmen", GRANT_AFTER_REVOCATION: "Hibah setelah dicabut", DISBURSED_ABOVE_CEILING: "Dibayar melebihi pagu", DISBURSED_SHORT: "Bulan yang belum dibayar",
    MONEY_SHORT: "Anggaran tidak cukup", FUNDER_OUTSIDE: "Di luar wilayah penyandang dana", ASN_FUNDED: "ASN dibiayai", TWO_OPEN: "Dua kepesertaan sejenis", END_UNKNOWN: "Akhir dari yang tidak dikenal",
    AMENDMENT_UNKNOWN: "Perubahan dari yang tidak dikenal", CREDIT_UNKNOWN: "Iuran dari yang tidak dikenal", OPENED_TWICE: "Dibuka dua kali", ENDED_TWICE: "Berakhir dua kali", NEVER_FUNDED: "Tidak pernah dibiayai",
    CONTRIBUTIONS_STOPPED: "Iuran berhenti", REPORTED_LATE: "Dilaporkan terlambat", FAR_FUTURE: "Jauh di masa depan", FOREIGN_CHANGE: "Diubah pelapor lain", COVERAGE_ABOVE_100: "Cakupan di atas 100 %",
    JUMP: "Lompatan", FUNDING_ENDS: "Pendanaan akan habis",
  } as Record<string, string>,
  fields: { committed: "Dijanjikan", granted: "Diberikan", disbursed: "Dibayar" },
  take: "Unduh", print: "Cetak", language: "English", zone: "Zona waktu",
  state: { live: "langsung", behind: "mengejar", stale: "tidak mutakhir", connecting: "menghubungi …", lost: "terputus", ended: "terputus", past: "masa lalu" } as Record<string, string>,
  offline: (at: string) => `Tidak terhubung. Yang ditampilkan berasal dari ${at}.`,
  behind: (n: string) => `${n} peristiwa belum dihitung.`,
  sample: "Contoh sintetis: pekerjanya rekaan, angka yang diterbitkan tidak.",
  login: "Buku besar ini meminta masuk. Muat ulang halaman dan isi nama serta rahasia yang Anda terima dari pengelola.",
  empty: "Buku besar ini masih kosong. Unggah daftar di /upload, atau masukkan peristiwa: cakupan import BERKAS. Halaman ini terisi dengan sendirinya.", noRegion: (code: string) => `Tidak ada apa pun di sini tentang wilayah ${code}.`, refusedNow: (at: string) => `Yang ditampilkan masih dari ${at}.`, startAgain: "Mulai dari awal", failed: "Tidak dapat memuat: ", unreached: "Tidak terhubung, dan peramban ini tidak menyimpan apa pun dari yang diminta. Halaman ini terisi begitu terhubung lagi.", loading: "Memuat …", keys: "Panah untuk berpindah, Enter untuk membuka.",
  skip: "Langsung ke isi",
};

const en: typeof id = {
  title: "Coverage of employment social security",
  headline: (name, day, covered, of, percent, confirmed) =>
    `${name}, ${day}: ${covered} of ${of} workers covered (${percent}), of them ${confirmed} confirmed by money booked.`,
  headlineBare: (name, day, covered, confirmed) =>
    `${name}, ${day}: ${covered} workers covered, of them ${confirmed} confirmed by money booked. No workforce is published for this region, so there is no percentage.`,
  headlineHidden: (name, day, covered, of) => `${name}, ${day}: ${covered} of ${of} workers covered. Small numbers are hidden.`,
  short: (target, n) => `Target ${target}: ${n} short.`,
  met: (target) => `Target ${target} met.`,
  noTarget: "There is no target.", onlyProvinces: (n) => `only ${n} of 38 provinces`,
  asKnown: (at) => `As known at ${at}.`,
  today: "today", region: "Region", nation: "Nation", onlyPart: (n) => `Holds only ${n} of 38 provinces.`,
  map: "Map of the provinces", mapOf: (name) => `Regions in ${name}`, table: "Table", back: "Back",
  percent: "Coverage", target: "Target", covered: "Covered", confirmed: "Confirmed", workforce: "Workers",
  shortfall: "Short of", inGrace: "In grace", trend: "12 months (points)", gapPoints: "Gap", find: "Find a region", monthEnd: "End of month",
  noWorkforce: "no workforce published", none: "no data", fewer: "fewer than 5", hidden: "hidden", leftOut: "Lines of fewer than 5 people are hidden.",
  noChildren: "No regions are recorded below this one.",
  sort: "Sort by", sortBy: { gap: "gap to the target", name: "name", percent: "coverage" },
  legendNone: "no data, or no workforce published", legendBelow: "below the target", legendAbove: "above the target", legendNear: "within 5 points of the target",
  legendConfirmed: "confirmed", legendPromised: "covered without money booked", legendTarget: "target",
  time: "Time", on: "On", known: "As known at", latest: "everything recorded",
  play: "Play", pause: "Pause", reset: "Today", compare: "Compare with", compareNone: "Do not compare",
  toOn: "Second day", toKnown: "Second known at", knownHint: "A date, a time or a sequence; empty means everything.",
  knownEvent: "As known at: event", event: (n) => `event ${n}`, beside: "Draw other regions beside it",
  badDate: "Write the date as year-month-day, such as 2020-12-31.", dayHint: "year-month-day",
  dividing: "Divided by",
  dims: { sector: "sector", segment: "segment", category: "category", programme: "programme", funding: "source of money", evidence: "evidence" },
  values: {
    FORMAL: "formal", INFORMAL: "informal", PU: "wage earners (PU)", BPU: "not wage earners (BPU)", JAKON: "construction (JAKON)", PMI: "migrant workers (PMI)",
    ASN: "civil servants", NON_ASN: "other public staff", VILLAGE_OFFICIAL: "village officials", PRIVATE: "private", SELF_EMPLOYED: "self-employed", VULNERABLE: "vulnerable", OTHER: "other",
    EMPLOYER: "employer", SELF: "themselves", APBD: "APBD", APBD_P: "APBD-P", APBDES: "APBDes", DBH_SAWIT: "palm oil fund", DBH_CHT: "tobacco fund", POKIR: "Pokir", UNKNOWN: "unknown",
    CREDITED: "contributions booked", DISBURSED: "paid by the local government", PROMISED: "promised by a budget, not paid", DUE: "due, within three months", PRESUMED: "presumed, no payment reported",
  },
  dimNote: "One person may be in more than one line; lines do not add up.",
  chart: "Over time", noLine: "This line cannot be loaded yet; without a network there is only what was looked at before.",
  difference: "What changed", waterfallNote: "The bars show what changed; they do not begin at 0.", differenceFrom: "first", differenceTo: "second",
  steps: { knowledge: "by new reports", time: "by time" },
  causes: {
    REPORTED_LATE: "reported late", RETRACTED: "report taken back", MERGED: "two ids, one person", ENROLLED: "enrolled", REINSTATED: "reinstated",
    MOVED_IN: "moved in", FUNDING_BEGAN: "funding began", CONTRIBUTIONS_BEGAN: "began to pay", TERMS_CHANGED: "terms changed", TERMINATED: "terminated",
    DIED: "died", MOVED_OUT: "moved out", FUNDING_LAPSED: "funding ran out", FUNDING_REVOKED: "funding revoked", FUNDING_CLOSED: "funding closed", CONTRIBUTIONS_STOPPED: "stopped paying",
  },
  notYours: "This account may not see such detail; ask for an auditor's.",
  why: "Why this number", whyFormula: (covered, count, percent) => `${covered} covered ÷ ${count} workers × 100 = ${percent}`,
  whyNumerator: "Numerator: people who had, that day, at least one enrolment that was open and paid (contract, section 3), each counted once.",
  whyDenominator: (publication, reference, sequence) => `Denominator: ${publication}, as of ${reference}, event ${sequence}.`,
  whyKnown: (sequence, at) => `It rests on the first ${sequence} events, the last of them recorded ${at}.`,
  checkpoint: "The ledger's signature over all of its events (checkpoint):", numeratorNote: (n) => `At most the first ${n} people who are counted, with their events; all of them:`,
  views: { "": "All", map: "Map", table: "Table", line: "Line over time" }, view: "View", fullScreen: "Full screen",
  share: "Share and embed", address: "Address of this page, with all that is chosen:", embedCode: "To embed it in another page:", copy: "Copy", copied: "Copied",
  embedNote: "Whoever runs the ledger has to allow that page (serve --frame-ancestors).", opened: "Open in Cakupan", source: "Source", person: "Person", enrolment: "Enrolment", people: "people",
  whyBundle: "The proof to take away, which can be checked without this ledger (for auditors):",
  neverCommitted: "never committed", moneyEnds: (month) => `The money ends in ${month}.`,
  cliff: (month, n) => `From ${month} on nobody is funded by it: ${n} people depend on it.`,
  closedFrom: (month) => `Closed from ${month} on.`, notPaid: (rupiah) => `${rupiah} is granted and not paid.`,
  unpaidMonths: (months) => `Not paid for ${months}.`, notCovered: (n) => `${n} head-months are granted and not covered.`,
  stripLabel: (months, paid, most) => `${months} months funded, ${paid} of them paid in full, at most ${most} people`,
  whyCommand: "The command that gives the same number:", whyWho: "Who they are (for auditors):",
  story: "Story", storyNote: "Each stop shows a moment and what is to be seen.",
  storyAll: (n) => `Story: all stops (${n})`, storyBack: "Stop before", storyNext: "Next stop",
  whyTarget: (percent, from, sequence) => `Target ${percent} since ${from}, event ${sequence}.`,
  panels: { findings: "Findings", funding: "Funding", numerator: "The events behind the numerator (for auditors)" },
  notHere: "This ledger does not answer that.", noFindings: "Nothing is found.", noFunding: "No funding is recorded.",
  finding: "Finding", open: "Open", resolved: "Resolved", months: "Months", rupiah: "Rupiah", events: "events",
  firstOnes: (n) => `At most the first ${n}; for the rest:`,
  codes: {
    DOUBLE_FUNDED: "Funded twice", PAID_AFTER_DEATH: "Paid after death", GRANT_UNKNOWN_ENROLMENT: "Grant to an unknown enrolment",
    GRANT_UNKNOWN_COMMITMENT: "Grant of an unknown commitment", GRANT_NOT_APBD: "Grant to one who is not paid for by APBD", GRANT_BEYOND_HEADS: "More people than the budget has heads",
    GRANT_BEYOND_PERIOD: "Month outside the commitment", GRANT_AFTER_REVOCATION: "Grant after revocation", DISBURSED_ABOVE_CEILING: "Paid beyond the ceiling", DISBURSED_SHORT: "Months not paid",
    MONEY_SHORT: "The budget is short", FUNDER_OUTSIDE: "Outside the funder's region", ASN_FUNDED: "Civil servants funded", TWO_OPEN: "Two of one segment at once", END_UNKNOWN: "End of the unknown",
    AMENDMENT_UNKNOWN: "Amendment of the unknown", CREDIT_UNKNOWN: "Contribution of the unknown", OPENED_TWICE: "Opened twice", ENDED_TWICE: "Ended twice", NEVER_FUNDED: "Never funded",
    CONTRIBUTIONS_STOPPED: "Contributions stopped", REPORTED_LATE: "Reported late", FAR_FUTURE: "Far in the future", FOREIGN_CHANGE: "Changed by another publisher", COVERAGE_ABOVE_100: "Coverage above 100 %",
    JUMP: "Jump", FUNDING_ENDS: "Funding is about to end",
  },
  fields: { committed: "Committed", granted: "Granted", disbursed: "Disbursed" },
  take: "Download", print: "Print", language: "Bahasa Indonesia", zone: "Time zone",
  state: { live: "live", behind: "catching up", stale: "stale", connecting: "connecting …", lost: "disconnected", ended: "disconnected", past: "past" },
  offline: (at) => `Not connected. What is shown is from ${at}.`,
  behind: (n) => `${n} events are not counted yet.`,
  sample: "Synthetic sample: workers are invented, published figures are not.",
  login: "This ledger asks who you are. Load the page again and fill in the name and secret that whoever runs it gave you.",
  empty: "This ledger is still empty. Upload a list at /upload, or import events: cakupan import FILE. This page fills by itself.", noRegion: (code) => `Nothing is here about region ${code}.`, refusedNow: (at) => `What is shown is still from ${at}.`, startAgain: "Start again", failed: "Cannot load: ", unreached: "Not connected, and this browser has kept nothing of what is asked. This page fills once it is connected again.", loading: "Loading …", keys: "Arrows move, Enter opens.",
  skip: "Skip to content",
};

export const words = { id, en };
export type Words = typeof id;

/** Numbers, percentages and days in the reader's way. */
export class Format {
  private plain: Intl.NumberFormat; // made once: they are dear
  private two: Intl.NumberFormat;
  private whole: Intl.NumberFormat;
  private days: Intl.DateTimeFormat;
  private months: Intl.DateTimeFormat;
  private times: Intl.DateTimeFormat;
  /** The names of the months. */
  readonly monthNames: string[];

  constructor(readonly lang: Language, readonly zone: string, readonly zoneName: string) {
    this.plain = new Intl.NumberFormat(lang);
    this.two = new Intl.NumberFormat(lang, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
    this.whole = new Intl.NumberFormat(lang, { maximumFractionDigits: 0 });
    this.days = new Intl.DateTimeFormat(lang, { dateStyle: "long", timeZone: "UTC" });
    this.months = new Intl.DateTimeFormat(lang, { month: "short", year: "numeric", timeZone: "UTC" });
    this.times = new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeStyle: "short", timeZone: zone });
    const name = new Intl.DateTimeFormat(lang, { month: "long", timeZone: "UTC" });
    this.monthNames = Array.from({ length: 12 }, (_, i) => name.format(new Date(Date.UTC(2020, i, 1))));
  }

  number = (n: number): string => this.plain.format(n);
  // The blank before the sign is one at which no line breaks.
  percent = (text: string | number): string => this.two.format(Number(text)) + "\u00a0%";
  /** A target: most are whole. */
  goal = (text: string | number): string => (Number.isInteger(Number(text)) ? this.short(text) : this.percent(text));
  points = (n: number): string => (n > 0 ? "+" : "") + this.two.format(n).replace("-", "−");
  short = (text: string | number): string => this.whole.format(Number(text)) + "\u00a0%";
  day = (date: string): string => this.days.format(new Date(date + "T00:00:00Z"));
  month = (date: string): string => this.months.format(new Date(date + "T00:00:00Z"));
  time = (at: string | number): string => this.times.format(new Date(at)) + " " + this.zoneName;
}
