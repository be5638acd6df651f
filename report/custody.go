package report

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/assay-por/assay/attest"
)

// The types of what passes between exchange and custodian (SPEC part 20). The request
// is nothing that anybody signs or publishes: it tells a custodian what to speak of.
const (
	TypeCustody        = "assay/v1/custody"
	TypeCustodyRequest = "assay/v1/custody-request"
)

// MaxCustody is the most bytes that a custodian's signed statement is read in.
const MaxCustody = 1 << 20

// CustodyStatement is a custody statement, the payload that a custodian signs (SPEC part 20).
type CustodyStatement struct {
	Balances  []CustodyBalance `json:"balances"`
	Custodian string           `json:"custodian"`
	Exchange  string           `json:"exchange"`
	Expires   Time             `json:"expires"`
	Instant   Time             `json:"instant"`
	Snapshot  Digest           `json:"snapshot"`
	Type      string           `json:"type"`
}

// CustodyBalance is a decimal amount that a custodian holds (SPEC part 20).
type CustodyBalance struct {
	Amount string `json:"amount"`
	Asset  string `json:"asset"`
}

// ParseCustodyStatement reads the payload of a custody statement and holds it to its format
// (SPEC part 20). Who signed it is package custodian's to say.
func ParseCustodyStatement(payload []byte) (CustodyStatement, error) {
	var c CustodyStatement
	if len(payload) > MaxCustody {
		return c, fmt.Errorf("custody statement: larger than %d bytes", MaxCustody)
	}
	if err := attest.Decode(payload, &c); err != nil {
		return CustodyStatement{}, fmt.Errorf("custody statement: %w", err)
	}
	return c, c.checkForm()
}

// JSON returns the payload that the custodian signs (SPEC part 20).
func (c CustodyStatement) JSON() ([]byte, error) {
	if err := c.checkForm(); err != nil {
		return nil, err
	}
	return attest.Canonical(c)
}

func (c CustodyStatement) checkForm() error {
	if c.Type != TypeCustody {
		return fmt.Errorf("custody statement: it is of type %q, want %q", clip(c.Type), TypeCustody)
	}
	if !isPrintable(c.Custodian) || !isPrintable(c.Exchange) {
		return errors.New("custody statement: custodian and exchange are 1 to 64 printable ASCII characters, without a blank at either end")
	}
	for i, b := range c.Balances {
		if !isOf(b.Asset, 1, 32, assetAlphabet) {
			return fmt.Errorf("custody statement: %q is no asset id", clip(b.Asset))
		}
		if i > 0 && c.Balances[i-1].Asset >= b.Asset {
			return fmt.Errorf("custody statement: the asset %s stands twice or out of order", b.Asset)
		}
		if !isDecimal(b.Amount) {
			return fmt.Errorf("custody statement: the amount of %s, %q, is not a decimal without needless zeros", b.Asset, clip(b.Amount))
		}
	}
	return nil
}

// Check holds the statement to the snapshot that it was asked for and to the holder
// who is to have made it (SPEC part 20).
func (c CustodyStatement) Check(s Snapshot, holder string) error {
	switch {
	case c.Custodian != holder:
		return fmt.Errorf("custody statement: it is of %q, want %q", c.Custodian, holder)
	case c.Exchange != s.Exchange.Name:
		return fmt.Errorf("custody statement of %s: it was made for the exchange %q, not %q", holder, c.Exchange, s.Exchange.Name)
	case c.Snapshot != s.ID:
		return fmt.Errorf("custody statement of %s: it was made for the snapshot %s, not %s", holder, c.Snapshot, s.ID)
	case !c.Instant.Equal(s.Instant.Time):
		return fmt.Errorf("custody statement of %s: it speaks of %s, not of %s", holder, c.Instant, s.Instant)
	case !c.Expires.After(s.Instant.Time):
		return fmt.Errorf("custody statement of %s: it expires at %s, not after the instant %s", holder, c.Expires, s.Instant)
	}
	_, err := c.claimed(s)
	return err
}

// soon is how long before its end a custody statement is worth a word.
const soon = 7 * 24 * time.Hour

// Warning says what is odd about the statement at a time, or nothing: that it has
// expired, or soon will (SPEC part 20).
func (c CustodyStatement) Warning(now time.Time) string {
	switch {
	case !c.Expires.After(now):
		return fmt.Sprintf("the custody statement of %s expired at %s", c.Custodian, c.Expires)
	case !c.Expires.After(now.Add(soon)):
		return fmt.Sprintf("the custody statement of %s expires soon, at %s", c.Custodian, c.Expires)
	}
	return ""
}

