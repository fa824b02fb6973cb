package faults

import (
	"bytes"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"syscall"
	"time"

	"cakupan/cmd/internal/folder"
)

// errSkipped is returned for what cannot be played on this machine.
var errSkipped = errors.New("skipped")

// soon is after which time it is written down why not all is well.
const soon = 3 * time.Second

// play plays a fault, sees that all goes on meanwhile if it can, and that all is well after it.
func (d *driver) play(s step) (played, error) {
	time.Sleep(s.calm)
	d.load.mu.Lock()
	d.load.gap, d.load.last = 0, time.Now()
	d.load.mu.Unlock()
	heal, err := d.strike(s)
	if err != nil {
		return played{}, err
	}
	if !s.kind.stopsAll(d.plan) {
		err = d.progress(20)
	}
	err = errors.Join(err, heal())
	healed := time.Now()
	p := played{Kind: s.kind}
	if err == nil {
		err = await("all ledgers are well", func() bool {
			if p.Why == "" && time.Since(healed) > soon {
				p.Why = d.saying()
			}
			return d.allWell()
		})
	}
	p.Well = time.Since(healed)
	if err != nil {
		err = fmt.Errorf("%w: %s", err, d.saying())
	}
	if err == nil {
		err = d.progress(20)
	}
	if err == nil {
		err = d.current()
	}
	p.Whole = time.Since(healed)
	d.load.mu.Lock()
	defer d.load.mu.Unlock()
	p.Stopped = d.load.gap
	return p, err
}

// strike begins a fault and returns what ends it. What restarts parts is all done by then.
func (d *driver) strike(s step) (heal func() error, err error) {
	target, err := d.target(s)
	if err != nil {
		return nil, err
	}
	switch s.kind {
	case killWriter, killStandby, killLeader, killNode:
		return target.start, target.stop(syscall.SIGKILL)
	case killNodes:
		return d.killAll(d.nodes)
	case killAll:
		return d.killAll(append(append([]*part{}, d.nodes...), d.ledgers...))
	case powerWriter, powerNode:
		return d.power(target)
	case powerNodes:
		return d.power(d.nodes...)
	case powerAll:
		return d.power(slices.Concat(d.nodes, d.ledgers)...)
	case stepDown:
		return func() error { return nil }, d.stepDown()
	case pauseWriter, pauseNode:
		return func() error {
			time.Sleep(s.lasts)
			return target.signal(syscall.SIGCONT)
		}, target.signal(syscall.SIGSTOP)
	case cutWriter, cutNode:
		return func() error {
			time.Sleep(s.lasts)
			return cut(target.address, false)
		}, cut(target.address, true)
	case rolling:
		return d.roll, nil
	case oldCache, noCache, oldNode:
		return d.older(s.kind, target)
	case eioNode, eioWriter, slowNode:
		return trace(s, target)
	case clockJump:
		return d.jump(s, target)
	default:
		return d.lack(s, target)
	}
}

// target returns which part a fault is for.
func (d *driver) target(s step) (*part, error) {
	switch s.kind {
	case killLeader:
		return d.leader()
	case killNode, pauseNode, cutNode, fullNode, inodeNode, fdNode, eioNode, slowNode, oldNode,
		powerNode:
		return d.nodes[s.pick%len(d.nodes)], nil
	case oldCache, noCache, clockJump:
		return d.ledgers[s.pick%len(d.ledgers)], nil
	}
	writer, err := d.writer()
	if s.kind == killStandby {
		for _, p := range d.ledgers {
			if p != writer {
				return p, err
			}
		}
	}
	return writer, err
}

// killAll kills parts, as a power cut ends them, and starts them again.
func (d *driver) killAll(parts []*part) (heal func() error, err error) {
	var errs []error
	for _, p := range parts {
		errs = append(errs, p.stop(syscall.SIGKILL))
	}
	return func() error {
		var errs []error
		for _, p := range parts {
			errs = append(errs, p.start())
		}
		return errors.Join(errs...)
	}, errors.Join(errs...)
}

