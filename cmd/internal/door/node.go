package door

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"os"

	"cakupan/cmd/internal/problem"
)

// NodeTLS returns how a node of NATS answers its clients, with the certificate of ServerTLS, and
// how it talks with other nodes: both sides show a certificate that the authority in caFile, a file
// of PEM, has signed. Renewed certificates count as ServerTLS says; another authority does at the
// next start. All are nil for no files.
func NodeTLS(certFile, keyFile, caFile string, log *slog.Logger) (
	clients, nodes *tls.Config, err error,
) {
	if clients, err = ServerTLS(certFile, keyFile, log); err != nil {
		return nil, nil, err
	}
	switch {
	case clients == nil && caFile == "":
		return nil, nil, nil
	case clients == nil:
		return nil, nil, usage("--tls-ca goes together with --tls-cert and --tls-key")
	case caFile == "":
		return clients, nil, nil
	}
	pem, err := os.ReadFile(caFile)
	authority := x509.NewCertPool()
	if err == nil && !authority.AppendCertsFromPEM(pem) {
		err = errors.New("there is no certificate in it")
	}
	if err != nil {
		return nil, nil, problem.Wrap(problem.FileNotReadable,
			"the certificate of the authority cannot be used: it is a file of PEM", err)
	}
	nodes = clients.Clone()
	nodes.ClientAuth, nodes.ClientCAs, nodes.RootCAs =
		tls.RequireAndVerifyClientCert, authority, authority
	own := clients.GetCertificate
	nodes.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		return own(nil) // it looks at the files, not at who asks
	}
	return clients, nodes, nil
}
