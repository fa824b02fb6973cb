package jetstream

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"testing"

	"cakupan/eventstore"
	"cakupan/eventstore/logtest"
)

// makeFrames returns frames of a log, the nth with as many events as is told of it.
func makeFrames(t *testing.T, events ...int) (frames [][]byte) {
	t.Helper()
	var maker logtest.Maker
	for _, count := range events {
		raw := maker.Frame(count)
		frame, err := eventstore.ParseFrame(raw)
		if err != nil {
			t.Fatal(err)
		}
		maker.Appended(eventstore.Tail{
			Sequence: frame.Last(), RecordedAt: frame.LastRecordedAt(),
		})
		frames = append(frames, raw)
	}
	return frames
}

// forged returns a frame whose last event is another one, with a right checksum.
func forged(frame []byte, bits byte) []byte {
	frame = bytes.Clone(frame)
	body := frame[:len(frame)-4]
	body[len(body)-1] ^= bits
	binary.BigEndian.PutUint32(frame[len(frame)-4:],
		crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
	return frame
}

// TestChain has copies differ in frames: which was stored is known by the root that the frame after
// it carries, and by nothing else.
func TestChain(t *testing.T) {
	stored := makeFrames(t, 2, 2, 2, 2)
	other := makeFrames(t, 2, 2, 1, 3) // from the third on, each root is right
	many := [][]byte{stored[3]}
	for bits := byte(1); len(many) <= branchesMax; bits++ {
		many = append(many, forged(stored[3], bits))
	}
	at := func(place int, all ...[]byte) [][][]byte {
		var log [][][]byte
		for n, raw := range stored {
			if log = append(log, [][]byte{raw}); n == place {
				log[n] = all
			}
		}
		return log
	}
	for name, test := range map[string]struct {
		log   [][][]byte     // what copies have of each message
		right map[uint64]int // which is known to be right
	}{
		"all agree":                  {at(-1), map[uint64]int{}},
		"the first differs":          {at(0, forged(stored[0], 1), stored[0]), map[uint64]int{1: 1}},
		"all three differ":           {at(2, forged(stored[2], 1), stored[2], forged(stored[2], 2)), map[uint64]int{3: 1}},
		"one cannot be read":         {at(2, stored[2][:30], stored[2]), map[uint64]int{3: 1}},
		"one is of another place":    {at(2, stored[1], stored[2]), map[uint64]int{3: 1}},
		"the last differs":           {at(3, forged(stored[3], 1), stored[3]), map[uint64]int{}},
		"the last differs too often": {at(3, many...), map[uint64]int{}},
		"none is right":              {at(1, forged(stored[1], 1), forged(stored[1], 2)), map[uint64]int{}},
		"all are wrong":              {at(1, forged(stored[1], 1)), map[uint64]int{}},
		"the end is another log's": {[][][]byte{
			{stored[0]}, {stored[1], forged(stored[1], 1)}, {other[2], stored[2]}, {stored[3], other[3]},
		}, map[uint64]int{2: 0}},
	} {
		c := newChain()
		for n, all := range test.log {
			c.Next(uint64(n+1), all)
		}
		for number := range uint64(len(stored) + 1) {
			which, sure := c.Right(number)
			want, known := test.right[number]
			if sure != known || which != want {
				t.Errorf("%s: of message %d it is %d, %t; want %d, %t",
					name, number, which, sure, want, known)
			}
		}
	}
}
