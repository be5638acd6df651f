package main

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-por/assay/web/authz"
)

// TestJudgedByRole: schemathesis asks a served exchange all that its document tells, as a client of each role that shows a
// certificate: every check, of what is accepted and of what is not (make test-security runs this). Two are left out: a certificate is
// shown whatever is left away of a request, and GET with content is refused for the content before anybody looks whether GET is
// answered there.
func TestJudgedByRole(t *testing.T) {
	folder := os.Getenv("ASSAY_SECURITY")
	if folder == "" {
		t.Skip("make test-security installs the judges and runs this")
	}
	ca := newAuthority(t, 1)
	d := newDoorWith(t, map[string]string{"clients.pem": inPEM(ca.certificate.Raw)}, "client_auth = \"optional\"\nclient_ca = \"clients.pem\"\n")
	s := d.server
	// Refusals that are by nature of what is there, and not of what was sent: a client of the past, a role that there is not.
	s.write(t, "schemathesis.toml", `[checks]
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 406, 412, 413, 414, 415, 422, 428]
positive_data_acceptance.expected-statuses = [200, 201, 304, 400, 403, 404, 409, 412, 422]
missing_required_header.expected-statuses = [400, 401, 403, 404, 406, 422, 428]

[[operations]] # its answer may wait until something happens
include-operation-id = "run"
request-timeout = 30
checks.max_response_time = 25
`)
	for i, role := range authz.Roles() {
		t.Run(string(role), func(t *testing.T) {
			shown := ca.client(t, int64(20+i))
			key, err := x509.MarshalPKCS8PrivateKey(shown.PrivateKey)
			if err != nil {
				t.Fatal(err)
			}
			certificate := string(role) + ".pem"
			s.write(t, certificate, inPEM(shown.Certificate[0])+string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
			more := []string{}
			if role == authz.Auditor {
				more = []string{"--expires", "2027-03-01"}
			}
			c := s.client(t, append([]string{"create", "--name", string(role), "--role", string(role), "--tier", "partner"}, more...)...)
			grant := []string{"create", "--name", "judge", "--client", c.ID, "--certificate", certificate, "--cidr", "127.0.0.1"}
			for _, p := range authz.Of(role) {
				grant = append(grant, "--permission", string(p))
			}
			s.admin(t, grant...)
			judged := func(name string, args ...string) {
				t.Helper()
				said, err := judgedBy(t, folder, filepath.Join(folder, "venv", "bin", "schemathesis"), append([]string{"--config-file", filepath.Join(s.dir, "schemathesis.toml"), "run", d.url + "/openapi.json", "--checks", "all", "--exclude-checks", "ignored_auth,unsupported_method", "--generation-with-security-parameters", "false",
					"--generation-deterministic", "--max-response-time", "25", "--request-timeout", "30", "--tls-verify", filepath.Join(s.dir, "cert.pem"), "--request-cert", filepath.Join(s.dir, certificate), "--workers", "1", "--no-color"}, args...)...)
				if err := os.WriteFile(filepath.Join(folder, "schemathesis-"+name+"-"+string(role)+".txt"), []byte(said), 0o600); err != nil {
					t.Error(err)
				}
				if err != nil {
					t.Errorf("%v\n%s", err, said)
				}
			}
			// What would end the key that is asked with is asked by itself, where no id of a key is known.
			judged("all", "--max-examples", "10", "--exclude-operation-id", "key-revoke", "--exclude-operation-id", "key-rotate")
			judged("ends", "--max-examples", "10", "--include-operation-id", "key-revoke", "--include-operation-id", "key-rotate", "--phases", "examples,coverage,fuzzing")
		})
	}
	if said := read(t, d.said); strings.Contains(said, "panic") || strings.Contains(said, "could not be done") {
		t.Errorf("the server's log: %s", said)
	}
}
