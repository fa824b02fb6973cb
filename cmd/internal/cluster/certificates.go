package cluster

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"cakupan/cmd/internal/lifetime"
)

const (
	// lookMax is how long a server may take to show its certificate.
	lookMax = 5 * time.Second
	// greetingMax bounds what a server says of itself before it shows its certificate: it names
	// each other server.
	greetingMax = 64 << 10

	portDefault = "4222"
)

// WatchCertificates looks again and again, until ctx ends, at the certificate that each server of
// URL shows, and tells found of all of them. One that cannot be reached has the certificate that it
// showed last: renewed or not, it has the same end. Servers without TLS show none.
func (c *Cluster) WatchCertificates(ctx context.Context, found func([]lifetime.Certificate)) {
	seen, servers := map[string]lifetime.Certificate{}, c.servers()
	for len(servers) > 0 && ctx.Err() == nil {
		for _, address := range servers {
			if chain, err := shown(ctx, address); err == nil && len(chain) > 0 {
				seen[address] = lifetime.Of(address, chain)
			}
		}
		found(slices.Collect(maps.Values(seen)))
		sleep(ctx, nodesEvery)
	}
}

// servers returns the addresses of the servers that URL names.
func (c *Cluster) servers() (addresses []string) {
	for one := range strings.SplitSeq(c.URL, ",") {
		u, err := url.Parse(strings.TrimSpace(one))
		if err != nil || u.Hostname() == "" {
			continue // whoever connects to it says so
		}
		port := u.Port()
		if port == "" {
			port = portDefault
		}
		addresses = append(addresses, net.JoinHostPort(u.Hostname(), port))
	}
	return addresses
}

// shown returns the certificates that a server shows to whoever connects, and those by which it is
// trusted; none of a server without TLS. It does not log in, and hangs up once it has seen them.
// One that has ended is not trusted, and returned all the same.
func shown(ctx context.Context, address string) ([]*x509.Certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, lookMax)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("look at certificate: %w", err)
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	// The server speaks first, without TLS, and says whether it goes on with it.
	greeting, err := bufio.NewReader(io.LimitReader(conn, greetingMax)).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("look at certificate: %w", err)
	}
	var info struct {
		Required  bool `json:"tls_required"`
		Available bool `json:"tls_available"`
	}
	text, isInfo := strings.CutPrefix(greeting, "INFO ")
	err = json.Unmarshal([]byte(text), &info)
	if !isInfo || err != nil || !info.Required && !info.Available {
		return nil, nil //nolint:nilerr // it is no server of NATS: whoever logs in says so
	}
	host, _, _ := net.SplitHostPort(address) // it was joined
	secure := tls.Client(conn, &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12})
	err = secure.HandshakeContext(ctx)
	var distrusted *tls.CertificateVerificationError
	switch {
	case errors.As(err, &distrusted):
		return distrusted.UnverifiedCertificates, nil
	case err != nil:
		return nil, fmt.Errorf("look at certificate: %w", err)
	}
	state := secure.ConnectionState()
	return slices.Concat(state.PeerCertificates, slices.Concat(state.VerifiedChains[:1]...)), nil
}
