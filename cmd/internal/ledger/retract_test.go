package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"cakupan/cmd/internal/excerpt"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/problem"
	"cakupan/cmd/internal/takeback"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/writer"
	"cakupan/projections/coverage"
)

// national is a steward of all regions.
func national() *takeback.Actor {
	return &takeback.Actor{Name: "pusat", Source: event.StewardSource + ":pusat"}
}

// regionOf reads the code of a region.
func regionOf(t *testing.T, text string) region.Code {
	t.Helper()
	code, ok := region.Parse(text)
	if !ok {
		t.Fatal(text)
	}
	return code
}

// dayOf reads a day.
func dayOf(t *testing.T, text string) temporal.Date {
	t.Helper()
	on, err := temporal.ParseDate(text)
	if err != nil {
		t.Fatal(err)
	}
	return on
}

// said is an event of a source.
func said(source, id, kind, data string) []byte {
	return []byte(fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":%q,"type":"id.cakupan.%s","data":{%s}}`,
		id, source, kind, data))
}

// openedIn opens an enrolment in a region.
func openedIn(source, id, code string) []byte {
	return said(source, id, "enrolment.opened.v1", fmt.Sprintf(`"enrolment":"e-%s","worker":"w-%[1]s","region":%q,`+
		`"segment":"PU","category":"PRIVATE","programmes":["JKK"],"payer":"EMPLOYER","from":"2020-01-01"`, id, code))
}

// submitAll takes events in, none of which may be refused.
func submitAll(t *testing.T, l *Ledger, opts intake.Options, lines ...[]byte) {
	t.Helper()
	receipts, err := l.Submit(t.Context(), lines, opts)
	if err != nil {
		t.Fatal(err)
	}
	for i := range receipts {
		if receipts[i].Refusal != nil {
			t.Fatalf("%s: %v", lines[i], receipts[i].Refusal)
		}
	}
}

// coveredIn counts who is covered in a region.
func coveredIn(t *testing.T, l *Ledger, code string, on temporal.Date) int64 {
	t.Helper()
	_, tail, err := l.log.Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	view, err := l.View(t.Context(), tail.Sequence)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := view.Answer(coverage.Query{
		Region: regionOf(t, code), On: on, Known: tail.Sequence, Indicator: event.Employed,
	})
	if err != nil {
		t.Fatal(err)
	}
	return answer.Covered
}

// harmOthers is what one publisher does to people of another: it ends, moves and kills them.
func harmOthers(t *testing.T, l *Ledger) {
	t.Helper()
	submitAll(t, l, intake.Options{}, openedIn("urn:kota", "1", "75.71"), openedIn("urn:kota", "2", "75.71"),
		openedIn("urn:kota", "3", "75.71"), openedIn("urn:kota", "4", "75.71"), openedIn("urn:kota", "5", "75.03"))
	submitAll(t, l, intake.Options{},
		said("urn:dinas", "a", "enrolment.terminated.v1", `"enrolment":"e-1","until":"2020-02-01","reason":"ERROR"`),
		said("urn:dinas", "b", "enrolment.amended.v1", `"enrolment":"e-2","from":"2020-02-01","region":"75.03"`),
		said("urn:dinas", "c", "worker.died.v1", `"worker":"w-3","on":"2020-02-01"`),
		said("urn:dinas", "d", "worker.died.v1", `"worker":"w-5","on":"2020-02-01"`))
}

