package claim

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"
)

// sealed is a payload in an envelope that nobody's key signed.
func sealed(kind, payload string) string {
	return `{"payload":"` + base64.StdEncoding.EncodeToString([]byte(payload)) + `","payloadType":"` + kind + `","signatures":[{"keyid":"` + hash0 + `","sig":"AAAA"}]}`
}

const (
	sampleEntry = `{"envelope":"` + hash0 + `","exchange":"Demo","instant":"2026-11-01T00:00:00Z","issued":"2026-11-01T07:00:00Z","kind":"statement","period":"2026-10",` +
		`"series":{"name":"monthly","number":0},"snapshot":"` + hash0 + `","statement":"` + hash0 + `","type":"assay/v1/entry"}`
	sampleWithdrawal = `{"exchange":"Demo","issued":"2026-11-01T07:00:00Z","kind":"withdrawal","statement":"` + hash0 + `","text":"a wrong ledger","type":"assay/v1/entry"}`
	sampleFinding    = `{"_type":"https://in-toto.io/Statement/v1","predicate":{"auditor":"Example Accountants","checks":[{"name":"headers.eip155:1","result":"skipped"},{"name":"liabilities.full","result":"pass"}],` +
		`"findings":["one \"finding\""],"issued":"2026-11-02T00:00:00Z","key":"` + pointG + `","policy":"` + hash0 + `","procedures":["recomputed every leaf"],"scope":"all","tool":"assay-verify 0.1.0"},` +
		`"predicateType":"https://github.com/assay-por/assay/finding/v1","subject":[{"digest":{"sha256":"` + hash0 + `"},"name":"statement"}]}`
)

func FuzzParseEntry(f *testing.F) {
	parse := func(raw []byte) (*Entry, error) {
		return parseEntryPayload(&Envelope{Payload: raw, kind: entryPayload})
	}
	fuzzJSON(f, parse, sampleEntry, sampleWithdrawal, strings.Replace(sampleWithdrawal, "withdrawal", "erratum", 1))
}

func FuzzParseFinding(f *testing.F) {
	fuzzJSON(f, func(raw []byte) (*Finding, error) { return ParseFinding([]byte(sealed(payloadType, string(raw)))) }, sampleFinding)
}

// FuzzRecord feeds what a log holds: whatever it is, nothing passes for the exchange's unless its key signed.
func FuzzRecord(f *testing.F) {
	p, err := ParsePolicy([]byte(strings.Replace(goodPolicy, "Demo Exchange", "Demo", 1)))
	if err != nil {
		f.Fatal(err)
	}
	for _, payload := range []string{sampleEntry, sampleWithdrawal, "{}"} {
		f.Add([]byte(sealed(entryPayload, payload)))
		f.Add([]byte(sealed(payloadType, payload)))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := NewRecord(p)
		r.Add(0, raw, time.Time{})
		if r.Entries+r.PassedOver != 1 || r.Entries == 1 && len(r.Breaches) != 1 || len(r.entered) > 0 {
			t.Fatalf("an entry that nobody signed: %+v", r)
		}
	})
}

// A file of one type is never read as one of another, though all are envelopes.
func TestC12_PayloadTypesOfTheLog(t *testing.T) {
	for name, err := range map[string]error{
		"a statement as an entry":        second(ParseEntry([]byte(sealed(payloadType, sampleEntry)))),
		"an entry as a statement":        second(ParseEnvelope([]byte(sealed(entryPayload, sampleEntry)))),
		"an entry as a finding":          second(ParseFinding([]byte(sealed(entryPayload, sampleFinding)))),
		"a custody statement as one":     second(ParseEntry([]byte(sealed(custodyPayload, sampleEntry)))),
		"a finding read as a statement":  second(ParseStatement([]byte(sampleFinding))),
		"a statement read as a finding":  second(ParseFinding([]byte(sealed(payloadType, sampleStatement)))),
		"an entry over 64 KiB":           second(ParseEntry([]byte(sealed(entryPayload, strings.Repeat("x", 64<<10))))),
		"a finding over 1 MiB":           second(ParseFinding([]byte(sealed(payloadType, strings.Repeat("x", 1<<20))))),
		"a finding that names no check":  second(ParseFinding([]byte(sealed(payloadType, strings.Replace(sampleFinding, "headers.eip155:1", "", 1))))),
		"a finding with a name in words": second(ParseFinding([]byte(sealed(payloadType, strings.Replace(sampleFinding, "headers.eip155:1", "headers of all", 1))))),
	} {
		if err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	for _, good := range []error{second(ParseEntry([]byte(sealed(entryPayload, sampleEntry)))), second(ParseFinding([]byte(sealed(payloadType, sampleFinding))))} {
		if good != nil {
			t.Error(good)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// An entry is of one statement in one envelope.
func TestCheckEntry(t *testing.T) {
	s, err := ParseStatement([]byte(sampleStatement))
	if err != nil {
		t.Fatal(err)
	}
	envelope := Hash{1}
	good := Entry{
		Envelope: envelope, Exchange: "Demo", Instant: s.Snapshot.Instant, Kind: KindStatement, Period: "2026-10", Series: s.Series, Snapshot: s.Snapshot.ID, Statement: s.Digest,
	}
	if err := s.CheckEntry(&good, envelope); err != nil {
		t.Fatal(err)
	}
	for want, edit := range map[string]func(e *Entry){
		"is of kind withdrawal":           func(e *Entry) { e.Kind = KindWithdrawal },
		"entry's statement is not":  func(e *Entry) { e.Statement = Hash{} },
		"entry's exchange is not":   func(e *Entry) { e.Exchange = "Demo 2" },
		"entry's instant is not":    func(e *Entry) { e.Instant = e.Instant.Add(time.Second) },
		"entry's period is not":     func(e *Entry) { e.Period = "2026-11" },
		"entry's series is not":     func(e *Entry) { e.Series.Reason = "another" },
		"entry's snapshot is not":   func(e *Entry) { e.Snapshot = Hash{1} },
		"is about the envelope 000": func(e *Entry) { e.Envelope = Hash{} },
	} {
		e := good
		edit(&e)
		if err := s.CheckEntry(&e, envelope); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
