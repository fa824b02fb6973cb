package door

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"cakupan/cmd/internal/lifetime"
	"cakupan/cmd/internal/problem"
)

// certificate is a TLS certificate and its key, in two files that may be replaced at any time.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex       // guards what follows: each new connection asks
	current *tls.Certificate // the last good one; never nil once the server runs
	seen    [2]fileStamp     // of the files that current was read from
	looked  time.Time        // when the files were last looked at
	told    time.Time        // when the operator was last told that it ends soon
}

// fileStamp tells one content of a file from another without reading it.
type fileStamp struct {
	size     int64
	modified time.Time
}

// LookInterval is how long a replaced certificate may go unnoticed. It bounds what strangers who
// open many connections can make the disk do, and how often a broken file is told.
const LookInterval = time.Second

// tellInterval is how often the operator is told that a certificate ends soon.
const tellInterval = 24 * time.Hour

// ServerTLS returns how a server answers with the certificate in a file of PEM, with the key in
// another one; nil for no files. A certificate that is renewed there is used from the next
// connection on; one that cannot be read is told to the operator, and the last good one is used.
func ServerTLS(certFile, keyFile string, log *slog.Logger) (*tls.Config, error) {
	switch {
	case certFile == "" && keyFile == "":
		return nil, nil //nolint:nilnil // what http.Server takes for no TLS
	case certFile == "" || keyFile == "":
		return nil, usage("--tls-cert and --tls-key go together")
	}
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log}
	seen, err := c.stamps()
	if err == nil {
		err = c.load(seen)
	}
	if err != nil {
		return nil, problem.Wrap(problem.FileNotReadable,
			"the certificate or its key cannot be used: both are files of PEM that belong together",
			err)
	}
	return &tls.Config{
		MinVersion:   tls.VersionTLS12,
		CipherSuites: cipherSuites(),
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return c.get(time.Now()), nil
		},
	}, nil
}

// cipherSuites are those of TLS 1.2 that nothing is known against: with forward secrecy, and
// without CBC. Those of TLS 1.3 are not chosen here.
func cipherSuites() []uint16 {
	return []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
		tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	}
}

// checkPrivate refuses a key that all users of the machine may read. Its group may, as programs
// that renew certificates share them so.
func checkPrivate(path string) error {
	const others = 0o007
	info, err := os.Stat(path)
	if err == nil && info.Mode().Perm()&others != 0 {
		err = fmt.Errorf("%s may be opened by every user of this machine (rights %04o):"+
			" run chmod o= %s", path, info.Mode().Perm(), path)
	}
	return err
}

// get returns the newest certificate that can be used.
func (c *certificate) get(now time.Time) *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Sub(c.looked) < LookInterval {
		return c.current
	}
	c.looked = now
	defer c.tellEnd(now)
	seen, err := c.stamps()
	if err == nil && seen == c.seen {
		return c.current
	}
	if err == nil {
		err = c.load(seen)
	}
	if err != nil {
		c.log.Error("renewed certificate cannot be used: the last one stays",
			slog.Any("error", err))
	} else {
		c.log.Info("certificate was renewed")
	}
	return c.current
}

// tellEnd tells the operator, once a day, that the certificate ends soon. It is called when
// somebody connects: whom nobody connects to has no use for a certificate.
func (c *certificate) tellEnd(now time.Time) {
	shown := lifetime.Of("this server", parsed(c.current))
	if now.Sub(c.told) < tellInterval || !shown.EndsSoon(now) {
		return
	}
	c.told = now
	c.log.Warn("certificate ends soon, or has ended: renew it, which needs no restart",
		slog.Time("end", shown.Until.UTC()), slog.String("file", c.certFile))
}

// parsed returns the certificates of a chain, of which each can be read: it was loaded.
func parsed(chain *tls.Certificate) (all []*x509.Certificate) {
	for _, der := range chain.Certificate {
		if one, err := x509.ParseCertificate(der); err == nil {
			all = append(all, one)
		}
	}
	return all
}

// load reads the files. seen was taken before: what changes while they are read is noticed at
// the next look, as are two files of which only one is replaced yet.
func (c *certificate) load(seen [2]fileStamp) error {
	if err := checkPrivate(c.keyFile); err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("load certificate: %w", err)
	}
	c.current, c.seen = &pair, seen
	return nil
}

// stamps looks at both files without reading them. A file that is gone is an error and no stamp:
// the next one that is there is a change, whatever its time is.
func (c *certificate) stamps() (seen [2]fileStamp, err error) {
	for i, path := range []string{c.certFile, c.keyFile} {
		info, statErr := os.Stat(path)
		if statErr != nil {
			err = errors.Join(err, statErr)
			continue
		}
		seen[i] = fileStamp{size: info.Size(), modified: info.ModTime()}
	}
	return seen, err
}
