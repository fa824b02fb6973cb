package natsd

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// TestEverybodyHears has each role hear the values of the bucket on their plain subject, begin with
// all that there are by one request, and put none of his own there.
func TestEverybodyHears(t *testing.T) {
	g := startGuarded(t)
	js := g.fillBucket(t)
	who := map[string]*nats.Conn{}
	for _, name := range []string{"bone", "auditor", "board"} {
		who[name], _ = g.dial(t, name)
	}
	g.members.setOpen(true)
	who["anyone"], _ = g.dial(t, "")
	who["another"], _ = g.dial(t, "")
	heard := map[string]*nats.Subscription{}
	for name, conn := range who {
		sub, err := conn.SubscribeSync(SubjectCoverage + ">")
		if err != nil {
			t.Fatal(err)
		}
		heard[name] = sub
		if err := conn.Publish(SubjectCoverage+"ID", []byte("a lie")); err != nil {
			t.Fatal(err)
		}
		if err := conn.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"ID", "75.03.by.funding"} {
		if _, err := js.Publish(t.Context(), subjectBucket+key, []byte("2")); err != nil {
			t.Fatal(err)
		}
	}
	for name, conn := range who {
		// The number of the value before under the key is there too: who misses one finds out.
		for i, want := range []string{"ID 2 2 1", "75.03.by.funding 2 3 0"} {
			m, err := heard[name].NextMsg(within)
			if err != nil {
				t.Fatalf("%s hears %d values: %v", name, i, err)
			}
			got := strings.TrimPrefix(m.Subject, SubjectCoverage) + " " + string(m.Data) + " " +
				m.Header.Get(jetstream.SequenceHeader) + " " +
				m.Header.Get(jetstream.LastSequenceHeader)
			if got != want {
				t.Errorf("%s hears %s, not %s", name, got, want)
			}
		}
		if got := allValues(t, conn); got != "$KV.cakupan_coverage.ID=2 "+
			"$KV.cakupan_coverage.75.03.by.funding=2 " {
			t.Errorf("%s begins with %s", name, got)
		}
	}
}

// allValues asks for all that the bucket holds by one request.
func allValues(t *testing.T, conn *nats.Conn) (all string) {
	t.Helper()
	inbox := conn.NewInbox()
	answers, err := conn.SubscribeSync(inbox)
	if err != nil {
		t.Fatal(err)
	}
	err = conn.PublishRequest("$JS.API.DIRECT.GET."+streamView, inbox,
		[]byte(`{"multi_last":["`+subjectBucket+`>"]}`))
	if err != nil {
		t.Fatal(err)
	}
	for {
		m, err := answers.NextMsg(within)
		if err != nil {
			t.Fatalf("after %s: %v", all, err)
		}
		if status := m.Header.Get("Status"); status != "" {
			if status != "204" {
				t.Errorf("ends with %v", m.Header)
			}
			return all
		}
		all += m.Header.Get("Nats-Subject") + "=" + string(m.Data) + " "
	}
}

// TestPermissionsCover asks for each request that an account has: the permissions, which are given
// in other words, let it pass.
func TestPermissionsCover(t *testing.T) {
	for _, role := range []Role{RolePublisher, RoleAuditor, RoleAnyone, RoleViewer} {
		c := Client{Name: "n", Role: role}
		allowed := permissionsOf(c).Publish.Allow
		requests := viewable(c)
		if c.reads() {
			requests = append(requests, readable(c)...)
		}
		for _, r := range requests {
			if !covered(r.from, allowed) {
				t.Errorf("%s may not ask %s", role, r.from)
			}
		}
		for _, foreign := range []string{
			"$JS.API.STREAM.INFO.CAKUPAN_VAULT", "$JS.API.STREAM.DELETE.CAKUPAN_INTAKE",
			"$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.MSG.GET.CAKUPAN_REFUSED",
			"$JS.API.CONSUMER.CREATE.CAKUPAN_VAULT.x", subjectBucket + "ID", SubjectCoverage + "ID",
			"_INBOX.x", "$SYS.REQ.SERVER.PING",
		} {
			if covered(foreign, allowed) {
				t.Errorf("%s is not told that %s is not his", role, foreign)
			}
		}
		if log := "$JS.API.STREAM.INFO." + streamLog; covered(log, allowed) != c.reads() {
			t.Errorf("%s, of the log: %v", role, covered(log, allowed))
		}
	}
}

