package verifier

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/tree"
)

// Options are what a caller may ask for beyond the policy.
type Options struct {
	Full bool // every shard must be recomputed from its leaves, whatever the policy says
}

// A bundleRun carries what checks of a bundle hand to one another.
type bundleRun struct {
	run
	options   Options
	files     *Files
	statement *claim.Statement
	listed    map[string]claim.File // by the manifest
	sound     map[string]bool       // present, listed, and with that digest
	shards    []tree.Shard
	lines     []claim.Line
	reached   reached
	anchored  map[string]bool
}

// Bundle makes every check of a bundle (SPEC parts 9 to 15), in the order of what each rests on.
func Bundle(files *Files, policy *claim.Policy, options Options) Verdict {
	b := &bundleRun{
		run: newRun(policy), options: options, files: files,
		listed: map[string]claim.File{}, sound: map[string]bool{}, anchored: map[string]bool{}, reached: newReached(),
	}
	b.check("statement.signature", nil, b.checkSignature)
	b.statement = b.checkStatement(b.statement)
	signed := []string{"statement.format"}
	b.check("bundle.files", signed, b.checkFiles)
	b.check("liabilities.root", signed, b.checkRoot)
	b.checkFull()
	b.check("liabilities.ledger", signed, func() (string, error) {
		l := b.statement.Ledger
		return fmt.Sprintf("%d entries of %d customers", l.Entries, l.Customers), b.statement.CheckLedger()
	})
	b.checkReserves()
	if b.statement != nil {
		b.verdict.Notes = append(b.verdict.Notes, b.statement.Ledger.Excluded()...)
	}
	b.verdict.NotShown = notShownByBundle()
	return b.conclude(b.provenSentence())
}

func (b *bundleRun) checkSignature() (string, error) {
	raw, err := b.files.read(claim.EnvelopePath, limitOf(claim.EnvelopePath))
	if err != nil {
		return "", err
	}
	payload, detail, err := b.verifyEnvelope(raw)
	if err != nil {
		return "", in(claim.EnvelopePath, err)
	}
	b.payload = payload
	return detail, nil
}

// in names the file that an error is about.
func in(path string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", path, err)
}

// verifyEnvelope returns the payload that keys of the policy signed.
func (r *run) verifyEnvelope(raw []byte) (payload []byte, detail string, err error) {
	envelope, err := claim.ParseEnvelope(raw)
	if err != nil {
		return nil, "", err
	}
	signers, err := envelope.Verify(r.policy.Keys)
	if err != nil {
		return nil, "", err
	}
	r.verdict.Signers = nil
	for _, s := range signers {
		r.verdict.Signers = append(r.verdict.Signers, s.ID)
	}
	return envelope.Payload, "by key " + strings.Join(r.verdict.Signers, ", "), nil
}

// checkStatement makes the checks of the signed payload: `statement.format`, `statement.exchange`, `snapshot`.
func (r *run) checkStatement(s *claim.Statement) *claim.Statement {
	r.check("statement.format", []string{"statement.signature"}, func() (string, error) {
		var err error
		if s, err = claim.ParseStatement(r.payload); err != nil {
			return "", in("statement", err)
		}
		r.verdict.Statement = describe(s)
		return "statement " + s.Digest.String(), nil
	})
	format := []string{"statement.format"}
	r.check("statement.exchange", format, func() (string, error) {
		return s.Snapshot.Exchange.Name, s.CheckExchange(r.policy)
	})
	r.check("snapshot", format, func() (string, error) {
		if err := s.Snapshot.Check(r.policy.Window); err != nil {
			return "", err
		}
		drawn, err := r.checkDraw(s)
		return fmt.Sprintf("%s, %d assets on %d chains%s", r.verdict.Statement.Instant, len(s.Snapshot.Assets), len(s.Snapshot.Blocks), drawn), err
	})
	return s
}

