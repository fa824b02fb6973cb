package codec

import (
	"encoding/binary"

	"cakupan/domain/event"
)

// Append appends the bytes of an event to dst. Equal events have equal bytes. A NIK is not
// written: the caller has put a worker in its place.
func Append(dst []byte, e *event.Event) []byte {
	dst = appendVarint(dst, numberType, uint64(e.Type))
	dst = appendText(dst, numberID, e.ID)
	dst = appendText(dst, numberSource, e.Source)
	dst, start := open(dst, numberData)
	dst = closeAt(appendData(dst, &e.Data), start)
	for _, optional := range [...]struct {
		number int
		text   string
	}{
		{numberTime, e.Time},
		{numberSubject, e.Subject},
		{numberDataContentType, e.DataContentType},
		{numberDataSchema, e.DataSchema},
	} {
		if optional.text != "" {
			dst = appendText(dst, optional.number, optional.text)
		}
	}
	for i := range e.Extensions {
		dst, start = open(dst, numberExtensions)
		dst = closeAt(appendExtension(dst, &e.Extensions[i]), start)
	}
	if e.Publisher != "" {
		dst = appendText(dst, numberPublisher, e.Publisher)
	}
	return dst
}

// AppendRetracts appends to the bytes of a retraction the sequence of the event it names. It goes
// behind all that [Append] wrote, and [Digest] does not see it.
func AppendRetracts(dst []byte, sequence uint64) []byte {
	return appendVarint(dst, numberRetracts, sequence)
}

// appendData appends the fields of d in the order of their numbers.
func appendData(dst []byte, d *event.Data) []byte {
	for has := d.Has &^ event.EdgeOnly; has != 0; {
		var f event.Field
		f, has = has.Next()
		switch f.Kind() {
		case event.TextField:
			dst = appendText(dst, int(f), *d.Text(f))
		case event.IntegerField:
			dst = appendVarint(dst, int(f), uint64(*d.Integer(f)))
		case event.DateField:
			dst = appendVarint(dst, int(f), zigzag(int32(*d.Date(f))))
		case event.MonthField:
			dst = appendVarint(dst, int(f), zigzag(int32(*d.Month(f))))
		case event.CodeField:
			dst = appendVarint(dst, int(f), d.CodeNumber(f))
		case event.ProgrammeList:
			dst = appendProgrammes(dst, int(f), d)
		case event.MonthList:
			dst = appendMonths(dst, int(f), d)
		}
	}
	return dst
}

// appendProgrammes appends a packed list.
func appendProgrammes(dst []byte, number int, d *event.Data) []byte {
	dst, start := open(dst, number)
	for _, p := range d.Programmes {
		dst = binary.AppendUvarint(dst, uint64(p))
	}
	return closeAt(dst, start)
}

// appendMonths appends a packed list.
func appendMonths(dst []byte, number int, d *event.Data) []byte {
	dst, start := open(dst, number)
	for _, m := range d.PaidMonths {
		dst = binary.AppendUvarint(dst, zigzag(int32(m)))
	}
	return closeAt(dst, start)
}

// appendExtension appends one extension attribute. The kind is written so that it comes back as it
// was sent, "1" or 1.
func appendExtension(dst []byte, x *event.Extension) []byte {
	kind := uint64(kindString)
	switch x.Value.Kind {
	case event.Bool:
		kind = kindBoolean
	case event.Number:
		kind = kindNumber
	}
	dst = appendText(dst, extensionName, x.Name)
	dst = appendVarint(dst, extensionKind, kind)
	return appendText(dst, extensionText, x.Value.Text)
}

// appendTag begins a field.
func appendTag(dst []byte, number, wire int) []byte {
	return binary.AppendUvarint(dst, uint64(number)<<3|uint64(wire))
}

// appendVarint appends a number.
func appendVarint(dst []byte, number int, v uint64) []byte {
	return binary.AppendUvarint(appendTag(dst, number, wireVarint), v)
}

// appendText appends a text.
func appendText(dst []byte, number int, text string) []byte {
	dst = binary.AppendUvarint(appendTag(dst, number, wireBytes), uint64(len(text)))
	return append(dst, text...)
}

// open begins a length-delimited field whose length is not known yet. It leaves one byte for the
// length, which is enough for nearly every event.
func open(dst []byte, number int) (begun []byte, start int) {
	dst = append(appendTag(dst, number, wireBytes), 0)
	return dst, len(dst)
}

// closeAt writes the length of the field that [open] began, and moves its bytes where the length
// needs more than one.
func closeAt(dst []byte, start int) []byte {
	length := len(dst) - start
	if length < 1<<7 {
		dst[start-1] = byte(length)
		return dst
	}
	var prefix [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(prefix[:], uint64(length))
	dst = append(dst, prefix[:n-1]...) // room
	copy(dst[start+n-1:], dst[start:start+length])
	copy(dst[start-1:], prefix[:n])
	return dst
}

// zigzag maps numbers of small magnitude, of either sign, to small ones.
func zigzag(n int32) uint64 { return uint64(uint32(n<<1) ^ uint32(n>>31)) }

func unzigzag(v uint64) int32 { return int32(uint32(v)>>1) ^ -int32(v&1) }
