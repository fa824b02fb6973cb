package natsin

import "sync"

// settled is which packs are settled and not removed yet: what follows from them is durable, and
// their receipts were told. It outlives a consumer, so that one which the server has lost, or has
// put somewhere else, costs neither a pack nor a second receipt. A process that ends loses it: then
// what was not removed is told again, as duplicates. All methods may be called at the same time.
type settled struct {
	mu    sync.Mutex
	packs map[uint64]string // what names the pack, by its number in the stream
}

// note notes that a pack is settled.
func (s *settled) note(number uint64, pack string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.packs == nil {
		s.packs = map[uint64]string{}
	}
	s.packs[number] = pack
}

// has tells whether a pack is settled. A stream that has lost its end gives a number again, and
// what had it before is forgotten then.
func (s *settled) has(number uint64, pack string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	named, known := s.packs[number]
	if known && named != pack {
		delete(s.packs, number)
	}
	return known && named == pack
}

// open returns the first number from one on that is not settled.
func (s *settled) open(from uint64) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.packs[from] != "" {
		from++
	}
	return from
}

// some tells whether there is a pack to remove.
func (s *settled) some() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.packs) > 0
}

// forget forgets the packs up to a number: they are removed.
func (s *settled) forget(upTo uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for number := range s.packs {
		if number <= upTo {
			delete(s.packs, number)
		}
	}
}