// power cuts the power of parts: they stand still, their disks forget what was not made to be
// written, and all is started again.
func (d *driver) power(parts ...*part) (heal func() error, err error) {
	if d.system == "" {
		return nil, fmt.Errorf("%w: a power cut: %s", errSkipped, d.noPower)
	}
	for _, then := range []func(*part) error{
		func(p *part) error { return p.signal(syscall.SIGSTOP) },
		// Its threads stop one after another, on a busy machine much later than they are told to. One
		// that runs while the disk goes down acknowledges what no disk that has lost its power has.
		func(p *part) error { return await(p.name+" has stopped", p.hasStopped) },
		func(p *part) error { return cutPower(p.disk()) },
		func(p *part) error { return p.stop(syscall.SIGKILL) },
		func(p *part) error { return tool("umount", p.disk()) },
	} {
		for _, p := range parts {
			if err := then(p); err != nil {
				return nil, fmt.Errorf("power cut of %s: %w", p.name, err)
			}
		}
	}
	return func() error {
		var errs []error
		for _, p := range parts {
			errs = append(errs, mountDisk(p.name, d.system), p.start())
		}
		return errors.Join(errs...)
	}, nil
}

// stepDown has another node lead the log.
func (d *driver) stepDown() error {
	return await("the leader steps down", func() bool {
		answer, err := d.conn.Request("$JS.API.STREAM.LEADER.STEPDOWN.CAKUPAN", nil, answerMax)
		return err == nil && bytes.Contains(answer.Data, []byte(`"success":true`))
	})
}

// roll restarts each part, as an upgrade does: each once the one before is back.
func (d *driver) roll() error {
	for _, p := range append(append([]*part{}, d.nodes...), d.ledgers...) {
		if err := errors.Join(p.stop(syscall.SIGTERM), p.start(), d.well(), d.current()); err != nil {
			return fmt.Errorf("restart of %s: %w", p.name, err)
		}
	}
	return nil
}

// older gives a part, while it does not run, files of a while ago, or no caches.
func (d *driver) older(k kind, p *part) (heal func() error, err error) {
	copied := filepath.Join(disksAt, "older-"+p.name)
	if err := errors.Join(d.current(), p.stop(syscall.SIGTERM)); err != nil {
		return nil, err
	}
	if err := errors.Join(tool("cp", "-a", p.data(), copied), p.start()); err != nil {
		return nil, err
	}
	if err := errors.Join(d.well(), d.progress(100), d.current()); err != nil {
		return nil, err
	}
	if err := p.stop(syscall.SIGKILL); err != nil {
		return nil, err
	}
	// Keys are no caches, and the copy may be older than one of them.
	if err := errors.Join(keepKeys(p.data(), copied), os.RemoveAll(p.data()),
		tool("mv", copied, p.data())); err != nil {
		return nil, err
	}
	if k == noCache {
		d.keysOnly(p)
	}
	return p.start, nil
}

// keepKeys copies the keys of a ledger's folder into another of its folders; a node has none.
func keepKeys(from, to string) error {
	keys, err := filepath.Glob(filepath.Join(from, folder.Vault, "*.key"))
	for _, key := range keys {
		err = errors.Join(err, tool("cp", "-a", key, filepath.Join(to, folder.Vault)))
	}
	return err
}

// trace has a part's calls fail or wait.
func trace(s step, p *part) (heal func() error, err error) {
	if _, err := exec.LookPath("strace"); err != nil {
		return nil, fmt.Errorf("%w: %s: no strace on this machine", errSkipped, s.kind)
	}
	what := "error=EIO"
	if s.kind == slowNode {
		what = "delay_enter=50000" // microseconds
	}
	stop, err := p.inject(what)
	return func() error {
		time.Sleep(s.lasts)
		return stop()
	}, err
}

// jump has the clock of a ledger jump, ahead or back: by less than an hour, since a ledger refuses to
// start by a clock that is further behind.
func (d *driver) jump(s step, p *part) (heal func() error, err error) {
	info, err := buildinfo.ReadFile(d.program)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(info.Settings, debug.BuildSetting{Key: "-tags", Value: "faults"}) {
		return nil, fmt.Errorf("%w: %s: the program is not built with -tags faults", errSkipped,
			s.kind)
	}
	by := 500 * s.lasts
	if s.lasts/time.Millisecond%2 == 0 {
		by = -by
	}
	return func() error {
		time.Sleep(s.lasts)
		return p.jump(0)
	}, p.jump(by)
}

// lack takes room, inodes or descriptors from a part.
func (d *driver) lack(s step, p *part) (heal func() error, err error) {
	take := p.descriptors
	if s.kind != fdNode && s.kind != fdWriter {
		bytes := s.kind == fullNode || s.kind == fullWriter
		take = func(on bool) error {
			for range 20 { // it may use more between the look and the change
				if err = resize(p.disk(), on && bytes, on && !bytes); err == nil {
					return nil
				}
			}
			return err
		}
	}
	return func() error {
		time.Sleep(s.lasts)
		return take(false)
	}, take(true)
}
