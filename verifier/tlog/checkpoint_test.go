package tlog

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/transparency-dev/formats/log"
	fnote "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"github.com/assay-por/assay/verifier/canon"
)

const morning = 1798700400 // 2026-12-31T07:00:00Z

var (
	theLog   = aLog("log")
	w1       = aWitness("witness.example/1")
	w2       = aWitness("witness.example/2")
	w3       = aWitness("witness.example/3")
	stranger = aWitness("stranger.example")
)

// signedText gives a checkpoint of 5 entries, and its text for further lines.
func signedText(t testing.TB) (signed, of string) {
	root := must(grown(5, "").Root(5))(t)
	return checkpoint(t, theLog, grown(5, ""), 5), text(5, root)
}

func TestKeys(t *testing.T) {
	for _, s := range []signer{theLog, w1, newSigner("ünïcode", logAlgorithm, "x"), newSigner(strings.Repeat("n", 256), logAlgorithm, "x")} {
		key := s.key(t)
		if key.Name != s.name || key.Text != s.vkey() || string(key.Public[:]) != string(public(s)) || fmt.Sprintf("%08x", key.Hash) != fmt.Sprintf("%x", s.hash()) {
			t.Errorf("got %+v of %s", key, s.vkey())
		}
	}
	theirs := must(note.NewVerifier(theLog.vkey()))(t)
	if key := theLog.key(t); theirs.Name() != key.Name || theirs.KeyHash() != key.Hash {
		t.Errorf("got %s %x, the oracle has %s %x", key.Name, key.Hash, theirs.Name(), theirs.KeyHash())
	}
	theirs = must(fnote.NewVerifierForCosignatureV1(w1.vkey()))(t)
	if key := w1.key(t); theirs.Name() != key.Name || theirs.KeyHash() != key.Hash {
		t.Errorf("got %s %x, the oracle has %s %x", key.Name, key.Hash, theirs.Name(), theirs.KeyHash())
	}
}

func TestKeys_Refused(t *testing.T) {
	good := theLog.vkey()
	name, hash, _ := strings.Cut(good, "+")
	for _, tt := range []struct{ name, vkey, problem string }{
		{"empty", "", "want name+hash+base64"},
		{"no name", strings.TrimPrefix(good, name), "want name+hash+base64"},
		{"white space", "a b+" + hash, "without white space"},
		{"white space beyond ASCII", "a\u00a0b+" + hash, "without white space"},
		{"not UTF-8", "a\xff+" + hash, "want name+hash+base64"},
		{"text that turns", "a\u202eb+" + hash, "want name+hash+base64"},
		{"long name", newSigner(strings.Repeat("n", 257), logAlgorithm, "x").vkey(), "1-256 bytes"},
		{"another name", "other.example+" + hash, "its hash is"},
		{"hash in upper case", name + "+" + strings.ToUpper(hash[:8]) + hash[8:], "its hash is"},
		{"short hash", name + "+" + hash[1:], "its hash is"},
		{"no key", name + "+" + hash[:8], "want the byte 0x01 and 32 bytes"},
		{"three bytes more", good + "AAAA", "want the byte 0x01 and 32 bytes"},
		{"trailing bits", good[:len(good)-1], "not base64"},
		{"a line break", good + "\n", "not base64"},
		{"a witness's key", w1.vkey(), "not the verifier key of a log"},
	} {
		_, err := ParseLogKey(tt.vkey)
		refused(t, tt.name, err, tt.problem)
	}
	_, err := ParseWitnessKey(good)
	refused(t, "a log's key for a witness", err, "not the verifier key of a witness: want the byte 0x04")
}