// TestRetractHarm takes back what a publisher has done to others' people, undoes that, and takes it
// back again; each figure is what the forecast said.
func TestRetractHarm(t *testing.T) {
	t.Parallel()
	l := openToTest(t, Options{Dir: t.TempDir(), Create: true})
	harmOthers(t, l)
	on := dayOf(t, "2021-01-01")
	ask := takeback.Asked{
		Events: excerpt.Filter{From: 1, Source: "urn:dinas"}, Request: "one", Asked: "source=urn:dinas",
		Reason: "not theirs", On: on, DryRun: true,
	}
	dry, err := l.TakeBack(t.Context(), &ask, national())
	if err != nil {
		t.Fatal(err)
	}
	counts := fmt.Sprint(dry.Events, dry.Types, dry.Regions)
	want := "4 [{id.cakupan.enrolment.amended.v1 1} {id.cakupan.enrolment.terminated.v1 1}" +
		" {id.cakupan.worker.died.v1 2}] [{75.03 2} {75.71 3}]"
	if counts != want || !dry.DryRun || dry.First != 0 || len(readLog(t, l)) != 9 {
		t.Fatalf("dry run: %s, want %s; %+v", counts, want, dry)
	}
	if before := coveredIn(t, l, "75.71", on); before != 1 {
		t.Fatalf("covered before: %d", before)
	}
	ask.DryRun = false
	done, err := l.TakeBack(t.Context(), &ask, national())
	if err != nil || done.First != 10 || done.Last != 13 || done.Before {
		t.Fatalf("%+v, %v", done, err)
	}
	dry.DryRun, dry.First, dry.Last = false, done.First, done.Last
	if fmt.Sprint(done) != fmt.Sprint(dry) {
		t.Errorf("the dry run said %+v\ndone is %+v", dry, done)
	}
	for _, r := range done.Coverage {
		if got := coveredIn(t, l, r.Region, on); got != r.Total {
			t.Errorf("%s: covered %d, forecast %+v", r.Region, got, r)
		}
	}
	again, err := l.TakeBack(t.Context(), &ask, national())
	if err != nil || !again.Before || again.First != 10 || again.Last != 13 || again.Coverage != nil ||
		fmt.Sprint(again.Types, again.What) != fmt.Sprint(done.Types, done.What) {
		t.Errorf("asked again: %+v, %v", again, err)
	}
	ask.Reason = "another"
	if _, err := l.TakeBack(t.Context(), &ask, national()); problem.From(err).Code != problem.Code(event.Conflict) {
		t.Errorf("another reason under the same request: %v", err)
	}
	ask.Request = "two"
	if _, err := l.TakeBack(t.Context(), &ask, national()); problem.From(err).Code != problem.NotFound {
		t.Errorf("nothing is left: %v", err)
	}
	undoHarm(t, l, on)
}

// undoHarm undoes the step that begins with event 10, takes that back, and undoes it in turn.
func undoHarm(t *testing.T, l *Ledger, on temporal.Date) {
	t.Helper()
	undo := takeback.Asked{Events: excerpt.Filter{From: 1}, Undo: 10, Request: "u", Asked: "undo=10", Reason: "they were right", On: on}
	undone, err := l.TakeBack(t.Context(), &undo, national())
	if err != nil || undone.Events != 4 || undone.Undoes != 10 || undone.First != 14 || undone.Last != 17 ||
		!strings.HasPrefix(undone.What[0].Again, "again-6-") {
		t.Fatalf("%+v, %v", undone, err)
	}
	if got := [2]int64{coveredIn(t, l, "75.71", on), coveredIn(t, l, "75.03", on)}; got != [2]int64{1, 1} {
		t.Errorf("covered after the undoing: %v", got)
	}
	twice, err := l.TakeBack(t.Context(), &undo, national())
	if err != nil || !twice.Before || twice.First != 14 || len(readLog(t, l)) != 17 {
		t.Errorf("undone twice: %+v, %v", twice, err)
	}
	redo := takeback.Asked{
		Events: excerpt.Filter{From: 14}, Request: "redo", Asked: "from=14", Reason: "they were not", On: on,
	}
	if done, err := l.TakeBack(t.Context(), &redo, national()); err != nil || done.First != 18 || done.Events != 4 {
		t.Fatalf("%+v, %v", done, err)
	}
	if got := coveredIn(t, l, "75.71", on); got != 4 {
		t.Errorf("covered after it was taken back again: %d", got)
	}
	_, err = l.TakeBack(t.Context(), &undo, national())
	if problem.From(err).Code != problem.NotFound || !strings.Contains(err.Error(), "event 18") {
		t.Errorf("the first step is undone a second time: %v", err)
	}
	undo.Undo = 18
	if undone, err = l.TakeBack(t.Context(), &undo, national()); err != nil || !strings.HasPrefix(undone.What[0].Again, "again-14-") {
		t.Errorf("the later step is undone: %+v, %v", undone, err)
	}
	for _, none := range []eventstore.Sequence{1, 11, 14, 999} {
		undo.Undo = none
		if _, err := l.TakeBack(t.Context(), &undo, national()); problem.From(err).Code != problem.NotFound {
			t.Errorf("event %d begins no step: %v", none, err)
		}
	}
}

