package checked

import "sync"

// cacheBytes bounds what a generation of the cache holds. There are two, so that it is twice as
// much at most, and one value more.
const cacheBytes = 32 << 20

// cache keeps values that were read and do not change, in the order of their use more or less: what
// was not asked for in a whole generation leaves with it. It is shared by all transactions that
// read. Nobody changes a value that it has given out.
type cache struct {
	mu         sync.Mutex
	young, old map[cached][]byte
	bytes      int // of young
}

// cached is which value it is. With the checksum, one under a key that is used again is another.
type cached struct {
	bucket, key string
	sum         uint64
}

// get returns a value that is kept, nil if it is not. One that was found in the old generation goes
// over to the young.
func (c *cache) get(id cached) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	value := c.young[id]
	if value == nil {
		if value = c.old[id]; value != nil {
			c.add(id, value)
		}
	}
	return value
}

// put keeps a value that was read and checked.
func (c *cache) put(id cached, value []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(id, value)
}

// add puts a value into the young generation. When that is full it becomes the old one, and the old
// one is dropped as a whole. The lock is held.
func (c *cache) add(id cached, value []byte) {
	if c.bytes += len(value); c.bytes > cacheBytes || c.young == nil {
		c.old, c.young, c.bytes = c.young, map[cached][]byte{}, len(value)
	}
	c.young[id] = value
}
