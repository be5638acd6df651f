package report_test

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/report"
)

// held is what a custodian says that it holds at the snapshot.
func held(t testing.TB, s report.Snapshot) report.CustodyStatement {
	t.Helper()
	c, err := report.NewCustodyRequest(s).Answer("Example Trust", []report.CustodyBalance{{Amount: "3", Asset: "USDT"}, {Amount: "1.5", Asset: "BTC"}}, instant.Add(720*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// inEnvelope is a custody statement, signed.
func inEnvelope(t testing.TB, c report.CustodyStatement) report.SignedCustody {
	t.Helper()
	e, err := attest.Sign(attest.PayloadCustody, canonical(t, c), newSigner())
	if err != nil {
		t.Fatal(err)
	}
	return report.SignedCustody{Holder: c.Custodian, DSSE: canonical(t, e)}
}

// inJWS is a custody statement as a JWS; its signature is looked at elsewhere.
func inJWS(t testing.TB, c report.CustodyStatement) report.SignedCustody {
	t.Helper()
	b64 := base64.RawURLEncoding.EncodeToString
	return report.SignedCustody{Holder: c.Custodian, JWS: b64([]byte(`{"alg":"EdDSA"}`)) + "." + b64(canonical(t, c)) + "." + b64(make([]byte, 64))}
}

func own() []report.OwnClaim {
	return []report.OwnClaim{{Asset: "BTC", Amount: "2.00000001", Holder: "vault <of> \"the\" bank"}}
}

func claims(t testing.TB, s report.Snapshot) []report.Claim {
	t.Helper()
	c, err := report.NewClaims(s, []report.SignedCustody{inEnvelope(t, held(t, s))}, own())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestClaims: the custody statement, the file and the statement's list, written out by hand.
func TestClaims(t *testing.T) {
	s := snapshot(t)
	c := held(t, s)
	written := `{"balances":[{"amount":"1.5","asset":"BTC"},{"amount":"3","asset":"USDT"}],"custodian":"Example Trust","exchange":"Demo Exchange",` +
		`"expires":"2026-12-01T00:00:00Z","instant":"2026-11-01T00:00:00Z","snapshot":"` + s.ID.String() + `","type":"assay/v1/custody"}`
	if payload, err := c.JSON(); err != nil || string(payload) != written {
		t.Errorf("the payload is %s, %v", payload, err)
	}
	signed := inEnvelope(t, c)
	file, err := report.ClaimsJSON(s, claims(t, s))
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"claims":[{"amount":"150000000","asset":"BTC","dsse":` + string(signed.DSSE) + `,"holder":"Example Trust","kind":"custodian"},` +
		`{"amount":"200000001","asset":"BTC","holder":"vault <of> \"the\" bank","kind":"unprovable"},` +
		`{"amount":"3000000000000000000","asset":"USDT","dsse":` + string(signed.DSSE) + `,"holder":"Example Trust","kind":"custodian"}],` +
		`"snapshot":"` + s.ID.String() + `","type":"assay/v1/claims"}`; string(file) != want {
		t.Errorf("the file is %s, want %s", file, want)
	}
	jws, err := report.NewClaims(s, []report.SignedCustody{inJWS(t, c)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if file, err := report.ClaimsJSON(s, jws); err != nil || !strings.Contains(string(file), `"asset":"USDT","holder":"Example Trust","jws":"eyJhbGciOiJFZERTQSJ9.`) {
		t.Errorf("with a JWS the file is %s, %v", file, err)
	}
	in := inputs(t)
	in.Claims = claims(t, s)
	in.Files = files(t, in)
	payload, _, err := report.Draft(in)
	if err != nil {
		t.Fatal(err)
	}
	if want := `"claims":[{"amount":"150000000","asset":"BTC","holder":"Example Trust","kind":"custodian"},` +
		`{"amount":"200000001","asset":"BTC","holder":"vault <of> \"the\" bank","kind":"unprovable"},` +
		`{"amount":"3000000000000000000","asset":"USDT","holder":"Example Trust","kind":"custodian"}],"rule":`; !strings.Contains(string(payload), want) {
		t.Errorf("the statement is %s", payload)
	}
	none, err := report.ClaimsJSON(s, nil)
	if want := `{"claims":[],"snapshot":"` + s.ID.String() + `","type":"assay/v1/claims"}`; err != nil || string(none) != want {
		t.Errorf("without claims: %s, %v", none, err)
	}
}

// TestB16_ClaimsInNoTotal: a claim of any size moves no total, no coverage, and no word of the finding.
func TestB16_ClaimsInNoTotal(t *testing.T) {
	in := inputs(t)
	before := predicate(t, in)
	rich := held(t, in.Snapshot)
	rich.Balances = []report.CustodyBalance{{Amount: "21000000", Asset: "BTC"}, {Amount: "99999999999999999999", Asset: "USDT"}}
	var err error
	if in.Claims, err = report.NewClaims(in.Snapshot, []report.SignedCustody{inEnvelope(t, rich)}, own()); err != nil {
		t.Fatal(err)
	}
	in.Files = files(t, in)
	after := predicate(t, in)
	if len(after.Reserves.Claims) != 3 {
		t.Fatalf("claims %+v", after.Reserves.Claims)
	}
	after.Reserves.Claims = before.Reserves.Claims
	if diff := cmp.Diff(string(canonical(t, before)), string(canonical(t, after))); diff != "" {
		t.Error(diff)
	}
}

func predicate(t *testing.T, in report.Inputs) report.Predicate {
	t.Helper()
	payload, _, err := report.Draft(in)
	if err != nil {
		t.Fatal(err)
	}
	s, err := report.ParseStatement(payload)
	if err != nil {
		t.Fatal(err)
	}
	return s.Predicate
}

// TestB16_CustodyForThisSnapshot: a statement for anything but this exchange, snapshot and instant claims nothing.
func TestB16_CustodyForThisSnapshot(t *testing.T) {
	s := snapshot(t)
	if err := held(t, s).Check(s, "Example Trust"); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		spoil func(c *report.CustodyStatement)
		want  string
	}{
		"another custodian":      {func(c *report.CustodyStatement) { c.Custodian = "Example Bank" }, `it is of "Example Bank"`},
		"another exchange":       {func(c *report.CustodyStatement) { c.Exchange = "Other" }, `for the exchange "Other"`},
		"another snapshot":       {func(c *report.CustodyStatement) { c.Snapshot[0]++ }, "for the snapshot"},
		"another instant":        {func(c *report.CustodyStatement) { c.Instant.Time = c.Instant.Add(-time.Hour) }, "it speaks of 2026-10-31T23:00:00Z"},
		"expired at the instant": {func(c *report.CustodyStatement) { c.Expires = c.Instant }, "not after the instant"},
		"too many decimals":      {func(c *report.CustodyStatement) { c.Balances[0].Amount = "1.500000001" }, "has 9 decimals, the asset has 8"},
		"2^256":                  {func(c *report.CustodyStatement) { c.Balances[0].Amount = "1" + strings.Repeat("0", 77) }, "not 0 or digits"},
		"no asset of ours": {func(c *report.CustodyStatement) {
			c.Balances = []report.CustodyBalance{{Amount: "1", Asset: "GOLD"}}
		}, "names no asset of the registry"},
	} {
		bad := held(t, s)
		bad.Balances = slices.Clone(bad.Balances)
		c.spoil(&bad)
		if err := bad.Check(s, "Example Trust"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
		signed := inEnvelope(t, bad)
		signed.Holder = "Example Trust"
		if got, err := report.NewClaims(s, []report.SignedCustody{signed}, nil); err == nil {
			t.Errorf("%s: claims %+v", name, got)
		}
	}
	for expires, want := range map[time.Duration]string{0: "expired at", time.Second: "expires soon", 7 * 24 * time.Hour: "expires soon", 7*24*time.Hour + 1: ""} {
		c := held(t, s)
		if got := c.Warning(c.Expires.Add(-expires)); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s before its end: %q, want %q", expires, got, want)
		}
	}
}

// TestB16_ExpiringClaimsAreSaid: once for each statement, and never for the exchange's own word.
func TestB16_ExpiringClaimsAreSaid(t *testing.T) {
	s := snapshot(t)
	all := claims(t, s)
	end := held(t, s).Expires.Time
	for now, want := range map[time.Time][]string{
		instant:                      nil,
		end.Add(-6 * 24 * time.Hour): {"the custody statement of Example Trust expires soon, at 2026-12-01T00:00:00Z"},
		end:                          {"the custody statement of Example Trust expired at 2026-12-01T00:00:00Z"},
	} {
		if got := report.ClaimWarnings(all, now); !slices.Equal(got, want) {
			t.Errorf("at %s: %q, want %q", now, got, want)
		}
	}
}

func TestParseCustodyStatementRefuses(t *testing.T) {
	good := string(canonical(t, held(t, snapshot(t))))
	if _, err := report.ParseCustodyStatement([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, swap := range map[string][2]string{
		"type":             {"assay/v1/custody", "assay/v2/custody"},
		"unknown key":      {`"type"`, `"total":"1","type"`},
		"missing key":      {`"expires":"2026-12-01T00:00:00Z",`, ``},
		"blank":            {`,"custodian"`, `, "custodian"`},
		"unsorted":         {`{"amount":"1.5","asset":"BTC"},{"amount":"3","asset":"USDT"}`, `{"amount":"3","asset":"USDT"},{"amount":"1.5","asset":"BTC"}`},
		"asset twice":      {`"USDT"`, `"BTC"`},
		"A01 negative":     {`"1.5"`, `"-1.5"`},
		"E2 trailing zero": {`"1.5"`, `"1.50"`},
		"E2 leading zero":  {`"1.5"`, `"01.5"`},
		"E2 exponent":      {`"1.5"`, `"1e5"`},
		"A04 a number":     {`"1.5"`, `1`},
		"asset id":         {`"BTC"`, `"btc"`},
		"E10 custodian":    {`"Example Trust"`, `"Example\u202eTrust"`},
		"custodian blank":  {`"Example Trust"`, `"Example Trust "`},
		"custodian empty":  {`"Example Trust"`, `""`},
		"time":             {`2026-12-01T00:00:00Z`, `2026-12-01`},
	} {
		bad := strings.Replace(good, swap[0], swap[1], 1)
		if bad == good {
			t.Fatalf("%s: the case changes nothing", name)
		}
		if got, err := report.ParseCustodyStatement([]byte(bad)); err == nil {
			t.Errorf("%s: read as %+v", name, got)
		}
	}
	if _, err := report.ParseCustodyStatement(bytes.Repeat([]byte{' '}, report.MaxCustody+1)); err == nil {
		t.Error("a huge one was read")
	}
}

func TestCustodyRequest(t *testing.T) {
	s := snapshot(t)
	raw := canonical(t, report.NewCustodyRequest(s))
	if want := `{"assets":[{"decimals":8,"id":"BTC"},{"decimals":18,"id":"USDT"}],"exchange":"Demo Exchange","instant":"2026-11-01T00:00:00Z","snapshot":"` +
		s.ID.String() + `","type":"assay/v1/custody-request"}`; string(raw) != want {
		t.Errorf("the request is %s", raw)
	}
	r, err := report.ParseCustodyRequest(raw)
	if err != nil {
		t.Fatal(err)
	}
	end := instant.Add(time.Hour)
	for name, c := range map[string]struct {
		as       string
		balances []report.CustodyBalance
		expires  time.Time
	}{
		"unknown asset":     {"X", []report.CustodyBalance{{Amount: "1", Asset: "ETH"}}, end},
		"too many decimals": {"X", []report.CustodyBalance{{Amount: "0.000000001", Asset: "BTC"}}, end},
		"no decimal":        {"X", []report.CustodyBalance{{Amount: "1,5", Asset: "BTC"}}, end},
		"asset twice":       {"X", []report.CustodyBalance{{Amount: "1", Asset: "BTC"}, {Amount: "2", Asset: "BTC"}}, end},
		"nothing":           {"X", nil, end},
		"nobody":            {"", []report.CustodyBalance{{Amount: "1", Asset: "BTC"}}, end},
		"expired":           {"X", []report.CustodyBalance{{Amount: "1", Asset: "BTC"}}, instant},
		"a fraction":        {"X", []report.CustodyBalance{{Amount: "1", Asset: "BTC"}}, end.Add(1)},
	} {
		if got, err := r.Answer(c.as, c.balances, c.expires); err == nil {
			t.Errorf("%s: answered %+v", name, got)
		}
	}
	for _, bad := range []string{"", "{}", strings.Replace(string(raw), "custody-request", "custody", 1), " " + string(raw)} {
		if _, err := report.ParseCustodyRequest([]byte(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

// TestClaimsRefused: claims that do not follow from what the custodian signed, or are out of their form.
func TestClaimsRefused(t *testing.T) {
	s := snapshot(t)
	two := func(c []report.Claim) []report.Claim {
		other := held(t, s)
		other.Expires.Time = other.Expires.Add(time.Hour)
		again, err := report.NewClaims(s, []report.SignedCustody{inEnvelope(t, other)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		c[2] = again[1]
		return c
	}
	for name, c := range map[string]struct {
		spoil func(c []report.Claim) []report.Claim
		want  string
	}{
		"amount raised":        {func(c []report.Claim) []report.Claim { c[0].Amount = units(t, "150000001"); return c }, "its statement says 150000000"},
		"one left out":         {func(c []report.Claim) []report.Claim { return c[:2] }, "names 2 assets of the registry, 1 are claimed"},
		"unsorted":             {func(c []report.Claim) []report.Claim { c[0], c[1] = c[1], c[0]; return c }, "out of order"},
		"twice":                {func(c []report.Claim) []report.Claim { return slices.Insert(c, 1, c[0]) }, "stands twice"},
		"no statement":         {func(c []report.Claim) []report.Claim { c[0].DSSE, c[2].DSSE = nil, nil; return c }, "needs a custodian's statement"},
		"two statements":       {two, "name two statements"},
		"one without":          {func(c []report.Claim) []report.Claim { c[2].DSSE = nil; return c }, "name two statements"},
		"both forms":           {func(c []report.Claim) []report.Claim { c[0].JWS, c[2].JWS = "a.b.c", "a.b.c"; return c }, "as dsse or as jws"},
		"unprovable with dsse": {func(c []report.Claim) []report.Claim { c[1].DSSE = c[0].DSSE; return c }, "has a signature"},
		"another kind":         {func(c []report.Claim) []report.Claim { c[1].Kind = "wish"; return c }, `kind "wish"`},
		"holder blank":         {func(c []report.Claim) []report.Claim { c[1].Holder = " "; return c }, "holder"},
		"E10 holder":           {func(c []report.Claim) []report.Claim { c[1].Holder = "a\u202eb"; return c }, "holder"},
		"asset of no registry": {func(c []report.Claim) []report.Claim { c[1].Asset = "BTD"; return c }, "not of the registry"},
		"holder renamed":       {func(c []report.Claim) []report.Claim { c[0].Holder, c[2].Holder = "Bank", "Bank"; return c }, `it is of "Example Trust"`},
		"C12 of another type":  {func(c []report.Claim) []report.Claim { c[0].DSSE.PayloadType = attest.PayloadType; return c[:1] }, "its envelope is of type"},
		"with further signature": {func(c []report.Claim) []report.Claim {
			c[0].DSSE.Signatures = append(c[0].DSSE.Signatures, attest.Signature{})
			return c[:1]
		}, "2 signatures"},
	} {
		bad := c.spoil(claims(t, s))
		if err := report.CheckClaims(s, bad); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
		in := inputs(t)
		in.Claims = bad
		if _, _, err := report.Draft(in); err == nil {
			t.Errorf("%s: a statement was drawn up", name)
		}
	}
	for name, o := range map[string]report.OwnClaim{
		"decimals": {Asset: "BTC", Amount: "0.000000001", Holder: "x"}, "negative": {Asset: "BTC", Amount: "-1", Holder: "x"}, "no amount": {Asset: "BTC", Holder: "x"},
		"asset": {Asset: "ETH", Amount: "1", Holder: "x"}, "holder": {Asset: "BTC", Amount: "1"},
	} {
		if got, err := report.NewClaims(s, nil, []report.OwnClaim{o}); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for name, c := range map[string]report.SignedCustody{"no form": {Holder: "x"}, "no envelope": {Holder: "x", DSSE: []byte("{}")}, "two parts": {Holder: "x", JWS: "a.b"},
		"padded": {Holder: "x", JWS: "a.YQ==.c"}, "no payload": {Holder: "x", JWS: "a..c"}} {
		if got, err := report.NewClaims(s, []report.SignedCustody{c}, nil); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestClaimsFile: the file is strict, of its snapshot, and just what the statement lists.
func TestClaimsFile(t *testing.T) {
	in := inputs(t)
	in.Claims = claims(t, in.Snapshot)
	in.Files = files(t, in)
	_, envelope := bundle(t, in)
	signed, err := report.Read(envelope)
	if err != nil {
		t.Fatal(err)
	}
	file, err := report.ClaimsJSON(in.Snapshot, in.Claims)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := signed.Claims(file); err != nil || len(got) != 3 {
		t.Errorf("got %+v, %v", got, err)
	}
	none, err := report.ClaimsJSON(in.Snapshot, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{
		"none of them":     string(none),
		"another snapshot": strings.Replace(string(file), `"snapshot":"`+in.Snapshot.ID.String()[:2], `"snapshot":"zz`, 1),
		"another type":     strings.Replace(string(file), "v1/claims", "v2/claims", 1),
		"null":             strings.Replace(string(none), "[]", "null", 1),
		"unknown key":      strings.Replace(string(file), `"kind":"unprovable"`, `"kind":"unprovable","note":"x"`, 1),
		"empty jws":        strings.Replace(string(file), `"kind":"unprovable"`, `"jws":"","kind":"unprovable"`, 1),
	} {
		if got, err := signed.Claims([]byte(bad)); err == nil || bad == string(file) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	in.Claims = nil
	if _, _, err := report.Draft(in); err == nil || !strings.Contains(err.Error(), "does not hold what the statement is drawn from") {
		t.Errorf("another file than the statement's: %v", err)
	}
}

func FuzzParseCustodyStatement(f *testing.F) {
	f.Add(canonical(f, held(f, snapshot(f))))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := report.ParseCustodyStatement(b)
		if err != nil {
			return
		}
		if again, err := c.JSON(); err != nil || string(again) != string(b) {
			t.Fatalf("%q became %q, %v", b, again, err)
		}
	})
}

func FuzzParseClaims(f *testing.F) {
	s := snapshot(f)
	file, err := report.ClaimsJSON(s, claims(f, s))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := report.ParseClaims(s, b)
		if err != nil {
			return
		}
		if again, err := report.ClaimsJSON(s, all); err != nil || string(again) != string(b) {
			t.Fatalf("%q became %q, %v", b, again, err)
		}
	})
}
