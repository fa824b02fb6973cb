package codec

// bad is the place behind bytes that are no field.
const bad = -1

// numberMax is the highest field number of protobuf.
const numberMax = 1<<29 - 1

// field is the number and the wire type of a field, as its tag holds them.
type field uint64

func (f field) number() uint64 { return uint64(f) >> 3 }
func (f field) wire() uint64   { return uint64(f) & 7 }

// readField reads the field at byte i of s: its tag, its varint or its text, and where the next
// field begins, bad when the bytes are no field. Groups are bad: no writer of this schema or a
// later one makes them. A field of fixed width is passed over: a newer schema may have some.
//
// The results are single values, not a struct, because they then stay in registers: with a struct
// a field, decoding took twice as long.
func readField(s string, i int) (f field, v uint64, text string, next int) {
	tag, i := readShort(s, i)
	if i < 0 {
		tag, i = readLong(s, -i-1)
	}
	f = field(tag)
	if i < 0 || f.number()-1 >= numberMax {
		return f, 0, "", bad
	}
	if wire := f.wire(); wire != wireVarint && wire != wireBytes {
		return f, 0, "", skip(s, wire, i)
	}
	v, i = readShort(s, i)
	if i < 0 {
		if v, i = readLong(s, -i-1); i < 0 {
			return f, 0, "", bad
		}
	}
	if f.wire() == wireVarint {
		return f, v, "", i
	}
	if v > uint64(len(s)-i) {
		return f, 0, "", bad
	}
	next = i + int(v)
	return f, 0, s[i:next], next
}

// readShort reads the varint at i if it has one byte. Otherwise it returns the place as -i-1.
func readShort(s string, i int) (v uint64, next int) {
	if i < len(s) && s[i] < 0x80 {
		return uint64(s[i]), i + 1
	}
	return 0, -i - 1
}

// readVarint reads a varint at i, a short one the fastest.
func readVarint(s string, i int) (v uint64, next int) {
	if i+2 >= len(s) {
		return readLong(s, i)
	}
	a, b, c := uint64(s[i]), uint64(s[i+1]), uint64(s[i+2])
	switch {
	case a < 0x80:
		return a, i + 1
	case b < 0x80:
		return a&0x7f | b<<7, i + 2
	case c < 0x80:
		return a&0x7f | b&0x7f<<7 | c<<14, i + 3
	}
	return readLong(s, i)
}

// readLong reads a varint of any length at i.
func readLong(s string, i int) (v uint64, next int) {
	for shift := 0; shift < 64 && i < len(s); shift += 7 {
		c := s[i]
		i++
		if shift == 63 && c > 1 {
			return 0, bad // does not fit 64 bits
		}
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v, i
		}
	}
	return 0, bad
}

// skip returns the place behind a value of fixed width at i.
func skip(s string, wire uint64, i int) int {
	switch {
	case wire == wireFixed64 && len(s)-i >= 8:
		return i + 8
	case wire == wireFixed32 && len(s)-i >= 4:
		return i + 4
	}
	return bad
}
