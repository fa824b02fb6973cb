package facts

// Single returns the enrolment that was opened for a worker, if there was ever just one and the
// worker is one with nobody else. An opening that was retracted counts, so that "single" holds for
// what was ever known. Most workers are so, and need no search.
func (s *State) Single(w uint32) (e uint32, single bool) {
	if int(w) >= s.workers.Len() {
		return 0, false
	}
	l := s.workers.At(int(w))
	if l.first == 0 || l.more != 0 || !s.persons.Alone(w) {
		return 0, false
	}
	return l.first - 1, true
}
