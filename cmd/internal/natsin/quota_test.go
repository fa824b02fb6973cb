package natsin_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cakupan/cmd/internal/natsin"
	"cakupan/domain/event"
)

// within starts the intake with a quota, whose clock is ahead by some time.
func (w *world) within(limits natsin.Limits, ahead time.Duration) *natsin.Quota {
	w.t.Helper()
	now := func() time.Time { return time.Now().Add(ahead) }
	q := natsin.NewQuota(limits, now, slog.New(slog.NewTextHandler(w.t.Output(), nil)))
	w.startIntake(func(o *natsin.Options) { o.Quota = q })
	return q
}

// refuse has so many messages of a publisher refused, which begin with a word, in packs of as many
// as fit.
func (w *world) refuse(publisher, word string, count, bytes int) {
	w.t.Helper()
	var messages []natsin.Message
	for i := range count {
		messages = append(messages, natsin.Message{
			Publisher: publisher,
			Payload:   fmt.Appendf(nil, "%s-%d %s", word, i, strings.Repeat("x", bytes)),
		})
		if len(messages) < min(700, 3<<20/max(bytes, 1)) && i < count-1 {
			continue
		}
		w.pack(messages...)
		messages = nil
		w.eventually("no pack waits", func() bool { return w.waiting() == 0 })
	}
}

// pack stores messages as one pack.
func (w *world) pack(messages ...natsin.Message) {
	w.t.Helper()
	w.inStore(func(js jetstream.JetStream) error {
		pack, err := natsin.SealPack(w.sealer, messages)
		if err == nil {
			_, err = js.Publish(w.t.Context(), natsin.SubjectPacks, pack)
		}
		return err
	})
}

// kept returns how many refusals each publisher has.
func kept(all []natsin.Kept) map[string]int {
	of := map[string]int{}
	for i := range all {
		of[all[i].Publisher]++
	}
	return of
}

// TestQuotaCount floods with refusals: the newest of a publisher are kept, within his count, also
// after a restart that finds more than that; those of others and packs that nobody can open stay.
func TestQuotaCount(t *testing.T) {
	w := newWorld(t)
	limits := natsin.Limits{Count: natsin.LimitCountMin}
	w.startIntake() // without a quota
	w.refuse("goron", "first", 30, 0)
	w.spoil()
	w.refuse("bone", "early", 1_300, 0)
	w.stopIntake()
	sent, removed := 1_300, 0
	for start := range 2 {
		q := w.within(limits, 0)
		for round := range 2 {
			word := fmt.Sprintf("late-%d-%d", start, round)
			w.refuse("bone", word, 400, 0)
			sent += 400
			all := w.refused()
			of := kept(all)
			if of["bone"] > limits.Count || of["bone"] < limits.Count*8/10 || of["goron"] != 30 ||
				of[""] != 1 {
				t.Fatalf("start %d, round %d: %v", start, round, of)
			}
			newest := 0
			for i := range all {
				if strings.HasPrefix(string(all[i].Message.Payload), word) {
					newest++
				}
			}
			forRoom, forAge := q.Removed()
			if newest != 400 || removed+int(forRoom) != sent-of["bone"] || forAge != 0 {
				t.Errorf("start %d, round %d: %d of the newest, removed %d and %d of %d, kept %d",
					start, round, newest, removed+int(forRoom), forAge, sent, of["bone"])
			}
		}
		forRoom, _ := q.Removed()
		removed += int(forRoom)
		w.stopIntake()
		w.stopServer()
		w.startServer()
	}
}

// spoil has the intake find a pack that cannot be opened.
func (w *world) spoil() {
	w.t.Helper()
	w.inStore(func(js jetstream.JetStream) error {
		_, err := js.Publish(w.t.Context(), natsin.SubjectPacks, []byte("not sealed"))
		return err
	})
	w.eventually("no pack waits", func() bool { return w.waiting() == 0 })
}

// TestQuotaBytes floods with large ones.
func TestQuotaBytes(t *testing.T) {
	w := newWorld(t)
	q := w.within(natsin.Limits{Bytes: natsin.LimitBytesMin}, 0)
	w.refuse("goron", "first", 3, 1<<20)
	w.refuse("bone", "large", 24, 1<<20)
	of := kept(w.refused())
	if of["goron"] != 3 || of["bone"] > 15 || of["bone"] < 12 {
		t.Errorf("kept: %v", of)
	}
	if forRoom, _ := q.Removed(); int(forRoom) != 24-of["bone"] {
		t.Errorf("removed %d, kept %v", forRoom, of)
	}
}

// TestQuotaAge removes what is old, whoever it is of, and not what nobody can open.
func TestQuotaAge(t *testing.T) {
	const day = 24 * time.Hour
	w := newWorld(t)
	limits := natsin.Limits{Count: natsin.LimitCountMin, Age: 30 * day}
	w.within(limits, 0)
	w.refuse("bone", "old", 20, 0)
	w.spoil()
	w.refuse("goron", "old", 10, 0)
	w.stopIntake()
	w.within(limits, 29*day)
	w.refuse("bone", "newer", 1, 0)
	if of := kept(w.refused()); of["bone"] != 21 || of["goron"] != 10 || of[""] != 1 {
		t.Errorf("before their time: %v", of)
	}
	w.stopIntake()
	q := w.within(limits, 31*day)
	w.eventually("old ones are removed", func() bool { return len(w.refused()) == 1 })
	w.eventually("and counted", func() bool {
		forRoom, forAge := q.Removed()
		return forRoom == 0 && forAge == 31
	})
	if of := kept(w.refused()); of[""] != 1 {
		t.Errorf("after it: %v", of)
	}
}

// TestQuotaSettled counts no more what was dropped, and retries what a full share has no room for.
func TestQuotaSettled(t *testing.T) {
	w := newWorld(t)
	w.register("bone")
	q := w.within(natsin.Limits{Count: natsin.LimitCountMin}, 0)
	store, err := w.server.ConnectStore()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	shared := natsin.NewRefusals(store, w.sealer, q, nil)
	conn := w.dial("bone")
	w.publish(conn, message("cakupan.intake.bone", "", line("urn:office", 1)))
	w.refuse("bone", "some", 999, 0)
	all := w.refused()
	for _, one := range all[len(all)-400:] {
		if err := shared.Drop(t.Context(), one.Number); err != nil {
			t.Fatal(err)
		}
	}
	w.refuse("bone", "more", 400, 0)
	if forRoom, _ := q.Removed(); forRoom != 0 || len(w.refused()) != 1_000 {
		t.Errorf("removed %d, kept %d", forRoom, len(w.refused()))
	}
	w.mu.Lock()
	w.scopes["bone"].Sources = append(w.scopes["bone"].Sources, "urn:office")
	w.scopes["bone"].Types = event.Types()[:1]
	w.mu.Unlock()
	got, err := natsin.Retry(t.Context(), shared, w, all[0].Number)
	if err != nil || got[0].Refusal == nil || got[0].Refusal.Field != "type" {
		t.Errorf("retry: %v, %v", got, err)
	}
	now := w.refused()
	if len(now) > 1_000 || now[len(now)-1].Field != "type" || now[0].Number == all[0].Number {
		t.Errorf("after a retry: %d kept, the last %+v", len(now), now[len(now)-1])
	}
}
