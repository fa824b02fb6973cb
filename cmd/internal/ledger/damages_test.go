package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/natsin"
	"cakupan/cmd/internal/problem"
)

// damagesShort is how many seeded damages the short form does; the long one does damagesLong, and
// takes away every file and folder besides, puts back an older copy or another ledger's, and
// puts a second copy beside it. CAKUPAN_DAMAGES=1000 does
// so many.
const (
	damagesShort = 8
	damagesLong  = 60
)

// TestDamages damages each file of a folder that has all that a ledger can have, serves the folder,
// and asks it for all that it holds. Whatever the damage: either everything is as it was, or it is
// said that it is not, and what to do. Nothing panics.
func TestDamages(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	w := newWorld(t)
	long := os.Getenv("CAKUPAN_LONG") != ""
	var all []mishap
	count, files := damagesShort, w.files(t)
	if long {
		if count, _ = strconv.Atoi(os.Getenv("CAKUPAN_DAMAGES")); count == 0 {
			count = damagesLong
		}
		for _, path := range w.paths(t) {
			for _, how := range []string{harmMissing, harmOlder, harmForeign, harmTwice} {
				all = append(all, mishap{path, how, 0})
			}
		}
	}
	for seed := range count {
		random := rand.New(rand.NewPCG(uint64(seed), 10))
		path := files[seed%len(files)]
		if count < len(files) { // not the first files of the alphabet alone
			path = files[random.IntN(len(files))]
		}
		if !long && strings.Contains(path, "/obs/") { // see TestDeliveryDamages; it takes seconds
			continue
		}
		all = append(all, mishap{path, harmings[random.IntN(len(harmings))], uint64(seed)})
	}
	counts := map[string]int{}
	for _, h := range all {
		t.Run(fmt.Sprintf("%s/%s/%d", h.how, h.path, h.seed), func(t *testing.T) {
			outcome := w.try(t, h)
			counts[outcome]++
		})
	}
	total := 0
	for _, outcome := range slices.Sorted(maps.Keys(counts)) {
		t.Logf("%s: %d", outcome, counts[outcome])
		total += counts[outcome]
	}
	t.Logf("of %d damages over %d files", total, len(files))
}

// TestDeliveryDamages flips bits of what the server knows of the delivery of messages: it is made
// anew, and the ledger is as it was.
func TestDeliveryDamages(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	w := newWorld(t)
	count := 2
	if os.Getenv("CAKUPAN_LONG") != "" {
		count = 40
	}
	path := filepath.Join(folder.NATS, "jetstream", "$G", "streams", natsin.StreamIntake, "obs",
		"intake", "meta.inf")
	for seed := range count {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			outcome := w.try(t, mishap{path, harmBit, uint64(seed)})
			if !strings.HasPrefix(outcome, asItWas) {
				t.Error(outcome)
			}
		})
	}
}

// asItWas is what a ledger is of which nothing was lost.
const asItWas = "as it was"

// mishap is one thing that happens to one file or folder.
type mishap struct {
	path string
	how  string
	seed uint64
}

// What happens to a file.
const (
	harmMissing = "missing"
	harmOlder   = "older"
	harmForeign = "foreign" // another ledger's
	harmTwice   = "twice"
	harmBit     = "bit"
	harmZeros   = "zeros"
	harmCut     = "cut"
	harmLonger  = "longer"
	harmEmpty   = "empty"
	harmSwapped = "swapped"
)

var harmings = []string{
	harmBit, harmBit, harmBit, harmBit, harmZeros, harmCut, harmLonger, harmEmpty, harmSwapped,
	harmForeign, harmTwice,
}

// do does it to the file under dir. It reports false where nothing has changed by it.
func (h mishap) do(t *testing.T, w *world, dir string) bool {
	t.Helper()
	path := filepath.Join(dir, h.path)
	switch h.how {
	case harmMissing:
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		return true
	case harmOlder:
		return h.putFrom(t, w.older, path)
	case harmForeign:
		return h.putFrom(t, w.other, path)
	case harmTwice:
		return h.putTwice(t, path)
	}
	was, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	is := h.change(slices.Clone(was))
	if slices.Equal(was, is) {
		return false
	}
	if err := os.WriteFile(path, is, folder.FileMode); err != nil {
		t.Fatal(err)
	}
	return true
}

// putTwice puts a copy beside it, as if it were the next one: of block 1 of a stream, block 2.
func (h mishap) putTwice(t *testing.T, path string) bool {
	t.Helper()
	next := path + "2"
	if base := filepath.Base(path); strings.ContainsAny(base, "0123456789.") {
		if i := strings.IndexAny(base, "0123456789"); i >= 0 {
			next = filepath.Join(filepath.Dir(path), base[:i]+string(base[i]+1)+base[i+1:])
		} else {
			next = strings.TrimSuffix(path, filepath.Ext(path)) + "2" + filepath.Ext(path)
		}
	}
	if _, err := os.Lstat(next); err == nil {
		return false // it is there, and another one
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.IsDir() {
		copyFolder(t, path, next)
		return true
	}
	return h.putFile(t, path, next)
}

func (mishap) putFile(t *testing.T, from, to string) bool {
	t.Helper()
	content, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, content, folder.FileMode)
	}
	if err != nil {
		t.Fatal(err)
	}
	return true
}

