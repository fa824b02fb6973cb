package history

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"sort"

	"github.com/cespare/xxhash/v2"

	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/projections"
	"cakupan/projections/checked"
)

// The buckets of retractions: by the event that they name, and, where it had not come yet, by the
// number of its key. Both keep pages of records in ascending order, so that few keys are enough
// however many retractions there are.
var (
	retractionsBucket = []byte("retractions")
	earlyBucket       = []byte("early-retractions")
)

// record says of a retraction what it names.
//
// One is written when it comes, and stays where it is also when the event it names comes later:
// both places are looked at.
type record struct {
	of         uint64 // the event's sequence; early: the number of its key
	retraction eventstore.Sequence
	key        string // early: the event's key, see earlyText
}

// The page of a retraction: that of the event's sequence, or of the number of its key.
const (
	pageEvents = 12 // bits of the sequence that are not the page's
	earlyPages = 12 // bits of the number that are the page's
)

// place returns the bucket and page of a record, from which nothing else is needed to find it.
func (r *record) place() (bucket string, page uint32) {
	if r.key != "" {
		return string(earlyBucket), uint32(r.of >> (64 - earlyPages))
	}
	return string(retractionsBucket), uint32(r.of >> pageEvents)
}

// recordOf returns the record of a retraction, by whether the log had what it names.
func recordOf(e *projections.Event) record {
	if e.Retracts != 0 {
		return record{of: uint64(e.Retracts), retraction: e.Sequence}
	}
	of := event.Key{Source: e.Data.RetractedSource, ID: e.Data.RetractedID}
	return earlyRecord(of, e.Sequence)
}

// earlyRecord returns the record of a retraction that came first. The number spreads such records
// over pages; that two keys may share one does no harm, as the text is compared.
func earlyRecord(of event.Key, seq eventstore.Sequence) record {
	text := earlyText(of)
	return record{of: xxhash.Sum64String(text), retraction: seq, key: text}
}

// earlyText has the event's key in full. No source has a line feed.
func earlyText(k event.Key) string { return k.Source + "\n" + k.ID }

// placeOf names a page.
type placeOf struct {
	bucket string
	page   uint32
}

// putRetractions adds the retractions among the events. Each page that they touch is written once.
func putRetractions(tx *checked.Tx, events []projections.Event) error {
	var touched map[placeOf][]record
	for i := range events {
		if events[i].Type != event.EventRetracted {
			continue
		}
		if touched == nil {
			touched = map[placeOf][]record{}
		}
		r := recordOf(&events[i])
		bucket, page := r.place()
		at := placeOf{bucket, page}
		touched[at] = append(touched[at], r)
	}
	for _, at := range slices.SortedFunc(maps.Keys(touched), placeOf.compare) {
		if err := putPage(tx, at, touched[at]); err != nil {
			return fmt.Errorf("put retractions: %w", err)
		}
	}
	return nil
}

// compare orders pages as they are written, so that the same frames make the same file.
func (p placeOf) compare(other placeOf) int {
	if p.bucket != other.bucket {
		return bytes.Compare([]byte(p.bucket), []byte(other.bucket))
	}
	return int(p.page) - int(other.page)
}

// putPage adds records to a page. A page is read and written whole: it has few records, as
// retractions are rare.
func putPage(tx *checked.Tx, at placeOf, records []record) error {
	b, err := tx.CreateBucketIfNotExists([]byte(at.bucket))
	if err != nil {
		return err
	}
	key := binary.BigEndian.AppendUint32(nil, at.page)
	page, err := b.Get(key)
	if err != nil {
		return err
	}
	all, err := readRecords(page, at.bucket == string(earlyBucket))
	if err != nil {
		return err
	}
	// The retractions are later than those that are there: so they stay in order among equal ones.
	all = append(all, records...)
	slices.SortStableFunc(all, func(a, b record) int {
		switch {
		case a.of < b.of:
			return -1
		case a.of > b.of:
			return 1
		}
		return 0
	})
	return b.Put(key, writeRecords(all))
}

// A record is what it names (8 bytes, big-endian) and the retraction (8); an early one also has
// the length of the text (4) and the text.
const recordHead = 16

// writeRecords returns the bytes of a page.
func writeRecords(records []record) (page []byte) {
	for i := range records {
		r := &records[i]
		page = binary.BigEndian.AppendUint64(page, r.of)
		page = binary.BigEndian.AppendUint64(page, uint64(r.retraction))
		if r.key != "" {
			page = binary.BigEndian.AppendUint32(page, uint32(len(r.key)))
			page = append(page, r.key...)
		}
	}
	return page
}

// readRecords reads a page, also an empty one. It copies the keys: records outlast the page.
func readRecords(page []byte, early bool) (records []record, err error) {
	for len(page) > 0 {
		if len(page) < recordHead || early && len(page) < recordHead+4 {
			return nil, errPage
		}
		r := record{
			of:         binary.BigEndian.Uint64(page),
			retraction: eventstore.Sequence(binary.BigEndian.Uint64(page[8:])),
		}
		page = page[recordHead:]
		if early {
			n := int(binary.BigEndian.Uint32(page))
			if page = page[4:]; n == 0 || n > len(page) {
				return nil, errPage
			}
			r.key, page = string(page[:n]), page[n:]
		}
		records = append(records, r)
	}
	return records, nil
}

// Retractions returns, in ascending order, the sequences of the retractions that name an event,
// also of those that came before it.
//
// The key is asked too, since one that came first does not know the sequence. Those by key come
// first and are all lower, so that the list ascends.
func (p *Projection) Retractions(seq eventstore.Sequence, key event.Key,
) (retractions []eventstore.Sequence, err error) {
	err = p.db.View(func(tx *checked.Tx) error {
		for _, want := range []record{earlyRecord(key, 0), {of: uint64(seq)}} {
			bucket, page := want.place()
			b := tx.Bucket([]byte(bucket))
			if b == nil {
				continue
			}
			stored, err := b.Shared(binary.BigEndian.AppendUint32(nil, page))
			if err != nil {
				return err
			}
			if want.key == "" {
				retractions, err = appendRetractions(retractions, stored, want.of)
			} else {
				retractions, err = appendEarly(retractions, stored, want)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return retractions, err
}

// appendEarly appends the retractions of one event, of a page of those that came first.
func appendEarly(dst []eventstore.Sequence, page []byte, want record,
) ([]eventstore.Sequence, error) {
	records, err := readRecords(page, true)
	for _, r := range records {
		if r.of == want.of && r.key == want.key {
			dst = append(dst, r.retraction)
		}
	}
	return dst, err
}

// appendRetractions appends the retractions of one event, of a page of events that were in the log
// before. Its records are of one length and ascend, so that the page is not read whole: where a
// list was corrected, each event of its page may have one.
func appendRetractions(dst []eventstore.Sequence, page []byte, of uint64,
) ([]eventstore.Sequence, error) {
	if len(page)%recordHead != 0 {
		return dst, errPage
	}
	n := len(page) / recordHead
	named := func(i int) uint64 { return binary.BigEndian.Uint64(page[i*recordHead:]) }
	i := sort.Search(n, func(i int) bool { return named(i) >= of })
	for ; i < n && named(i) == of; i++ {
		at := binary.BigEndian.Uint64(page[i*recordHead+8:])
		dst = append(dst, eventstore.Sequence(at))
	}
	return dst, nil
}
