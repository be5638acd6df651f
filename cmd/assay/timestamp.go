package main

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"github.com/assay-por/assay/attest/timestamp"
	"github.com/assay-por/assay/chains/egress"
	"github.com/assay-por/assay/report"
)

const fileGivers = "timestamps.json" // which authority gave which time stamp

// TimestampConfig is a time-stamping authority.
type TimestampConfig struct {
	Name        string `toml:"name"`
	URL         string `toml:"url"`
	Certificate string `toml:"certificate"`
}

// checkTimestamps refuses authorities that cannot be told apart or asked.
func (c *Config) checkTimestamps() error {
	seen := map[string]bool{}
	for i, t := range c.Timestamps {
		if t.Name == "" || egress.Quote(t.Name) != t.Name || seen[t.Name] {
			return fmt.Errorf("timestamp #%d: name is %q, want printable ASCII, another one for each authority", i+1, t.Name)
		}
		seen[t.Name] = true
		if _, err := egress.New(t.URL, egress.Limits{Bytes: timestamp.MaxResponse}); err != nil {
			return fmt.Errorf("timestamp %q: url: %w", t.Name, err)
		}
	}
	return nil
}

// authority is the certificate that an authority's time stamps must chain to, nil if none is configured.
func (c *Config) authority(t TimestampConfig) (*x509.Certificate, error) {
	if t.Certificate == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(c.resolve(t.Certificate))
	if err != nil {
		return nil, unreadable("timestamp %q: %v", t.Name, err)
	}
	certificate, err := timestamp.ReadCertificate(raw)
	if err != nil {
		return nil, unreadable("timestamp %q: %s: %v", t.Name, c.resolve(t.Certificate), err)
	}
	return certificate, nil
}

