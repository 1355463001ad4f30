package tickmux

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/tickmux/tickmux/clients/go/internal/scripted"
)

const certifiedName = "quotes.example"

// certified makes a certificate for certifiedName that is its own authority; it returns its PEM files.
func certified(t *testing.T) (certificateFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{certifiedName},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pemFile(t, "CERTIFICATE", certificate), pemFile(t, "PRIVATE KEY", private)
}

func pemFile(t *testing.T, label string, content []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "content.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: label, Bytes: content}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestTLSWithBothSidesCertified(t *testing.T) {
	certificate, key := certified(t)
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	authorities := x509.NewCertPool()
	authorities.AddCert(pair.Leaf)
	server := &scripted.Server{Calls: [][]scripted.Step{then(send(opening("", quote("A", 1))), scripted.Hang())}}
	target, stop := server.Start(grpc.Creds(credentials.NewTLS(&tls.Config{
		Certificates: []tls.Certificate{pair}, ClientCAs: authorities, ClientAuth: tls.RequireAndVerifyClientCert,
	})))
	defer stop()

	trusts, isNamed, shows := WithCA(certificate), WithServerName(certifiedName), WithCertificate(certificate, key)
	client := connected(t, target, trusts, isNamed, shows, WithToken("t0ken"))
	if _, err := watch(t, client, revision(1)); err != nil {
		t.Fatal(err)
	}
	equal(t, "authorization", server.Metadata()[0].Get("authorization")[0], "Bearer t0ken")

	for name, options := range map[string][]ConnectOption{
		"another authority":            {WithTLS(nil), isNamed, shows},
		"another name":                 {trusts, shows},
		"no certificate of the client": {trusts, isNamed},
		"clear text":                   {},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := connected(t, target, options...).Sources(t.Context()); !errors.Is(err, ErrUnavailable) {
				t.Errorf("got %v", err)
			}
		})
	}
}
