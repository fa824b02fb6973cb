package counts

import "sync"

// cellSet is some of the first cells, a bit for each. It never changes.
type cellSet struct {
	bits []uint64
	n    int // cells that were looked at
}

func (s *cellSet) has(cell uint32) bool { return s.bits[cell>>6]>>(cell&63)&1 != 0 }

// wanted keeps the cells that add to the rows of a range, of each range that was asked for: a scan
// of deltas looks at no other one, and for most questions they are few. So many ranges are kept;
// with 100,000 cells, each takes 12 KiB.
type wanted struct {
	mu  sync.Mutex
	ofs map[Range]cellSet
}

// wantedMax bounds the ranges. Behind it all are forgotten, and the next questions make their own
// again: that is simpler than to know which was asked for last, and as good for the few ranges that
// there are in truth.
const wantedMax = 1 << 10

// of returns which of the cells, given their rows, add to the rows of a range. It is worked out
// outside the lock, so that nobody waits for another one's range; two who do so come to the same.
func (w *wanted) of(in Range, rows []Rows) cellSet {
	w.mu.Lock()
	set := w.ofs[in]
	w.mu.Unlock()
	if set.n >= len(rows) {
		return set
	}
	set = set.grown(in, rows)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ofs == nil || len(w.ofs) >= wantedMax {
		w.ofs = map[Range]cellSet{}
	}
	if set.n > w.ofs[in].n {
		w.ofs[in] = set
	}
	return set
}

// grown returns the set of all the cells. Those that were looked at before are not looked at again:
// rows of a cell stay the same for ever.
func (s cellSet) grown(in Range, rows []Rows) cellSet {
	bits := make([]uint64, (len(rows)+63)/64)
	copy(bits, s.bits)
	width := max(in.From, in.Until) - in.From // so that a row takes one comparison, not two
	for cell := s.n; cell < len(rows); cell++ {
		r := &rows[cell]
		if r[0]-in.From < width || r[1]-in.From < width || r[2]-in.From < width {
			bits[cell>>6] |= 1 << (cell & 63)
		}
	}
	return cellSet{bits, len(rows)}
}
