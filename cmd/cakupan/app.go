package main

import (
	"strings"

	"github.com/alecthomas/kong"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/commands/about"
	"cakupan/cmd/internal/commands/auditing"
	"cakupan/cmd/internal/commands/keeping"
	"cakupan/cmd/internal/commands/members"
	"cakupan/cmd/internal/commands/proving"
	"cakupan/cmd/internal/commands/publishing"
	"cakupan/cmd/internal/commands/serving"
	"cakupan/cmd/internal/commands/showing"
	"cakupan/cmd/internal/lists"
)

// grammar is the command line: a field is a command, and the flags are the fields of its type,
// which are filled in before its Run is called. The order is that of the help. Names and meanings
// are fixed by the contract, sections 6, 8 and 10: scripts of others build on them.
type grammar struct {
	cli.Where

	Demo       serving.Demo        `cmd:"" help:"Show a sample of Gorontalo, with dashboard."`
	Serve      serving.Serve       `cmd:"" help:"Run the ledger: HTTP, dashboard, projections."`
	NATS       serving.NATS        `cmd:"" name:"nats" help:"Run a node of a cluster of NATS."`
	Setup      serving.Setup       `cmd:"" help:"Make the secrets that a cluster shares."`
	Install    serving.Install     `cmd:"" help:"Have systemd run the ledger."`
	Import     publishing.Import   `cmd:"" help:"Take in events from files."`
	List       publishing.List     `cmd:"" help:"Look after a list that was imported."`
	Template   publishing.Template `cmd:"" help:"Write an empty list of people to be filled in."`
	Publish    publishing.Publish  `cmd:"" help:"Report one event."`
	Coverage   showing.Coverage    `cmd:"" help:"Who is covered, on a day, as known at a moment."`
	Series     showing.Series      `cmd:"" help:"How the coverage moved over days or months."`
	Plot       showing.Plot        `cmd:"" help:"Draw how the coverage moved."`
	Watch      showing.Watch       `cmd:"" help:"Show the coverage as it changes."`
	Explain    auditing.Explain    `cmd:"" help:"Who makes a figure up, and on which events."`
	Difference auditing.Difference `cmd:"" help:"Why two figures differ."`
	Findings   auditing.Findings   `cmd:"" help:"What the events contradict, and what resolves it."`
	Reconcile  auditing.Reconcile  `cmd:"" help:"Which ways of counting give a published figure."`
	Lookups    auditing.Lookups    `cmd:"" help:"Who asked for whom by NIK."`
	Reads      auditing.Reads      `cmd:"" help:"Who read what about people."`
	Funding    auditing.Funding    `cmd:"" help:"Committed, granted, disbursed, covered."`
	History    auditing.History    `cmd:"" help:"The whole story of one of them, or of a person."`
	Log        auditing.Log        `cmd:"" help:"Print events of the log."`
	Checkpoint proving.Checkpoint  `cmd:"" help:"Print the signed head of the log."`
	Prove      proving.Prove       `cmd:"" help:"Prove that an event is in the log, or its past."`
	Witness    proving.Witness     `cmd:"" help:"Remember the head of a ledger, and cosign it."`
	Bundle     proving.Bundle      `cmd:"" help:"Write a figure with its proof to a file."`
	Check      proving.Check       `cmd:"" help:"Check such a file, without a ledger."`
	Attest     proving.Attest      `cmd:"" help:"Publish a figure in the log itself."`
	Health     serving.Health      `cmd:"" help:"Ask a running ledger how it is."`
	Status     serving.Status      `cmd:"" help:"Who writes, and what waits, of a running ledger."`
	Replay     keeping.Replay      `cmd:"" help:"Rebuild a projection from the log and compare."`
	Verify     keeping.Verify      `cmd:"" help:"Check a ledger, or a backup."`
	Inspect    keeping.Inspect     `cmd:"" help:"Say what files are, and whether they are whole."`
	Backup     keeping.Backup      `cmd:"" help:"Write all that cannot be derived to a file."`
	Restore    keeping.Restore     `cmd:"" help:"Make a ledger of a backup."`
	Retract    publishing.Retract  `cmd:"" help:"Take back what was reported, or undo that."`
	Refused    publishing.Refused  `cmd:"" help:"Settle what was refused of what was sent by NATS."`
	Keys       keeping.Keys        `cmd:"" help:"Look after the keys of the ledger."`
	Erase      keeping.Erase       `cmd:"" help:"Take a person out of the vault, for ever."`
	Erasures   keeping.Erasures    `cmd:"" help:"List who was erased, and why."`
	Disclose   keeping.Disclose    `cmd:"" help:"Show a person all that the ledger holds of him."`
	Docs       about.Docs          `cmd:"" help:"Print what describes the ledger to programs."`
	Bench      serving.Bench       `cmd:"" help:"Measure this machine."`
	Version    about.Version       `cmd:"" help:"Print the version of the program."`
	Completion about.Completion    `cmd:"" help:"Have a shell complete command lines."`
	Complete   about.Complete      `cmd:"" hidden:"" help:"Answer a shell that completes one."`
	Man        about.Man           `cmd:"" help:"Write the man pages to a folder."`
	Release    about.Release       `cmd:"" help:"Make archives and packages of this checkout."`

	// Each of these has commands below it: add, list and what else is done to a member.
	Publisher members.Publisher `cmd:"" help:"Register who may report events."`
	Reader    members.Reader    `cmd:"" help:"Register who may read."`
	Steward   members.Steward   `cmd:"" help:"Register who may set right what others reported."`
}

