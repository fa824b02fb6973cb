package checked

import (
	"encoding/binary"
	"fmt"
	"maps"

	"go.etcd.io/bbolt"
	"go.etcd.io/bbolt/errors"

	"cakupan/eventstore/inspect"
)

// Tx is a transaction: the file as of a moment, and in [DB.Update] what was put since. It belongs
// to the goroutine that was given it, until its function returns. Buckets of it are good for as
// long.
type Tx struct {
	db    *DB
	tree  *inspect.Tree // what has committed
	known *directory

	bolt *bbolt.Tx                    // nil: it only reads
	put  map[string]map[string][]byte // by bucket and key
	own  map[string]bool              // buckets whose list nobody else has
	made map[string]bool              // buckets of which none of the committed tree is there
}

// attempts bounds how often a transaction begins again because one has committed meanwhile.
const attempts = 1000

// View calls read with the file as of now. What is put in a transaction that commits meanwhile is
// not seen. Values that were read may be kept. Errors of read are returned, and noted where they
// say that the file is damaged.
func (db *DB) View(read func(*Tx) error) error {
	tx, done, err := db.begin()
	if err != nil {
		return db.note(err)
	}
	defer done()
	return db.note(read(tx))
}

// begin begins a transaction that reads. While it lasts, bbolt uses none of its pages again.
func (db *DB) begin() (tx *Tx, done func(), err error) {
	if err := db.checkHead(); err != nil {
		return nil, nil, err
	}
	for range attempts {
		before := db.known.Load()
		var bolt *bbolt.Tx
		// The directory is taken before bbolt's transaction, so it may be the older one: then it is
		// tried again. A transaction that is older than the last directory means that bbolt has
		// fallen back to an earlier head.
		err := guard(func() (err error) {
			bolt, err = db.db.Begin(false)
			return err
		})
		if err != nil {
			return nil, nil, err
		}
		id := uint64(bolt.ID())
		done = func() { _ = guard(bolt.Rollback) }
		if d := before.of(id); d != nil {
			return &Tx{db: db, tree: db.tree(bolt), known: d}, done, nil
		}
		done()
		if id < before.last.transaction {
			break
		}
	}
	return nil, nil, fmt.Errorf("%w: its last transaction is gone", ErrDamaged)
}

// tree returns what has committed before a transaction of bbolt. It reads the file by itself, in
// pages that bbolt will not use again before the transaction ends.
func (db *DB) tree(tx *bbolt.Tx) *inspect.Tree {
	root, high := uint64(tx.Cursor().Bucket().Root()), uint64(tx.Size())
	return inspect.NewTree(db.file, db.db.Info().PageSize, root, high)
}

// Update calls write, and commits what it has put unless it returns an error. After an error of
// write nothing of it is in the file; after one of the commit see there. One goroutine at a time
// calls it; readers go on meanwhile.
func (db *DB) Update(write func(*Tx) error) error {
	if err := db.checkHead(); err != nil {
		return db.note(err)
	}
	var bolt *bbolt.Tx
	err := guard(func() (err error) {
		bolt, err = db.db.Begin(true)
		return err
	})
	if err != nil {
		return db.note(err)
	}
	// Of one that has committed nothing is left to roll back. It looks at no page of the file.
	defer func() { _ = guard(bolt.Rollback) }()
	id := uint64(bolt.ID())
	last := db.known.Load().of(id - 1)
	if last == nil {
		return db.note(fmt.Errorf("%w: its last transaction is gone", ErrDamaged))
	}
	tx := &Tx{
		db: db, bolt: bolt, tree: db.tree(bolt),
		known: &directory{transaction: id, buckets: maps.Clone(last.buckets)},
		put:   map[string]map[string][]byte{}, own: map[string]bool{}, made: map[string]bool{},
	}
	if err := write(tx); err != nil {
		return db.note(err)
	}
	return db.note(tx.commit(last))
}

// commit makes what was put durable.
//
// If we crash before it is, the file is as before. An error may leave it either way: the next
// transaction tells, and both directories are kept until then.
func (tx *Tx) commit(last *directory) error {
	header, err := tx.known.header(tx.db.owner)
	if err != nil {
		return err
	}
	// The header goes with the values into the same transaction: one cannot be there without the
	// others.
	if err := tx.makeBucket(headerBucket); err != nil {
		return err
	}
	stored, _ := pack("", headerBucket, []byte(headerKey), header)
	if err := tx.write(headerBucket, []byte(headerKey), stored); err != nil {
		return err
	}
	// The directory has to be there before bbolt commits: from then on a reader may come to the new
	// state.
	tx.db.known.Store(&versions{last: last, next: tx.known})
	if err := tx.db.commit(tx.bolt); err != nil {
		return err
	}
	tx.db.known.Store(&versions{last: tx.known})
	return nil
}

