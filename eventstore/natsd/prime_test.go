package natsd

import (
	"testing"

	"github.com/nats-io/nats.go"
)

// TestPrimer: nobody is let in as the one who primes an account, but while one is primed. That
// clients do not race for what priming works out, TestManyWatch shows under the race detector.
func TestPrimer(t *testing.T) {
	g := startGuarded(t)
	g.dial(t, "auditor")
	conn, err := nats.Connect(g.URL(), nats.UserInfo(userPrime, g.secret), nats.NoReconnect())
	if err == nil {
		conn.Close()
		t.Error("let in")
	}
}
