package index

import "errors"

const (
	// fanIn runs of like size become one. Each entry is thus written log₄(n/131,072) times more
	// (three times at 8 million events), and a lookup asks three runs of each size at most.
	fanIn = 4

	// runsMax bounds the runs: when merging cannot keep up, appending waits for it.
	runsMax = 32
)

var errStopped = errors.New("index is closing")

// tier returns the size class of a run of so many entries: 0 for what one table of the given
// limit makes, one more for each merge of fanIn.
func tier(entries, limit int) int {
	t := 0
	for ; entries > limit; limit *= fanIn {
		t++
	}
	return t
}

// plan returns which adjacent runs to merge next, as a range of places; ok is false when nothing
// needs to be. Newer ones come first: they are smaller.
func plan(runs []*run, limit int) (from, to int, ok bool) {
	for from := len(runs) - fanIn; from >= 0; from-- {
		if tier(runs[from].count(), limit) <= tier(runs[from+fanIn-1].count(), limit) {
			// Alike, or smaller before larger, which only losing a merged run leaves behind.
			return from, from + fanIn, true
		}
	}
	return 0, 0, false
}

// mergeRuns writes one run with all entries of the inputs, which are adjacent and in log order.
// Their checksums are compared on the way, so that damage is found and not copied.
func mergeRuns(dir string, inputs []*run, stopped func() bool) (*run, error) {
	last := inputs[len(inputs)-1]
	h := header{
		identity: last.identity, first: inputs[0].first, last: last.last, tree: last.tree,
		form: last.form,
	}
	w, err := createRun(dir, h)
	if err != nil {
		return nil, err
	}
	if err := mergeInto(w, inputs, stopped); err != nil {
		return nil, errors.Join(err, w.abort())
	}
	return w.finish()
}

// mergeInto writes the entries of all inputs in order. It looks now and then whether anybody still
// wants the result: a merge of gigabytes must not hold up Close.
func mergeInto(w *runWriter, inputs []*run, stopped func() bool) error {
	var live []*mergeInput
	for _, r := range inputs {
		in := &mergeInput{run: r, buf: make([]byte, blocksAtOnce*r.blockSize())}
		if err := in.next(); err != nil {
			return err
		}
		live = append(live, in)
	}
	for n := 0; len(live) > 0; n++ {
		if n%(blocksAtOnce*blockEntries) == 0 && stopped() {
			return errStopped
		}
		place := least(live)
		if err := w.add(&live[place].entry); err != nil {
			return err
		}
		if err := live[place].next(); err != nil {
			return err
		}
		if live[place].ended {
			live = append(live[:place], live[place+1:]...)
		}
	}
	return nil
}

// least returns the place of the input whose entry comes first. Equal keys stay in log order.
func least(live []*mergeInput) int {
	best := 0
	for i := 1; i < len(live); i++ {
		if compare(&live[i].entry, &live[best].entry) < 0 {
			best = i
		}
	}
	return best
}

// mergeInput reads a run from front to back.
type mergeInput struct {
	run   *run
	buf   []byte // some blocks
	place int    // of the next entry
	entry Entry
	ended bool // there is none any more
}

// next goes on to the next entry. Whole blocks are read and checked, each once.
func (in *mergeInput) next() error {
	if in.place == in.run.count() {
		in.ended = true
		return nil
	}
	at := in.place % (blocksAtOnce * blockEntries)
	if at == 0 {
		first := in.place / blockEntries
		n := min(blocksAtOnce, in.run.filterAt()-first)
		if err := in.run.readBlocks(first, in.buf[:n*in.run.blockSize()]); err != nil {
			return &runError{run: in.run, err: err}
		}
	}
	in.place++
	size := in.run.entrySize()
	in.entry = in.run.decodeEntry(in.buf[at*size:][:size])
	return nil
}

// runError names the run that cannot be read.
type runError struct {
	run *run
	err error
}

func (e *runError) Error() string { return "run " + e.run.path + ": " + e.err.Error() }

func (e *runError) Unwrap() error { return e.err }