// TestRetractWithin has a steward of one regency take back: what concerns others stays, and is
// counted; what concerns others alone is refused.
func TestRetractWithin(t *testing.T) {
	t.Parallel()
	l := openToTest(t, Options{Dir: t.TempDir(), Create: true})
	harmOthers(t, l)
	bound := func(code string) *takeback.Actor {
		return &takeback.Actor{
			Name: "daerah", Source: event.StewardSource + ":daerah", Regions: []region.Code{regionOf(t, code)},
		}
	}
	for i, c := range []struct {
		steward, region string
		source          string
		want            []eventstore.Sequence
		outside         int
	}{
		{"75.03", "ID", "urn:dinas", []eventstore.Sequence{9}, 3},
		{"75.71", "ID", "urn:dinas", []eventstore.Sequence{6, 8}, 2},
		{"75", "ID", "urn:dinas", []eventstore.Sequence{6, 7, 8, 9}, 0},
		{"75", "75.03", "urn:dinas", []eventstore.Sequence{7, 9}, 0},
		{"75.71", "75.03", "urn:dinas", nil, 2},
		{"76", "ID", "urn:dinas", nil, 4},
		{"75.71", "75.71", "urn:kota", []eventstore.Sequence{1, 3, 4}, 1},
	} {
		ask := takeback.Asked{
			Events: excerpt.Filter{From: 1, Source: c.source}, Request: fmt.Sprint("r", i), Asked: "x", Reason: "x",
			Region: regionOf2(t, c.region), DryRun: true,
		}
		got, err := l.TakeBack(t.Context(), &ask, bound(c.steward))
		if c.want == nil {
			if problem.From(err).Code != problem.Forbidden || !strings.Contains(err.Error(), fmt.Sprint(c.outside)) {
				t.Errorf("%+v: %+v, %v", c, got, err)
			}
			continue
		}
		var taken []eventstore.Sequence
		for _, one := range got.What {
			taken = append(taken, one.Sequence)
		}
		if err != nil || !slices.Equal(taken, c.want) || got.Outside != c.outside {
			t.Errorf("%+v: %v, outside %d, %v", c, taken, got.Outside, err)
		}
	}
}

// regionOf2 is regionOf, with the nation.
func regionOf2(t *testing.T, text string) region.Code {
	if text == "ID" {
		return region.Nation
	}
	return regionOf(t, text)
}

