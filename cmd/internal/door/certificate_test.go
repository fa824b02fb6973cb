package door

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cakupan/cmd/internal/problem"
)

// files are a certificate and its key, replaced as often as a test likes.
type files struct {
	t         *testing.T
	cert, key string
	serial    int64
	writes    int64

	from, until time.Time // of the next certificate
}

func newFiles(t *testing.T) *files {
	t.Helper()
	dir := t.TempDir()
	f := &files{t: t, cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem")}
	f.from, f.until = time.Unix(0, 0), time.Unix(1<<32, 0)
	f.renew()
	return f
}

// renew puts another certificate in the files and returns its serial number.
func (f *files) renew() int64 {
	f.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.t.Fatal(err)
	}
	f.serial++
	form := &x509.Certificate{
		SerialNumber: big.NewInt(f.serial), NotBefore: f.from, NotAfter: f.until,
	}
	cert, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		f.t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		f.t.Fatal(err)
	}
	f.write(f.key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})))
	f.write(f.cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})))
	return f.serial
}

// write replaces a file; its stamp differs from every one before, however fast the test is.
func (f *files) write(path, text string) {
	f.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
	f.writes++
	at := time.Unix(1_600_000_000+f.writes, 0)
	if err := os.Chtimes(path, at, at); err != nil {
		f.t.Fatal(err)
	}
}

func serialOf(t *testing.T, c *tls.Certificate) int64 {
	t.Helper()
	leaf, err := x509.ParseCertificate(c.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	return leaf.SerialNumber.Int64()
}

// TestRenewal replaces the files in every way, on a clock of its own: the newest pair that fits is
// shown, the last good one meanwhile, and each failure is told once an interval.
func TestRenewal(t *testing.T) {
	f := newFiles(t)
	var log strings.Builder
	c := &certificate{
		certFile: f.cert, keyFile: f.key, log: slog.New(slog.NewTextHandler(&log, nil)),
	}
	seen, err := c.stamps()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.load(seen); err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_700_000_000, 0)
	shows := func(what string, want int64) {
		t.Helper()
		if got := serialOf(t, c.get(now)); got != want {
			t.Errorf("%s: certificate %d, want %d", what, got, want)
		}
	}
	first := serialOf(t, c.current)
	shows("first look", first)
	second := f.renew()
	now = now.Add(LookInterval - 1)
	shows("within the interval", first)
	now = now.Add(1)
	shows("after it", second)

	told := func(what string, times int) {
		t.Helper()
		if got := strings.Count(log.String(), "cannot be used"); got != times {
			t.Errorf("%s: told %d times, want %d", what, got, times)
		}
	}
	whole, err := os.ReadFile(f.key)
	if err != nil {
		t.Fatal(err)
	}
	for i, break1 := range []func(){
		func() { f.write(f.cert, "no PEM") },
		func() { f.renew(); f.write(f.key, string(whole)) }, // only one of two is replaced yet
		func() { _ = os.Remove(f.key) },
		func() { _ = os.Remove(f.cert) },
	} {
		break1()
		now = now.Add(LookInterval)
		shows("broken", second)
		shows("broken, asked again at once", second)
		told("broken", i+1)
	}
	last := f.renew()
	now = now.Add(LookInterval)
	shows("whole again", last)
	if strings.Count(log.String(), "certificate was renewed") != 2 {
		t.Errorf("the operator's log: %s", log.String())
	}
}

