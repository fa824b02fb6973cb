package writer

// Queued returns how many requests wait for their turn.
func (w *Writer) Queued() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.queued()
}
