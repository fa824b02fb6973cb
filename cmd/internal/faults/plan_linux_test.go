package faults

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// kind is a fault.
type kind string

// The faults.
const (
	killWriter  kind = "kill writer"
	killStandby kind = "kill standby"
	killLeader  kind = "kill leader"
	killNode    kind = "kill node"
	killNodes   kind = "kill all nodes"
	killAll     kind = "kill everything"
	stepDown    kind = "change leader"
	pauseWriter kind = "pause writer"
	pauseNode   kind = "pause node"
	cutWriter   kind = "cut off writer"
	cutNode     kind = "cut off node"
	rolling     kind = "rolling restart"
	fullNode    kind = "disk of node full"
	fullWriter  kind = "disk of writer full"
	inodeNode   kind = "no inodes for node"
	inodeWriter kind = "no inodes for writer"
	fdNode      kind = "no descriptors for node"
	fdWriter    kind = "no descriptors for writer"
	eioNode     kind = "EIO at node"
	eioWriter   kind = "EIO at writer"
	slowNode    kind = "slow disk of node"
	oldCache    kind = "older caches of ledger"
	noCache     kind = "no caches of ledger"
	oldNode     kind = "older copy of node"
	clockJump   kind = "clock jump"
	powerWriter kind = "power cut of writer"
	powerNode   kind = "power cut of node"
	powerNodes  kind = "power cut of all nodes"
	powerAll    kind = "power cut of everything"
)

var kinds = []kind{
	killWriter, killStandby, killLeader, killNode, killNodes, killAll, stepDown, pauseWriter,
	pauseNode, cutWriter, cutNode, rolling, fullNode, fullWriter, inodeNode, inodeWriter, fdNode,
	fdWriter, eioNode, eioWriter, slowNode, oldCache, noCache, oldNode, clockJump,
}

// powerKinds are played in seeds of their own: they need disks of which the power can be cut, which
// cannot be made full as those in memory can.
var powerKinds = []kind{powerWriter, powerNode, powerNodes, powerAll}

// step is a fault of a plan.
type step struct {
	kind  kind
	pick  int           // which part, among those that it may be
	lasts time.Duration // of a fault that passes
	calm  time.Duration // before it
}

func (s step) String() string { return fmt.Sprintf("%s (%d, %v)", s.kind, s.pick, s.lasts) }

// plan is what is played.
type plan struct {
	seed           uint64
	nodes, ledgers int
	power          bool // it is cut, and nothing else done
	steps          []step
}

// stepsOf is how many faults a seed has.
const stepsOf = 4

// planOf returns the plan of a seed. One seed in ten has one node and one ledger, one a single
// ledger; all others are as a cluster is meant to be. Of every twenty seeds three cut the power, one
// of them of one node and one ledger.
func planOf(seed uint64) plan {
	random := rand.New(rand.NewPCG(seed, 10))
	p := plan{seed: seed, nodes: 3, ledgers: 2, power: seed%10 == 7 || seed%20 == 19}
	kinds := kinds
	if p.power {
		kinds = powerKinds
	}
	switch seed % 10 {
	case 4:
		p.ledgers = 1
	case 9:
		p.nodes, p.ledgers = 1, 1
	}
	for len(p.steps) < stepsOf {
		s := step{
			kind: kinds[random.IntN(len(kinds))], pick: random.IntN(3),
			lasts: time.Duration(2_000+random.IntN(4_000)) * time.Millisecond,
			calm:  time.Duration(random.IntN(1_500)) * time.Millisecond,
		}
		if s.kind.possible(p) {
			p.steps = append(p.steps, s)
		}
	}
	return p
}

// possible tells whether a fault has a meaning there. A single node that is a day older is a log
// that has lost events: what that says is another test's.
func (k kind) possible(p plan) bool {
	switch k {
	case killStandby:
		return p.ledgers > 1
	case oldNode, stepDown, killLeader:
		return p.nodes > 1
	default:
		return true
	}
}

// stopsAll tells whether writes cannot go on while the fault lasts.
func (k kind) stopsAll(p plan) bool {
	ofWriter := slices.Contains([]kind{
		killWriter, pauseWriter, cutWriter, rolling, fdWriter, eioWriter, oldCache, noCache,
		powerWriter,
	}, k)
	ofNode := slices.Contains([]kind{
		killNode, pauseNode, cutNode, fullNode, inodeNode, fdNode, eioNode, slowNode, powerNode,
	}, k)
	return slices.Contains([]kind{killNodes, killAll, powerNodes, powerAll}, k) ||
		p.ledgers == 1 && ofWriter || p.nodes == 1 && ofNode
}

// seedsOf reads which seeds to play: "7", "1-300" or several of them with commas.
func seedsOf(text string) (seeds []uint64, err error) {
	for part := range strings.SplitSeq(text, ",") {
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		first, err := strconv.ParseUint(from, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("seeds are such as 7 or 1-300: %w", err)
		}
		last, err := strconv.ParseUint(to, 10, 32)
		if err != nil || last < first {
			return nil, fmt.Errorf("seeds are such as 7 or 1-300, not %q", part)
		}
		for seed := first; seed <= last; seed++ {
			seeds = append(seeds, seed)
		}
	}
	return seeds, nil
}

// TestPlan has each fault played by some of the first seeds, and a seed be one plan.
func TestPlan(t *testing.T) {
	t.Parallel()
	seeds, err := seedsOf("1-100,200")
	if err != nil || len(seeds) != 101 {
		t.Fatalf("seeds %v, %v", seeds, err)
	}
	for _, wrong := range []string{"", "x", "3-1", "1-"} {
		if _, err := seedsOf(wrong); err == nil {
			t.Errorf("%q is taken for seeds", wrong)
		}
	}
	played := map[kind]int{}
	for _, seed := range seeds {
		p := planOf(seed)
		if fmt.Sprint(p) != fmt.Sprint(planOf(seed)) {
			t.Errorf("seed %d has two plans", seed)
		}
		for _, s := range p.steps {
			played[s.kind]++
			if !s.kind.possible(p) {
				t.Errorf("seed %d plays %s on %d nodes and %d ledgers",
					seed, s.kind, p.nodes, p.ledgers)
			}
		}
	}
	for _, k := range slices.Concat(kinds, powerKinds) {
		if played[k] < 3 {
			t.Errorf("%s is played %d times in 100 seeds", k, played[k])
		}
	}
}
