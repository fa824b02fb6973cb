// Package tiles keeps the nodes of the log's Merkle tree where proofs find them, in the shape of
// C2SP tlog-tiles: tiles of 256 hashes, for every eighth level of the tree.
//
// A folder holds a file of hashes for each such level, one after the other, so that a tile is a
// piece of a file, and the file tiles.head: whose the tree is, how far, and its frontier. All of
// it is derived from the log, behind which it may be as far as it likes: appending an event costs
// nothing here, and [Tiles.CatchUp] about 0.3 µs for each event that it reads.
//
// Nothing of it is believed unchecked. What is read goes through [tlog.TileHashReader], which gives
// no hash that the root does not confirm; the root is compared with the ones that the log's frames
// carry. What fails is made anew from the log, and what then still differs is the log's fault.
package tiles