// texts are what the help of several flags says, or takes more than a line to say. They stand as
// ${name} in the tags of flags, since a tag is one line; helpTexts puts them there. A name that is
// missing here would be shown as it stands.
func texts() kong.Vars {
	return kong.Vars{
		"data": cli.DataDefault,
		"server": "A running ledger, instead of a folder; of several on one cluster all, with" +
			" commas: the one that writes is found.",
		"region": "ID, a province (75) or a regency (75.03)",
		"on":     "The day; default: today in Asia/Makassar.",
		"known": "As known at a sequence, a time or the end of a date;" +
			" default: all that is recorded.",
		"plotKnown": "As known at a sequence, a time or the end of a date; a line for each;" +
			" default: all that is recorded.",
		"watchTimes": "End when figures were shown so often, the first table included;" +
			" default: never.",
		"plotWidth": "How wide (default: 100, or what the terminal has room for).",
		"indicator": "What the percentage is of: LABOUR_FORCE, EMPLOYED or ELIGIBLE;" +
			" default: EMPLOYED.",
		"findingsFrom": "Findings that an event from this one on has raised, or that rest on one;" +
			" default: all.",
		"workers":   "Say who joined and who left, too, and the events to which it is due.",
		"publisher": "Events of a publisher: his registered name, or the source of who was none.",
		"nik": "Of the worker with this NIK; - reads it from standard input. Who asks is" +
			" recorded: see cakupan lookups.",
		"of":      "Which figure: covered, confirmed or inGrace; default: covered.",
		"all":     "default: all that have something to show",
		"address": "Address of the dashboard (default: 127.0.0.1:7070, or any free port).",
		"by": "Divide by sector, segment, category, programme, funding or evidence;" +
			" may be repeated.",
		"count": "What the values of --by count: workers or enrolments; default: workers.",
		"files": "Files of events by their names: .ndjson and .jsonl (one a line), .json" +
			" (an array), .csv and .xlsx (lists of people); - is one a line from standard input.",
		"list": "Of a list: its id, by which a corrected list is known as the same one" +
			" (default: what the file says).",
		"gone": "With --complete, what becomes of rows that are gone: keep, retract, or" +
			" end:DATE, the first day that is not covered; asked for otherwise.",
		"listSource": "Of a list: the source of its events (default: urn:cakupan:list:ID).",
		"listKind": "Of a list: " + lists.KindNames(lists.English) + " (default: what its" +
			" columns say).",
		"templateKind": "What the list reports: " + lists.KindNames(lists.English) + ".",
		"listDefault":  "Of a list: a value for all rows, such as Segmen=BPU; may be repeated.",
		"keep": "Take each event's recordedat as its record time, as an older system" +
			" recorded it.",
		"listen": "Address to answer on, such as :7070 for all of the machine's" +
			" (default: 127.0.0.1:7070).",
		"consumers": "Consumers of the log by NATS that one login may have at a time (8).",
		"natsListen": "Address where publishers, auditors and dashboards connect by NATS, such as" +
			" 127.0.0.1:4222 (default: none).",
		"natsWebSocket": "The same by WebSocket, as programs in browsers connect, such as" +
			" 127.0.0.1:4223 (default: none).",
		"scrub": "How often to check the whole log, the vault and the register (default: 1h).",
		"refold": "How often to compare each projection with a fresh fold of the log; 0 for never" +
			" (default: 24h).",
		"logFormat": "How the operator's log is written: text or json (default: text).",
		"anyClock": "Go on though the clock is behind the last record time, far ahead of the" +
			" ledger's last work, or another than the cluster's.",
		"nats": "A NATS cluster that holds the log, instead of the embedded server: the" +
			" addresses of its servers, with commas; or @FILE, which has them.",
		"replicas": "How many servers of the cluster keep each stream; it is raised where it was" +
			" less (default: 3; 1 where the server is alone).",
		"natsSystem": "Address of the cluster with a login of its system account, to have the" +
			" settings of each server checked; or @FILE, which has it.",
		"inspectPath": "A file, or a folder with all in it; default: the folder of the ledger.",
		"docsType":    "Such as enrolment.opened.v1, with id.cakupan. or without; default: any.",
		"bench": "Where to make the temporary folder, on the disk to be measured;" +
			" default: the current folder.",
		"story": "Stops of a story on the dashboard, a file of JSON; see docs/dashboard.md.",
		"boundaries": "A map for the dashboard, a file of GeoJSON whose areas have the code of" +
			" their region as the property code.",
		"frameAncestors": "Origins whose pages may show the dashboard in a frame (default: none).",
	}
}

