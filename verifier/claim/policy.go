package claim

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"github.com/assay-por/assay/verifier/canon"
)

const maxPolicy = 1 << 20 // SPEC part 18

// Anchor is a block hash that the policy's owner has from a source of their own (SPEC part 16).
type Anchor struct {
	Chain, Hash string
	Number      uint64
}

// TokenPin is how an ERC-20 token stores balances, by the policy's owner's own knowledge (SPEC part 16). Bits is 0, and the
// texts after Code are empty, where a recipe must not have them.
type TokenPin struct {
	ID, Layout, Slot, Code         string
	Proxy, Implementation, Formula string
	Bits                           int
}

// Policy is what a verifier believes (SPEC part 16).
type Policy struct {
	Digest        Hash
	Exchange      string
	Keys          []Key
	Rule          Rule
	Window        time.Duration
	Anchored      bool
	Nodes         int // how many must have said the same for a node-attested line to count
	Recompute     bool
	Finding       bool     // where leaves are absent, an auditor's finding that they were recomputed will do
	LeastCoverage *Percent // nil: none is asked for
	Anchors       []Anchor
	Tokens        []TokenPin
	Custodians    map[string]Key // by name
	Checkpoints   []Checkpoint
	Approvals     *ApprovalTrust   // nil: who may approve is the exchange's word
	Limits        map[string]Limit // by the key's text
	Log           *LogTrust        // nil: no log is believed
	Timestamps    []Authority
	Auditors      []Auditor
}

// policyFile is the TOML as written; pointers tell an absent key from an empty one.
type policyFile struct {
	Version  *int64 `toml:"version"`
	Exchange *struct {
		Name *string   `toml:"name"`
		Keys *[]string `toml:"keys"`
	} `toml:"exchange"`
	Evidence *struct {
		Least    *string   `toml:"least"`
		Control  *[]string `toml:"control"`
		Classes  *[]string `toml:"classes"`
		Window   *string   `toml:"window"`
		Anchored *bool     `toml:"anchored"`
		Nodes    *int64    `toml:"nodes"`
	} `toml:"evidence"`
	Liabilities *struct {
		Recompute *bool `toml:"recompute"`
		Finding   *bool `toml:"finding"`
	} `toml:"liabilities"`
	Coverage *struct {
		Least *string `toml:"least"`
	} `toml:"coverage"`
	Anchor []struct {
		Chain  *string `toml:"chain"`
		Number *uint64 `toml:"number"`
		Hash   *string `toml:"hash"`
	} `toml:"anchor"`
	Token []struct {
		ID             *string `toml:"id"`
		Layout         *string `toml:"layout"`
		Slot           *string `toml:"slot"`
		Code           *string `toml:"code"`
		Bits           *int64  `toml:"bits"`
		Proxy          *string `toml:"proxy"`
		Implementation *string `toml:"implementation"`
		Formula        *string `toml:"formula"`
	} `toml:"token"`
	Custodian []struct {
		Name *string `toml:"name"`
		Key  *string `toml:"key"`
	} `toml:"custodian"`
	Checkpoint []checkpointTOML `toml:"checkpoint"`
	Approvals  *approvalsTOML   `toml:"approvals"`
	Key        []limitTOML      `toml:"key"`
	Log        *logTOML         `toml:"log"`
	Timestamp  []authorityTOML  `toml:"timestamp"`
	Auditor    []auditorTOML    `toml:"auditor"`
}

// ParsePolicy reads a trust policy (SPEC part 16). An unknown key is an error that names its line. Errors are
// *canon.FormatError or *canon.VersionError.
func ParsePolicy(raw []byte) (*Policy, error) {
	if len(raw) > maxPolicy {
		return nil, &canon.FormatError{Problem: fmt.Sprintf("%d bytes, the limit is %d", len(raw), maxPolicy)}
	}
	var head struct {
		Version *int64 `toml:"version"`
	}
	if err := toml.Unmarshal(raw, &head); err == nil && head.Version != nil && *head.Version != 1 {
		return nil, &canon.VersionError{Got: fmt.Sprint(*head.Version), Want: "1"}
	}
	var f policyFile
	if err := toml.NewDecoder(bytes.NewReader(raw)).DisallowUnknownFields().Decode(&f); err != nil {
		return nil, tomlError(err)
	}
	if err := exactKeys(raw); err != nil {
		return nil, err
	}
	w := walker{policy: &Policy{Digest: sha256.Sum256(raw)}}
	w.file(&f)
	if w.err != nil {
		return nil, w.err
	}
	return w.policy, nil
}

