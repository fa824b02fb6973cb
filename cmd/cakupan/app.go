package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"cakupan/cmd/internal/indonesian"
	"cakupan/cmd/internal/lists"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
)

// console is the outside of the program: commands touch no other, so that a test runs them in its
// own process, several at a time. Each command line has one of its own. What is left of the process
// are the environment and the files that are named.
//
// stdout has the data alone, and stderr all that is said beside them (contract, section 6), also as
// JSON. stdin is read by who asks for it: a file or a NIK that is given as -, or an answer. now is
// the clock of every command, so that a test can give its own.
type console struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	now            func() time.Time
	chart          bool // stdout is a terminal: draw
	// size returns how many columns and lines the terminal has now, 0: not known. Nil: neither is.
	size     func() (columns, lines int)
	progress bool // stderr is a terminal: show how far it is
	answers  bool // stdin and stderr are a terminal: somebody is there to be asked
	logJSON  bool // the operator's log is read by a program
}

// grammar is the command line: a field is a command, and the flags are the fields of its type,
// which are filled in before its Run is called. The order is that of the help. Names and meanings
// are fixed by the contract, sections 6, 8 and 10: scripts of others build on them.
type grammar struct {
	where

	Demo       demoCommand       `cmd:"" help:"Show a sample of Gorontalo, with dashboard."`
	Serve      serveCommand      `cmd:"" help:"Run the ledger: HTTP, dashboard, projections."`
	NATS       natsCommand       `cmd:"" name:"nats" help:"Run a node of a cluster of NATS."`
	Setup      setupCommand      `cmd:"" help:"Make the secrets that a cluster shares."`
	Install    installCommand    `cmd:"" help:"Have systemd run the ledger."`
	Import     importCommand     `cmd:"" help:"Take in events from files."`
	List       listCommand       `cmd:"" help:"Look after a list that was imported."`
	Template   templateCommand   `cmd:"" help:"Write an empty list of people to be filled in."`
	Publish    publishCommand    `cmd:"" help:"Report one event."`
	Coverage   coverageCommand   `cmd:"" help:"Who is covered, on a day, as known at a moment."`
	Series     seriesCommand     `cmd:"" help:"How the coverage moved over days or months."`
	Plot       plotCommand       `cmd:"" help:"Draw how the coverage moved."`
	Watch      watchCommand      `cmd:"" help:"Show the coverage as it changes."`
	Explain    explainCommand    `cmd:"" help:"Who makes a figure up, and on which events."`
	Difference differenceCommand `cmd:"" help:"Why two figures differ."`
	Findings   findingsCommand   `cmd:"" help:"What the events contradict, and what resolves it."`
	Reconcile  reconcileCommand  `cmd:"" help:"Which ways of counting give a published figure."`
	Lookups    lookupsCommand    `cmd:"" help:"Who asked for whom by NIK."`
	Reads      readsCommand      `cmd:"" help:"Who read what about people."`
	Funding    fundingCommand    `cmd:"" help:"Committed, granted, disbursed, covered."`
	History    historyCommand    `cmd:"" help:"The whole story of one of them, or of a person."`
	Log        logCommand        `cmd:"" help:"Print events of the log."`
	Checkpoint checkpointCommand `cmd:"" help:"Print the signed head of the log."`
	Prove      proveCommand      `cmd:"" help:"Prove that an event is in the log, or its past."`
	Witness    witnessCommand    `cmd:"" help:"Remember the head of a ledger, and cosign it."`
	Bundle     bundleCommand     `cmd:"" help:"Write a figure with its proof to a file."`
	Check      checkCommand      `cmd:"" help:"Check such a file, without a ledger."`
	Attest     attestCommand     `cmd:"" help:"Publish a figure in the log itself."`
	Health     healthCommand     `cmd:"" help:"Ask a running ledger how it is."`
	Status     statusCommand     `cmd:"" help:"Who writes, and what waits, of a running ledger."`
	Replay     replayCommand     `cmd:"" help:"Rebuild a projection from the log and compare."`
	Verify     verifyCommand     `cmd:"" help:"Check a ledger, or a backup."`
	Inspect    inspectCommand    `cmd:"" help:"Say what files are, and whether they are whole."`
	Backup     backupCommand     `cmd:"" help:"Write all that cannot be derived to a file."`
	Restore    restoreCommand    `cmd:"" help:"Make a ledger of a backup."`
	Retract    retractCommand    `cmd:"" help:"Take back what was reported, or undo that."`
	Refused    refusedCommand    `cmd:"" help:"Settle what was refused of what was sent by NATS."`
	Keys       keysCommand       `cmd:"" help:"Look after the keys of the ledger."`
	Erase      eraseCommand      `cmd:"" help:"Take a person out of the vault, for ever."`
	Erasures   erasuresCommand   `cmd:"" help:"List who was erased, and why."`
	Disclose   discloseCommand   `cmd:"" help:"Show a person all that the ledger holds of him."`
	Docs       docsCommand       `cmd:"" help:"Print what describes the ledger to programs."`
	Bench      benchCommand      `cmd:"" help:"Measure this machine."`
	Version    versionCommand    `cmd:"" help:"Print the version of the program."`
	Completion completionCommand `cmd:"" help:"Have a shell complete command lines."`
	Complete   completeCommand   `cmd:"" hidden:"" help:"Answer a shell that completes one."`
	Man        manCommand        `cmd:"" help:"Write the man pages to a folder."`
	Release    releaseCommand    `cmd:"" help:"Make archives and packages of this checkout."`

	// Each of these has commands below it: add, list and what else is done to a member.
	Publisher publisherCommand `cmd:"" help:"Register who may report events."`
	Reader    readerCommand    `cmd:"" help:"Register who may read."`
	Steward   stewardCommand   `cmd:"" help:"Register who may set right what others reported."`
}

