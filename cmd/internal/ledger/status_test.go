package ledger

import (
	"reflect"
	"testing"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"
)

// TestOnceEach has three servers answer for one stream, as they do while it changes its leader.
func TestOnceEach(t *testing.T) {
	t.Parallel()
	told := []StreamStatus{
		{Name: "CAKUPAN", Replicas: 3, Current: 0},
		{Name: "CAKUPAN_VAULT", Replicas: 3, Current: 3, Leader: "n2"},
		{Name: "CAKUPAN", Replicas: 3, Current: 2, Leader: "n3"},
		{Name: "CAKUPAN", Replicas: 3, Current: 1},
	}
	want := []StreamStatus{told[2], told[1]}
	if got := onceEach(told); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestAllTold asks a server what streams there are, and says those of which nothing was told. Others'
// streams are nobody's business.
func TestAllTold(t *testing.T) {
	t.Parallel()
	conn, err := nats.Connect(startNATS(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := natsjs.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"CAKUPAN_VAULT", "CAKUPAN", "OTHERS"} {
		config := natsjs.StreamConfig{Name: name, Subjects: []string{name}}
		if _, err := js.CreateStream(t.Context(), config); err != nil {
			t.Fatal(err)
		}
	}
	all := []StreamStatus{{Name: "CAKUPAN_VAULT"}, {Name: "CAKUPAN"}}
	if err := allTold(t.Context(), js, all); err != nil {
		t.Errorf("all streams were told: %v", err)
	}
	err = allTold(t.Context(), js, all[:0])
	if want := "no server answers for CAKUPAN, CAKUPAN_VAULT"; err == nil || err.Error() != want {
		t.Errorf("no stream was told: %v, want %s", err, want)
	}
}
