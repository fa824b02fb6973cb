package problem

import (
	"maps"
	"net/http"
	"slices"

	"cakupan/domain/event"
)

// Code names what went wrong. The refusals of events (contract, section 1) are codes too. Codes are
// a promise: publishers and dashboards compare them. One is never renamed, and never used for
// something else. The first part of a code says what is at fault, such as event, field or log.
type Code string

// What can be wrong with a request.
const (
	// Malformed is also the refusal of a single event.
	Malformed Code = Code(event.Malformed)
	// RegionUnknown is also the refusal of a single event; asked for, it is "not found".
	RegionUnknown    Code = Code(event.RegionUnknown)
	QueryInvalid     Code = "query.invalid"
	NotFound         Code = "not_found"
	MethodNotAllowed Code = "method.not_allowed"
	MediaType        Code = "media_type.unsupported"
	BodyTooLarge     Code = "body.too_large"
	BatchTooLarge    Code = "batch.too_large" // for one frame, which an atomic batch is
	ListChanged      Code = "list.changed"    // since it was seen by whoever corrects it
	BodyIncomplete   Code = "body.incomplete"
	RequestTooSlow   Code = "request.timeout"
	Forbidden        Code = "forbidden"
	UsageWrong       Code = "usage"
	FileNotReadable  Code = "file.unreadable"
)

// What can be wrong with the encoding of a body, or with how much there is to do.
const (
	EncodingUnsupported Code = "encoding.unsupported"
	EncodingDamaged     Code = "encoding.damaged"
	Overloaded          Code = "server.overloaded" // the same may be sent again a little later
	EventsDear          Code = "events.dear"       // of a publisher who has sent too many such
	StreamRefused       Code = "stream.refused"    // too many events of it, one after the other
)

// What can be wrong with who asks.
const (
	Unauthenticated     Code = "unauthenticated"
	LoginThrottled      Code = "login.throttled"
	RegisterUnavailable Code = "register.unavailable" // of publishers and readers
)

// What can be wrong with the ledger.
const (
	LogFull           Code = "log.full"
	LogUnavailable    Code = "log.unavailable"
	LogDamaged        Code = "log.damaged"
	ProjectionBehind  Code = "projection.behind"
	ProjectionStopped Code = "projection.stopped"
	ProjectionDrift   Code = "projection.drift" // it is not what the log says
	DigestDiffers     Code = "digest.differs"
	ClockWrong        Code = "clock.wrong"
	ProofFailed       Code = "proof.failed" // what was signed, or is to be proved, is not so
	ServerStopping    Code = "server.stopping"
	ServerStarting    Code = "server.starting"
	ServerUnreachable Code = "server.unreachable"
	Interrupted       Code = "interrupted"
	Internal          Code = "internal"
)

// What can be wrong with a data folder.
const (
	FolderInUse       Code = "folder.in_use"
	FolderNewer       Code = "folder.newer_format"
	FolderOtherLedger Code = "folder.other_ledger"
	FolderDenied      Code = "folder.denied"
	FolderMissing     Code = "folder.missing"
	FolderKeyLost     Code = "folder.key_lost"
	VaultLost         Code = "vault.lost"    // or an old copy, or damaged
	RegisterLost      Code = "register.lost" // likewise
	StreamLost        Code = "stream.lost"   // likewise: another stream that cannot be derived
	FolderNotEmpty    Code = "folder.not_empty"
	FolderRestoring   Code = "folder.restoring" // a restore has not come to its end
	BackupDamaged     Code = "backup.damaged"
)

// The exit codes of the program.
const (
	// They are a promise too: scripts branch on them (contract, section 6).
	ExitDone        = 0
	ExitFailed      = 1
	ExitUsage       = 2
	ExitRefused     = 3 // some input was refused, the rest is in the log
	ExitNotFound    = 4
	ExitCheckFailed = 5 // a digest differs, the log is damaged
)

// row is one line of the table. Every line gives all of it, so that nobody can add a code and
// forget what it is on the command line. A status of 5xx says that the ledger is at fault and that
// the request may be right; 4xx that the same request will fail again, but for 408 and 429. Titles
// are for people and may change; the rest is a promise.
type row struct {
	status  int // as the answer to a request
	refused int // as the answer to a request with one event, when that was refused; 0: never is
	exit    int // of a command that ends with it
	retry   int // seconds after which the same request may succeed; 0: it is not told
	title   string
	judul   string // the title in Indonesian
}