// texts are what the help of several flags says, or takes more than a line to say. They stand as
// ${name} in the tags of flags, since a tag is one line; helpTexts puts them there. A name that is
// missing here would be shown as it stands.
func texts() kong.Vars {
	return kong.Vars{
		"data": dataDefault,
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
		"anyClock": "Serve though the clock is behind the last record time, or far ahead of the" +
			" ledger's last work.",
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
		"readKinds":  strings.Join(readKinds(), ", "),
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

// exitCodes ends the help of every command. The numbers are those of the contract, section 6, and
// of package problem, which says which error has which: scripts build on them.
const exitCodes = `

Exit codes:

	0  done
	1  failed
	2  wrong usage
	3  some input was refused, the rest is in the log
	4  not found
	5  a check failed: a digest differs, the log or a file is damaged
`

// description begins the help of the program.
const description = `A ledger of employment-social-security coverage: events in, numbers out, on any
day, as known at any moment.` + exitCodes

// run runs one command and returns the exit code. args are what stands after the name of the
// program. It never ends the process, and has told by then what went wrong: the caller has nothing
// to add. It returns once the command has ended, which the end of ctx asks it to.
func run(ctx context.Context, args []string, out *console) int {
	var g grammar
	// Filled while the line is parsed, and given to Run: the grammar has one --data for two uses.
	var data eventData
	exited := false
	parser, err := kong.New(&g,
		kong.Name("cakupan"),
		kong.Description(description),
		helpTexts(texts(), clusterTexts(), memberTexts(), proofTexts(), shareTexts()),
		kong.Writers(out.stdout, out.stderr),
		kong.Help(helpFor(args)),
		kong.Exit(func(int) { exited = true }), // help was shown; what follows does not matter
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 96}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.NamedMapper("folder", folderOrEvent(&data)),
		kong.NamedMapper("login", kong.MapperFunc(loginOrFile)),
		kong.Bind(out, &g.where, &data),
	)
	if err != nil {
		// The tags of the grammar contradict each other: no command would run, so every test finds
		// it.
		return out.fail(err, false)
	}
	// The help is put into Indonesian in the model, before the line is read: it is printed while
	// that is done.
	inIndonesian := indonesian.Wanted(args, os.Getenv)
	if inIndonesian {
		indonesian.Translate(parser.Model, lists.KindNames(lists.Indonesian))
	}
	switch {
	case len(args) == 0:
		args = []string{"--help"}
	case args[0] == "help":
		// "help import" is what people type who know other programs.
		args = append(args[1:], "--help")
	}
	parsed, err := parser.Parse(indonesian.ForHelp(args))
	switch {
	case exited:
		// Help was asked for. What the parser says of the rest of the line does not matter.
		return problem.ExitDone
	case err != nil:
		// What cannot be parsed sets no flag: whether a machine reads the answer, the words say.
		asJSON := g.JSON || slices.Contains(args, "--json")
		// The parser repeats what it does not understand, which may be a NIK (contract, section 1).
		wrong := event.MaskNIK(wrongLine(err))
		if inIndonesian && !asJSON {
			return out.fail(usage(indonesian.Wrong(wrong)+"; lihat cakupan --help"), asJSON)
		}
		return out.fail(usage(wrong+"; see cakupan --help"), asJSON)
	case data != "" && parsed.Command() != "publish":
		// One command alone takes data of an event by --data; for all others it would be lost.
		return out.fail(usage("--data names a folder"), g.JSON)
	case g.Data != "" && g.Server != "":
		// Neither goes before the other: whoever names both expects something of each.
		return out.fail(usage("--data and --server exclude each other"), g.JSON)
	}
	return out.fail(parsed.Run(), g.JSON)
}

// wrongLine says why a command line is none. A file that is named to publish is what people try who
// know other programs: it reads one that the shell opens.
func wrongLine(err error) string {
	text := err.Error()
	var wrong *kong.ParseError
	if !errors.As(err, &wrong) || !strings.HasPrefix(text, "unexpected argument") {
		return text
	}
	if node := wrong.Context.Selected(); node != nil && node.Name == "publish" {
		text += ": the event is read from standard input, as in cakupan publish < FILE"
	}
	return text
}

// helpFor prints the help of a command, in Indonesian where that is wanted and there is one. The
// help is written to memory first: what stands around the texts of a command is put into Indonesian
// in the finished page. What cannot be put there is shown in English.
func helpFor(args []string) kong.HelpPrinter {
	return func(options kong.HelpOptions, ctx *kong.Context) error {
		if !indonesian.Wanted(args, os.Getenv) || !indonesian.Speaks(ctx.Selected()) {
			return kong.DefaultHelpPrinter(options, ctx)
		}
		var help bytes.Buffer
		out := ctx.Stdout
		ctx.Stdout = &help
		err := kong.DefaultHelpPrinter(options, ctx)
		ctx.Stdout = out
		if err == nil {
			_, err = io.WriteString(out, indonesian.Frame(help.String()))
		}
		return err
	}
}

// usage returns the error for a command line that asks for what cannot be, or for two things at
// once. text says what to write instead. The exit code is 2.
func usage(text string) error { return problem.New(problem.UsageWrong, text) }

// quietExit ends a command with an exit code, when it has already said why: a table of what is
// damaged says more than a sentence. What is joined with it is not told either.
type quietExit int

// Error returns what nobody is shown.
func (q quietExit) Error() string { return fmt.Sprintf("exit %d", int(q)) }

// fail tells why a command failed, if it did, and returns the exit code. It is the one place where
// an error becomes words and a number; commands return errors and print none. The words go to
// stderr, also as JSON: stdout has data alone.
func (c *console) fail(err error, asJSON bool) int {
	var quiet quietExit
	switch {
	case err == nil:
		return problem.ExitDone
	case errors.As(err, &quiet):
		return int(quiet)
	case errors.Is(err, context.Canceled):
		// Whoever pressed Ctrl-C knows why; where in the code it was noticed helps nobody.
		err = problem.New(problem.Interrupted, "interrupted")
	}
	// Every error has a code from here on; one that nobody gave a code is an internal one.
	e := problem.From(err)
	if asJSON {
		// A copy: the error may be one that others hold as well.
		shown := *e
		if e.Code == problem.Internal {
			shown.Detail = err.Error() // whoever runs the program is no stranger
		}
		c.note("%s", shown.JSON(false))
		return e.Exit()
	}
	c.note("cakupan: %s", words(e, err))
	return e.Exit()
}

// words says an error in one sentence, with its cause unless the sentence says it all. Whoever runs
// the program is no stranger, and may see what a client of the server may not. The detail of an
// error about a folder says it all: its cause is the system's word for the same.
func words(e *problem.Error, err error) string {
	if e.Code == problem.Internal {
		return err.Error()
	}
	text := e.Detail
	if e.Field != "" && !strings.HasPrefix(text, e.Field) {
		text = e.Field + ": " + text
	}
	if e.Err != nil && !strings.HasPrefix(string(e.Code), "folder.") {
		text += " (" + e.Err.Error() + ")"
	}
	return text
}

// note writes a line for people beside the data. What others reported may be part of it, so nothing
// in it moves the cursor.
func (c *console) note(format string, args ...any) {
	// If it fails, there is nowhere left to say so.
	_, _ = io.WriteString(c.stderr, onScreen(fmt.Sprintf(format+"\n", args...)))
}

// logger returns the operator's log, as text or JSON as logJSON says by then. It writes to stderr,
// and never gets an event, a NIK or a query.
func (c *console) logger() *slog.Logger {
	if c.logJSON {
		return slog.New(slog.NewJSONHandler(c.stderr, nil))
	}
	return slog.New(slog.NewTextHandler(c.stderr, nil))
}

// warnings returns the log of a ledger that is open for one command: it says what was wrong with
// its files, also where it healed by itself, and nothing of what goes well.
func (c *console) warnings() *slog.Logger {
	return slog.New(slog.NewTextHandler(c.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// writeJSON prints a value on one line. Its texts are as they were reported: there is no page whose
// marks < and & would have to be kept out of.
func (c *console) writeJSON(value any) error {
	encoder := json.NewEncoder(c.stdout)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}