// checkDraw is what the check `snapshot` asks of a drawn instant (SPEC part 21).
func (r *run) checkDraw(s *claim.Statement) (string, error) {
	anchored, err := s.Snapshot.CheckDraw(r.policy)
	if err != nil || s.Snapshot.Draw == nil {
		return "", err
	}
	d := s.Snapshot.Draw
	if !anchored {
		r.note("the instant was drawn with block %d of %s, which no anchor of the policy confirms: that it is the chain's is the exchange's word", d.Number, d.Chain)
	}
	r.note("the instant was drawn under the commitment %s: that it was published before block %d of %s is not shown here; compare it with the one you kept", d.Commitment, d.Number, d.Chain)
	return ", the instant drawn", nil
}

const timeForm = "2006-01-02T15:04:05Z"

func describe(s *claim.Statement) *Statement {
	return &Statement{
		Digest: s.Digest.String(), Exchange: s.Snapshot.Exchange.Name, Entity: s.Snapshot.Exchange.Entity,
		Period: s.Snapshot.Period, Instant: s.Snapshot.Instant.Format(timeForm),
		Snapshot: s.Snapshot.ID.String(), Root: s.Tree.Root.String(), Leaves: s.Tree.Leaves, Shards: s.Tree.Shards,
		Included: s.Scope.Included, Excluded: s.Scope.Excluded, Encumbrances: s.Scope.Encumbrances, Tool: s.Tool,
	}
}

// checkFiles is the check `bundle.files` (SPEC part 11).
func (b *bundleRun) checkFiles() (string, error) {
	raw, err := b.files.read(claim.ManifestPath, limitOf(claim.ManifestPath))
	if err != nil {
		return "", err
	}
	if got := claim.Hash(sha256.Sum256(raw)); got != b.statement.Manifest {
		return "", fmt.Errorf("%s: its digest is %s, the statement's subject is %s", claim.ManifestPath, got, b.statement.Manifest)
	}
	manifest, err := claim.ParseManifest(raw)
	if err != nil {
		return "", in(claim.ManifestPath, err)
	}
	if manifest.Snapshot != b.statement.Snapshot.ID {
		return "", fmt.Errorf("%s: snapshot %s, the statement's is %s", claim.ManifestPath, manifest.Snapshot, b.statement.Snapshot.ID)
	}
	for _, f := range manifest.Files {
		b.listed[f.Path] = f
	}
	var faults faults
	for _, f := range b.files.faults {
		faults.add(errors.New(f))
	}
	b.checkTable(&faults)
	for _, l := range b.files.list {
		if l.path == claim.EnvelopePath || l.path == claim.ManifestPath {
			faults.add(b.checkSum(l))
			continue
		}
		faults.add(b.checkFile(l))
	}
	return fmt.Sprintf("%d files with the digests of the signed manifest", len(b.sound)), faults.err()
}

// checkTable compares the manifest with the table of SPEC part 11: what it must list, and nothing else.
func (b *bundleRun) checkTable(faults *faults) {
	table := map[string]string{shardsPath: "core", claim.LinesPath: "core", claim.ControlPath: "core", claim.ClaimsPath: "core"}
	for _, block := range b.statement.Snapshot.Blocks {
		table[evidencePath(block.Chain)] = "core"
		if _, ok := b.listed[beaconPath(block.Chain)]; ok && strings.HasPrefix(block.Chain, "eip155:") { // optional
			table[beaconPath(block.Chain)] = "core"
		}
	}
	for i := range b.statement.Tree.Shards {
		table[leavesPath(i)] = "shard"
	}
	for n, band := range b.statement.Bands {
		table[bandLinesPath(n)] = "core"
		for _, block := range band.Blocks {
			table[bandEvidencePath(n, block.Chain)] = "core"
		}
	}
	for _, path := range slices.Sorted(maps.Keys(table)) {
		f, ok := b.listed[path]
		part := table[path]
		switch {
		case !ok:
			faults.add(fmt.Errorf("the manifest does not list %s", path))
		case f.Part != part:
			faults.add(fmt.Errorf("the manifest lists %s as part %s, it is %s", path, f.Part, part))
		}
		if _, present := b.files.byPath[path]; !present && part == "core" {
			faults.add(&unreadable{path + ": the file is missing"})
		}
	}
	for _, path := range slices.Sorted(maps.Keys(b.listed)) {
		if table[path] == "" {
			faults.add(fmt.Errorf("the manifest lists %s, which no bundle of this statement has", path))
		}
	}
}