// table is never written. Statuses of refusals are those of section 7 of the contract, exit codes
// those of section 6. Where the two statuses of a row differ, the code is used for both, an event
// and a request. Seconds are a guess at how long such a thing lasts.
var table = map[Code]row{
	Code(event.Malformed): {
		400, 422, ExitRefused, 0, "Not an event", "Bukan peristiwa",
	},
	Code(event.TypeUnknown): {
		400, 422, ExitRefused, 0, "Unknown type of event", "Jenis peristiwa tidak dikenal",
	},
	Code(event.TooLarge): {
		413, 413, ExitRefused, 0, "Event too large", "Peristiwa terlalu besar",
	},
	Code(event.Conflict): {
		409, 409, ExitRefused, 0, "Another event has this source and id",
		"Peristiwa lain sudah memakai source dan id ini",
	},
	Code(event.FieldMissing): {
		400, 422, ExitRefused, 0, "Field missing", "Isian tidak ada",
	},
	Code(event.FieldUnknown): {
		400, 422, ExitRefused, 0, "Unknown field", "Isian tidak dikenal",
	},
	Code(event.FieldInvalid): {
		400, 422, ExitRefused, 0, "Invalid field", "Isian tidak sah",
	},
	Code(event.RegionUnknown): {
		404, 422, ExitNotFound, 0, "Unknown region", "Wilayah tidak dikenal",
	},
	Code(event.PeriodInverted): {
		400, 422, ExitRefused, 0, "Period ends before it begins", "Periode terbalik",
	},
	Code(event.WorkerAmbiguous): {
		400, 422, ExitRefused, 0, "Worker ambiguous", "Pekerja tidak jelas",
	},
	Code(event.NIKInvalid): {
		400, 422, ExitRefused, 0, "Invalid NIK", "NIK tidak sah",
	},
	Code(event.NIKMisplaced): {
		400, 422, ExitRefused, 0, "NIK where none belongs", "NIK di tempat yang salah",
	},
	Code(event.RecordedOrder): {
		400, 422, ExitRefused, 0, "Record time out of order", "Waktu pencatatan tidak urut",
	},
	Code(event.Forbidden): {
		403, 403, ExitRefused, 0, "Publisher may not report this",
		"Penerbit tidak berhak melaporkan ini",
	},

	// What is wrong with the request: no event is at fault, so the second status is none.
	QueryInvalid: {
		400, 0, ExitUsage, 0, "Invalid parameter", "Parameter tidak sah",
	},
	NotFound: {
		404, 0, ExitNotFound, 0, "Not found", "Tidak ditemukan",
	},
	MethodNotAllowed: {
		405, 0, ExitUsage, 0, "Method not allowed", "Metode tidak diizinkan",
	},
	MediaType: {
		415, 0, ExitUsage, 0, "Unsupported media type", "Jenis isi tidak didukung",
	},
	BodyTooLarge: {
		413, 0, ExitFailed, 0, "Body too large", "Isi permintaan terlalu besar",
	},
	BatchTooLarge: {
		413, 0, ExitFailed, 0, "Batch too large to be atomic",
		"Kumpulan terlalu besar untuk dicatat sekaligus",
	},
	ListChanged: {
		409, 0, ExitRefused, 0, "List changed meanwhile", "Daftar berubah sementara itu",
	},
	BodyIncomplete: {
		400, 0, ExitFailed, 0, "Body incomplete", "Isi permintaan tidak lengkap",
	},
	RequestTooSlow: {
		408, 0, ExitFailed, 0, "Request too slow", "Permintaan terlalu lambat",
	},
	EncodingUnsupported: {
		415, 0, ExitUsage, 0, "Unsupported encoding", "Kompresi isi tidak didukung",
	},
	EncodingDamaged: {
		400, 0, ExitFailed, 0, "Body cannot be decoded", "Kompresi isi permintaan rusak",
	},
	Overloaded: {
		429, 0, ExitFailed, 1, "Too much at once", "Terlalu banyak permintaan sekaligus",
	},
	EventsDear: {
		429, 0, ExitFailed, 1, "Events that change too much at once",
		"Peristiwa mengubah terlalu banyak sekaligus",
	},
	StreamRefused: {
		422, 0, ExitRefused, 0, "Too many refusals in a row",
		"Terlalu banyak penolakan berturut-turut",
	},
	Unauthenticated: {
		401, 0, ExitFailed, 0, "Not logged in", "Belum masuk",
	},
	LoginThrottled: {
		429, 0, ExitFailed, 2, "Too many failed logins", "Terlalu banyak gagal masuk",
	},
	RegisterUnavailable: {
		503, 0, ExitFailed, 5, "Register cannot be read", "Daftar anggota tidak dapat dibaca",
	},
	Forbidden: {
		403, 0, ExitFailed, 0, "Not allowed", "Tidak diizinkan",
	},
	UsageWrong: {
		400, 0, ExitUsage, 0, "Wrong usage", "Cara pakai salah",
	},
	FileNotReadable: {
		500, 0, ExitFailed, 0, "File cannot be read", "Berkas tidak dapat dibaca",
	},

	// What is wrong with the ledger. Seconds are told where the cause may pass by itself, or soon
	// once somebody has looked.
	LogFull: {
		507, 0, ExitFailed, 30, "No room left", "Ruang penyimpanan penuh",
	},
	LogUnavailable: {
		503, 0, ExitFailed, 2, "Log unavailable", "Log tidak dapat dicapai",
	},
	LogDamaged: {
		503, 0, ExitCheckFailed, 0, "Log damaged", "Log rusak",
	},
	ProjectionBehind: {
		503, 0, ExitFailed, 1, "Not there yet", "Belum sampai di sana",
	},
	ProjectionDrift: {
		503, 0, ExitCheckFailed, 0, "Projection differs", "Proyeksi berbeda",
	},
	ProjectionStopped: {
		503, 0, ExitFailed, 0, "Projection stopped", "Proyeksi berhenti",
	},
	DigestDiffers: {
		503, 0, ExitCheckFailed, 0, "Digest differs", "Digest berbeda",
	},
	ClockWrong: {
		503, 0, ExitFailed, 0, "Clock is wrong", "Jam mesin salah",
	},
	ProofFailed: {
		422, 0, ExitCheckFailed, 0, "Proof failed", "Bukti tidak cocok",
	},
	ServerStarting: {
		503, 0, ExitFailed, 2, "Server is starting", "Server sedang dimulai",
	},
	ServerStopping: {
		503, 0, ExitFailed, 5, "Server is stopping", "Server sedang berhenti",
	},
	ServerUnreachable: {
		502, 0, ExitFailed, 0, "Server unreachable", "Server tidak dapat dicapai",
	},
	Interrupted: {
		503, 0, ExitFailed, 0, "Interrupted", "Dihentikan",
	},
	Internal: {
		500, 0, ExitFailed, 0, "Internal error", "Kesalahan internal",
	},

	// What is wrong with a folder: these end commands.
	FolderInUse: {
		503, 0, ExitFailed, 0, "Folder in use", "Folder sedang dipakai",
	},
	FolderNewer: {
		503, 0, ExitFailed, 0, "Newer format", "Format lebih baru",
	},
	FolderOtherLedger: {
		503, 0, ExitCheckFailed, 0, "Folder of another ledger", "Folder milik ledger lain",
	},
	FolderDenied: {
		503, 0, ExitFailed, 0, "Folder not accessible", "Folder tidak dapat diakses",
	},
	FolderKeyLost: {
		503, 0, ExitFailed, 0, "Key lost", "Kunci hilang",
	},
	FolderNotEmpty: {
		409, 0, ExitFailed, 0, "Something is there already", "Sudah ada isinya",
	},
	FolderRestoring: {
		503, 0, ExitFailed, 0, "A restore is not finished", "Pemulihan belum selesai",
	},
	BackupDamaged: {
		500, 0, ExitCheckFailed, 0, "Backup damaged", "Cadangan rusak",
	},
	RegisterLost: {
		503, 0, ExitCheckFailed, 0, "Register lost", "Daftar anggota hilang",
	},
	StreamLost: {
		503, 0, ExitCheckFailed, 0, "Stream lost", "Aliran data hilang",
	},
	VaultLost: {
		503, 0, ExitCheckFailed, 0, "Vault lost", "Brankas hilang",
	},
	FolderMissing: {
		503, 0, ExitNotFound, 0, "No ledger there", "Tidak ada ledger di sana",
	},
}

// Title returns the short words for a code, in Indonesian where so asked and in English otherwise.
// It is the same for all errors of a code, so it never holds what was sent.
func (c Code) Title(indonesian bool) string {
	row, found := table[c]
	switch {
	case !found:
		return http.StatusText(http.StatusInternalServerError)
	case indonesian:
		return row.judul
	}
	return row.title
}

// Known tells whether the table has the code. A code of a newer version is not known here.
func (c Code) Known() bool {
	_, found := table[c]
	return found
}

// OfEvent tells whether an event may be refused with the code. See refused in its row. Some of
// these are also codes of a request that is wrong.
func (c Code) OfEvent() bool { return table[c].refused != 0 }

// Codes returns all codes, in the order of their texts. The caller may change the list.
func Codes() []Code { return slices.Sorted(maps.Keys(table)) }