// commit has bbolt commit; see [DB.checkHead]. Nobody reads the head pages while it writes one of
// them.
func (db *DB) commit(tx *bbolt.Tx) error {
	db.committing.Lock()
	defer db.committing.Unlock()
	return guard(tx.Commit)
}

// Bucket is the values under the keys of one name. One of a transaction that reads is nil where
// there is none of the name; asked for its keys, it has none.
type Bucket struct {
	tx   *Tx
	name string
}

// Bucket returns a bucket; nil: there is none of the name.
func (tx *Tx) Bucket(name []byte) *Bucket {
	if _, there := tx.known.buckets[string(name)]; !there {
		return nil
	}
	return &Bucket{tx, string(name)}
}

// CreateBucketIfNotExists returns a bucket, which it makes if there is none of the name. Without a
// transaction that writes it must not be asked for one that is not there.
func (tx *Tx) CreateBucketIfNotExists(name []byte) (*Bucket, error) {
	b := &Bucket{tx, string(name)}
	if _, there := tx.known.buckets[b.name]; there {
		return b, nil
	}
	if err := tx.makeBucket(b.name); err != nil {
		return nil, err
	}
	tx.known.buckets[b.name], tx.made[b.name] = list{}, true
	return b, nil
}

// makeBucket has bbolt make a bucket, behind a look at the pages on the way to it.
func (tx *Tx) makeBucket(name string) error {
	if _, err := tx.tree.Find(nil, []byte(name)); err != nil {
		return err
	}
	return guard(func() error {
		_, err := tx.bolt.CreateBucketIfNotExists([]byte(name))
		return err
	})
}

// DeleteBucket removes a bucket with all that is in it. All its pages are looked at first, since
// bbolt walks through them to give them back.
func (tx *Tx) DeleteBucket(name []byte) error {
	if _, err := tx.tree.Find(nil, name); err != nil {
		return err
	}
	if !tx.made[string(name)] {
		if err := tx.tree.Check(name); err != nil {
			return err
		}
	}
	delete(tx.known.buckets, string(name))
	delete(tx.put, string(name))
	delete(tx.own, string(name))
	tx.made[string(name)] = true // and what comes under the name later has nothing committed
	return guard(func() error { return tx.bolt.DeleteBucket(name) })
}

// Bucket returns a bucket in the bucket; nil: there is none of the name. Buckets within buckets are
// ones with longer names: the file has no nesting.
func (b *Bucket) Bucket(name []byte) *Bucket { return b.tx.Bucket(b.within(name)) }

// CreateBucketIfNotExists returns a bucket in the bucket, which it makes if there is none.
func (b *Bucket) CreateBucketIfNotExists(name []byte) (*Bucket, error) {
	return b.tx.CreateBucketIfNotExists(b.within(name))
}

func (b *Bucket) within(name []byte) []byte { return append([]byte(b.name+"/"), name...) }

// Put sets the value of a key. It copies both. The value can be read in this transaction at once;
// others see it after the commit.
func (b *Bucket) Put(key, value []byte) error {
	tx := b.tx
	if tx.bolt == nil {
		return errors.ErrTxNotWritable
	}
	stored, sum := pack(tx.db.owner, b.name, key, value)
	if err := tx.write(b.name, key, stored); err != nil {
		return err
	}
	l, own := tx.known.buckets[b.name].with(key, sum, tx.own[b.name])
	tx.known.buckets[b.name], tx.own[b.name] = l, own
	if tx.put[b.name] == nil {
		tx.put[b.name] = map[string][]byte{}
	}
	tx.put[b.name][string(key)] = stored
	return nil
}

// Delete removes a key and its value; of one that has none nothing. It looks at the pages on the
// way first, as bbolt will read them.
func (b *Bucket) Delete(key []byte) error {
	tx, l := b.tx, b.list()
	if tx.bolt == nil {
		return errors.ErrTxNotWritable
	}
	at, found := l.find(key)
	if !found {
		return nil
	}
	if err := tx.sound(b.name, key); err != nil {
		return err
	}
	tx.known.buckets[b.name], tx.own[b.name] = l.without(at, tx.own[b.name]), true
	delete(tx.put[b.name], string(key))
	return guard(func() error { return tx.bolt.Bucket([]byte(b.name)).Delete(key) })
}