// tomlError keeps the line and drops the excerpt: errors show positions, not contents.
func tomlError(err error) error {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) && len(strict.Errors) > 0 {
		line, column := strict.Errors[0].Position()
		return &canon.FormatError{Field: fmt.Sprintf("line %d, column %d", line, column), Problem: fmt.Sprintf("unknown key %q", strings.Join(strict.Errors[0].Key(), "."))}
	}
	var fault *toml.DecodeError
	if errors.As(err, &fault) {
		line, column := fault.Position()
		return &canon.FormatError{Field: fmt.Sprintf("line %d, column %d", line, column), Problem: strings.TrimPrefix(fault.Error(), "toml: ")}
	}
	return &canon.FormatError{Problem: err.Error()}
}

// exactKeys refuses keys that the TOML library would match whatever their case.
func exactKeys(raw []byte) error {
	var tree map[string]any
	if err := toml.Unmarshal(raw, &tree); err != nil {
		return tomlError(err)
	}
	return lowerKeys("", tree)
}

func lowerKeys(field string, v any) error {
	switch v := v.(type) {
	case map[string]any:
		for key, below := range v {
			if key != strings.ToLower(key) {
				return &canon.FormatError{Field: field + key, Problem: "unknown key: keys are lower case"}
			}
			if err := lowerKeys(field+key+".", below); err != nil {
				return err
			}
		}
	case []any:
		for _, below := range v {
			if err := lowerKeys(field, below); err != nil {
				return err
			}
		}
	}
	return nil
}

// A walker turns the file into a policy; its first error sticks.
type walker struct {
	policy *Policy
	named  map[string]string // where the policy names a key
	err    error
}

func (w *walker) fail(field string, err error) {
	if w.err == nil {
		w.err = &canon.FormatError{Field: field, Problem: err.Error()}
	}
}

// need takes a key that must be there through the parser of its text form.
func need[S, T any](w *walker, field string, v *S, parse func(S) (T, error)) (out T) {
	if w.err != nil {
		return out
	}
	if v == nil {
		w.fail(field, errors.New("missing: every key is required"))
		return out
	}
	out, err := parse(*v)
	if err != nil {
		w.fail(field, err)
	}
	return out
}

// may is need for a key that may be absent, which leaves the zero value.
func may[S, T any](w *walker, field string, v *S, parse func(S) (T, error)) (out T) {
	if v != nil {
		out = need(w, field, v, parse)
	}
	return out
}

func as[T any](v T) (T, error) { return v, nil }

// within reads an integer of a range.
func within(least, most int64) func(int64) (int, error) {
	return func(n int64) (int, error) {
		if n < least || n > most {
			return 0, fmt.Errorf("%d, want an integer from %d to %d", n, least, most)
		}
		return int(n), nil
	}
}

// each parses every entry of a list and refuses one that is there twice.
func each[T any](parse func(string) (T, error)) func([]string) ([]T, error) {
	return func(list []string) (out []T, err error) {
		seen := make(map[string]bool)
		for i, s := range list {
			v, err := parse(s)
			if err != nil {
				return nil, fmt.Errorf("entry %d: %w", i, err)
			}
			if seen[s] {
				return nil, fmt.Errorf("entry %d: twice", i)
			}
			seen[s] = true
			out = append(out, v)
		}
		return out, nil
	}
}

func (w *walker) file(f *policyFile) {
	p := w.policy
	need(w, "version", f.Version, as)
	if f.Exchange == nil || f.Evidence == nil || f.Liabilities == nil {
		w.fail("", errors.New("missing: the sections [exchange], [evidence] and [liabilities] are required"))
		return
	}
	p.Exchange = need(w, "exchange.name", f.Exchange.Name, parsePrintable)
	p.Keys = need(w, "exchange.keys", f.Exchange.Keys, each(parseKey))
	if len(p.Keys) == 0 {
		w.fail("exchange.keys", errors.New("empty: nobody could sign"))
	}
	p.Rule.Evidence = need(w, "evidence.least", f.Evidence.Least, parseEvidence)
	p.Rule.Control = need(w, "evidence.control", f.Evidence.Control, each(parseControl))
	p.Rule.Classes = need(w, "evidence.classes", f.Evidence.Classes, each(parseClass))
	p.Window = need(w, "evidence.window", f.Evidence.Window, parseWindow)
	p.Anchored = need(w, "evidence.anchored", f.Evidence.Anchored, as)
	p.Nodes = cmp.Or(may(w, "evidence.nodes", f.Evidence.Nodes, within(1, 1<<31-1)), 1)
	p.Recompute = need(w, "liabilities.recompute", f.Liabilities.Recompute, as)
	p.Finding = may(w, "liabilities.finding", f.Liabilities.Finding, as)
	if f.Coverage != nil {
		p.LeastCoverage = need(w, "coverage.least", f.Coverage.Least, parsePercent)
	}
	w.anchors(f)
	w.tokens(f)
	w.custodians(f)
	w.checkpoints(f)
	w.approvals(f.Approvals)
	w.auditors(f.Auditor)
	w.roles()
	w.limits(f.Key)
	w.log(f.Log)
	w.timestamps(f.Timestamp)
}

