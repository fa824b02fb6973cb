package natsin

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	"github.com/nats-io/nats.go"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore/cloudevents"
)

func samples() []Message {
	return []Message{
		{Publisher: "bone", ReceivedAt: 1, Payload: []byte{}},
		{Publisher: "goron-2", ReceivedAt: -5, Payload: []byte(`{"x":1}`), Header: []Field{
			{contentType, eventType}, {"ce-id", "é"}, {"ce-id", ""},
		}},
		{Payload: bytes.Repeat([]byte("x"), 300)},
	}
}

func TestPackRoundTrip(t *testing.T) {
	want := samples()
	got, err := readPack(appendPack(nil, want))
	if err != nil || len(got) != len(want) {
		t.Fatalf("%d messages, %v", len(got), err)
	}
	for i := range want {
		if !reflect.DeepEqual(got[i].Header, want[i].Header) || got[i].Publisher != want[i].Publisher ||
			got[i].ReceivedAt != want[i].ReceivedAt || !bytes.Equal(got[i].Payload, want[i].Payload) {
			t.Errorf("message %d: %+v, want %+v", i, got[i], want[i])
		}
		if size := len(appendMessage(nil, &want[i])); size > want[i].size() {
			t.Errorf("message %d takes %d bytes, at most %d were expected", i, size, want[i].size())
		}
	}
	whole := appendPack(nil, want)
	for _, wrong := range [][]byte{nil, {2}, {0}, whole[:len(whole)-1], append(whole, 'x')} {
		if got, err := readPack(wrong); err == nil {
			t.Errorf("%d messages from a broken pack", len(got))
		}
	}
}

// FuzzPack reads anything as a pack. What can be read is written back the same.
func FuzzPack(f *testing.F) {
	f.Add(appendPack(nil, samples()))
	f.Add([]byte{packVersion, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Add([]byte{packVersion, 0, 0, 0xff, 0xff, 0xff, 0x7f, 1, 'a', 1, 'b', 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		messages, err := readPack(data)
		if err != nil {
			return
		}
		again, err := readPack(appendPack(nil, messages))
		if err != nil || !reflect.DeepEqual(again, messages) {
			t.Errorf("%+v became %+v, %v", messages, again, err)
		}
		for i := range messages {
			_, _ = messages[i].events()
		}
	})
}

// TestStoredBytes: what is stored stays readable for other versions of this program, byte for byte.
func TestStoredBytes(t *testing.T) {
	m := Message{Publisher: "bone", ReceivedAt: 2, Header: []Field{{contentType, eventType}}, Payload: []byte("{}")}
	k := keep(m, 7, event.Receipt{
		Key:     event.Key{Source: "urn:s", ID: "7571991501900001"},
		Refusal: &event.Refusal{Code: event.Malformed, Detail: "d"},
	})
	const description = `{"index":7,"receivedAt":2,"source":"urn:s","id":"757199**********",` +
		`"code":"event.malformed","detail":"d"}`
	const text = "\x04bone\x04\x01\x0ccontent-type\x1c" + eventType + "\x02{}"
	if got := string(k.append(nil)); got != string(rune(len(description)))+description+text {
		t.Errorf("%q", got)
	}
	if got := string(appendPack(nil, []Message{m})); got != "\x01"+text {
		t.Errorf("%q", got)
	}
}

// FuzzRefused reads anything as something refused.
func FuzzRefused(f *testing.F) {
	entry := keep(samples()[1], 7, event.Receipt{
		Key:     event.Key{Source: "urn:s", ID: "7571991501900001"},
		Refusal: &event.Refusal{Code: event.Malformed, Detail: "d"},
	})
	f.Add(entry.append(nil))
	f.Add([]byte{2, '{', '}', 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := readKept(data)
		if err != nil {
			return
		}
		again, err := readKept(e.append(nil))
		if err != nil || !reflect.DeepEqual(again, e) {
			t.Errorf("%+v became %+v, %v", e, again, err)
		}
	})
}

// FuzzMessage reads any message as events. Whatever a publisher sends is some events or a refusal,
// and each event can be judged; arrays are cut as encoding/json cuts them.
func FuzzMessage(f *testing.F) {
	f.Add("application/cloudevents+json; charset=utf-8", "id", "x%20y", []byte(`{"specversion":"1.0"}`))
	f.Add(batchType, "", "", []byte(` [ {"a":"]\",["} , [1,2],"x" ] `))
	f.Add(dataType, "type", "%C3%A9\"\\\x01", []byte(`{"enrolment":"e"}`))
	f.Add("", "", "", []byte("7571991501900001"))
	f.Fuzz(func(t *testing.T, media, name, value string, payload []byte) {
		in := &nats.Msg{Header: nats.Header{"Content-Type": {media}}, Data: payload}
		if name != "" {
			in.Header["Ce-"+name] = []string{value, value}[:1+len(value)%2]
		}
		m := messageOf("bone", temporal.Instant(1), in)
		raw, refusal := m.events()
		if refusal != nil {
			if len(raw) > 0 || event.HasNIK(refusal.Detail) || event.HasNIK(refusal.Field) {
				t.Errorf("refused with %d events: %+v", len(raw), refusal)
			}
			return
		}
		for _, event := range raw {
			_, _ = cloudevents.ParseJSON(event)
		}
		var want []json.RawMessage
		if mediaOf(media) == batchType && json.Unmarshal(payload, &want) == nil && want != nil {
			if len(raw) != len(want) {
				t.Fatalf("%q: %d elements, want %d", payload, len(raw), len(want))
			}
			for i := range want {
				if !bytes.Equal(raw[i], want[i]) {
					t.Errorf("element %d is %q, want %q", i, raw[i], want[i])
				}
			}
		}
	})
}

func mediaOf(text string) string {
	m := Message{Header: []Field{{contentType, text}}}
	if m.get(contentType) == batchType {
		return batchType
	}
	return ""
}
