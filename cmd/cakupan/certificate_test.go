package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var dialer net.Dialer

// authority signs certificates for this machine.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pool        *x509.CertPool
	signed      int64
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{key: key, pool: x509.NewCertPool(), signed: 1}
	if a.certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pool.AddCert(a.certificate)
	return a
}

// sign writes a certificate for 127.0.0.1 and its key, and returns its serial number.
func (a *authority) sign(t *testing.T, certFile, keyFile string) (serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a.signed++
	form := &x509.Certificate{
		SerialNumber: big.NewInt(a.signed), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, form, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writeText(t, keyFile, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})))
	writeText(t, certFile, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	return a.signed
}

// client returns a client that trusts the authority alone, with HTTP/2 or without.
func (a *authority) client(t *testing.T, http2 bool) *http.Client {
	t.Helper()
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: a.pool, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2: http2,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// serialOf returns the number of the certificate that a new connection is shown.
func (a *authority) serialOf(t *testing.T, url string) int64 {
	t.Helper()
	connection, err := (&tls.Dialer{Config: &tls.Config{RootCAs: a.pool, MinVersion: tls.VersionTLS12}}).
		DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "https://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	return connection.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

// TestTLS serves with a certificate, to clients that trust it and to those that do not, and renews
// it while it serves.
func TestTLS(t *testing.T) {
	dir, files, a := t.TempDir(), t.TempDir(), newAuthority(t)
	certFile, keyFile := filepath.Join(files, "cert.pem"), filepath.Join(files, "key.pem")
	first := a.sign(t, certFile, keyFile)
	secret := addPublisher(t, dir, "dinas")
	auditor := member(t, dir, "reader", "add", "bpk", "--role", "auditor")
	g := serveGuarded(t, dir, "--listen", "127.0.0.1:0", "--tls-cert", certFile, "--tls-key", keyFile)
	if !strings.HasPrefix(g.url, "https://127.0.0.1:") {
		t.Fatal(g.url)
	}
	for _, http2 := range []bool{false, true} {
		client := a.client(t, http2)
		var lines []string
		for _, id := range []string{"1", "2", "3"} {
			lines = append(lines, openedBy("urn:dinas", id))
		}
		for contentType, body := range map[string]string{
			oneEvent: lines[0], manyEvents: "[" + strings.Join(lines, ",") + "]", lineEvents: strings.Join(lines, "\n"),
		} {
			response, got := asked{
				method: "POST", url: g.url + "/v1/events", contentType: contentType, body: body,
				authorization: "Bearer " + secret, client: client,
			}.ask(t)
			receipts := strings.Count(got, `"source":"urn:dinas"`)
			if response.StatusCode != 200 || receipts != strings.Count(body, "specversion") || (response.ProtoMajor == 2) != http2 {
				t.Errorf("%s %s: %d %s", response.Proto, contentType, response.StatusCode, got)
			}
		}
		response, _ := asked{method: "GET", url: g.url + "/v1/coverage", client: client}.ask(t)
		if response.StatusCode != 401 {
			t.Errorf("%d", response.StatusCode)
		}
	}
	if _, err := newAuthority(t).client(t, false).Get(g.url + "/healthz"); err == nil {
		t.Error("a client that does not trust the certificate was served")
	}
	if code, _, stderr := runCommand(t, "health", "--server", g.url); code != 1 || !strings.Contains(stderr, "certificate") {
		t.Errorf("the command line: exit %d: %s", code, stderr)
	}
	connection, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(g.url, "https://"))
	if err != nil {
		t.Fatal(err)
	}
	_ = connection.SetDeadline(time.Now().Add(time.Minute))
	_, _ = connection.Write([]byte("GET /v1/coverage HTTP/1.1\r\nHost: x\r\n\r\n"))
	plain := make([]byte, 1000)
	n, _ := connection.Read(plain)
	_ = connection.Close()
	if !bytes.Contains(plain[:n], []byte("400 Bad Request")) {
		t.Errorf("without TLS: %q", plain[:n])
	}

	_, figures := asked{
		method: "GET", url: g.url + "/metrics", authorization: "Bearer " + auditor,
		client: a.client(t, false),
	}.ask(t)
	if !strings.Contains(figures, `cakupan_certificate_end_timestamp_seconds{of="https"} 1.`) {
		t.Errorf("no figure of when the certificate ends: %s", figures)
	}
	if got := a.serialOf(t, g.url); got != first {
		t.Errorf("certificate %d, want %d", got, first)
	}
	// Replaced files are looked at when a connection comes, a second after the last look at the
	// earliest. What was found is told, and then the certificate shown is the last good one.
	shows := func(change func(), told string, want int64) {
		t.Helper()
		said := func() int { return strings.Count(string(g.stderr.Bytes()), told) }
		before, deadline := said(), time.Now().Add(2*time.Minute)
		for change(); said() == before; time.Sleep(20 * time.Millisecond) {
			if a.serialOf(t, g.url); time.Now().After(deadline) {
				t.Fatalf("it is not told that %q: %s", told, g.stderr.Bytes())
			}
		}
		if got := a.serialOf(t, g.url); got != want {
			t.Errorf("%s: certificate %d, want %d", told, got, want)
		}
	}
	const renewed, broken = "certificate was renewed", "renewed certificate cannot be used"
	sign := func() { a.sign(t, certFile, keyFile) }
	shows(sign, renewed, first+1)
	shows(func() { writeText(t, certFile, "broken") }, broken, first+1)
	shows(func() {
		if err := os.Remove(keyFile); err != nil {
			t.Fatal(err)
		}
	}, "no such file", first+1)
	shows(sign, renewed, first+2)
}
