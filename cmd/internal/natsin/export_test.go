package natsin

import "cakupan/eventstore/seal"

// SealPack seals messages as the intake does.
func SealPack(s *seal.Sealer, messages []Message) ([]byte, error) {
	return s.Seal(nil, appendPack(nil, messages), purposePack)
}

// NeverGiveUp has Close wait for what is in work for as long as that takes.
func (s *Server) NeverGiveUp() { s.giveUp = func() {} }

// SubjectPacks is where packs are stored.
const SubjectPacks = subjectPacks

// HeldBytes returns how many bytes of messages are held for the intake.
func (s *Server) HeldBytes() int {
	s.intake.mu.Lock()
	defer s.intake.mu.Unlock()
	return s.intake.bytes
}

// HeldBytesMax is the bound of HeldBytes.
const HeldBytesMax = heldBytesMax

// IsInbox is for tests of where answers may go.
var IsInbox = isInbox