// clusterTexts are those about the parts of a cluster, and how they are run. They are apart, as
// those below are, to keep each table of texts readable; helpTexts takes all of them together, so
// no name may be in two.
func clusterTexts() kong.Vars {
	return kong.Vars{
		"natsNodeListen": "Address where ledgers and publishers connect, such as :4222 for all of" +
			" the machine's (default: 127.0.0.1:4222).",
		"natsHost": "Name or address of this node that its certificate has, by which others find" +
			" it (default: --name).",
		"natsCluster": "Address where the other nodes connect, such as :6222.",
		"natsRoutes": "Where this node finds the others: HOST:PORT,HOST:PORT; its own may be" +
			" among them.",
		"natsUsers": "Who may log in: a file of accounts in the words of nats-server.",
		"natsHealth": "Address where the node says to its own machine how it is, such as" +
			" 127.0.0.1:8222.",
		"natsTLSCert": "Certificate of the node, a file of PEM; read again when it changes.",
		"natsTLSCA": "Certificate of the authority that the certificates of all nodes are signed" +
			" by, a file of PEM.",
		"installName":  "Name of the unit, of its user, and of its folder in /var/lib.",
		"setupNodes":   "The nodes of NATS, by the names or addresses under which they are found.",
		"setupLedgers": "The ledgers, by the names or addresses under which they are found.",
		"setupRenew":   "Make these anew though they are good: certificates, logins (of NATS).",
	}
}

// memberTexts are those about who may report and read, and how they come in.
func memberTexts() kong.Vars {
	return kong.Vars{
		"secretFile": "File with the secret for the server; default: the environment's" +
			" CAKUPAN_SECRET.",
		"tlsCert": "Certificate for HTTPS, a file of PEM; read again when it changes.",
		"tlsKey":  "Key of the certificate, a file of PEM.",
		"insecure": "Take secrets without TLS on an address that others reach: a proxy in front" +
			" does TLS.",
		"scopeSource":  "How each source of its events begins; may be repeated.",
		"scopeRegions": "Regions it may report of, with all in them: 75,76.01; ID for all.",
		"scopeTypes":   "Types of events it may report: enrolment.opened,funding; all for all.",
		"stewardRegions": "Regions in which it may act, with all in them: 75,76.01;" +
			" default: ID, all.",
		"expires": "When the secret is worth nothing any more: a date (to its end) or a time;" +
			" default: never.",
		"memberNATS": "A NATS cluster that holds the ledger, while none runs on the folder.",
		"readKinds":  strings.Join(auditing.ReadKinds(), ", "),
		"retractSince": "Events recorded at this time or later; of a date, from its beginning in" +
			" Asia/Makassar.",
		"retractRegion": "Events that concern this region or one in it: ID, a province (75) or a" +
			" regency (75.03).",
		"retractRequest": "Names what is asked for: asked again, it is done once (default: a new" +
			" one, which is told).",
		"retractUndo": "Undo what begins with this event: say again what it has taken back; with" +
			" --from, --to and --type, a part of that.",
		"role": "auditor (all but the vault) or dashboard (the coverage alone).",
	}
}

// proofTexts are those of the commands about proofs.
func proofTexts() kong.Vars {
	return kong.Vars{
		"checkKey":     "Public key of the ledger, or a file with it.",
		"checkWitness": "Public key of a witness who must have cosigned; may be repeated.",
		"checkLedger":  "A running ledger that must still have this past.",
		"lang":         "The language: en or id (default: as the environment says).",
		"serveWitness": "Public key of a witness whose cosignatures are kept; may be repeated.",
		"witnessState": "What the witness remembers; made at the first look, with FILE.key.",
		"witnessName":  "Name of a new witness, such as auditor.example (default: witness).",
		"witnessKey": "Public key of the ledger, as it was given to you (default: at the first" +
			" look, as the ledger says).",
	}
}