// putFrom puts what another folder has in its place: the folder of the day before, or of another
// ledger.
func (h mishap) putFrom(t *testing.T, folder, path string) bool {
	t.Helper()
	before := filepath.Join(folder, h.path)
	info, err := os.Stat(before)
	if errors.Is(err, fs.ErrNotExist) {
		return false // as if it were missing
	}
	if err == nil && info.IsDir() {
		copyFolder(t, before, path)
		return true
	}
	if err != nil {
		t.Fatal(err)
	}
	return h.putFile(t, before, path)
}

func (h mishap) change(content []byte) []byte {
	random := rand.New(rand.NewPCG(h.seed, 11))
	if len(content) == 0 {
		return []byte("x")
	}
	at := random.IntN(len(content))
	switch h.how {
	case harmBit:
		content[at] ^= 1 << random.IntN(8)
	case harmZeros:
		clear(content[at:min(len(content), at+512)])
	case harmCut:
		content = content[:at]
	case harmLonger:
		content = append(content, content[at:]...)
	case harmEmpty:
		content = nil
	case harmSwapped: // a block of the disk that has another one's content
		other := random.IntN(len(content))
		copy(content[at:min(len(content), at+512)], slices.Clone(content[other:]))
	}
	return content
}

// try damages a copy, and says how the ledger took it.
func (w *world) try(t *testing.T, h mishap) (outcome string) {
	dir := filepath.Join(t.TempDir(), "data")
	copyFolder(t, w.dir, dir)
	if !h.do(t, w, dir) {
		return "nothing changed"
	}
	l, err := Open(t.Context(), Options{
		Dir: dir, Messages: MessageOptions{Address: "127.0.0.1:0"},
	})
	if err != nil {
		return refused(t, "open", err)
	}
	defer func() { _ = l.Close() }() // of what is damaged, something may not be written
	report, err := l.Verify(t.Context(), nil)
	if err != nil {
		refused(t, "verify", err)
	} else if !report.OK {
		namesIt(t, &report)
	}
	told := err != nil || !report.OK
	if err := l.Serve(t.Context(), "http://127.0.0.1:9", time.Hour); err != nil {
		return refused(t, "serve", err)
	}
	if err := l.TakeMessages(t.Context()); err != nil {
		return refused(t, "take messages", err)
	}
	if why := awaitRead(t, l); why != "" {
		if !remedied(why) {
			t.Errorf("health says not what to do: %s", why)
		}
		return "served, and health says so"
	}
	if why := awaitTaken(t, l); why != "" {
		if !remedied(why) {
			t.Errorf("health says not what to do: %s", why)
		}
		return "served, and health says so"
	}
	is := answersOf(t, l)
	if len(is.refused) > 0 {
		return "served, and who asks is told"
	}
	if !reflect.DeepEqual(is, w.answers) {
		t.Errorf("SILENT: %s", differences(is, w.answers))
		return "SILENT"
	}
	if told { // of what nobody needs
		return asItWas + ", and verify says what is damaged"
	}
	return asItWas
}

// differences names the answers that differ.
func differences(is, was answers) (text string) {
	for i := range reflect.TypeOf(is).NumField() {
		a, b := reflect.ValueOf(is).Field(i), reflect.ValueOf(was).Field(i)
		if !reflect.DeepEqual(fmt.Sprint(a), fmt.Sprint(b)) {
			text += fmt.Sprintf("%s %v, was %v\n", reflect.TypeOf(is).Field(i).Name, a, b)
		}
	}
	return text
}

// refused checks what is said of a ledger that cannot be opened.
func refused(t *testing.T, what string, err error) string {
	t.Helper()
	p := problem.From(err)
	if p.Code == problem.Internal || !remedied(p.Detail) {
		t.Errorf("%s: says not what to do: %v", what, err)
		return "UNCLEAR"
	}
	return "refused"
}

// namesIt checks that a report says of all that is wrong what to do.
func namesIt(t *testing.T, report *VerifyReport) {
	t.Helper()
	said := len(report.Findings) > 0
	for i := range report.Files {
		said = said || report.Files[i].damaged() && len(report.Files[i].Findings) > 0
	}
	for _, c := range report.Caches {
		said = said || !c.Matches
	}
	if !said {
		t.Errorf("verify names nothing: %+v", report)
	}
}

// remedied tells whether a sentence says what to do.
func remedied(text string) bool {
	return slices.ContainsFunc([]string{
		"restore", "put back", "put it back", "put them back", "run ", "delete", "use a newer",
		"goes on by itself", "anew", "put this file and",
	}, func(word string) bool { return strings.Contains(text, word) })
}

// awaitRead waits until a ledger has read all that it holds once, and returns what is wrong.
func awaitRead(t *testing.T, l *Ledger) (why string) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); {
		h := l.Health(t.Context())
		if h.Status != HealthOK && !strings.Contains(h.Why, "being built anew") {
			return h.Why
		}
		_, log := h.Verified[partLog]
		_, vault := h.Verified[partVault]
		_, register := h.Verified[partRegister]
		if log && vault && register && h.Status == HealthOK {
			return ""
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("it is neither well nor not: %+v", l.Health(t.Context()))
	return ""
}

// awaitTaken waits until a ledger has taken in what waited, and returns what is wrong.
func awaitTaken(t *testing.T, l *Ledger) (why string) {
	t.Helper()
	var status Status
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); {
		if status = l.Status(t.Context()); status.Intake.Waiting == 0 {
			return ""
		}
		if h := l.Health(t.Context()); h.Status != HealthOK {
			return h.Why
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("messages wait: %+v", status)
	return ""
}
