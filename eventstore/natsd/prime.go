package natsd

import (
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// userPrime is the program's own user in an account that is being primed.
const userPrime = "prime"

// primeMax bounds how long that may take; then the account is used as it is.
const primeMax = 10 * time.Second

// prime subscribes to inboxes in a new account, while nobody else is in it. At the first such
// subscription the server works out how the names of the import are turned around, and keeps that
// without a lock: two clients who came together would race for it. The mutex is held.
func (a *access) prime(account *server.Account, client Client) error {
	a.priming.Store(account)
	defer a.priming.Store(nil)
	conn, err := nats.Connect("", nats.InProcessServer(a.server), nats.Name(serverName),
		nats.UserInfo(userPrime, a.secret), nats.NoReconnect(), nats.Timeout(primeMax))
	if err != nil {
		return fmt.Errorf("prime account: %w", err)
	}
	defer conn.Close()
	for _, inbox := range client.inboxes() {
		if _, err := conn.SubscribeSync(strings.TrimSuffix(inbox, ">") + "primed.*"); err != nil {
			return fmt.Errorf("prime account: %w", err)
		}
	}
	return conn.FlushTimeout(primeMax)
}

// primer returns the user who primes, nil while no account is primed.
func (a *access) primer(name string) *server.User {
	account := a.priming.Load()
	if name != userPrime || account == nil {
		return nil
	}
	return &server.User{Username: name, Account: account}
}
