// Package vault holds who is who: it gives every NIK (the national identity number) a random
// worker id, by which the ledger knows the person from then on.
//
// A NIK never enters the log, and the vault does not hold it either. In its folder lie:
//
//   - vault.key: 32 random bytes, readable by their owner only;
//   - vault.db: for each worker, 16 bytes of HMAC-SHA-256(key, NIK) and the 16 bytes of the id;
//   - vault.journal.N: the same for those who were seen last, until there are enough of them to
//     be moved into vault.db together, where each lies in a place of its own.
//
// Who has the log alone learns nothing about a NIK: worker ids are random, not derived, so not
// even the key turns one into the other; what is derived in events that came from lists of people
// is so under a key, see [Vault.ListKey]. Who has vault.db and the journals alone learns nothing
// either. Who has all can test a NIK he knows, or try all; keep the backups of the key apart.
// Losing one of the files loses the way from a NIK to its worker for ever, and nothing else: events
// and figures need none.
//
// # Durability
//
// No event may be appended before its worker's id is durable: after a crash the same NIK would
// get another id, and one person would count twice. So an id that is new is only tentative;
// Persist makes all ids durable that were given out before, by one synced write to the journal for
// all callers that wait at the same time. The order is: Resolve, Persist, append. An id that was
// made durable and then not used does no harm. A journal is deleted after its ids are durable in
// vault.db; what a crash in between leaves in both is the same.
//
// No error of this package contains a NIK or any part of one.
package vault
