package older

import "encoding/hex"

// ownerOfTests begins the journals of the tests: the golden key's, for their ledger.
func ownerOfTests() []byte {
	key, _ := hex.DecodeString("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
	owner := hash(key, journalText+"0123456789abcdef0123456789abcdef")
	return owner[:]
}

// ReadJournal reads a journal of the tests' ledger.
func ReadJournal(path string, last bool) (ids int, whole int64, err error) {
	found := map[Handle]ID{}
	whole, err = readJournal(path, ownerOfTests(), found, last)
	return len(found), whole, err
}