// claimed lists the balances of assets of the registry, in its base units.
func (c CustodyStatement) claimed(s Snapshot) ([]AssetAmount, error) {
	var out []AssetAmount
	for _, b := range c.Balances {
		i := slices.IndexFunc(s.Assets, func(a Asset) bool { return a.ID == b.Asset })
		if i < 0 {
			continue
		}
		amount, err := decimalUnits(b.Amount, s.Assets[i].Decimals)
		if err != nil {
			return nil, fmt.Errorf("custody statement of %s: %s: %w", c.Custodian, b.Asset, err)
		}
		out = append(out, AssetAmount{Amount: amount, Asset: b.Asset})
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("custody statement of %s: it names no asset of the registry", c.Custodian)
	}
	return out, nil
}

// decimalUnits turns a decimal into base units, exactly.
func decimalUnits(decimal string, decimals uint8) (Units, error) {
	if !isDecimal(decimal) {
		return Units{}, fmt.Errorf("the amount %q is not a decimal without needless zeros, as 1.5", clip(decimal))
	}
	whole, part, _ := strings.Cut(decimal, ".")
	if len(part) > int(decimals) {
		return Units{}, fmt.Errorf("the amount %s has %d decimals, the asset has %d", clip(decimal), len(part), decimals)
	}
	digits := strings.TrimLeft(whole+part+strings.Repeat("0", int(decimals)-len(part)), "0")
	return ParseUnits(cmp.Or(digits, "0"))
}

// jwsPayload returns the payload of a JWS in compact serialization (SPEC part 20).
func jwsPayload(jws string) ([]byte, error) {
	parts := strings.Split(jws, ".")
	if len(parts) != 3 {
		return nil, errors.New("a JWS in compact serialization has three parts")
	}
	payload, err := base64.RawURLEncoding.Strict().DecodeString(parts[1])
	if err != nil || strings.ContainsAny(jws, "\r\n") {
		return nil, errors.New("the payload of a JWS is base64url without padding")
	}
	return payload, nil
}

// CustodyRequest asks custodians what they held at a snapshot's instant.
type CustodyRequest struct {
	Assets   []RequestAsset `json:"assets"`
	Exchange string         `json:"exchange"`
	Instant  Time           `json:"instant"`
	Snapshot Digest         `json:"snapshot"`
	Type     string         `json:"type"`
}

// RequestAsset is an asset that may be answered for, and how many decimals at most.
type RequestAsset struct {
	Decimals uint8  `json:"decimals"`
	ID       string `json:"id"`
}

// NewCustodyRequest asks what was held at the snapshot.
func NewCustodyRequest(s Snapshot) CustodyRequest {
	r := CustodyRequest{Exchange: s.Exchange.Name, Instant: s.Instant, Snapshot: s.ID, Type: TypeCustodyRequest, Assets: []RequestAsset{}}
	for _, a := range s.Assets {
		r.Assets = append(r.Assets, RequestAsset{Decimals: a.Decimals, ID: a.ID})
	}
	return r
}

// ParseCustodyRequest reads a request.
func ParseCustodyRequest(b []byte) (CustodyRequest, error) {
	var r CustodyRequest
	if err := attest.Decode(b, &r); err != nil {
		return CustodyRequest{}, fmt.Errorf("custody request: %w", err)
	}
	if r.Type != TypeCustodyRequest {
		return CustodyRequest{}, fmt.Errorf("custody request: it is of type %q, want %q", clip(r.Type), TypeCustodyRequest)
	}
	return r, nil
}

// Answer is the custody statement of a custodian that held these balances, as it will
// sign it (SPEC part 20).
func (r CustodyRequest) Answer(custodian string, balances []CustodyBalance, expires time.Time) (CustodyStatement, error) {
	end, err := NewTime(expires)
	if err != nil {
		return CustodyStatement{}, fmt.Errorf("custody statement: expires: %w", err)
	}
	c := CustodyStatement{Balances: append([]CustodyBalance{}, balances...), Custodian: custodian, Exchange: r.Exchange, Expires: end,
		Instant: r.Instant, Snapshot: r.Snapshot, Type: TypeCustody}
	slices.SortFunc(c.Balances, func(a, b CustodyBalance) int { return cmp.Compare(a.Asset, b.Asset) })
	for _, b := range c.Balances {
		i := slices.IndexFunc(r.Assets, func(a RequestAsset) bool { return a.ID == b.Asset })
		if i < 0 {
			return CustodyStatement{}, fmt.Errorf("custody statement: the request does not ask for %q", clip(b.Asset))
		}
		if _, err := decimalUnits(b.Amount, r.Assets[i].Decimals); err != nil {
			return CustodyStatement{}, fmt.Errorf("custody statement: %s: %w", b.Asset, err)
		}
	}
	if !c.Expires.After(c.Instant.Time) {
		return CustodyStatement{}, fmt.Errorf("custody statement: it would expire at %s, not after the instant %s", c.Expires, c.Instant)
	}
	if len(c.Balances) == 0 {
		return CustodyStatement{}, errors.New("custody statement: it has no balance")
	}
	return c, c.checkForm()
}
