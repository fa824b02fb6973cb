package natsd

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"github.com/nats-io/nats-server/v2/server"
)

// keep sets what every server must have that keeps what the ledger cannot derive: files, flushed
// before anything is acknowledged. Signals are left to the program. What it sets no option can take
// back.
func keep(settings *server.Options, dir string) {
	settings.NoSigs = true
	settings.MaxPayload = MaxPayloadBytes
	settings.JetStream = true
	settings.StoreDir = dir
	// An acknowledged message is on stable storage: all that the ledger promises rests on it.
	settings.SyncAlways = true
	settings.DisableShortFirstPing = true
}

// hostPort returns the parts of an address as the server wants them. The error names the address.
func hostPort(address string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, fmt.Errorf("listen on %s: %w", address, err)
	}
	number, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("listen on %s: the port is no number", address)
	}
	port = int(number)
	if number == 0 {
		port = server.RANDOM_PORT
	}
	if host == "" {
		host = server.DEFAULT_HOST // all of the machine's
	}
	return host, port, nil
}

// isLoopback tells whether an address can be reached from this machine alone. A name other than
// localhost may lead anywhere. What cannot be understood is taken for the network.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}
