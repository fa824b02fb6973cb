package faults

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/cmd/internal/ledger"
)

// patience is how long a thing may take before nobody helping is called stranded: busy machines are
// slow.
const patience = 2 * time.Minute

// driver has all parts of a run, and plays faults on them.
type driver struct {
	plan    plan
	program string
	system  string // file system of the disks, empty: in memory, where no power can be cut
	noPower string // why not, if the plan has it
	logs    string
	nodes   []*part
	ledgers []*part
	load    *load
	report  report
	client  *http.Client
	conn    *nats.Conn
	js      jetstream.JetStream
}

// report is what came of a seed.
type report struct {
	Seed      uint64
	Played    []played
	Skipped   []string
	Acked     int
	Ways      map[string]int
	Log       tally
	Lies      int
	Different int           // ledgers that answered otherwise than a replay
	Stranded  []string      // what did not come back by itself
	Ended     time.Duration // from the end of the faults until nothing waited
	Restarted []string      // what ended by itself and was started again by its supervisor
	Wrong     []string
}

// played is a fault as it went.
type played struct {
	Kind    kind
	Stopped time.Duration // the longest time without an acknowledgement
	Well    time.Duration // from the end of the fault until all ledgers were well
	Whole   time.Duration // … until each node had all of each stream
	Why     string        // soon after the end of the fault not all was well, and why
}

// failed tells whether a seed was not stood.
func (r *report) failed() bool {
	return !r.Log.sound() || r.Lies+r.Different+len(r.Stranded)+len(r.Wrong) > 0
}

// await waits until something is so.
func await(what string, is func() bool) error {
	for since := time.Now(); time.Since(since) < patience; time.Sleep(20 * time.Millisecond) {
		if is() {
			return nil
		}
	}
	return fmt.Errorf("it does not happen that %s", what)
}

// health is what a ledger says of itself.
type health struct {
	Status, Why, Role string
	Head              uint64
}

func healthOf(client *http.Client, url string) (h health, err error) {
	response, err := client.Get(url + "/healthz")
	if err != nil {
		return h, err
	}
	defer func() { _ = response.Body.Close() }()
	return h, json.NewDecoder(response.Body).Decode(&h)
}

// launch starts the parts and the load.
func (d *driver) launch() error {
	d.client = &http.Client{Timeout: answerMax}
	if err := d.launchNodes(); err != nil {
		return err
	}
	var urls []string
	for n := range d.plan.ledgers {
		name, address := fmt.Sprintf("l%d", n), fmt.Sprintf("127.77.0.%d", 20+n)
		p, err := d.newPart(name, address, "serve", "--data",
			filepath.Join(disksAt, name, "data"), "--listen", address+":7070",
			"--nats", d.load.nats)
		if err != nil {
			return err
		}
		if n > 0 { // the same keys, as the operator gives them
			first := d.ledgers[0]
			err := await("the first ledger has all its keys", func() bool {
				_, err := os.Stat(filepath.Join(first.data(), "vault", "checkpoint.key"))
				return err == nil
			})
			if err == nil {
				err = tool("cp", "-a", first.data(), p.data())
			}
			if err != nil {
				return err
			}
			d.keysOnly(p)
		}
		d.ledgers, urls = append(d.ledgers, p), append(urls, p.url())
		if err := errors.Join(p.start(), await(name+" is well", func() bool {
			h, err := healthOf(d.client, p.url())
			return err == nil && h.Status == "ok"
		})); err != nil {
			return err
		}
	}
	d.load.ledgers = urls
	d.load.begin()
	return d.progress(50)
}

// keysOnly removes what is not a key from a folder of a ledger.
func (d *driver) keysOnly(p *part) {
	_ = filepath.WalkDir(p.data(), func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && filepath.Ext(path) != ".key" {
			return os.Remove(path)
		}
		return err
	})
}

