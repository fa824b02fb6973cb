package showing

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/cli/answers"
	"cakupan/cmd/internal/cli/table"
	"cakupan/cmd/internal/cli/words"
	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/lists"
	"cakupan/cmd/internal/live"
	"cakupan/cmd/internal/problem"
	"cakupan/projections/coverage"
)

// Watch shows the coverage as it changes (contract, section 9). Regions and dimensions are
// checked by the ledger. Times of 0 is without end; the first snapshot counts as one.
type Watch struct {
	Region []string `placeholder:"CODE" help:"${region}; may be repeated; default: all."`
	On     string   `placeholder:"DATE" help:"The day; default: today, moving on at midnight."`
	By     []string `placeholder:"DIMENSION" help:"${by}"`
	Times  int      `placeholder:"N" help:"${watchTimes}"`
	Lang   string   `enum:"en,id," default:"" placeholder:"en|id" help:"${lang}"`
}

// Help returns what --help shows beyond the flags.
func (*Watch) Help() string {
	return `Shows the coverage of a running ledger as it changes: a table that is drawn anew on a
terminal, and otherwise a line for each region that has changed. With --json, each message as it
comes. When the ledger is away, it is waited for.

Examples:

	cakupan watch --server http://127.0.0.1:7070 --region 75
	cakupan watch --server http://127.0.0.1:7070 --json` + cli.ExitCodes
}

// watchPause is how long a ledger that is away is waited for before it is asked again. One that is
// started again is away for about as long, and one that is gone is not worth more questions.
const watchPause = 2 * time.Second

// Run runs the command until enough was shown or ctx ends, neither of which is an error. It goes on
// by itself after a server has stopped, or stands behind its log; any other error ends it, as
// asking again would get the same answer. A folder has nobody who could change it meanwhile, so a
// server is needed.
func (c *Watch) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	if w.Server == "" {
		return cli.Usage("watch shows a ledger that runs: name it with --server")
	}
	return w.With(ctx, out, false, func(s *client.Client) error {
		// One for all connections: what was shown before a break is what changes are counted from.
		shown := &watched{
			command: c, out: out, json: w.JSON, language: languageOf(c.Lang),
			was: map[string]coverage.Answer{},
		}
		for {
			err := shown.follow(ctx, s)
			if err == nil || ctx.Err() != nil { // enough, or interrupted: that is how it ends
				return nil
			}
			switch code := problem.From(err).Code; {
			// Time alone mends these; what the user must mend is not asked again.
			case code == problem.ServerUnreachable || code == problem.ServerStopping ||
				code == problem.ProjectionBehind || errors.Is(err, io.ErrUnexpectedEOF):
				out.Note(shown.language.Pick("%s; dicoba lagi", "%s; asking again"),
					problem.From(err).Detail)
			default:
				return err
			}
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(watchPause):
			}
		}
	})
}

// watched is what was shown so far, over all connections: was has the last answer for each region,
// and trend its last numbers of covered workers, at most chartColumns of them. It is of one
// goroutine.
type watched struct {
	command  *Watch
	out      *cli.Console
	json     bool
	language lists.Language
	last     string // id of the last message, where to go on
	times    int    // figures were shown
	was      map[string]coverage.Answer
	trend    map[string][]int64
}

// watchedMax bounds one message, which is one line: a snapshot of all regions by all dimensions
// takes far less.
const watchedMax = 16 << 20

// follow shows what one connection tells. It returns nil when it has shown enough. After the first
// one it says which message was the last, so that nothing that changed in between is left out.
func (v *watched) follow(ctx context.Context, s *client.Client) error {
	query := client.Values("on", v.command.On)
	for _, code := range v.command.Region {
		query.Add("region", code)
	}
	for _, dimension := range v.command.By {
		query.Add("by", dimension)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet,
		s.URL("/v1/changes")+"?"+query.Encode(), http.NoBody)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	// The ledger goes on after that message, or sends a snapshot where it cannot.
	if v.last != "" {
		request.Header.Set("Last-Event-ID", v.last)
	}
	response, err := s.Ask(ctx, request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // only read from
	return v.read(response.Body)
}

// read shows messages until there is enough (nil), or no more, which is io.ErrUnexpectedEOF: such a
// stream has no end of its own. Of Server-Sent Events it reads the three fields that the ledger
// sends, data on one line, and passes over comments, which are the heartbeats.
func (v *watched) read(body io.Reader) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, 0, 64<<10), watchedMax)
	var kind live.Kind
	var data []byte
	id := v.last
	for lines.Scan() {
		name, value, _ := bytes.Cut(lines.Bytes(), []byte(": "))
		switch string(name) {
		case "event":
			kind = live.Kind(value)
		case "id":
			id = string(value)
		case "data":
			// The scanner uses its buffer again for the next line.
			data = slices.Clone(value)
		case "":
			if data == nil {
				continue // a heartbeat
			}
			if err := v.print(kind, data); err != nil {
				return err
			}
			// Only now: a message that was cut off is sent again.
			v.last = id
			if data = nil; v.command.Times > 0 && v.times >= v.command.Times {
				return nil
			}
		}
	}
	if err := lines.Err(); err != nil {
		return errors.Join(io.ErrUnexpectedEOF, err)
	}
	return io.ErrUnexpectedEOF
}

