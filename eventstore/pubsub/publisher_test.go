package pubsub_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"cakupan/domain/event"
	"cakupan/eventstore/pubsub"
)

// nik is the number of nobody: it is valid by the rule.
const nik = "7503014107900001"

func messageOf(uuid string, payload []byte) *message.Message {
	return message.NewMessage(uuid, payload)
}

// TestPublish publishes over NATS what is new, known, wrong and unreadable in one call.
func TestPublish(t *testing.T) {
	_, conn := overNATS(t)
	var receipts []string
	p := pubsub.NewPublisher(pubsub.OverNATS(conn, "tester"), pubsub.PublisherConfig{
		Receipt: func(msg *message.Message, r event.Receipt) {
			receipts = append(receipts, fmt.Sprintln(msg.UUID, r.Status, r.Sequence, r.Why().Code))
		},
	})
	if err := p.Publish(died, messageOf("first", death(1))); err != nil {
		t.Fatal(err)
	}
	err := p.Publish(pubsub.TopicEvents,
		messageOf("again", death(1)),
		messageOf("unreadable", []byte(`{"id":"2"},{`)),
		messageOf("new", opening("o")),
		messageOf("conflict", opening("1")),
		messageOf("wrong", []byte(strings.Replace(string(death(3)), "2021-02-01", "2021-02-30", 1))),
	)
	var refused *pubsub.RefusedError
	if !errors.As(err, &refused) || errors.Is(err, pubsub.ErrUnavailable) {
		t.Fatal(err)
	}
	var got []string
	for _, r := range refused.Refusals {
		got = append(got, fmt.Sprintf("%s %s %s", r.UUID, r.Code, r.Field))
		if r.Detail == "" {
			t.Errorf("no detail: %+v", r)
		}
	}
	want := []string{
		"unreadable event.malformed ", "conflict event.conflict ", "wrong field.invalid data.on",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(err.Error(), "3 of 5 events refused; message unreadable: event.malformed") {
		t.Error(err)
	}
	want = []string{
		"first appended 1 \n", "again duplicate 1 \n", "unreadable refused 0 event.malformed\n",
		"new appended 2 \n", "conflict refused 0 event.conflict\n", "wrong refused 0 field.invalid\n",
	}
	if diff := cmp.Diff(want, receipts); diff != "" {
		t.Error(diff)
	}
	if err := p.Publish(pubsub.TopicEvents); err != nil {
		t.Errorf("no messages: %v", err)
	}
	closeIt(t, p)
	if err := p.Publish(died, messageOf("late", death(9))); !errors.Is(err, pubsub.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// TestPublishMany publishes more than fits one request, by number and by bytes.
func TestPublishMany(t *testing.T) {
	l, conn := overNATS(t)
	p := pubsub.NewPublisher(pubsub.OverNATS(conn, "tester"), pubsub.PublisherConfig{})
	var small, large []*message.Message
	for n := 1; n <= 1300; n++ {
		small = append(small, messageOf("", death(n)))
	}
	extra := `"note":"` + strings.Repeat("x", 60_000) + `","data"`
	for n := 1301; n <= 1400; n++ {
		large = append(large, messageOf("", []byte(strings.Replace(string(death(n)), `"data"`, extra, 1))))
	}
	for _, messages := range [][]*message.Message{small, large, small[:700]} {
		if err := p.Publish(died, messages...); err != nil {
			t.Fatal(err)
		}
	}
	_, tail, err := l.log.Last(t.Context())
	if err != nil || tail.Sequence != 1400 {
		t.Errorf("the log ends with event %d, %v", tail.Sequence, err)
	}
	err = p.Publish(pubsub.TopicEvents, messageOf("large", []byte(strings.Repeat(" ", 65_537))),
		messageOf("small", death(1401)))
	var refused *pubsub.RefusedError
	if !errors.As(err, &refused) || len(refused.Refusals) != 1 ||
		refused.Refusals[0].Code != event.TooLarge {
		t.Error(err)
	}
}

// TestPublishTopic: a topic is the type of the event, or that of all events.
func TestPublishTopic(t *testing.T) {
	for _, tc := range []struct{ topic, payload, want string }{
		{died, string(death(1)), ""},
		{pubsub.TopicEvents, string(death(1)), ""},
		{pubsub.TopicEvents, "anything", ""},
		{opened, string(death(1)), "not the topic " + opened + ": the event is " + died},
		{died, "{}", "not the topic"},
		{died, `{"type":7}`, "not the topic"},
		{died, "{", "event.malformed"},
		{died, `{"type":"` + nik + `"}`, "the event is 750301**********"},
	} {
		got, err := pubsub.MarshalEvent(tc.topic, messageOf("m", []byte(tc.payload)))
		switch {
		case tc.want == "" && (err != nil || string(got) != tc.payload):
			t.Errorf("%s %s: %s, %v", tc.topic, tc.payload, got, err)
		case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
			t.Errorf("%s %s: %v, want %s", tc.topic, tc.payload, err, tc.want)
		}
	}
	p := pubsub.NewPublisher(nil, pubsub.PublisherConfig{}) // nothing is sent
	err := p.Publish(opened, messageOf(nik, death(1)))
	if !errors.Is(err, pubsub.ErrTopic) || strings.Contains(err.Error(), nik) {
		t.Error(err)
	}
}

// TestPublishAnswers: what other answers than receipts come to.
func TestPublishAnswers(t *testing.T) {
	conn := startNATS(t)()
	problem := func(status int, code string) func(*nats.Msg) {
		return func(m *nats.Msg) {
			answer := nats.NewMsg(m.Reply)
			answer.Header.Set("Content-Type", "application/problem+json")
			answer.Data = fmt.Appendf(nil, `{"status":%d,"code":"%s","field":"f","detail":"d"}`,
				status, code)
			if err := m.RespondMsg(answer); err != nil {
				t.Error(err)
			}
		}
	}
	text := func(body string) func(*nats.Msg) {
		return func(m *nats.Msg) {
			if err := m.Respond([]byte(body)); err != nil {
				t.Error(err)
			}
		}
	}
	for name, tc := range map[string]struct {
		answer      func(*nats.Msg)
		unavailable bool
		refused     event.Code
		code        string
	}{
		"unavailable": {answer: problem(503, "log.unavailable"), unavailable: true, code: "log.unavailable"},
		"overload":    {answer: problem(429, "overload"), unavailable: true, code: "overload"},
		"full":        {answer: problem(507, "log.full"), unavailable: true, code: "log.full"},
		"forbidden":   {answer: problem(403, "forbidden"), code: "forbidden"},
		"conflict":    {answer: problem(409, "event.conflict"), refused: event.Conflict},
		"invalid":     {answer: problem(422, "field.invalid"), refused: event.FieldInvalid},
		"scope":       {answer: problem(403, "publisher.forbidden"), refused: event.Forbidden},
		"gibberish":   {answer: text("<html>")},
		"too few":     {answer: text(`{"receipts":[]}`)},
		"silence":     {answer: func(*nats.Msg) {}, unavailable: true},
		"nobody":      {unavailable: true},
	} {
		t.Run(name, func(t *testing.T) {
			publisher := strings.ReplaceAll(name, " ", "-")
			if tc.answer != nil {
				sub, err := conn.Subscribe("cakupan.request."+publisher, tc.answer)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = sub.Unsubscribe() }()
			}
			patience := within
			if name == "silence" {
				patience = 300 * time.Millisecond
			}
			p := pubsub.NewPublisher(pubsub.OverNATS(conn, publisher),
				pubsub.PublisherConfig{Timeout: patience})
			err := p.Publish(died, messageOf("m", death(1)))
			if err == nil || errors.Is(err, pubsub.ErrUnavailable) != tc.unavailable {
				t.Errorf("unavailable is not %t: %v", tc.unavailable, err)
			}
			var refused *pubsub.RefusedError
			if errors.As(err, &refused) != (tc.refused != "") ||
				refused != nil && refused.Refusals[0].Code != tc.refused {
				t.Errorf("refused is not %q: %v", tc.refused, err)
			}
			var request *pubsub.RequestError
			if errors.As(err, &request) != (tc.code != "") || request != nil && request.Code != tc.code {
				t.Errorf("request's error is not %q: %v", tc.code, err)
			}
		})
	}
}

// TestPublishContext: a message whose context ends ends the call.
func TestPublishContext(t *testing.T) {
	conn := startNATS(t)()
	if _, err := conn.Subscribe("cakupan.request.silence", func(*nats.Msg) {}); err != nil {
		t.Fatal(err)
	}
	p := pubsub.NewPublisher(pubsub.OverNATS(conn, "silence"), pubsub.PublisherConfig{})
	ctx, cancel := context.WithCancel(t.Context())
	second := messageOf("b", death(2))
	second.SetContext(ctx)
	time.AfterFunc(quiet, cancel)
	err := p.Publish(died, messageOf("a", death(1)), second)
	if !errors.Is(err, context.Canceled) || errors.Is(err, pubsub.ErrUnavailable) {
		t.Error(err)
	}
	wrong := pubsub.NewPublisher(pubsub.OverNATS(conn, "a.b"), pubsub.PublisherConfig{})
	if err := wrong.Publish(died, messageOf("a", death(1))); err == nil {
		t.Error("a publisher's name with a dot was taken")
	}
	conn.Close()
	err = pubsub.NewPublisher(pubsub.OverNATS(conn, "tester"), pubsub.PublisherConfig{}).
		Publish(died, messageOf("a", death(1)))
	if !errors.Is(err, nats.ErrConnectionClosed) || errors.Is(err, pubsub.ErrUnavailable) {
		t.Errorf("over a closed connection: %v", err)
	}
}

// TestPublishLost asks again when the connection is lost before the answer has come, and does not
// wait for what will not come.
func TestPublishLost(t *testing.T) {
	connect := startNATS(t)
	server, conn := connect(), connect()
	asked := 0
	_, err := server.Subscribe("cakupan.request.lost", func(m *nats.Msg) {
		if asked++; asked <= 2 {
			if err := conn.ForceReconnect(); err != nil {
				t.Error(err)
			}
			return
		}
		if err := m.Respond([]byte(`{"receipts":[{"status":"duplicate","sequence":7}]}`)); err != nil {
			t.Error(err)
		}
	})
	if err := errors.Join(err, server.Flush()); err != nil {
		t.Fatal(err)
	}
	sequence := uint64(0)
	p := pubsub.NewPublisher(pubsub.OverNATS(conn, "lost"), pubsub.PublisherConfig{
		Timeout: time.Hour,
		Receipt: func(_ *message.Message, r event.Receipt) { sequence = r.Sequence },
	})
	for p.Publish(died, messageOf("m", death(1))) != nil { // no connection at this moment
		time.Sleep(time.Millisecond)
	}
	if asked != 3 || sequence != 7 {
		t.Errorf("asked %d times, sequence %d", asked, sequence)
	}
}