// TestEnd: a certificate that ends soon is told of once a day, until another one is in its place.
func TestEnd(t *testing.T) {
	f := newFiles(t)
	var log strings.Builder
	settings, err := ServerTLS(f.cert, f.key, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	d := Door{TLS: settings}
	shown, ok := d.Certificate()
	if !ok || shown.Of != "https" || !shown.From.Equal(f.from) || !shown.Until.Equal(f.until) {
		t.Errorf("it is %v", shown)
	}
	if _, ok := new(Door).Certificate(); ok {
		t.Error("there is a certificate without TLS")
	}
	c := &certificate{certFile: f.cert, keyFile: f.key, log: slog.New(slog.NewTextHandler(&log, nil))}
	seen, err := c.stamps()
	if err == nil {
		err = c.load(seen)
	}
	if err != nil {
		t.Fatal(err)
	}
	asked := func(now time.Time, told int) {
		t.Helper()
		for range 3 {
			now = now.Add(LookInterval)
			c.get(now)
		}
		if got := strings.Count(log.String(), "certificate ends soon"); got != told {
			t.Errorf("at %v it was told %d times, want %d", now, got, told)
		}
	}
	asked(f.until.AddDate(0, 0, -30), 0)
	asked(f.until.AddDate(0, 0, -20), 1)
	asked(f.until.AddDate(0, 0, -19), 2)
	asked(f.until.AddDate(0, 0, 1), 3)
	f.until = f.until.AddDate(2, 0, 0)
	f.renew()
	asked(f.until.AddDate(-2, 0, 2), 3)
}

// TestServerTLS refuses files that cannot be used when it begins: nobody is served with less.
func TestServerTLS(t *testing.T) {
	f, other := newFiles(t), newFiles(t)
	log := slog.New(slog.DiscardHandler)
	for _, c := range []struct {
		name, cert, key string
		want            problem.Code
	}{
		{"none", "", "", ""},
		{"no key", f.cert, "", problem.UsageWrong},
		{"no certificate", "", f.key, problem.UsageWrong},
		{"missing", f.cert + "x", f.key, problem.FileNotReadable},
		{"exchanged", f.key, f.cert, problem.FileNotReadable},
		{"of two pairs", f.cert, other.key, problem.FileNotReadable},
		{"a folder", filepath.Dir(f.cert), f.key, problem.FileNotReadable},
	} {
		config, err := ServerTLS(c.cert, c.key, log)
		if config != nil || (err == nil) != (c.want == "") ||
			err != nil && problem.From(err).Code != c.want {
			t.Errorf("%s: %v, %v", c.name, config, err)
		}
	}
	config, err := ServerTLS(f.cert, f.key, log)
	if err != nil || config.MinVersion < tls.VersionTLS12 {
		t.Fatalf("%+v, %v", config, err)
	}
	shown, err := config.GetCertificate(nil)
	if err != nil || serialOf(t, shown) != 1 {
		t.Errorf("%v, %v", shown, err)
	}
}

// TestExposedKey refuses a key that every user of the machine may read, and takes it once it is not.
func TestExposedKey(t *testing.T) {
	f := newFiles(t)
	for mode, refused := range map[os.FileMode]bool{0o644: true, 0o604: true, 0o602: true, 0o640: false, 0o600: false, 0o400: false} {
		if err := os.Chmod(f.key, mode); err != nil {
			t.Fatal(err)
		}
		_, err := ServerTLS(f.cert, f.key, slog.New(slog.DiscardHandler))
		if (err != nil) != refused || refused && !strings.Contains(err.Error(), "chmod o= "+f.key) {
			t.Errorf("%04o: %v", mode, err)
		}
	}
}

// TestCipherSuites: what has CBC or no forward secrecy is not spoken, whatever a client offers.
func TestCipherSuites(t *testing.T) {
	f := newFiles(t)
	settings, err := ServerTLS(f.cert, f.key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	speak := func(version, suite uint16) error {
		server, client := net.Pipe()
		defer func() { _, _ = server.Close(), client.Close() }()
		told := make(chan error, 1)
		go func() { told <- tls.Server(server, settings).HandshakeContext(t.Context()) }()
		//nolint:gosec // what is old is offered on purpose
		err := tls.Client(client, &tls.Config{
			InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: version,
			CipherSuites: []uint16{suite},
		}).HandshakeContext(t.Context())
		_ = client.Close()
		return errors.Join(err, <-told)
	}
	if err := speak(tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256); err != nil {
		t.Errorf("a good one: %v", err)
	}
	for _, suite := range []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA,
	} {
		if speak(tls.VersionTLS12, suite) == nil {
			t.Errorf("%s is spoken", tls.CipherSuiteName(suite))
		}
	}
	if speak(tls.VersionTLS11, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA) == nil {
		t.Error("TLS 1.1 is spoken")
	}
}