// TestRetractOwn has a publisher take back: his own events alone, with a right to retractions.
func TestRetractOwn(t *testing.T) {
	t.Parallel()
	l := openToTest(t, Options{Dir: t.TempDir(), Create: true})
	harmOthers(t, l)
	scope := &event.Scope{
		Publisher: "dinas", Sources: []string{"urn:dinas"}, Regions: []region.Code{regionOf(t, "75.03")},
		Types: event.Types(),
	}
	by := &takeback.Actor{Name: "dinas", Source: "urn:dinas", Scope: scope}
	ask := takeback.Asked{Events: excerpt.Filter{From: 1}, Request: "mine", Asked: "x", Reason: "wrong file", DryRun: true}
	got, err := l.TakeBack(t.Context(), &ask, by)
	if err != nil || got.Events != 4 || fmt.Sprint(got.Regions) != "[{75.03 2}]" {
		t.Errorf("%+v, %v", got, err)
	}
	ask.Events.Publisher = "kota"
	if _, err := l.TakeBack(t.Context(), &ask, by); problem.From(err).Code != problem.Forbidden {
		t.Errorf("of another publisher: %v", err)
	}
	ask.Events.Publisher = ""
	ask.Events.Enrolment = "e-5"
	if got, err := l.TakeBack(t.Context(), &ask, by); err != nil || got.Events != 0 {
		t.Errorf("of another source: %+v, %v", got, err)
	}
	ask.Events.Enrolment, ask.DryRun = "", false
	scope.Types = []event.Type{event.EnrolmentOpened}
	if _, err := l.TakeBack(t.Context(), &ask, by); problem.From(err).Code != problem.Code(event.Forbidden) {
		t.Errorf("without the right to retractions: %v", err)
	}
	scope.Types = event.Types()
	done, err := l.TakeBack(t.Context(), &ask, by)
	if err != nil || done.Events != 4 || done.First != 10 {
		t.Fatalf("%+v, %v", done, err)
	}
	other := &takeback.Actor{Name: "kota", Source: "urn:kota", Scope: &event.Scope{
		Publisher: "kota", Sources: []string{"urn:kota"}, Regions: scope.Regions, Types: scope.Types,
	}}
	undo := takeback.Asked{Events: excerpt.Filter{From: 1}, Undo: done.First, Request: "u", Asked: "u", Reason: "x"}
	if _, err := l.TakeBack(t.Context(), &undo, other); problem.From(err).Code != problem.Forbidden {
		t.Errorf("undone by another publisher: %v", err)
	}
	recorded := 0
	err = l.Events(t.Context(), excerpt.Filter{From: 10, To: 13, Publisher: "dinas"}, func(line []byte) error {
		if strings.Contains(string(line), `"reason":"wrong file"`) && strings.Contains(string(line), `"asked":"x"`) {
			recorded++
		}
		return nil
	})
	if err != nil || recorded != 4 {
		t.Errorf("recorded with name, reason and request: %d, %v", recorded, err)
	}
}

// TestRetractAtOnce has one request come several times at once: it is done once.
func TestRetractAtOnce(t *testing.T) {
	t.Parallel()
	l := openToTest(t, Options{Dir: t.TempDir(), Create: true})
	harmOthers(t, l)
	var wait sync.WaitGroup
	done, errs := make([]takeback.Retraction, 8), make([]error, 8)
	for i := range done {
		wait.Go(func() { done[i], errs[i] = l.TakeBack(t.Context(), killed(), national()) })
	}
	wait.Wait()
	first := 0
	for i := range done {
		if errs[i] != nil || done[i].First != 10 || done[i].Last != 13 || done[i].Events != 4 {
			t.Errorf("%+v, %v", done[i], errs[i])
		}
		if !done[i].Before {
			first++
		}
	}
	if events := readLog(t, l); first != 1 || len(events) != 13 {
		t.Errorf("done %d times; the log has %d events", first, len(events))
	}
}

