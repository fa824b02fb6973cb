package pages

import (
	"fmt"

	"cakupan/projections/checked"
)

// coding is how pages of some kind are written to the file. A coding has no state of its own, so
// that any number of goroutines may use it.
type coding interface {
	// pack returns what is stored of a page, of which so many bytes are used. They are new bytes.
	pack(page []byte, used int) []byte
	// unpack fills in the first used bytes of an empty page, of which more may be stored.
	unpack(page, stored []byte, used int) error
}

// codingOf returns the coding of records of so many bytes, of which the first words may be kept as
// chains. It is decided by the width alone, so that a file is read as it was written.
func codingOf(width, chains int) coding {
	if width%wordBytes == 0 {
		return wordCoding{width / wordBytes, chains}
	}
	return plainCoding{}
}

// wordCoding packs records of so many words; see [Words] and [AppendWords].
type wordCoding struct{ words, chains int }

func (c wordCoding) pack(page []byte, used int) []byte {
	return AppendWords(nil, page, c.words, used/(wordBytes*c.words), c.chains)
}

func (c wordCoding) unpack(page, stored []byte, used int) error {
	w, err := ReadWords(stored, c.words)
	if err != nil {
		return err
	}
	if size := w.Len() * wordBytes * c.words; size < used || size > len(page) {
		return fmt.Errorf("%w: %d records in a page", ErrCorrupt, w.Len())
	}
	w.CopyTo(page[:used])
	return nil
}

// plainCoding stores bytes as they are. It is for records that are no words, such as bytes of text.
type plainCoding struct{}

func (plainCoding) pack(page []byte, used int) []byte { return append([]byte(nil), page[:used]...) }

func (plainCoding) unpack(page, stored []byte, used int) error {
	if len(stored) < used || len(stored) > len(page) {
		return fmt.Errorf("%w: %d bytes in a page, not %d", ErrCorrupt, len(stored), used)
	}
	copy(page, stored[:used])
	return nil
}

// unpackPage fills in the first used bytes of an empty page. More records than that may be stored
// in it: of a page that was settled or stored again behind the noted length.
func unpackPage(b *checked.Bucket, c coding, number int, page []byte, used int) error {
	stored, err := b.Get(pageKey(number))
	if err != nil {
		return err
	}
	if stored == nil {
		return fmt.Errorf("%w: no page %d", ErrCorrupt, number)
	}
	if err := c.unpack(page, stored, used); err != nil {
		return fmt.Errorf("page %d: %w", number, err)
	}
	return nil
}
