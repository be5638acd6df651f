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

// pagePath is the page by which customers check (SPEC part 11). Here only its digest is checked.
const pagePath = "verify.html"

// Options are what a caller may ask for beyond the policy.
type Options struct {
	Full     bool                         // every shard must be recomputed from its leaves, whatever the policy says
	Log      *Look                        // nil: no log is looked at
	Progress func(done, total uint64)     // nil: nobody asks; told of shards that are recomputed, by one at a time
	Scratch  func() (tree.Scratch, error) // nil: memory holds what is kept of every leaf, 24 bytes; asked once, from 2^18 leaves on
}

// A bundleRun carries what checks of a bundle hand to one another.
type bundleRun struct {
	run
	options   Options
	files     *Files
	listed    map[string]claim.File // by the manifest
	sound     map[string]bool       // present, listed, and with that digest
	stamps    []Timestamp
	unstamped error // what is wrong with one of them
	anchor    *Anchored
	unmoored  error // what is wrong with it
	vouched   bool  // a finding of an auditor of the policy says that every leaf was recomputed
	shards    []tree.Shard
	lines     []claim.Line
	reached   reached
	anchored  map[string]bool
}

// Bundle makes every check of a bundle (SPEC parts 9 to 15, and 20 to 27), in the order of what each rests on.
func Bundle(files *Files, policy *claim.Policy, options Options) Verdict {
	b := &bundleRun{
		run: newRun(policy), options: options, files: files,
		listed: map[string]claim.File{}, sound: map[string]bool{}, anchored: map[string]bool{}, reached: newReached(),
	}
	b.look(options.Log, subjectIn(files))
	b.check("statement.signature", nil, b.checkSignature)
	b.checkStatement()
	signed := []string{"statement.format"}
	b.check("bundle.files", signed, b.checkFiles)
	b.checkOutside()
	b.check("findings", []string{"bundle.files"}, b.checkFindings)
	b.check("liabilities.root", signed, b.checkRoot)
	if b.statement != nil && b.statement.Snapshot.Kind == claim.KindConfidential {
		b.check("liabilities.totals", []string{"liabilities.root"}, b.checkTotals)
	}
	b.checkFull()
	b.checkMargin()
	b.check("liabilities.ledger", signed, func() (string, error) {
		l := b.statement.Ledger
		detail := fmt.Sprintf("%d entries of %d customers", l.Entries, l.Customers)
		if b.statement.Hidden() {
			detail += "; what they come to is hidden, and compared with nothing"
		}
		return detail, b.statement.CheckLedger()
	})
	b.checkReserves()
	if b.statement != nil {
		b.verdict.Notes = append(b.verdict.Notes, b.statement.Ledger.Excluded()...)
	}
	b.verdict.NotShown = b.notShown(notShownByBundle())
	return b.conclude(b.provenSentence())
}

func (b *bundleRun) checkSignature() (string, error) {
	raw, err := b.files.read(claim.EnvelopePath, limitOf(claim.EnvelopePath))
	if err != nil {
		return "", err
	}
	b.readOutside(sha256.Sum256(raw))
	detail, err := b.verifyEnvelope(raw)
	return detail, in(claim.EnvelopePath, err)
}

// in names the file that an error is about.
func in(path string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", path, err)
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
		if strings.HasPrefix(l.path, attachments) {
			continue
		}
		faults.add(b.checkFile(l))
	}
	for _, err := range b.checkAttachments() {
		faults.add(err)
	}
	return fmt.Sprintf("%d files with the digests of the signed manifest", len(b.sound)), faults.err()
}

// checkTable compares the manifest with the table of SPEC part 11: what it must list, and nothing else.
func (b *bundleRun) checkTable(faults *faults) {
	table := map[string]string{shardsPath: "core", claim.LinesPath: "core", claim.ControlPath: "core", claim.ClaimsPath: "core"}
	if _, ok := b.listed[pagePath]; ok { // optional
		table[pagePath] = "core"
	}
	confidential := b.statement.Snapshot.Kind == claim.KindConfidential
	if confidential {
		table[topProofPath] = "core"
	}
	for _, block := range b.statement.Snapshot.Blocks {
		table[evidencePath(block.Chain)] = "core"
		if _, ok := b.listed[beaconPath(block.Chain)]; ok && strings.HasPrefix(block.Chain, "eip155:") { // optional
			table[beaconPath(block.Chain)] = "core"
		}
	}
	for i := range b.statement.Tree.Shards {
		table[leavesPath(i)] = "shard"
		if confidential {
			table[shardProofPath(i)] = "shard"
		}
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
