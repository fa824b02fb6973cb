package takeback

// UnlessDone answers who finds nothing to take back.
var UnlessDone = (*Taker).unlessDone
