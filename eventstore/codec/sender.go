package codec

// Sender returns who sent an event: the registered publisher, "" where none is, and the source. It
// is for bytes that [Scan] has accepted, and costs less: it looks into no data. The texts alias b.
func Sender(b []byte) (publisher, source string) {
	bytes := alias(b)
	for i := 0; i < len(bytes); {
		f, _, text, next := readField(bytes, i)
		if next < 0 {
			return "", ""
		}
		i = next
		switch f {
		case numberPublisher<<3 | wireBytes:
			publisher = text
		case numberSource<<3 | wireBytes:
			source = text
		}
	}
	return publisher, source
}