// Ascending says that keys are put in ascending order: then pages are filled, for nothing comes
// between.
func (b *Bucket) Ascending() error {
	if b.tx.bolt == nil {
		return errors.ErrTxNotWritable
	}
	return guard(func() error {
		b.tx.bolt.Bucket([]byte(b.name)).FillPercent = 1
		return nil
	})
}

// write has bbolt write what is stored under a key, if the pages on the way to it are sound.
func (tx *Tx) write(bucket string, key, stored []byte) error {
	if err := tx.sound(bucket, key); err != nil {
		return err
	}
	return guard(func() error { return tx.bolt.Bucket([]byte(bucket)).Put(key, stored) })
}

// sound checks the pages on the way to a key. A bucket that this transaction has made has no
// committed pages to look at.
func (tx *Tx) sound(bucket string, key []byte) error {
	if tx.made[bucket] {
		return nil
	}
	_, err := tx.tree.Find([]byte(bucket), key)
	return err
}

// Get returns the value of a key, nil if it has none. The bytes are the caller's own. Each call
// reads the file and compares two checksums: the one in the directory says that it is the last one
// written, the one over the value that it is whole.
func (b *Bucket) Get(key []byte) ([]byte, error) {
	l := b.list()
	at, found := l.find(key)
	if !found {
		return nil, nil
	}
	return b.read(key, l.sums[at])
}

// read returns the value of a key that has the checksum. What was put in this transaction is not in
// the file yet.
func (b *Bucket) read(key []byte, sum uint64) ([]byte, error) {
	if stored, put := b.tx.put[b.name][string(key)]; put {
		return stored[: len(stored)-sumSize : len(stored)-sumSize], nil
	}
	value, err := b.tx.tree.Find([]byte(b.name), key)
	if err != nil {
		return nil, err
	}
	stored, err := value.Read()
	if err != nil {
		return nil, err
	}
	if n := len(stored) - sumSize; n < 0 || binary.LittleEndian.Uint64(stored[n:]) != sum {
		return nil, fmt.Errorf("%w: what is under %x in bucket %s is not what was put there",
			ErrDamaged, key, b.name)
	}
	return unpack(b.tx.db.owner, b.name, key, stored)
}

// Shared returns what Get does, from memory if it was read lately. Many read it: nobody writes it.
// What this transaction has put is returned too, and not kept for others.
func (b *Bucket) Shared(key []byte) ([]byte, error) {
	l := b.list()
	at, found := l.find(key)
	if !found {
		return nil, nil
	}
	return b.At(at)
}

// At returns the value of the key at a place, as Shared does. The place must be less than Len, and
// is good until something is put or deleted.
func (b *Bucket) At(i int) ([]byte, error) {
	l := b.list()
	id := cached{b.name, l.keys[i], l.sums[i]}
	if value := b.tx.db.kept.get(id); value != nil {
		return value, nil
	}
	value, err := b.read([]byte(id.key), id.sum)
	if err == nil && b.tx.bolt == nil {
		b.tx.db.kept.put(id, value)
	}
	return value, err
}

// ForEach calls visit with each key and value, in the order of the keys. It stops at the first
// error, its own or that of visit. Nothing may be put or deleted meanwhile.
func (b *Bucket) ForEach(visit func(key, value []byte) error) error {
	l := b.list()
	for i, key := range l.keys {
		value, err := b.read([]byte(key), l.sums[i])
		if err == nil {
			err = visit([]byte(key), value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Len returns the number of keys; of no bucket: 0.
func (b *Bucket) Len() int {
	return len(b.list().keys)
}

// list returns the keys of a bucket and their checksums, none of no bucket.
func (b *Bucket) list() list {
	if b == nil {
		return list{}
	}
	return b.tx.known.buckets[b.name]
}

// Search returns how many keys are less than the given one: the place of the first that is not.
func (b *Bucket) Search(key []byte) int {
	l := b.list()
	at, _ := l.find(key)
	return at
}

// Key returns the key at a place. It is a copy.
func (b *Bucket) Key(i int) []byte { return []byte(b.list().keys[i]) }
