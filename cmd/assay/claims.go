package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/assay-por/assay/chains/custodian"
	"github.com/assay-por/assay/report"
)

// CustodianConfig is an outside custodian, and where its signed statement is.
type CustodianConfig struct {
	Name string `toml:"name"`
	Key  string `toml:"key"`
	File string `toml:"file"`
	URL  string `toml:"url"`
}

// ClaimConfig is what the exchange says itself of coins that no evidence can show.
type ClaimConfig struct {
	Asset  string `toml:"asset"`
	Amount string `toml:"amount"`
	Holder string `toml:"holder"`
}

// checkClaims refuses what no custodian could be asked by.
func (c *Config) checkClaims() error {
	seen := map[string]bool{}
	for i, k := range c.Custodians {
		where := fmt.Sprintf("custodian #%d (%s)", i+1, k.Name)
		if k.Name == "" || seen[k.Name] {
			return fmt.Errorf("%s: name is missing, or stands twice", where)
		}
		seen[k.Name] = true
		if _, err := custodian.ParseKey(k.Key); err != nil {
			return fmt.Errorf("%s: key: %w", where, err)
		}
		if (k.File == "") == (k.URL == "") {
			return fmt.Errorf("%s: give either file or url", where)
		}
		if k.URL == "" {
			continue
		}
		if err := custodian.CheckURL(k.URL); err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
	}
	return nil
}

// claims are what custodians signed for this snapshot, and the exchange's own. A statement is taken in once and kept; one that
// is not there yet is waited for, by name.
func (s *stages) claims(snap report.Snapshot) ([]report.Claim, error) {
	var signed []report.SignedCustody
	var missing []string
	for _, c := range s.config.Custodians {
		one, err := s.custody(snap, c)
		switch {
		case isWaiting(err):
			missing = append(missing, c.Name)
		case err != nil:
			return nil, err
		default:
			signed = append(signed, report.SignedCustody{Holder: c.Name, DSSE: one.DSSE, JWS: one.JWS})
		}
	}
	if len(missing) > 0 {
		path, err := s.writeRequest(snap, "")
		if err != nil {
			return nil, err
		}
		return nil, waiting(fmt.Sprintf("send them %s, then run it again; or take them out of %s", s.rel(path), s.rel(s.config.path)),
			"waiting for the custody statements of %d of %d custodians: %s", len(missing), len(s.config.Custodians), strings.Join(missing, ", "))
	}
	var own []report.OwnClaim
	for _, c := range s.config.Claims {
		own = append(own, report.OwnClaim{Asset: c.Asset, Amount: c.Amount, Holder: c.Holder})
	}
	claims, err := report.NewClaims(snap, signed, own)
	if err != nil {
		return nil, unreadable("%v", err)
	}
	return claims, nil
}

// custody is one custodian's statement: the one that was kept, which holds whatever the clock says, or the one that lies at
// its place now.
func (s *stages) custody(snap report.Snapshot, c CustodianConfig) (custodian.Signed, error) {
	kept := custodyFile(c.Name)
	if s.run.has(kept) {
		file, err := s.run.read(kept, "custody import")
		if err != nil {
			return custodian.Signed{}, err
		}
		signed, _, err := openCustody(snap, c, file)
		if err != nil {
			return signed, hinted(refused("%s: %v", s.rel(s.run.join(kept)), err), "the key in %s is another now, or the file was altered: take it in anew with assay custody import",
				s.rel(s.config.path))
		}
		return signed, nil
	}
	return s.takeCustody(snap, c)
}

// takeCustody reads or fetches a statement, checks it, and keeps it.
func (s *stages) takeCustody(snap report.Snapshot, c CustodianConfig) (custodian.Signed, error) {
	var file []byte
	var err error
	if c.URL != "" {
		s.progress.say("reserves: asking %s for its custody statement", c.Name)
		file, err = fetchCustody(s.ctx, c, snap)
	} else {
		file, err = readCustody(s.config.resolve(c.File))
	}
	if err != nil {
		return custodian.Signed{}, err
	}
	signed, statement, err := openCustody(snap, c, file)
	if err != nil {
		return signed, hinted(refused("custodian %s: %v", c.Name, err), "have it answer %s anew", s.rel(s.run.join(dirCustody, requestName)))
	}
	now := time.Now()
	if !statement.Expires.After(now) {
		return signed, hinted(refused("custodian %s: %s", c.Name, statement.Warning(now)), "have it sign a statement that is good for longer")
	}
	if text := statement.Warning(now); text != "" {
		s.progress.say("reserves: note: %s", text)
	}
	return signed, s.run.write(custodyFile(c.Name), file)
}

// openCustody checks who signed a statement, and that it speaks of this exchange and snapshot.
func openCustody(snap report.Snapshot, c CustodianConfig, file []byte) (custodian.Signed, report.CustodyStatement, error) {
	var none report.CustodyStatement
	key, err := custodian.ParseKey(c.Key)
	if err != nil {
		return custodian.Signed{}, none, err
	}
	signed, err := custodian.Open(file, key)
	if err != nil {
		return signed, none, err
	}
	statement, err := report.ParseCustodyStatement(signed.Payload)
	if err != nil {
		return signed, none, err
	}
	return signed, statement, statement.Check(snap, c.Name)
}

func fetchCustody(ctx context.Context, c CustodianConfig, snap report.Snapshot) ([]byte, error) {
	file, err := custodian.Fetch(ctx, c.URL, snap.ID.String())
	if errors.Is(err, custodian.ErrNotThere) {
		return nil, waiting("", "waiting for %s", c.Name)
	}
	if err != nil {
		return nil, hinted(fmt.Errorf("custodian %s: %w", c.Name, err), "is its url right, and its server up?")
	}
	return file, nil
}

func readCustody(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, waiting("", "waiting for %s", path)
	}
	if err != nil {
		return nil, unreadable("%v", err)
	}
	if info.Size() > custodian.MaxStatement {
		return nil, unreadable("%s: it is longer than %d bytes", path, custodian.MaxStatement)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, unreadable("%v", err)
	}
	return file, nil
}

// custodyFile is where a custodian's statement is kept, as it came in.
func custodyFile(name string) string { return dirCustody + "/" + url.PathEscape(name) + ".signed" }
