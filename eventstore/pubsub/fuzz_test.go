//go:build unix

package pubsub

import (
	"errors"
	"strings"
	"testing"

	"cakupan/eventstore"
)

// FuzzAnswer reads any answer: either there is a receipt for each event, or an error, and neither
// is of another form than that.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{
		`{"appended":1,"duplicates":0,"refused":0,"receipts":[{"source":"s","id":"1","status":"appended","sequence":1}]}`,
		`{"receipts":null}`, `{"receipts":[{},{}]}`, `[]`, ``, `{`,
		`{"status":503,"code":"log.unavailable","detail":"later"}`,
		`{"status":422,"code":"field.invalid","field":"data.on","detail":"no such day"}`,
		`{"status":"422"}`,
	} {
		f.Add(mediaProblem, []byte(body), 1)
		f.Add(mediaEvent, []byte(body), 2)
	}
	f.Fuzz(func(t *testing.T, media string, body []byte, count int) {
		count = 1 + count&3
		receipts, err := readAnswer(media, body, count)
		if (err == nil) != (len(receipts) == count) {
			t.Errorf("%d receipts for %d events, %v", len(receipts), count, err)
		}
		var request *RequestError
		if errors.As(err, &request) && errors.Is(err, ErrUnavailable) && request.Status < statusTimeout {
			t.Errorf("status %d is said to pass", request.Status)
		}
	})
}

// FuzzPosition reads any file: it is the position of the key, or an error that shows no number.
func FuzzPosition(f *testing.F) {
	key := PositionKey{Ledger: "l", Group: "g", Topic: "t"}
	add := func(keys ...PositionKey) {
		var content []byte
		for i, key := range keys {
			var err error
			if content, err = appendLine(content, key, eventstore.Sequence(i)); err != nil {
				f.Fatal(err)
			}
		}
		f.Add(content)
	}
	add()
	add(key)
	add(key, key)
	add(key, PositionKey{Ledger: "m"})
	add(PositionKey{Ledger: "7503014107900001"})
	f.Add([]byte(`{"handled":1} 00000000`))
	f.Fuzz(func(t *testing.T, content []byte) {
		handled, older, err := parsePosition(content, key)
		if err != nil {
			if !errors.Is(err, ErrPosition) || strings.Contains(err.Error(), "7503014107900001") {
				t.Error(err)
			}
			return
		}
		again, err := appendLine(nil, key, handled)
		if err != nil || older&^1 != 0 {
			t.Fatalf("line %d is the older one, %v", older, err)
		}
		if got, _, err := parsePosition(again, key); got != handled || err != nil {
			t.Errorf("%d is read as %d, %v", handled, got, err)
		}
	})
}