// What x/mod and transparency-dev sign is taken, and taken apart as they take it apart.
func TestCheckpoint_OfTheOracles(t *testing.T) {
	secret, vkey, err := note.GenerateKey(nil, origin)
	if err != nil {
		t.Fatal(err)
	}
	witnessSecret, witnessKey, err := note.GenerateKey(nil, "witness.example")
	if err != nil {
		t.Fatal(err)
	}
	_, of := signedText(t)
	raw := must(note.Sign(&note.Note{Text: of}, must(note.NewSigner(secret))(t), must(fnote.NewSignerForCosignatureV1(witnessSecret))(t)))(t)
	trust := Trust{Logs: []Key{must(ParseLogKey(vkey))(t)}, Witnesses: []Key{must(ParseWitnessKey(must(fnote.VKeyToCosignatureV1(witnessKey))(t)))(t)}, Quorum: 1}
	got, err := trust.Check(raw)
	if err != nil {
		t.Fatal(err)
	}
	theirs, _, opened, err := log.ParseCheckpoint(raw, origin, must(note.NewVerifier(vkey))(t), must(fnote.NewVerifierForCosignatureV1(witnessKey))(t))
	if err != nil {
		t.Fatal(err)
	}
	at := must(fnote.CoSigV1Timestamp(opened.Sigs[1]))(t)
	if got.Size != theirs.Size || string(got.Root[:]) != string(theirs.Hash) || got.Origin != theirs.Origin || !got.Witnessed.Equal(at) || string(got.Text) != of || string(got.Raw) != string(raw) {
		t.Errorf("got %+v, want %+v at %s", got, theirs, at)
	}
}

