package facts

import "cakupan/projections/pages"

// FindWorker returns the number of a worker's id, and whether any event has named it. Like the next
// ones it may be called while frames are prepared, and may know names of events to come.
func (n *Names) FindWorker(name string) (uint32, bool, error) { return n.find(n.workers, name) }

// FindEnrolment returns the number of an enrolment.
func (n *Names) FindEnrolment(name string) (uint32, bool, error) {
	return n.find(n.enrolments, name)
}

// FindCommitment returns the number of a commitment.
func (n *Names) FindCommitment(name string) (uint32, bool, error) {
	return n.find(n.commitments, name)
}

func (n *Names) find(names *pages.Names, name string) (number uint32, found bool, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.load(); err != nil {
		return 0, false, err
	}
	number, found = names.Find(name)
	return number, found, nil
}

// AppendCommitments appends the names of commitments, given their numbers.
func (n *Names) AppendCommitments(dst []string, numbers ...uint32) ([]string, error) {
	return n.append(dst, n.commitments, numbers)
}
