package report_test

import (
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/report"
)

func issued() report.Time { return report.Time{Time: instant.Add(2 * time.Hour)} }

func TestEntry(t *testing.T) {
	s, envelope := signed(t, inputs(t))
	statement, err := report.NewEntry(envelope, issued())
	if err != nil {
		t.Fatal(err)
	}
	if *statement.Envelope != sha256.Sum256(envelope) || statement.Statement != s.Digest {
		t.Errorf("it enters %s", statement.Statement)
	}
	withdrawal, err := report.NewWithdrawal("Demo Exchange", s.Digest, "The ledger was incomplete.", issued())
	if err != nil {
		t.Fatal(err)
	}
	erratum, err := report.NewErratum("Demo Exchange", s.Digest, "The entity is Demo Exchange (Lisbon) Lda.", issued())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []report.Entry{statement, withdrawal, erratum} {
		payload, err := e.JSON()
		if err != nil {
			t.Fatal(err)
		}
		back, err := report.ParseEntry(payload)
		if d := cmp.Diff(e, back); err != nil || d != "" {
			t.Errorf("%s: %v\n%s", e.Kind, err, d)
		}
	}
	if payload, _ := withdrawal.JSON(); string(payload) != `{"exchange":"Demo Exchange","issued":"2026-11-01T02:00:00Z","kind":"withdrawal","statement":"`+s.Digest.String()+
		`","text":"The ledger was incomplete.","type":"assay/v1/entry"}` {
		t.Errorf("got %s", payload)
	}
	if err := statement.About(envelope); err != nil {
		t.Error(err)
	}
	in := inputs(t)
	in.Tool = "assay other"
	_, other := signed(t, in)
	for _, e := range []report.Entry{statement, withdrawal} {
		if err := e.About(other); err == nil {
			t.Errorf("the entry of kind %s passes for another statement's", e.Kind)
		}
	}
}

func TestParseEntryRefuses(t *testing.T) {
	_, envelope := signed(t, inputs(t))
	e, err := report.NewEntry(envelope, issued())
	if err != nil {
		t.Fatal(err)
	}
	payload, err := e.JSON()
	if err != nil {
		t.Fatal(err)
	}
	for name, swap := range map[string][2]string{
		"another type":        {"v1/entry", "v2/entry"},
		"another kind":        {`"kind":"statement"`, `"kind":"draft"`},
		"a kind without text": {`"kind":"statement"`, `"kind":"erratum"`},
		"no snapshot":         {`"snapshot":"` + e.Snapshot.String() + `",`, ``},
		"a text":              {`"type":`, `"text":"x","type":`},
		"no period":           {`"period":"2026-11",`, ``},
		"a strange period":    {`"period":"2026-11"`, `"period":"2026/11"`},
		"a series of none":    {`"name":"main"`, `"name":""`},
		"no exchange":         {`"exchange":"Demo Exchange"`, `"exchange":""`},
		"before its instant":  {`"issued":"2026-11-01`, `"issued":"2026-10-01`},
		"more keys":           {`"kind"`, `"extra":1,"kind"`},
		"white space":         {`"kind":`, `"kind": `},
	} {
		bad := strings.Replace(string(payload), swap[0], swap[1], 1)
		if bad == string(payload) {
			t.Fatalf("%s: the case changes nothing", name)
		}
		if _, err := report.ParseEntry([]byte(bad)); err == nil {
			t.Errorf("%s: it was read", name)
		}
	}
	s, _ := signed(t, inputs(t))
	for _, text := range []string{"", strings.Repeat("x", 4097), "a\nb"} {
		if _, err := report.NewErratum("Demo Exchange", s.Digest, text, issued()); err == nil {
			t.Errorf("a text of %d bytes was taken", len(text))
		}
	}
}

func FuzzParseEntry(f *testing.F) {
	s, envelope := signed(f, inputs(f))
	for _, make := range []func() (report.Entry, error){
		func() (report.Entry, error) { return report.NewEntry(envelope, issued()) },
		func() (report.Entry, error) { return report.NewErratum("Demo Exchange", s.Digest, "x", issued()) },
	} {
		e, err := make()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(canonical(f, e))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := report.ParseEntry(b)
		if err != nil {
			return
		}
		if again, err := e.JSON(); err != nil || string(again) != string(b) {
			t.Fatalf("%q became %q, %v", b, again, err)
		}
	})
}
