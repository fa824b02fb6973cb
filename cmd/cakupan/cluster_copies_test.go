package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"cakupan/cmd/internal/ledger"
	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/natsd/clustertest"
	"cakupan/eventstore/vault"
)

// folder is where a server has its copy of a stream.
func (c *clusterRun) folder(node int, stream string) string {
	args := c.nodes[node].args
	data := args[slices.Index(args, "--data")+1]
	found, err := filepath.Glob(filepath.Join(data, "jetstream", "*", "streams", stream))
	if err != nil || len(found) != 1 {
		c.t.Fatalf("folder of %s: %v, %v", stream, found, err)
	}
	return found[0]
}

// whileDown stops a server in good order, does something to its files and starts it again.
func (c *clusterRun) whileDown(node int, do func()) {
	c.t.Helper()
	c.nodes[node].signal(syscall.SIGTERM)
	if err := c.nodes[node].command.Wait(); err != nil {
		c.t.Fatalf("stop server %d: %v", node, err)
	}
	do()
	c.nodes[node].start()
}

// leadBy has a server lead a stream that all three have all of.
func (c *clusterRun) leadBy(node int, name string) {
	c.t.Helper()
	js := c.streams()
	c.await(fmt.Sprintf("n%d leads %s", node, name), func() bool {
		stream, err := js.Stream(c.t.Context(), name)
		if err != nil {
			return false
		}
		is, current := stream.CachedInfo().Cluster, 0
		for _, r := range is.Replicas {
			if r.Current && !r.Offline {
				current++
			}
		}
		if is.Leader == fmt.Sprintf("n%d", node) {
			return current == 2
		}
		_, _ = js.Conn().Request("$JS.API.STREAM.LEADER.STEPDOWN."+name,
			fmt.Appendf(nil, `{"placement":{"preferred":"n%d"}}`, node), time.Second)
		return false
	})
}

// named opens an enrolment of somebody with a NIK.
func named(n int) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":"named-%d","source":"urn:cluster",`+
		`"type":"id.cakupan.enrolment.opened.v1","data":{"enrolment":"n-%d","nik":"750301010190%04d",`+
		`"region":"75.03","segment":"PU","category":"PRIVATE","programmes":["JKK"],`+
		`"payer":"EMPLOYER","from":"2020-01-01"}}`, n, n, n+1)
}

// takes waits until a ledger has taken in somebody with a NIK.
func (c *clusterRun) takes(to, n int) {
	c.t.Helper()
	c.await("an event with a NIK is taken in", func() bool {
		response, err := http.Post("http://"+c.http[to]+"/v1/events", "application/cloudevents+json",
			strings.NewReader(named(n)))
		if err != nil {
			return false
		}
		defer func() { _ = response.Body.Close() }()
		text, err := io.ReadAll(response.Body)
		return err == nil && response.StatusCode == http.StatusOK &&
			strings.Contains(string(text), `"sequence"`)
	})
}

// degraded is what a ledger that is well says of copies.
func (c *clusterRun) degraded(n int) (text string, well bool) {
	response, err := http.Get("http://" + c.http[n] + "/healthz")
	if err != nil {
		return "", false
	}
	defer func() { _ = response.Body.Close() }()
	var h ledger.Health
	err = json.NewDecoder(response.Body).Decode(&h)
	return h.Degraded, err == nil && response.StatusCode == http.StatusOK
}

// forgeFrame changes a bit of a frame's last event, and makes its checksum anew.
func forgeFrame(frame []byte) {
	body := frame[:len(frame)-4]
	body[len(body)-1] ^= 1
	sum := crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli))
	binary.BigEndian.PutUint32(frame[len(body):], sum)
}

// TestClusterCopy has the server that leads the vault's stream lose a message of its copy, and hold
// a frame of the log otherwise than it was stored, with checksums to match. Another ledger takes
// over all the same, and verify, which reads all of both, ends with exit 0. It and the health tell
// whose copies are damaged, until they are made anew.
func TestClusterCopy(t *testing.T) {
	longCluster(t)
	c := newCluster(t)
	for n := range 5 {
		c.takes(0, n)
	}
	const node, lost, forged = 1, 3, 2
	c.whileDown(node, func() {
		clustertest.Flip(t, c.folder(node, vault.StreamName), lost)
		clustertest.Forge(t, c.folder(node, jetstream.StreamDefault), forged, forgeFrame)
	})
	c.leadBy(node, vault.StreamName)
	c.leadBy(node, jetstream.StreamDefault)
	c.ledgers[0].kill()
	c.await("the second ledger writes", func() bool { return c.role(1) == "writer" })
	c.takes(1, 5)

	want := fmt.Sprintf("server n%d's copy of stream %s lacks message %d; the others have it",
		node, vault.StreamName, lost)
	wantLog := fmt.Sprintf("server n%d's copy of stream %s has another message %d than was stored;"+
		" the others have that", node, jetstream.StreamDefault, forged)
	verify := func() string {
		code, stdout, stderr := runCommand(t, "verify", "--server", "http://"+c.http[1])
		if code != 0 {
			t.Fatalf("verify: exit %d: %s%s", code, stdout, stderr)
		}
		return stdout
	}
	c.await("verify names the copy", func() bool {
		stdout := verify()
		return strings.Contains(stdout, "degraded: "+want) &&
			strings.Contains(stdout, "degraded: "+wantLog) &&
			strings.Contains(stdout, "nothing is lost") && !strings.Contains(stdout, "damaged")
	})
	c.await("the health names the copy", func() bool {
		text, well := c.degraded(1)
		return well && strings.HasPrefix(text, wantLog+": stop server n1, remove the folder of") &&
			strings.Contains(text, "(and 1 more: see cakupan verify)")
	})
	if said := c.ledgers[1].stderr.String(); strings.Count(said,
		"a server's copy of a stream is damaged") != 2 {
		t.Error("the log does not name each copy once")
	}

	c.whileDown(node, func() {
		for _, stream := range []string{vault.StreamName, jetstream.StreamDefault} {
			if err := os.RemoveAll(c.folder(node, stream)); err != nil {
				t.Fatal(err)
			}
		}
	})
	c.await("the health says nothing of copies", func() bool {
		text, well := c.degraded(1)
		return well && text == ""
	})
	if stdout := verify(); !strings.Contains(stdout, "nothing is wrong") {
		t.Errorf("verify: %s", stdout)
	}
	c.leadBy(node, vault.StreamName)
	c.takes(1, 6)
}
