package checked

import (
	"bytes"
	"encoding/binary"

	"cakupan/eventstore/inspect"
)

// Verify compares all checksums of a file, and calls visit with each value without its checksum.
// It returns ErrUnchecked for a file that has none, after the same visits. Values are visited as
// they come, before all of them were compared: what it has visited is worth nothing after an error.
// It reads everything once, and nobody may write meanwhile.
func Verify(b *inspect.Bolt, visit func(bucket string, key, value []byte)) error {
	text, err := stored(b.Tree(), headerBucket, []byte(headerKey))
	if err != nil {
		return asDamage(err)
	}
	var header *Header
	if text != nil {
		if header, err = readHeader(text); err != nil {
			return err
		}
	}
	d := &directory{transaction: b.Transaction(), buckets: map[string]list{}}
	err = b.Walk(func(bucket string, key, value []byte) error {
		switch {
		case header != nil && bucket == headerBucket:
			return nil
		case key == nil:
			d.buckets[bucket] = list{}
			return nil
		case header == nil:
			visit(bucket, key, value)
			return nil
		}
		content, err := unpack(header.Owner, bucket, key, bytes.Clone(value))
		if err != nil {
			return err
		}
		sum := binary.LittleEndian.Uint64(value[len(content):])
		l := d.buckets[bucket]
		d.buckets[bucket], _ = l.with(key, sum, true)
		visit(bucket, key, content)
		return nil
	})
	switch {
	case err != nil:
		return asDamage(err)
	case header == nil && len(d.buckets) > 0:
		return ErrUnchecked
	case header == nil:
		return nil
	}
	return d.agrees(header)
}
