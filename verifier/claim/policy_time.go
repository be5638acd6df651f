package claim

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"
)

// LogTrust says which logs and witnesses a verifier believes (SPEC part 16). Keys are C2SP verifier keys as written (SPEC part 25).
type LogTrust struct {
	Required        bool
	Keys, Witnesses []string
	Quorum          int
	Fresh           time.Duration // 0: any age
}

// Authority is a time-stamping authority that a verifier believes (SPEC part 16). Whether its certificate can be read is for whoever checks
// time stamps to say.
type Authority struct {
	Name        string
	Certificate []byte // in DER
}

type logTOML struct {
	Required  *bool     `toml:"required"`
	Keys      *[]string `toml:"keys"`
	Witnesses *[]string `toml:"witnesses"`
	Quorum    *int64    `toml:"quorum"`
	Fresh     *string   `toml:"fresh"`
}

type authorityTOML struct {
	Name        *string `toml:"name"`
	Certificate *string `toml:"certificate"`
}

func (w *walker) log(f *logTOML) {
	if f == nil {
		return
	}
	out := &LogTrust{
		Required:  need(w, "log.required", f.Required, as),
		Keys:      need(w, "log.keys", f.Keys, each(as[string])),
		Witnesses: need(w, "log.witnesses", f.Witnesses, each(as[string])),
		Fresh:     may(w, "log.fresh", f.Fresh, parseAge),
	}
	if len(out.Keys) == 0 {
		w.fail("log.keys", errors.New("empty: no log could be believed"))
	}
	out.Quorum = need(w, "log.quorum", f.Quorum, within(0, int64(len(out.Witnesses))))
	w.policy.Log = out
}

func (w *walker) timestamps(list []authorityTOML) {
	for i, t := range list {
		field := fmt.Sprintf("timestamp[%d]", i)
		out := Authority{Name: need(w, field+".name", t.Name, parsePrintable), Certificate: need(w, field+".certificate", t.Certificate, parseCertificate)}
		for _, other := range w.policy.Timestamps {
			if other.Name == out.Name || bytes.Equal(other.Certificate, out.Certificate) {
				w.fail(field, errors.New("twice: a name or a certificate that another [[timestamp]] has"))
			}
		}
		w.policy.Timestamps = append(w.policy.Timestamps, out)
	}
}

// parseCertificate reads one certificate in PEM and nothing around it.
func parseCertificate(s string) ([]byte, error) {
	s = strings.TrimSpace(s)
	block, rest := pem.Decode([]byte(s))
	if block == nil || block.Type != "CERTIFICATE" || len(block.Headers) > 0 || len(rest) > 0 || strings.LastIndex(s, "-----BEGIN ") != 0 {
		return nil, errors.New("want one certificate in PEM, from -----BEGIN CERTIFICATE----- to its end, and nothing else")
	}
	return block.Bytes, nil
}

func parseAge(s string) (time.Duration, error) {
	d, err := parseWindow(s)
	if err == nil && d == 0 {
		err = errors.New("want a duration above 0, such as 24h")
	}
	return d, err
}