// TestRetractTooMany names how many are meant, and a part that can be done; times bound them too.
func TestRetractTooMany(t *testing.T) {
	t.Parallel()
	at := temporal.Instant(1_600_000_000_000_000_000)
	l := openToTest(t, Options{
		Dir: t.TempDir(), Create: true, Now: func() temporal.Instant { at++; return at },
	})
	var lines [][]byte
	for i := range writer.AtomicEventsMax + 7 {
		lines = append(lines, plainEvent(i))
	}
	submitAll(t, l, intake.Options{}, lines...)
	ask := takeback.Asked{Events: excerpt.Filter{From: 1}, Request: "all", Asked: "x", Reason: "x"}
	_, err := l.TakeBack(t.Context(), &ask, national())
	if problem.From(err).Code != problem.BatchTooLarge || !strings.Contains(err.Error(), "1007 events") ||
		!strings.Contains(err.Error(), "to=1000") {
		t.Fatalf("too many: %v", err)
	}
	all := readLog(t, l)
	if len(all) != len(lines) {
		t.Fatalf("the log has %d events", len(all))
	}
	ask.Events.To = writer.AtomicEventsMax
	done, err := l.TakeBack(t.Context(), &ask, national())
	if err != nil || done.Events != writer.AtomicEventsMax {
		t.Fatalf("%d events, %v", done.Events, err)
	}
	view, err := l.View(t.Context(), done.Last)
	if err != nil {
		t.Fatal(err)
	}
	third, err := view.RecordedAt(1003)
	if err != nil {
		t.Fatal(err)
	}
	before, err := view.KnownAt(third - 1)
	if err != nil {
		t.Fatal(err)
	}
	ask.Events.To, ask.Request, ask.Since, ask.DryRun = 0, "rest", third, true
	if rest, err := l.TakeBack(t.Context(), &ask, national()); err != nil ||
		rest.Events != len(lines)-int(max(before, writer.AtomicEventsMax)) {
		t.Errorf("since %v: %d events, %v", third, rest.Events, err)
	}
	ask.Since, ask.Until = 0, third
	if rest, err := l.TakeBack(t.Context(), &ask, national()); err != nil ||
		rest.Events != int(max(before, writer.AtomicEventsMax))-writer.AtomicEventsMax {
		t.Errorf("until %v: %d events, %v", third, rest.Events, err)
	}
	ask.Until = 1
	if none, err := l.TakeBack(t.Context(), &ask, national()); err != nil || none.Events != 0 {
		t.Errorf("before all: %d events, %v", none.Events, err)
	}
}

// retract takes back what the file's source has reported.
func (c *child) retract(ctx context.Context) error {
	l, err := Open(ctx, Options{Dir: c.orders.Dir, Fault: c.at})
	if err != nil {
		return err
	}
	done, err := l.TakeBack(ctx, killed(), national())
	return errors.Join(err, c.answer(done), l.Close())
}

// killed is the request of those that are killed.
func killed() *takeback.Asked {
	return &takeback.Asked{Events: excerpt.Filter{From: 1, Source: "urn:dinas"}, Request: "k", Asked: "x", Reason: "wrong"}
}

// TestKilledRetract kills a process that takes back, at each step of the writer, with more events
// coming before it is asked again: the same request does it once, and as a whole.
func TestKilledRetract(t *testing.T) {
	t.Parallel()
	for point, stored := range map[string]bool{
		writer.FaultBeforeSend: false, writer.FaultAfterSend: true,
		writer.FaultAfterAck: true, writer.FaultAfterIndex: true, "": true,
	} {
		t.Run("at "+point, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "data")
			l, err := Open(t.Context(), Options{Dir: dir, Create: true})
			if err != nil {
				t.Fatal(err)
			}
			harmOthers(t, l)
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			process, answers, output := startChild(t, childOrders{Task: retractTask, Dir: dir, Point: point, Hit: 1})
			var first takeback.Retraction
			answered := json.NewDecoder(answers).Decode(&first)
			_ = process.Wait() // it says that it was killed
			status := process.ProcessState.Sys().(syscall.WaitStatus)
			if killed := point != ""; status.Signaled() != killed || (answered != nil) != killed {
				t.Fatalf("child: %v, %v\n%s", process.ProcessState, answered, output)
			}
			l = openToTest(t, Options{Dir: dir})
			want := 9
			if stored {
				want += 4
			}
			if events := readLog(t, l); len(events) != want {
				t.Fatalf("the log has %d events, want %d", len(events), want)
			}
			submitAll(t, l, intake.Options{},
				said("urn:dinas", "late", "worker.died.v1", `"worker":"w-4","on":"2020-02-01"`))
			done, err := l.TakeBack(t.Context(), killed(), national())
			events := 5 // the late one too
			if stored {
				events = 4
			}
			if err != nil || done.Before != stored || done.Events != events || len(readLog(t, l)) != 10+events {
				t.Errorf("asked again: %+v, %v; the log has %d", done, err, len(readLog(t, l)))
			}
		})
	}
}
