// Package vault holds who is who: it gives every NIK (the national identity number) a random
// worker id, by which the ledger knows the person from then on.
//
// A NIK never enters the log, and the vault does not hold it either. The vault is a stream of
// sealed packs (package packs): for each worker 16 bytes of the keyed hash of the NIK, and the 16
// bytes of the id. Beside it lie, in a folder of its own:
//
//   - vault.key: 32 random bytes, readable by their owner only, under which the packs are sealed,
//     and with them the secret by which NIKs are hashed;
//   - lookup/ and lookup.state: a cache of the packs, by the hash of the NIK. It knows whose it is
//     and how far it is, has checksums, and is made anew where it is missing, damaged, older or
//     another vault's.
//
// Who has the log alone learns nothing about a NIK: worker ids are random, not derived. Who has the
// packs without the key has nothing, and who has both can test a NIK he knows, or try all; keep the
// backups of the key apart.
//
// # Durability
//
// No event may be appended before its worker's id is durable: after a crash the same NIK would get
// another id, and one person would count twice. So an id that is new is only tentative; Persist
// makes all ids durable that were given out before, in one pack for all callers that wait at the
// same time. The order is: Resolve, Persist, append; and the frame that is appended names how far
// the vault was (Position). A vault that has less than that is not opened. An id that was made
// durable and then not used does no harm.
//
// # Erasure
//
// Erase records what was decided and takes a person out of his pack: another pack with random bytes
// in his place replaces it, and the server overwrites the old one. The cache is made anew. The
// worker id stays in the log, where nobody can trace it any more; the same NIK gets another.
//
// No error of this package contains a NIK or any part of one.
package vault
