package claim

import (
	"errors"
	"strings"

	"github.com/assay-por/assay/verifier/canon"
)

// Name and type of SPEC part 14.
const (
	ControlPath = "reserves/control.json"
	ControlType = "assay/v1/control"
)

const (
	maxSignedAccounts = 1000
	maxSignature      = 2 << 20 // characters: a PSBT of SPEC part 18 in base64 has fewer
	maxMessage        = 1024
	maxNodes          = 16

	contractMethod = "eip1271"
	fundsMethod    = "bip322-pof"
)

var parseMethod = parseOne("method", "eip191", "eip191-hash", "eip712", "safe", contractMethod, "bip322-simple", "bip322-full", fundsMethod, "bip127",
	"compact", "compact-multisig", "tron", "tron-v1", "ed25519", "ed25519-okx", "xrpl")

// ControlSignature is one signature over the challenge of one account or of several, or over Message (SPEC part 14).
type ControlSignature struct {
	Accounts          []string // in the order of the challenge
	Message           string   // empty if the challenge was signed
	Method, Signature string
	Nodes             []string // with eip1271: those that say the contract accepts it
}

// Control is `reserves/control.json` (SPEC part 14).
type Control struct {
	Signatures []ControlSignature
	Snapshot   Hash
}

// ParseControl reads signatures of control (SPEC part 14). No account stands in two places of what it returns. Errors are
// *canon.FormatError or *canon.VersionError.
func ParseControl(raw []byte) (*Control, error) {
	if len(raw) > maxLines {
		return nil, &canon.FormatError{Problem: "over 256 MiB"}
	}
	c := new(Control)
	err := canon.DecodeTyped(raw, "type", ControlType, func(r *canon.Reader) {
		r.Object(
			canon.Key("signatures", func() {
				var last string
				signed := make(map[string]bool)
				r.Array(maxEntries, func(i int) {
					s := readSignature(r)
					if r.Failed() {
						return
					}
					ascending(r, i, &last, s.Accounts[0])
					for _, account := range s.Accounts {
						if signed[account] {
							r.Fail("account %s is in two entries", account)
						}
						signed[account] = true
					}
					c.Signatures = append(c.Signatures, s)
				})
			}),
			canon.Key("snapshot", func() { c.Snapshot = r.Hash() }),
			canon.Key("type", func() { r.Fixed(ControlType) }),
		)
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

func readSignature(r *canon.Reader) (s ControlSignature) {
	named := false
	r.Object(
		canon.Key("accounts", func() {
			r.Array(maxSignedAccounts, func(int) { s.Accounts = append(s.Accounts, canon.Parse(r, parseAccount)) })
		}),
		canon.Optional("message", func() { s.Message = canon.Parse(r, parseMessage) }),
		canon.Key("method", func() { s.Method = canon.Parse(r, parseMethod) }),
		canon.Optional("nodes", func() {
			var last string
			named = true
			r.Array(maxNodes, func(i int) {
				node := canon.Parse(r, parseLabel)
				ascending(r, i, &last, node)
				s.Nodes = append(s.Nodes, node)
			})
		}),
		canon.Key("signature", func() { s.Signature = canon.Parse(r, sized(maxSignature)) }),
	)
	if r.Failed() {
		return s
	}
	if len(s.Accounts) == 0 {
		r.Fail("accounts: none is named")
	}
	if at := unordered(s.Accounts, s.Method == fundsMethod); at >= 0 {
		r.Fail("accounts[%d]: twice or out of order", at)
	}
	if contract := s.Method == contractMethod; contract != named || contract && len(s.Nodes) == 0 {
		r.Fail("nodes: 1 to %d of them are named with %s, and none otherwise", maxNodes, contractMethod)
	}
	return s
}

// unordered finds the first account that does not ascend, or -1. In a proof of funds the first stands apart: its script signs the text.
func unordered(accounts []string, apart bool) int {
	for i := 1; i < len(accounts); i++ {
		if accounts[i] == accounts[0] || accounts[i] <= accounts[i-1] && !(apart && i == 1) {
			return i
		}
	}
	return -1
}

// parseMessage reads a text that was signed in place of the challenge.
func parseMessage(s string) (string, error) {
	switch {
	case s == "" || len(s) > maxMessage || !printable(s):
		return "", errors.New("want 1-1024 printable ASCII characters")
	case strings.HasPrefix(s, "Assay proof of control"):
		return "", errors.New("want no text that begins as a challenge does: it would be some other challenge")
	}
	return s, nil
}

// parseLabel reads the name that a builder gave a node (SPEC part 13).
func parseLabel(s string) (string, error) {
	if s == "" || len(s) > 64 || !printable(s) {
		return "", errors.New("want a label of 1-64 printable ASCII characters")
	}
	return s, nil
}
