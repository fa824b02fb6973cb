package codec

// token is one field as it stands in the bytes: value for a varint, text for a length-delimited
// field. Fixed-width fields have neither: the schema has none, and newer ones are skipped.
type token struct {
	number uint64
	wire   uint64
	value  uint64
	text   string
}

// numberMax is the highest field number of protobuf.
const numberMax = 1<<29 - 1

// readToken reads the field at byte i and returns where the next one begins. It returns false for
// bytes that are no field, groups included: no writer of this schema makes them.
func readToken(s string, i int) (t token, next int, ok bool) {
	tag, i, ok := readVarint(s, i)
	t.number, t.wire = tag>>3, tag&7
	if !ok || t.number == 0 || t.number > numberMax {
		return t, i, false
	}
	switch t.wire {
	case wireVarint:
		t.value, i, ok = readVarint(s, i)
		return t, i, ok
	case wireBytes:
		var length uint64
		length, i, ok = readVarint(s, i)
		if !ok || length > uint64(len(s)-i) {
			return t, i, false
		}
		t.text = s[i : i+int(length)]
		return t, i + int(length), true
	case wireFixed64:
		return t, i + 8, len(s)-i >= 8
	case wireFixed32:
		return t, i + 4, len(s)-i >= 4
	}
	return t, i, false
}

// readVarint reads the varint at byte i and returns where it ends.
func readVarint(s string, i int) (v uint64, next int, ok bool) {
	if i < len(s) && s[i] < 0x80 {
		return uint64(s[i]), i + 1, true
	}
	return readLongVarint(s, i)
}

func readLongVarint(s string, i int) (v uint64, next int, ok bool) {
	for shift := 0; shift < 64 && i < len(s); shift += 7 {
		c := s[i]
		i++
		if shift == 63 && c > 1 {
			return 0, i, false // does not fit 64 bits
		}
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v, i, true
		}
	}
	return 0, i, false
}
