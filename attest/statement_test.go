package attest_test

import (
	"crypto/sha256"
	"strings"
	"testing"

	intoto "github.com/in-toto/attestation/go/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/assay-por/assay/attest"
)

type claim struct {
	Owed string `json:"owed"`
}

const claimType = "https://example.org/claim/v1"

func payload(t testing.TB) []byte {
	t.Helper()
	b, err := attest.Canonical(attest.NewStatement(claimType, claim{"7"}, "manifest.json", sha256.Sum256([]byte("files"))))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestStatement_Oracle: the in-toto library takes the statement for a Statement v1.
func TestStatement_Oracle(t *testing.T) {
	var s intoto.Statement
	if err := protojson.Unmarshal(payload(t), &s); err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	if got := s.GetPredicate().GetFields()["owed"].GetStringValue(); got != "7" {
		t.Errorf("predicate %q", got)
	}
}

func TestDecodeStatement(t *testing.T) {
	good := string(payload(t))
	s, err := attest.DecodeStatement[claim]([]byte(good), claimType, "manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	if sum, err := s.ManifestDigest(); err != nil || sum != sha256.Sum256([]byte("files")) {
		t.Errorf("digest %x, %v", sum, err)
	}
	digest := s.Subject[0].Digest.SHA256
	subject := good[strings.Index(good, `{"digest"`) : len(good)-2]
	for name, bad := range map[string]string{
		"other type":           strings.Replace(good, "Statement/v1", "Statement/v0.1", 1),
		"C12_other_predicate":  strings.Replace(good, "claim/v1", "claim/v2", 1),
		"other subject":        strings.Replace(good, "manifest.json", "manifest.txt", 1),
		"no subject":           strings.Replace(good, subject, "", 1),
		"two subjects":         strings.Replace(good, subject, subject+","+subject, 1),
		"digest in capitals":   strings.Replace(good, digest, strings.ToUpper(digest), 1),
		"digest cut off":       strings.Replace(good, digest, digest[1:], 1),
		"digest missing":       strings.Replace(good, `"sha256":"`+digest+`"`, "", 1),
		"other digest beside":  strings.Replace(good, `"sha256"`, `"sha1":"00","sha256"`, 1),
		"unknown in predicate": strings.Replace(good, `{"owed"`, `{"more":1,"owed"`, 1),
		"predicate empty":      strings.Replace(good, `{"owed":"7"}`, `{}`, 1),
		"E07_trailing":         good + " ",
		"E09_too_large":        strings.Repeat("a", attest.MaxPayload+1),
	} {
		t.Run(name, func(t *testing.T) {
			if bad == good {
				t.Fatal("the case changes nothing")
			}
			if _, err := attest.DecodeStatement[claim]([]byte(bad), claimType, "manifest.json"); err == nil {
				t.Error("it was taken")
			}
		})
	}
}