func TestTrust_WitnessedTime(t *testing.T) {
	signed, of := signedText(t)
	raw := signed + w1.cosign(of, morning+20) + stranger.cosign(of, 1) + w2.cosign(of, morning) + w3.cosign(of, morning+10)
	for quorum, want := range []int64{0, morning, morning + 10, morning + 20} {
		c, err := trust(t, quorum, theLog, w1, w2, w3).Check([]byte(raw))
		switch {
		case err != nil:
			t.Error(err)
		case quorum == 0 && !c.Witnessed.IsZero():
			t.Errorf("without a quorum: got %s", c.Witnessed)
		case quorum > 0 && !c.Witnessed.Equal(time.Unix(want, 0)):
			t.Errorf("quorum %d: got %s, want %d", quorum, c.Witnessed, want)
		}
		names := []Cosignature{{w1.name, time.Unix(morning+20, 0).UTC()}, {w2.name, time.Unix(morning, 0).UTC()}, {w3.name, time.Unix(morning+10, 0).UTC()}}
		if diff := cmp.Diff(names, c.Cosignatures); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestC11_MissingWitnessQuorum(t *testing.T) {
	signed, of := signedText(t)
	policy := trust(t, 2, theLog, w1, w2, w3)
	for have, raw := range []string{signed + stranger.cosign(of, morning), signed + w2.cosign(of, morning) + stranger.cosign(of, morning)} {
		_, err := policy.Check([]byte(raw))
		var quorum *QuorumError
		if !errors.As(err, &quorum) || quorum.Have != have || quorum.Want != 2 || quorum.Origin != origin {
			t.Errorf("got %v, want a quorum error of %d", err, have)
		}
		c, err := policy.CheckLogOnly([]byte(raw))
		if err != nil || len(c.Cosignatures) != have || !c.Witnessed.IsZero() {
			t.Errorf("the log alone: got %+v, %v", c, err)
		}
	}
}

func TestC11_CosignatureTwice(t *testing.T) {
	signed, of := signedText(t)
	for name, raw := range map[string]string{
		"a witness": signed + w1.cosign(of, morning) + w1.cosign(of, morning+1),
		"the log":   signed + theLog.sign(of),
		"strangers": signed + stranger.cosign(of, morning) + w1.cosign(of, morning) + stranger.cosign(of, morning),
	} {
		_, err := trust(t, 1, theLog, w1, w2).Check([]byte(raw))
		refused(t, name, err, "is signed twice by")
	}
}

// What a witness signs does not hold its name: under two names it would count twice.
func TestC11_OneWitnessUnderTwoNames(t *testing.T) {
	signed, of := signedText(t)
	alias := newSigner("alias.example", witnessAlgorithm, w1.name)
	_, err := trust(t, 2, theLog, w1, alias).Check([]byte(signed + w1.cosign(of, morning) + alias.cosign(of, morning)))
	refused(t, "two names", err, "cosigned by 1 of the policy's witnesses, want 2")
}

func TestC11_UnknownLog(t *testing.T) {
	signed, _ := signedText(t)
	_, err := trust(t, 0, newSigner("other.example/log", logAlgorithm, "log")).Check([]byte(signed))
	var unknown *UnknownLogError
	if !errors.As(err, &unknown) || unknown.Origin != origin {
		t.Errorf("got %v, want an unknown log", err)
	}
	_, err = trust(t, 0, aLog("another key")).Check([]byte(signed))
	refused(t, "another key of one name", err, "is not signed with a key that the policy has of it")
}

func TestC11_FalseSignatures(t *testing.T) {
	signed, of := signedText(t)
	other := strings.Replace(of, "\n5\n", "\n6\n", 1)
	policy := trust(t, 1, theLog, w1)
	for _, tt := range []struct{ name, raw, problem string }{
		{"the log signed another text", of + "\n" + theLog.sign(other) + w1.cosign(of, morning), "the signature of log \"exchange.example/log\" on its checkpoint does not verify"},
		{"the witness signed another text", signed + w1.cosign(other, morning), "does not verify"},
		{"the witness signed another time", signed + w1.line(append([]byte{0, 0, 0, 0, 0, 0, 0, 1}, w1.private[:]...)), "does not verify"},
		{"the witness signed as a log", signed + w1.sign(of), "has 64 bytes, want 72"},
		{"the witness signed long after", signed + w1.cosign(of, lastSecond+1), "after the year 9999"},
		{"a log's signature of 63 bytes", of + "\n" + theLog.line(make([]byte, 63)) + w1.cosign(of, morning), "does not verify"},
		{"a log's cosignature", of + "\n" + theLog.cosign(of, morning) + w1.cosign(of, morning), "does not verify"},
	} {
		_, err := policy.Check([]byte(tt.raw))
		refused(t, tt.name, err, tt.problem)
	}
}

// Every bit of a checkpoint is bound, but for the line of a stranger: it says nothing, to nobody who reads this policy.
func TestC11_CheckpointFlipped(t *testing.T) {
	signed, of := signedText(t)
	before := signed + w1.cosign(of, morning)
	raw := before + stranger.cosign(of, morning)
	policy := trust(t, 1, theLog, w1)
	want := must(policy.Check([]byte(raw)))(t)
	for at := range raw {
		for bit := range 8 {
			bad := []byte(raw)
			bad[at] ^= 1 << bit
			c, err := policy.Check(bad)
			if err == nil && (at < len(before) || c.Size != want.Size || c.Root != want.Root || c.Origin != want.Origin || !c.Witnessed.Equal(want.Witnessed)) {
				t.Errorf("byte %d, bit %d: %q is taken as %+v", at, bit, bad, c)
			}
		}
	}
	for cut := range raw {
		if _, err := policy.Check([]byte(raw[:cut])); err == nil && cut != len(before) {
			t.Errorf("cut at %d: taken", cut)
		}
	}
}

func TestCheckpoint_Refused(t *testing.T) {
	signed, of := signedText(t)
	line := theLog.sign(of)
	root := strings.Split(of, "\n")[2]
	for _, tt := range []struct{ name, raw, problem string }{
		{"empty", "", "not a checkpoint"},
		{"no signatures", of + "\n", "not a checkpoint"},
		{"only the empty line", of + "\n\n", "want a dash"},
		{"an extension line", of + "more\n\n" + line, "want three lines"},
		{"two lines", origin + "\n5\n\n" + line, "want three lines"},
		{"no empty line", of + line, "want three lines"},
		{"another empty line", signed + "\n", "signatures[1]: want a dash"},
		{"two empty lines", of + "\n\n" + line, "signatures[0]: want a dash"},
		{"no last newline", signed[:len(signed)-1], "each ended by a newline"},
		{"carriage returns", strings.ReplaceAll(signed, "\n", "\r\n"), "want three lines"},
		{"no origin", strings.TrimPrefix(signed, origin), "origin: want 1-256 bytes"},
		{"an origin with a space", "x " + signed, "origin: want 1-256 bytes"},
		{"an origin with +", "x+" + signed, "origin: want 1-256 bytes"},
		{"a byte-order mark", "\ufeff" + signed, "origin: want 1-256 bytes"},
		{"a leading zero", strings.Replace(signed, "\n5\n", "\n05\n", 1), "size: not a number"},
		{"a sign", strings.Replace(signed, "\n5\n", "\n+5\n", 1), "size: not a number"},
		{"no size", strings.Replace(signed, "\n5\n", "\n\n", 1), "want three lines"},
		{"too large", strings.Replace(signed, "\n5\n", "\n4294967297\n", 1), "size: 4294967297, the limit is 4294967296"},
		{"far too large", strings.Replace(signed, "\n5\n", "\n18446744073709551616\n", 1), "size: not a number"},
		{"a short root", strings.Replace(signed, root, "AAAA", 1), "root: not a hash"},
		{"a root with trailing bits", strings.Replace(signed, root, strings.Repeat("A", 42)+"B=", 1), "root: not a hash"},
		{"a root with a carriage return", strings.Replace(signed, root, root+"\r", 1), "root: not a hash"},
		{"a hyphen", strings.Replace(signed, "—", "-", 1), "signatures[0]: want a dash"},
		{"two spaces", strings.Replace(signed, "— ", "—  ", 1), "signatures[0]: want a dash"},
		{"trailing space", signed[:len(signed)-1] + " \n", "signatures[0]: not base64"},
		{"a name with +", of + "\n" + strings.Replace(line, "exchange", "ex+change", 1), "signatures[0]: want a dash"},
		{"a key's hash alone", signed + "— x AAAAAA==\n", "signatures[1]: want four bytes"},
		{"65 signatures", of + "\n" + strings.Repeat(line, 65), "more than 64 signatures"},
		{"long", signed + strings.Repeat("x", maxSmall), "the limit is 65536"},
	} {
		_, err := ParseCheckpoint([]byte(tt.raw))
		formatError(t, tt.name, err, tt.problem)
	}
	if _, err := ParseCheckpoint([]byte(of + "\n" + strings.Repeat(line, 64))); err != nil {
		t.Error(err)
	}
}

func FuzzParseKey(f *testing.F) {
	f.Add(theLog.vkey())
	f.Add(w1.vkey())
	f.Fuzz(func(t *testing.T, vkey string) {
		for algorithm, parse := range map[byte]func(string) (Key, error){logAlgorithm: ParseLogKey, witnessAlgorithm: ParseWitnessKey} {
			if key, err := parse(vkey); err == nil {
				again := fmt.Sprintf("%s+%08x+%s", key.Name, key.Hash, b64(append([]byte{algorithm}, key.Public[:]...)))
				if again != vkey {
					t.Errorf("%q is taken, it is spelt %q", vkey, again)
				}
			}
		}
	})
}

func FuzzParseCheckpoint(f *testing.F) {
	signed, of := signedText(f)
	f.Add([]byte(signed))
	f.Add([]byte(signed + w1.cosign(of, morning)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := ParseCheckpoint(raw)
		if err != nil {
			var format *canon.FormatError
			if !errors.As(err, &format) {
				t.Errorf("got %T %v", err, err)
			}
			return
		}
		again := fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, b64(c.Root[:]))
		if string(c.Text) != again {
			t.Errorf("text %q, it is spelt %q", c.Text, again)
		}
		again += "\n"
		for _, l := range c.lines {
			again += fmt.Sprintf("— %s %s\n", l.name, b64(append([]byte{byte(l.hash >> 24), byte(l.hash >> 16), byte(l.hash >> 8), byte(l.hash)}, l.signature...)))
		}
		if string(raw) != again {
			t.Errorf("%q is taken, it is spelt %q", raw, again)
		}
		var theirs log.Checkpoint
		if rest, err := theirs.Unmarshal(c.Text); err != nil || len(rest) > 0 || theirs.Size != c.Size || string(theirs.Hash) != string(c.Root[:]) || theirs.Origin != c.Origin {
			t.Errorf("%q: the oracle has %+v, %v", raw, theirs, err)
		}
		if _, err := note.Open(raw, note.VerifierList()); err != nil {
			if unverified := new(note.UnverifiedNoteError); !errors.As(err, &unverified) {
				t.Errorf("%q: the oracle has %v", raw, err)
			}
		}
	})
}

// Errors reach verdicts: they are one line, and hold no bytes that turn or hide text.
func TestC11_ErrorsArePlainText(t *testing.T) {
	signed, _ := signedText(t)
	_, err := Trust{}.Check([]byte(signed))
	if err == nil || !regexp.MustCompile(`^[ -~]+$`).MatchString(err.Error()) {
		t.Errorf("got %v", err)
	}
}