func newTimestamp(a *app) *cobra.Command {
	var request string
	cmd := &cobra.Command{
		Use:   "timestamp",
		Short: "Have time-stamping authorities sign when the statement was there",
		Long: `Ask every [[timestamp]] of the configuration that has not stamped this statement yet, look at what it answers, and attach it to the bundle (RFC 3161, SPEC part 26).
An authority learns the statement's digest and nothing else. Where none can be reached from here: --request FILE writes the query (application/timestamp-query) to be carried
to one, and assay attach takes what it answers.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.inRun(cmd, func(s *stages) error {
				if request != "" {
					return s.writeQuery(cmd, request)
				}
				return s.timestamp(cmd)
			})
		},
	}
	cmd.Flags().StringVar(&request, "request", "", "write the query to this file and ask nobody")
	return cmd
}

func (s *stages) writeQuery(cmd *cobra.Command, file string) error {
	envelope, signed, err := s.signedStatement()
	if err != nil {
		return err
	}
	query, err := timestamp.NewQuery(envelope, rand.Reader)
	if err != nil {
		return refused("%v", err)
	}
	if err := renameio.WriteFile(file, query.DER, 0o644); err != nil {
		return unreadable("%v", err)
	}
	return s.app.say(cmd, map[string]string{"query": file, "statement": signed.Digest.String()}, "query for statement %s: %s\nits answer is for assay attach", signed.Digest, file)
}

// stamped is a time stamp, and who gave it.
type stamped struct {
	timestamp.Stamp
	name      string
	authority *x509.Certificate // that it must chain to; nil: any
}

// timestamp asks the authorities that are missing. What one fails to give does not keep the others' answers from being attached.
func (s *stages) timestamp(cmd *cobra.Command) error {
	envelope, signed, err := s.signedStatement()
	if err != nil {
		return err
	}
	if len(s.config.Timestamps) == 0 {
		return hinted(unreadable("%s: no [[timestamp]]", s.config.path), "name an authority there, or use --request and assay attach")
	}
	have, err := s.stamps(envelope)
	if err != nil {
		return err
	}
	var all []stamped
	var failed []error
	for _, t := range s.config.Timestamps {
		got, err := s.stampBy(t, envelope, have)
		if err == nil {
			have, err = s.keepStamps(have, got.Stamp)
		}
		if err != nil {
			failed = append(failed, err)
			continue
		}
		all = append(all, got)
	}
	if len(all) > 0 {
		if err := s.publishAttachments(envelope, signed); err != nil {
			return err
		}
		if err := s.showAgain(signed); err != nil {
			return err
		}
		if err := s.sayStamps(cmd, signed, all); err != nil {
			return err
		}
	}
	if len(failed) == 1 {
		return failed[0]
	}
	return errors.Join(failed...)
}

// stampBy returns what the authority gave before, or asks it.
func (s *stages) stampBy(t TimestampConfig, envelope []byte, have []timestamp.Stamp) (stamped, error) {
	certificate, err := s.config.authority(t)
	if err != nil {
		return stamped{}, err
	}
	given, err := s.givers()
	if err != nil {
		return stamped{}, err
	}
	for _, b := range have {
		name, ours := given[digestOf(b.Raw)]
		if certificate != nil && b.ChainsTo(certificate) != nil {
			continue
		}
		if ours && name == t.Name || !ours && certificate != nil {
			return stamped{b, t.Name, certificate}, nil
		}
	}
	e, err := egress.New(t.URL, egress.Limits{Bytes: timestamp.MaxResponse, Timeout: time.Minute})
	if err != nil {
		return stamped{}, unreadable("timestamp %q: %v", t.Name, err)
	}
	query, err := timestamp.NewQuery(envelope, rand.Reader)
	if err != nil {
		return stamped{}, refused("%v", err)
	}
	got, err := query.Ask(s.ctx, e.HTTP, e.URL)
	if err == nil && certificate != nil {
		err = got.ChainsTo(certificate)
	}
	var unreachable *timestamp.UnreachableError
	switch {
	case errors.As(err, &unreachable):
		return stamped{}, &failure{code: exitNetwork, err: fmt.Errorf("timestamp %q (%s): %w", t.Name, e.Label, err)}
	case err != nil:
		return stamped{}, refused("timestamp %q (%s): %v", t.Name, e.Label, err)
	}
	// Before it is kept: one of nobody's would be asked for again.
	return stamped{got, t.Name, certificate}, s.recordGiver(got, t.Name)
}

// giver says which authority gave a time stamp: by itself that does not show where no certificate is configured.
type giver struct {
	Name  string `json:"name"`
	Stamp string `json:"stamp"` // SHA-256
}

// givers are the names of the authorities that were asked, by what they gave.
func (s *stages) givers() (map[string]string, error) {
	names := map[string]string{}
	var all []giver
	if s.run.has(fileGivers) {
		if err := s.run.readJSON(fileGivers, "timestamp", &all); err != nil {
			return nil, err
		}
	}
	for _, g := range all {
		names[g.Stamp] = g.Name
	}
	return names, nil
}

// recordGiver adds to them.
func (s *stages) recordGiver(stamp timestamp.Stamp, name string) error {
	names, err := s.givers()
	if err != nil {
		return err
	}
	names[digestOf(stamp.Raw)] = name
	var all []giver
	for _, stamp := range slices.Sorted(maps.Keys(names)) {
		all = append(all, giver{names[stamp], stamp})
	}
	return s.run.writeJSON(fileGivers, all)
}

// stamps are the time stamps that were attached, in order.
func (s *stages) stamps(envelope []byte) ([]timestamp.Stamp, error) {
	var all []timestamp.Stamp
	for n := 0; n < report.MaxTimestamps && s.run.has(report.PathTimestamp(n)); n++ {
		raw, err := s.run.read(report.PathTimestamp(n), "timestamp")
		if err != nil {
			return nil, err
		}
		stamp, err := timestamp.Read(raw, envelope)
		if err != nil {
			return nil, unreadable("%s: %v", s.run.join(report.PathTimestamp(n)), err)
		}
		all = append(all, stamp)
	}
	return all, nil
}

// holds reports whether a time stamp is among others.
func holds(all []timestamp.Stamp, stamp timestamp.Stamp) bool {
	return slices.ContainsFunc(all, func(b timestamp.Stamp) bool { return bytes.Equal(b.Raw, stamp.Raw) })
}

// keepStamps adds time stamps to those of the run, all or none.
func (s *stages) keepStamps(have []timestamp.Stamp, more ...timestamp.Stamp) ([]timestamp.Stamp, error) {
	all := slices.Clone(have)
	for _, stamp := range more {
		if !holds(all, stamp) {
			all = append(all, stamp)
		}
	}
	if len(all) > report.MaxTimestamps {
		return have, refused("a bundle holds at most %d time stamps, these would be %d", report.MaxTimestamps, len(all))
	}
	for n := len(have); n < len(all); n++ {
		if err := s.run.write(report.PathTimestamp(n), all[n].Raw); err != nil {
			return have, err
		}
	}
	return all, nil
}

// sayStamps says when the statement was there, and by whom, and what verifiers who believe them put into their policies.
func (s *stages) sayStamps(cmd *cobra.Command, signed report.Signed, all []stamped) error {
	var times, policy []string
	var shown []map[string]string
	for _, b := range all {
		when := b.Time.Format("2006-01-02T15:04:05Z")
		certificate := b.authority
		if certificate == nil {
			certificate = b.Certificate
		}
		block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})
		times = append(times, fmt.Sprintf("%s: %s, signed by %s", b.name, when, egress.Quote(b.Certificate.Subject.String())))
		policy = append(policy, fmt.Sprintf("[[timestamp]]\nname = %q\ncertificate = \"\"\"%s\"\"\"", b.name, block))
		shown = append(shown, map[string]string{"name": b.name, "time": when, "policy": policy[len(policy)-1]})
	}
	return s.app.say(cmd, map[string]any{"statement": signed.Digest.String(), "timestamps": shown},
		"statement %s was there at\n%s\nfor a policy:\n\n%s", signed.Digest, strings.Join(times, "\n"), strings.Join(policy, "\n\n"))
}