// covered tells whether one of the subjects covers another, which may have wildcards too.
func covered(subject string, by []string) bool {
	words := strings.Split(subject, ".")
	for _, one := range by {
		pattern := strings.Split(one, ".")
		i := 0
		for i < len(pattern) && i < len(words) && pattern[i] != ">" &&
			(pattern[i] == words[i] || pattern[i] == "*" && words[i] != ">") {
			i++
		}
		if i < len(pattern) && i < len(words) && pattern[i] == ">" ||
			i == len(pattern) && i == len(words) {
			return true
		}
	}
	return false
}

// watcherMost is what one who watches may take of the server, in KiB, live: on the heap and in the
// stacks of its goroutines, once garbage is collected. What is resident is more: see TestManyWatch.
const watcherMost = 64

// TestWatchersAreSmall bounds what each of many takes in the server who watches a key. On demand,
// CAKUPAN_WATCHERS is how many, and CAKUPAN_PROFILE a folder for profiles of the heap.
func TestWatchersAreSmall(t *testing.T) {
	many := uint64(100)
	if n, err := strconv.Atoi(os.Getenv("CAKUPAN_WATCHERS")); err == nil {
		many = uint64(n)
	}
	for _, way := range []struct {
		name string
		most uint64 // KiB
		in   func(*rawClient)
	}{
		{"connection", 18, func(*rawClient) {}},
		{"subject", 20, (*rawClient).hear},
		{"consumer", 46, (*rawClient).watch},
	} {
		t.Run(way.name, func(t *testing.T) {
			g := startGuarded(t)
			g.fillBucket(t)
			g.members.setOpen(true)
			before := liveNow()
			for n := range many {
				way.in(g.dialRaw(t, n))
			}
			after := liveNow()
			heap := (after.HeapAlloc - min(before.HeapAlloc, after.HeapAlloc)) / many / 1024
			stacks := (after.StackInuse - min(before.StackInuse, after.StackInuse)) / many / 1024
			t.Logf("heap %d KiB, stacks %d KiB each", heap, stacks)
			if heap > way.most || heap+stacks > watcherMost {
				t.Errorf("heap %d and stacks %d KiB each, at most %d of heap are right, and %d of both",
					heap, stacks, way.most, watcherMost)
			}
			keepProfile(t, way.name)
		})
	}
}

// liveNow returns what memory is in use once all that was thrown away is collected.
func liveNow() (m runtime.MemStats) {
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m
}

func keepProfile(t *testing.T, name string) {
	t.Helper()
	folder := os.Getenv("CAKUPAN_PROFILE")
	if folder == "" {
		return
	}
	file, err := os.Create(filepath.Join(folder, name+".heap"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if err := pprof.WriteHeapProfile(file); err != nil {
		t.Fatal(err)
	}
}

// rawClient is a connection that takes hardly any memory on this side of it, which is the server's
// process too.
type rawClient struct {
	t *testing.T
	n uint64
	net.Conn
}

func (g *guarded) dialRaw(t *testing.T, n uint64) *rawClient {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(g.URL(), "nats://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	c := &rawClient{t, n, conn}
	c.say("PONG", `CONNECT {"lang":"go","protocol":1,"headers":true,"no_responders":true}`, "PING")
	return c
}

// say sends lines, and returns when an answer was this one.
func (c *rawClient) say(until string, lines ...string) {
	c.t.Helper()
	if _, err := fmt.Fprint(c, strings.Join(lines, "\r\n"), "\r\n"); err != nil {
		c.t.Fatal(err)
	}
	answers := bufio.NewScanner(c)
	for answers.Scan() {
		if answers.Text() == until {
			return
		}
	}
	c.t.Fatalf("client %d was not told %s: %v", c.n, until, answers.Err())
}

func (c *rawClient) hear() { c.say("PONG", "SUB "+SubjectCoverage+"ID 1", "PING") }

// watch makes the watch that nats.go makes of a key, and waits for its value.
func (c *rawClient) watch() {
	body := fmt.Sprintf(`{"stream_name":%q,"config":{"deliver_policy":"last_per_subject",`+
		`"ack_policy":"none","max_deliver":1,"filter_subject":"%sID","flow_control":true,`+
		`"idle_heartbeat":5000000000,"deliver_subject":"_INBOX.%d.d","num_replicas":1,`+
		`"mem_storage":true}}`, streamView, subjectBucket, c.n)
	c.say("1", fmt.Sprintf("SUB _INBOX.%d.d 1", c.n), fmt.Sprintf("SUB _INBOX.%d.r.* 2", c.n),
		fmt.Sprintf("PUB $JS.API.CONSUMER.CREATE.%s.w%d.%sID _INBOX.%d.r.x %d", streamView, c.n,
			subjectBucket, c.n, len(body)), body)
}
