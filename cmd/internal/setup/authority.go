package setup

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"cakupan/eventstore/durable"
)

// Times and sizes of certificates. An authority is not renewed: all that trust it would have to be
// given another one, so it is meant to outlast the cluster. 825 days is the longest that common
// clients take from a server.
const (
	authorityYears  = 20
	certificateDays = 825
	renewDays       = 200 // before the end: whoever starts once in half a year is never late
	day             = 24 * time.Hour
	serialBits      = 126

	certFile, keyFile, authorityFile = "cert.pem", "key.pem", "ca.pem"
)

// authority signs the certificates of a cluster. Its key is in the folder authority/ alone, and
// given to nobody; the certificate is what all others trust. It is not changed once it is read.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte // of cert
	anew bool   // whatever it has signed is signed anew
}

// authority returns the authority, which is made at the first call. Certificate and key stand in
// one file: there is never one without the other. One that is damaged is not made anew: what it has
// signed is in use, and would be trusted no more.
func (m *maker) authority(now time.Time) (*authority, error) {
	raw, err := m.once(func() ([]byte, error) { return newAuthority(now) },
		"authority", "authority.pem")
	if err != nil {
		return nil, fmt.Errorf("authority of certificates: %w", err)
	}
	certBlock, rest := pem.Decode([]byte(raw))
	keyBlock, _ := pem.Decode(rest)
	if certBlock == nil || keyBlock == nil {
		return nil, fmt.Errorf("%s is damaged: put it back from a copy",
			m.path("authority", "authority.pem"))
	}
	a := &authority{pem: pem.EncodeToMemory(certBlock), anew: m.renew.Certificates}
	if a.cert, err = x509.ParseCertificate(certBlock.Bytes); err == nil {
		a.key, err = x509.ParseECPrivateKey(keyBlock.Bytes)
	}
	if err != nil {
		return nil, fmt.Errorf("authority of certificates: %w", err)
	}
	return a, nil
}

// newAuthority makes an authority that signs itself, as PEM. It signs servers and nodes alone, and
// no other authorities. It counts from a day ago, as the clocks of a cluster may differ.
func newAuthority(now time.Time) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "cakupan cluster"},
		NotBefore: now.Add(-day), NotAfter: now.AddDate(authorityYears, 0, 0),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign,
	}
	return sign(template, template, key, key)
}

// sign returns a certificate and its key, both as PEM, the certificate first.
func sign(template, parent *x509.Certificate, key, parentKey *ecdsa.PrivateKey) ([]byte, error) {
	cert, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	if err != nil {
		return nil, fmt.Errorf("make certificate: %w", err)
	}
	raw, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}),
		pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: raw})...), nil
}

// serial returns a number that no other certificate has. It is random, so that no count is to be
// kept.
func serial() *big.Int {
	n, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), serialBits)) // never fails
	return n
}

// began is when the authority was made: the time of all that was made with it. So what is made by a
// later call, after one that was cut short, has the same time and the same bytes.
func (a *authority) began() time.Time { return a.cert.NotBefore.Add(day) }

// publish writes the authority's certificate into a folder, unless it is there.
func (a *authority) publish(dir string) error {
	return write(dir, authorityFile, a.pem)
}

// certify writes a certificate for a name or an address, and for this machine, into a folder, and
// the authority's beside it, unless there is one that is good for some time yet. Of a node it is
// also what it shows to other nodes: with a ledger's nobody can join them.
func (a *authority) certify(dir, name string, node bool, now time.Time) error {
	if good, err := a.good(dir, now); err != nil || good {
		return errors.Join(err, a.publish(dir))
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-day), NotAfter: now.Add(certificateDays * day),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = append(template.IPAddresses, ip)
	} else {
		template.DNSNames = append(template.DNSNames, name)
	}
	if node {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
	}
	pair, err := sign(template, a.cert, key, a.key)
	if err != nil {
		return err
	}
	// The certificate comes last: without it both are made anew.
	cert, rest := pem.Decode(pair)
	if err := write(dir, keyFile, rest); err != nil {
		return err
	}
	if err := write(dir, certFile, pem.EncodeToMemory(cert)); err != nil {
		return err
	}
	return a.publish(dir)
}

// good tells whether a folder has a certificate of this authority that does not end soon, and its
// key. Which names it has is not looked at: the folder is of one name for ever. A key that is lost,
// or another one's, is made anew with its certificate; one that cannot be read is an error, as it
// may be good.
func (a *authority) good(dir string, now time.Time) (bool, error) {
	raw, err := os.ReadFile(filepath.Join(dir, certFile))
	if err != nil || a.anew {
		return false, nil // it is made, or that says why it cannot be
	}
	key, err := os.ReadFile(filepath.Join(dir, keyFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("read key of a certificate: %w", err)
	}
	pair, err := tls.X509KeyPair(raw, key)
	if err != nil {
		return false, nil
	}
	cert := pair.Leaf
	return cert.CheckSignatureFrom(a.cert) == nil &&
		now.Before(cert.NotAfter.Add(-renewDays*day)), nil
}

// write puts a file in the place of an older one, unless that is the same: then nothing is touched,
// and whoever watches the file sees no change. If we crash, it is the old file or the new one,
// whole.
func write(dir, name string, content []byte) error {
	path := filepath.Join(dir, name)
	present, err := os.ReadFile(path)
	if err == nil && string(present) == string(content) {
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read %s: %w", path, err)
	}
	if err := durable.MakeFolder(dir, folderMode); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	if err := durable.WriteFile(path, content, secretMode); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