// checkFile compares a file that is present with the manifest.
func (b *bundleRun) checkFile(l listed) error {
	want, ok := b.listed[l.path]
	switch {
	case !ok:
		return fmt.Errorf("%q is not listed in the manifest", l.path)
	case l.size > limitOf(l.path):
		return &unreadable{fmt.Sprintf("%s: %d bytes, the limit is %d", l.path, l.size, limitOf(l.path))}
	case l.size != want.Size:
		return fmt.Errorf("%s: %d bytes, the manifest says %d", l.path, l.size, want.Size)
	}
	digest, sum := sha256.New(), crc32.NewIEEE()
	if err := b.stream(l, io.MultiWriter(digest, sum)); err != nil {
		return err
	}
	if got := claim.Hash(digest.Sum(nil)); got != want.SHA256 {
		return fmt.Errorf("%s: its digest is %s, the manifest says %s", l.path, got, want.SHA256)
	}
	if l.zip && sum.Sum32() != l.crc {
		return &unreadable{l.path + ": the zip's checksum of it is wrong"}
	}
	b.sound[l.path] = true
	return nil
}

// checkSum compares the zip's checksum of a file that the manifest does not list.
func (b *bundleRun) checkSum(l listed) error {
	sum := crc32.NewIEEE()
	if err := b.stream(l, sum); err != nil {
		return err
	}
	if l.zip && sum.Sum32() != l.crc {
		return &unreadable{l.path + ": the zip's checksum of it is wrong"}
	}
	return nil
}

func (b *bundleRun) stream(l listed, to io.Writer) error {
	file, err := b.files.open(l.path)
	if err != nil {
		return &unreadable{l.path + ": " + cause(err)}
	}
	defer file.Close()
	n, err := io.Copy(to, io.LimitReader(file, l.size+1))
	if err != nil {
		return &unreadable{l.path + ": " + cause(err)}
	}
	if n != l.size {
		return &unreadable{l.path + ": its size changed while it was read"}
	}
	return nil
}

// load reads a file that passed `bundle.files`, and makes sure that it still is what it was.
func (b *bundleRun) load(path string) ([]byte, error) {
	if !b.sound[path] {
		return nil, &notRun{path + " did not pass bundle.files"}
	}
	raw, err := b.files.read(path, limitOf(path))
	if err != nil {
		return nil, err
	}
	if sha256.Sum256(raw) != b.listed[path].SHA256 {
		return nil, &unreadable{path + ": it changed while it was read"}
	}
	return raw, nil
}

// faults gathers errors of one check: all are counted, the first few told, and the gravest decides the exit code.
type faults struct {
	told  []error
	count int
}

func (f *faults) add(err error) {
	if err == nil {
		return
	}
	f.count++
	if len(f.told) < 8 || ExitCode(err) == ExitFalse {
		f.told = append(f.told, err)
	}
}

func (f *faults) err() error {
	if f.count == 0 {
		return nil
	}
	texts, grave := []string{}, f.told[0]
	for i, err := range f.told {
		if i < 8 {
			texts = append(texts, err.Error())
		}
		if ExitCode(err) == ExitFalse {
			grave = nil
		}
	}
	text := strings.Join(texts, "; ")
	if f.count > len(texts) {
		text += fmt.Sprintf("; and %d more", f.count-len(texts))
	}
	if grave != nil {
		return &unreadable{text}
	}
	return errors.New(text)
}