func (d *driver) launchNodes() (err error) {
	var routes, urls []string
	for n := range d.plan.nodes {
		routes = append(routes, fmt.Sprintf("127.77.0.%d:6222", 10+n))
		urls = append(urls, fmt.Sprintf("nats://127.77.0.%d:4222", 10+n))
	}
	for n := range d.plan.nodes {
		name, address := fmt.Sprintf("n%d", n), fmt.Sprintf("127.77.0.%d", 10+n)
		args := []string{
			"nats", "--name", name, "--data", filepath.Join(disksAt, name, "data"),
			"--listen", address + ":4222",
		}
		if d.plan.nodes > 1 {
			args = append(args, "--cluster", routes[n], "--routes", strings.Join(routes, ","))
		}
		p, err := d.newPart(name, address, args...)
		if err == nil {
			err = p.start()
		}
		if err != nil {
			return err
		}
		d.nodes = append(d.nodes, p)
	}
	d.load.nats = strings.Join(urls, ",")
	if d.conn, err = d.load.connect(); err == nil {
		d.js, err = jetstream.New(d.conn)
	}
	return err
}

// stop ends all parts as their operator does.
func (d *driver) stop() error {
	var errs []error
	for _, p := range slices.Concat(d.ledgers, d.nodes) {
		errs = append(errs, p.stop(syscall.SIGTERM))
	}
	return errors.Join(errs...)
}

// progress waits until so many more events are acknowledged.
func (d *driver) progress(events int) error {
	d.load.mu.Lock()
	want := d.load.answers + events
	d.load.mu.Unlock()
	return await("events are acknowledged", func() bool {
		d.load.mu.Lock()
		defer d.load.mu.Unlock()
		return d.load.answers >= want
	})
}

// writer returns the ledger that writes, once one does.
func (d *driver) writer() (found *part, err error) {
	err = await("a ledger writes", func() bool {
		for _, p := range d.ledgers {
			h, err := healthOf(d.client, p.url())
			if err == nil && h.Role == "writer" {
				found = p
			}
		}
		return found != nil
	})
	return found, err
}

// leader returns the node that leads the log.
func (d *driver) leader() (found *part, err error) {
	err = await("the log has a leader", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), answerMax)
		defer cancel()
		stream, err := d.js.Stream(ctx, "CAKUPAN")
		if err != nil || stream.CachedInfo().Cluster == nil {
			return false
		}
		for _, p := range d.nodes {
			if p.name == stream.CachedInfo().Cluster.Leader {
				found = p
			}
		}
		return found != nil
	})
	return found, err
}

// well waits until all ledgers say that they are well.
func (d *driver) well() error {
	err := await("all ledgers are well", d.allWell)
	if err != nil {
		return fmt.Errorf("%w: %s", err, d.saying())
	}
	return nil
}

func (d *driver) allWell() bool {
	for _, p := range d.ledgers {
		if h, err := healthOf(d.client, p.url()); err != nil || h.Status != "ok" {
			return false
		}
	}
	return true
}

// current waits until each stream is whole on each node.
func (d *driver) current() error {
	return await("all nodes have all of each stream", func() bool {
		s, err := d.status(d.ledgers[0])
		for _, stream := range s.Streams {
			if stream.Replicas != d.plan.nodes || stream.Current != d.plan.nodes {
				return false
			}
		}
		return err == nil && len(s.Streams) >= 4
	})
}

// saying returns what the ledgers say of themselves.
func (d *driver) saying() (text string) {
	for _, p := range d.ledgers {
		h, err := healthOf(d.client, p.url())
		text += fmt.Sprintf(" %s: %+v %v", p.name, h, err)
	}
	return text
}

// status asks a ledger for all of its state.
func (d *driver) status(p *part) (s ledger.Status, err error) {
	text, err := d.run("status", "--json", "--server", p.url())
	_ = json.Unmarshal([]byte(text), &s) // an answer that is not whole is waited for
	return s, err
}

// run runs a command of the program and returns what it prints.
func (d *driver) run(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	command := exec.CommandContext(ctx, d.program, args...)
	command.Env = append(os.Environ(), clockEnv+"="+driverClock)
	output, err := command.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		last := output[max(0, len(output)-2_000):] // a check says there what it found
		err = fmt.Errorf("cakupan %s: %w: %s%s", strings.Join(args, " "), err, exit.Stderr, last)
	}
	return string(output), err
}

// get asks a ledger until it answers: one that is behind says to ask again.
func (d *driver) get(p *part, route string) (answer string, err error) {
	client := &http.Client{Timeout: patience}
	err = await(p.name+" answers "+route, func() bool {
		response, err := client.Get(p.url() + route)
		if err != nil {
			return false
		}
		text, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		answer = string(text)
		return err == nil && response.StatusCode == http.StatusOK
	})
	if err != nil {
		err = fmt.Errorf("%w: %.300s", err, answer)
	}
	return answer, err
}