func (w *walker) anchors(f *policyFile) {
	seen := make(map[string]bool)
	for i, a := range f.Anchor {
		field := fmt.Sprintf("anchor[%d]", i)
		out := Anchor{
			Chain:  need(w, field+".chain", a.Chain, parseChain),
			Number: need(w, field+".number", a.Number, as),
			Hash:   need(w, field+".hash", a.Hash, as),
		}
		if err := checkBlockHash(out.Chain, out.Hash); err != nil {
			w.fail(field+".hash", err)
		}
		key := fmt.Sprint(out.Chain, " ", out.Number)
		if seen[key] {
			w.fail(field, errors.New("a second anchor of one chain and number"))
		}
		seen[key] = true
		w.policy.Anchors = append(w.policy.Anchors, out)
	}
}

func (w *walker) tokens(f *policyFile) {
	seen := make(map[string]bool)
	for i, t := range f.Token {
		field := fmt.Sprintf("token[%d]", i)
		out := TokenPin{
			ID:     need(w, field+".id", t.ID, parseToken),
			Layout: need(w, field+".layout", t.Layout, parseOne("layout", "solidity", "vyper")),
			Slot:   need(w, field+".slot", t.Slot, parseHex32),
			Code:   need(w, field+".code", t.Code, parseCode),

			Bits:           may(w, field+".bits", t.Bits, within(1, 255)),
			Proxy:          may(w, field+".proxy", t.Proxy, parseOne("proxy", "eip1967", "zeppelinos")),
			Implementation: may(w, field+".implementation", t.Implementation, parseCode),
			Formula:        may(w, field+".formula", t.Formula, parseHex32),
		}
		if !strings.Contains(out.ID, "/erc20:") {
			w.fail(field+".id", errors.New("not an ERC-20 token"))
		}
		if (out.Proxy == "") != (out.Implementation == "") {
			w.fail(field, errors.New("want proxy and implementation, or neither"))
		}
		if seen[out.ID] {
			w.fail(field+".id", errors.New("twice"))
		}
		seen[out.ID] = true
		w.policy.Tokens = append(w.policy.Tokens, out)
	}
}

func (w *walker) custodians(f *policyFile) {
	w.policy.Custodians = make(map[string]Key)
	for i, c := range f.Custodian {
		field := fmt.Sprintf("custodian[%d]", i)
		name, key := need(w, field+".name", c.Name, parsePrintable), need(w, field+".key", c.Key, parseKey)
		if _, twice := w.policy.Custodians[name]; twice {
			w.fail(field+".name", errors.New("twice"))
		}
		w.policy.Custodians[name] = key
	}
}

// parseHex32 keeps the text of a hash.
func parseHex32(s string) (string, error) {
	_, err := canon.ParseHash(s)
	return s, err
}

// parseCode reads the hash of a contract's code.
func parseCode(s string) (string, error) {
	if hexes, ok := strings.CutPrefix(s, "0x"); !ok || len(hexes) != 64 || !only(hexes, lowerHex) {
		return "", errors.New("want 0x and 64 lower-case hex digits")
	}
	return s, nil
}

// parseWindow reads whole hours, minutes and seconds. Go's own durations have fractions and further units.
func parseWindow(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || !only(s, digits+"hms") || strings.Contains(s, "ms") || s == "0" {
		return 0, errors.New("want a duration, such as 2h or 1h30m")
	}
	return d, nil
}

// CheckAnchor is the part of `headers.CHAIN` that SPEC part 16 gives to anchors: it reports whether an anchor confirms the pinned
// block, and fails if one contradicts it.
func (p *Policy) CheckAnchor(b Block) (bool, error) {
	for _, a := range p.Anchors {
		if a.Chain != b.Chain || a.Number != b.Number {
			continue
		}
		if a.Hash != b.Hash {
			return false, fmt.Errorf("the policy's anchor for block %d is %s, the statement pins %s", b.Number, a.Hash, b.Hash)
		}
		return true, nil
	}
	return false, nil
}

// CheckAnchored fails if the policy wants every pinned block anchored and neither an anchor nor a light client confirms this one
// (SPEC part 16).
func (p *Policy) CheckAnchored(b Block, confirmed bool) error {
	if p.Anchored && !confirmed {
		return fmt.Errorf("no anchor of the policy speaks of block %d, no light client confirms it, and the policy wants every pinned block anchored", b.Number)
	}
	return nil
}
