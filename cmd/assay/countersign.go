package main

import (
	"archive/zip"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/report"
)

// countersigning is what an auditor says, beside what the verifier printed.
type countersigning struct {
	verdict, key, name, scope, tool, out string
	procedures, findings                 []string
}

func newCountersign(a *app) *cobra.Command {
	var c countersigning
	cmd := &cobra.Command{
		Use:   "countersign BUNDLE",
		Short: "For auditors: sign what you checked and found, beside the statement",
		Long: `Sign a finding about the statement of a bundle (a folder or a zip): the scope in your words, what was done, what was found, and how each check ended that your own
assay-verify made. It needs no assay.toml and no run:

  assay-verify bundle bundle.zip --policy policy.toml --json > verdict.json
  assay countersign bundle.zip --verdict verdict.json --key file:auditor.age --name "Example Accountants" \\
    --scope "…" --procedure "…" --finding "…" --out finding.dsse.json

The exchange puts it beside the statement with assay attach. A finding vouches for no more than it says.`,
		Args: oneArg("countersign takes one bundle"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.countersign(cmd, args[0], c) },
	}
	f := cmd.Flags()
	f.StringVar(&c.verdict, "verdict", "", "what assay-verify bundle --json printed of this bundle")
	f.StringVar(&c.key, "key", "", "your key, such as file:auditor.age")
	f.StringVar(&c.name, "name", "", "your name, as policies have it")
	f.StringVar(&c.scope, "scope", "", "what you looked at, and what not")
	f.StringArrayVar(&c.procedures, "procedure", nil, "what was done; again for each")
	f.StringArrayVar(&c.findings, "finding", nil, "what was found; again for each")
	f.StringVar(&c.tool, "tool", "", "program and version of the verifier (default: as the verdict tells)")
	f.StringVar(&c.out, "out", "", "file for the signed finding")
	return cmd
}

// verdictFile is what a finding takes of the verdict that assay-verify prints as JSON.
type verdictFile struct {
	Policy    report.Digest
	Statement struct{ Digest report.Digest }
	Checks    []report.CheckResult
	Tool      string
}

func (a *app) countersign(cmd *cobra.Command, bundle string, c countersigning) error {
	for _, flag := range []struct{ name, value string }{{"verdict", c.verdict}, {"key", c.key}, {"name", c.name}, {"scope", c.scope}, {"out", c.out}} {
		if flag.value == "" {
			return usage("--%s is missing", flag.name)
		}
	}
	signed, err := statementOf(bundle)
	if err != nil {
		return err
	}
	raw, err := os.ReadFile(c.verdict)
	if err != nil {
		return unreadable("--verdict: %v", err)
	}
	var v verdictFile
	if err := json.Unmarshal(raw, &v); err != nil || len(v.Checks) == 0 {
		return hinted(unreadable("--verdict: %s is no verdict of assay-verify", c.verdict), "make it with assay-verify bundle … --json")
	}
	if v.Statement.Digest != signed.Digest {
		return refused("--verdict: %s is about the statement %s, %s holds %s", c.verdict, v.Statement.Digest, bundle, signed.Digest)
	}
	signer, err := a.signer(cmd.Context(), "--key", c.key)
	if err != nil {
		return err
	}
	issued, err := now()
	if err != nil {
		return err
	}
	payload, err := report.Finding{Auditor: c.name, Checks: v.Checks, Findings: c.findings, Issued: issued, Key: signer.PublicKey(), Policy: v.Policy,
		Procedures: c.procedures, Scope: c.scope, Tool: cmp.Or(c.tool, v.Tool)}.Payload(signed.Digest)
	if err != nil {
		return usage("%v", err)
	}
	file, err := envelopeOf(attest.PayloadType, payload, signer)
	if err != nil {
		return err
	}
	if err := renameio.WriteFile(c.out, file, 0o644); err != nil {
		return unreadable("%v", err)
	}
	return a.say(cmd, map[string]string{"finding": c.out, "statement": signed.Digest.String(), "keyid": signer.PublicKey().KeyID()},
		"signed finding about the statement %s: %s", signed.Digest, c.out)
}

// statementOf reads the signed statement of a bundle, a folder or a zip.
func statementOf(bundle string) (report.Signed, error) {
	info, err := os.Stat(bundle)
	if err != nil {
		return report.Signed{}, unreadable("%v", err)
	}
	if info.IsDir() {
		return readStatement(filepath.Join(bundle, report.PathEnvelope))
	}
	z, err := zip.OpenReader(bundle)
	if err != nil {
		return report.Signed{}, unreadable("%s: %v", bundle, err)
	}
	defer z.Close()
	f, err := z.Open(report.PathEnvelope)
	if err != nil {
		return report.Signed{}, unreadable("%s: %v", bundle, err)
	}
	raw, err := io.ReadAll(io.LimitReader(f, attest.MaxEnvelope+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return report.Signed{}, unreadable("%s: %v", bundle, err)
	}
	signed, err := report.Read(raw)
	if err != nil {
		return signed, unreadable("%s: %v", bundle, err)
	}
	return signed, nil
}
