package faults

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// part is a node or a ledger: a process in a network and on a disk of its own.
type part struct {
	name    string
	address string // without port
	args    []string
	said    *os.File // what it writes to its outputs

	mu      sync.Mutex
	process *os.Process // nil: it is not to run
	ended   chan struct{}
	byself  []string // how it ended, though nobody had ended it
}

// supervisorWait is how long a part that ended by itself stays so: what systemd and Docker start
// again is not started by hand.
const supervisorWait = time.Second

func (d *driver) newPart(name, address string, args ...string) (*part, error) {
	if err := errors.Join(wire(name, address), mountDisk(name, d.system)); err != nil {
		return nil, err
	}
	said, err := os.OpenFile(filepath.Join(d.logs, name+".log"),
		os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	args = append([]string{"nsenter", "--net=/run/netns/" + name, d.program}, args...)
	return &part{name: name, address: address, args: args, said: said}, err
}

// disk returns where the part has its files.
func (p *part) disk() string { return filepath.Join(disksAt, p.name) }

// clockEnv names the link of which the program, as it is built for faults, reads by how much the
// machine's clock is wrong.
const clockEnv = "CAKUPAN_CLOCK"

// driverClock is the link for the commands of the driver.
var driverClock = filepath.Join(clocksAt, "driver")

func (p *part) clock() string { return filepath.Join(clocksAt, p.name) }

// jump sets by how much the clock of a ledger is wrong, from now on and after a restart.
func (p *part) jump(by time.Duration) error {
	next := p.clock() + ".next"
	return errors.Join(os.Symlink(by.String(), next), os.Rename(next, p.clock()))
}

// data returns the part's folder.
func (p *part) data() string { return filepath.Join(p.disk(), "data") }

// url returns where a ledger answers.
func (p *part) url() string { return "http://" + p.address + ":7070" }

// start starts the part, and has it started again whenever it ends by itself.
func (p *part) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.process != nil {
		return fmt.Errorf("%s runs already", p.name)
	}
	return p.run()
}

// run starts the process. The mutex is held.
func (p *part) run() error {
	command := exec.Command(p.args[0], p.args[1:]...)
	command.Stdout, command.Stderr = p.said, p.said
	command.Env = append(os.Environ(), clockEnv+"="+p.clock())
	if err := command.Start(); err != nil {
		return err
	}
	p.process, p.ended = command.Process, make(chan struct{})
	go p.supervise(command, p.ended)
	return nil
}

// supervise waits until a process ends, and starts another one if it was not to.
func (p *part) supervise(command *exec.Cmd, ended chan struct{}) {
	_ = command.Wait() // how it ended is its state
	p.mu.Lock()
	asked := p.process != command.Process
	close(ended)
	if !asked {
		p.byself = append(p.byself, fmt.Sprintf("%s: %v", p.name, command.ProcessState))
		_, _ = fmt.Fprintf(p.said, "--- ended by itself: %v\n", command.ProcessState)
	}
	p.mu.Unlock()
	if asked {
		return
	}
	time.Sleep(supervisorWait)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.process == command.Process {
		p.process = nil
		if err := p.run(); err != nil {
			p.byself = append(p.byself, fmt.Sprintf("%s: not started again: %v", p.name, err))
		}
	}
}

// stop ends the process with a signal and waits until it has ended.
func (p *part) stop(how syscall.Signal) error {
	p.mu.Lock()
	process, ended := p.process, p.ended
	p.process = nil
	p.mu.Unlock()
	if process == nil {
		return nil
	}
	if err := process.Signal(how); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-ended:
		return nil
	case <-time.After(patience):
		_ = process.Kill()
		return fmt.Errorf("%s does not end after %v", p.name, how)
	}
}

// signal sends a signal that does not end the process. One that has ended by itself gets none.
func (p *part) signal(s syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.process.Signal(s); !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// hasStopped tells whether all threads stand still, or will where they wait for a disk.
func (p *part) hasStopped() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.process.Pid))
	stopped := false
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		_, state, _ := strings.Cut(string(text), ") ")
		switch {
		case err != nil: // it has ended
		case strings.HasPrefix(state, "T"):
			stopped = true
		case !strings.HasPrefix(state, "D"):
			return false
		}
	}
	return stopped
}

// restarts returns how the process has ended by itself.
func (p *part) restarts() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.byself
}

// descriptors has the process open no other file, or as many as before. A process that was started
// in between never had the limit.
func (p *part) descriptors(none bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.process == nil {
		return nil
	}
	var now unix.Rlimit
	err := unix.Prlimit(p.process.Pid, unix.RLIMIT_NOFILE, nil, &now)
	if err == nil {
		now.Cur = now.Max
		if none {
			now.Cur = 3
		}
		err = unix.Prlimit(p.process.Pid, unix.RLIMIT_NOFILE, &now, nil)
	}
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	return err
}

// inject has calls of the process that concern its files fail or wait, until stop is called.
func (p *part) inject(what string) (stop func() error, err error) {
	const calls = "write,pwrite64,fsync,fdatasync,ftruncate"
	p.mu.Lock()
	pid := fmt.Sprint(p.process.Pid)
	p.mu.Unlock()
	args := []string{
		"-f", "-q", "-p", pid, "-o", "/dev/null", "-e", "trace=" + calls,
		"-e", "inject=" + calls + ":" + what,
	}
	err = filepath.WalkDir(p.disk(), func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && len(args) < 2_000 {
			args = append(args, "-P", path)
		}
		return nil // a file that is gone by now
	})
	if err != nil {
		return nil, err
	}
	var said strings.Builder
	tracer := exec.Command("strace", args...)
	tracer.Stderr = &said
	if err := tracer.Start(); err != nil {
		return nil, err
	}
	return func() error {
		if err := tracer.Process.Signal(syscall.SIGTERM); err != nil {
			return fmt.Errorf("strace: %w", err)
		}
		_ = tracer.Wait() // it was ended by a signal
		if strings.Contains(said.String(), "not permitted") {
			return fmt.Errorf("strace: %s", said.String())
		}
		return nil
	}, nil
}