// print shows one message. What is neither figures nor a state is why the server ends the stream,
// which is returned as an error, so that it is asked again. As JSON a message is passed on as it
// came, the last one too.
func (v *watched) print(kind live.Kind, data []byte) error {
	if kind == live.Snapshot || kind == live.Change {
		v.times++
	}
	if v.json {
		_, err := fmt.Fprintf(v.out.Stdout, `{"event":%q,"data":%s}`+"\n", kind, data)
		return err
	}
	switch kind {
	case live.Snapshot, live.Change:
		var shown []answers.ShownAnswer
		if err := json.Unmarshal(data, &shown); err != nil {
			return fmt.Errorf("read answer: %w", err)
		}
		answers, err := answers.Wholes[coverage.Answer](shown)
		if err != nil {
			return err
		}
		return v.printAnswers(answers)
	case live.State:
		var status live.Status
		if err := json.Unmarshal(data, &status); err != nil {
			return fmt.Errorf("read state: %w", err)
		}
		if status.State != live.Live {
			v.out.Note("%s: %s", stateIn(v.language, status.State), status.Why)
		}
		return nil
	}
	var end struct{ Detail string }
	if err := json.Unmarshal(data, &end); err != nil {
		return fmt.Errorf("read why the stream ends: %w", err)
	}
	return problem.New(problem.ServerStopping, end.Detail)
}

// printAnswers shows the answers of a message: on a terminal by drawing the whole table, else a
// line for each. The change is against what was shown before, and not against the day before.
func (v *watched) printAnswers(answers []coverage.Answer) error {
	if v.trend == nil {
		v.trend = map[string][]int64{}
	}
	// A region that is seen for the first time has no change, which is not a change of 0.
	changed := make(map[string]int64, len(answers))
	for _, a := range answers {
		if was, found := v.was[a.Region]; found {
			changed[a.Region] = a.Covered - was.Covered
		}
		v.was[a.Region] = a
		trend := append(v.trend[a.Region], a.Covered)
		v.trend[a.Region] = trend[max(0, len(trend)-cli.ChartColumns):]
	}
	if v.out.Chart {
		return v.redraw(changed)
	}
	l := v.language
	for _, a := range answers {
		_, err := fmt.Fprintf(v.out.Stdout, l.Pick(
			"%-5s  %s  %s terlindungi (%s)  %s  %s terkonfirmasi  peristiwa %s\n",
			"%-5s  %s  %s covered (%s)  %s  %s confirmed  event %s\n"), a.Region, a.Name,
			words.Numeral(l, a.Covered), signed(l, changed[a.Region]),
			words.Separated(l, words.Percent(a.Percent)), words.Numeral(l, a.Confirmed),
			words.Numeral(l, a.Known.Sequence))
		if err != nil {
			return err
		}
	}
	return nil
}

// stateIn says in a language that a ledger is not live.
func stateIn(l lists.Language, state string) string {
	switch state {
	case live.Behind:
		return l.Pick("mengejar", state)
	case live.Stale:
		return l.Pick("tidak mutakhir", state)
	}
	return state
}

// redraw draws the whole table over the one before, with regions that have not changed too, in the
// order of the coverage: the nation, then by code. Only those of the last message have a change
// beside them. What does not fit the terminal is left out, and said to be: a line that is broken
// in two, or a table that has moved up, shows nothing.
func (v *watched) redraw(changed map[string]int64) error {
	regions := make([]string, 0, len(v.was))
	for region := range v.was {
		regions = append(regions, region)
	}
	slices.SortFunc(regions, func(a, b string) int { return strings.Compare(rank(a), rank(b)) })
	columns, lines := v.out.Room()
	missing := 0
	if fit := lines - 3; lines > 0 && len(regions) > fit { // beside header, note and cursor
		missing = len(regions) - max(fit, 1)
		regions = regions[:max(fit, 1)]
	}
	l := v.language
	covered, change := l.Pick("Terlindungi", "Covered"), l.Pick("Perubahan", "Change")
	confirmed := l.Pick("Terkonfirmasi", "Confirmed")
	t := table.New("", l.Pick("Wilayah", "Region"), ">"+covered, ">"+change, ">"+confirmed,
		l.Pick(">Persen", ">Percent"), ">Target")
	for _, region := range regions {
		a := v.was[region]
		by := ""
		if n, found := changed[region]; found {
			by = signed(l, n)
		}
		t.Add(a.Region, a.Name, words.Numeral(l, a.Covered), by, words.Numeral(l, a.Confirmed),
			words.Separated(l, words.Percent(a.Percent)),
			words.Separated(l, words.Target(a.Target)))
	}
	t.Narrow(columns, confirmed, "Target", "", change, covered)
	v.addTrends(t, regions, columns)
	// To the first cell, and clear all: understood by every terminal, and not shown by none.
	const clear = "\x1b[H\x1b[2J"
	if err := v.out.Control(clear); err != nil {
		return err
	}
	if err := t.Write(v.out.Stdout); err != nil || missing == 0 {
		return err
	}
	_, err := fmt.Fprintf(v.out.Stdout, l.Pick("%s lagi: pilih dengan --region\n",
		"%s more: choose with --region\n"), words.Numeral(l, missing))
	return err
}

// trendMin is how many numbers are a trend: where fewer have room, none is shown.
const trendMin = 5

// addTrends draws beside each row how its region went, as far back as there is room.
func (v *watched) addTrends(t *table.Table, regions []string, columns int) {
	room := cli.ChartColumns
	if columns > 0 {
		room = min(room, columns-t.Width()-len(table.Gap))
	}
	if room < trendMin {
		return
	}
	drawn := make([]string, len(regions))
	for i, region := range regions {
		trend := v.trend[region]
		drawn[i] = table.Sparkline(trend[max(0, len(trend)-room):])
	}
	t.AddColumn(v.language.Pick("Arah", "Trend"), drawn)
}

// rank orders the nation first: as text, ID would come after all codes, which begin with digits.
func rank(region string) string {
	if region == "ID" {
		return ""
	}
	return region
}

// signed writes a change, with its sign unless there is none.
func signed(l lists.Language, n int64) string {
	if n > 0 {
		return "+" + words.Numeral(l, n)
	}
	return words.Numeral(l, n)
}
