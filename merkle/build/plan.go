package build

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"path"
	"slices"
	"strings"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/ledger"
	"github.com/assay-por/assay/merkle/shard"
)

// Plan is all that a build depends on. Every worker of a build has the same.
type Plan struct {
	Type     string      `json:"type"`  // "assay/v1/plan"
	Input    string      `json:"input"` // what names the ledger
	Snapshot merkle.Hash `json:"snapshot"`
	Kind     merkle.Kind `json:"kind"`
	// Recipient names the age recipient that files are sealed to, and with it the secret that was drawn along with its identity: a snapshot
	// that was drawn up anew has another.
	Recipient string         `json:"recipient"`
	Assets    []ledger.Asset `json:"assets"`
	Margin    []merkle.Price `json:"margin,omitempty"` // of margin accounts, if there are any (SPEC part 30)
	Rules     ledger.Rules   `json:"rules"`
	Scans     []int          `json:"scans"`  // how many of the sources each scan reads, in their order
	Parts     int            `json:"parts"`  // that a scan divides customers into; the root does not depend on it
	Shards    int            `json:"shards"` // 0: by the number of entries, see ShardEntries
	Leaves    bool           `json:"leaves"` // write leaves files
	// Hidden says that totals are hidden, where sums hide: the top level is proved once reserves are known, see [HiddenTop].
	Hidden bool `json:"hidden,omitempty"`
}

const planType = "assay/v1/plan"

// ShardEntries is how many entries a shard has at most on average, where the plan does not say how many shards there are: then
// they are the least power of two that keeps to it. So the tree depends on what the ledger holds, and on nothing else. Where sums hide,
// a shard's rows are in memory while they are proved, and a shard has half as many.
func ShardEntries(kind merkle.Kind) uint64 {
	if kind == merkle.KindConfidential {
		return 1 << 20
	}
	return 1 << 21
}

const (
	// A ledger of more than one source is read in scans of this many bytes or more, so that several machines can.
	scanSize = 1 << 28
	maxScans = 16
	// Each part costs a scan some 100 KiB of memory, and files.
	maxParts   = 1024
	partMemory = 100 << 10
)

// NewPlan plans a build of sources that input names. Of its memory in bytes, a fourth is for the parts of a scan.
func NewPlan(input string, snapshot merkle.Hash, kind merkle.Kind, assets []ledger.Asset, rules ledger.Rules, sources []ledger.Source, memory int64) Plan {
	var entries, size int64
	for _, s := range sources {
		entries += estimate(s)
		size += s.Size
	}
	p := Plan{Type: planType, Input: input, Snapshot: snapshot, Kind: kind, Assets: assets, Rules: rules, Scans: groups(sources, size)}
	most := min(max(memory/4/partMemory, 1), maxParts)
	each := int64(ShardEntries(kind)) //nolint:gosec // a constant
	for p.Parts = 1; int64(p.Parts) < (entries+each-1)/each && int64(2*p.Parts) <= most; {
		p.Parts *= 2
	}
	return p
}

// estimate guesses how many entries a source holds: too many rather than too few. A part that is too large is sorted all the same.
func estimate(s ledger.Source) int64 {
	const row = 32 // customer, asset and balance
	switch {
	case s.Size == 0:
		return 1 << 26
	case strings.HasSuffix(s.Name, ".csv"):
		return s.Size / row
	}
	const packed = 6
	return s.Size * packed / row
}

// groups divides the sources among scans, in order.
func groups(sources []ledger.Source, size int64) []int {
	count := min(len(sources), maxScans, int(size/scanSize)+1)
	var all []int
	var sum int64
	last := 0
	for i, s := range sources {
		sum += s.Size
		left := count - len(all) - 1 // scans after this one
		if left > 0 && (sum >= size/int64(count)*int64(len(all)+1) || len(sources)-i-1 == left) {
			all, last = append(all, i+1-last), i+1
		}
	}
	return append(all, len(sources)-last)
}

// Encode returns the plan as [ParsePlan] reads it.
func (p Plan) Encode() []byte {
	b, err := json.Marshal(p)
	if err != nil {
		panic(err) // it holds nothing that could not be
	}
	return b
}

// ID names the plan.
func (p Plan) ID() string {
	sum := sha256.Sum256(p.Encode())
	return fmt.Sprintf("%x", sum[:16])
}

// ParsePlan reads a plan back.
func ParsePlan(b []byte) (Plan, error) {
	var p Plan
	if err := json.Unmarshal(b, &p); err != nil {
		return p, fmt.Errorf("the plan of the build: %w", err)
	}
	return p, p.check()
}

func (p Plan) check() error {
	switch {
	case p.Type != planType:
		return fmt.Errorf("the plan of the build is of type %q, want %q", p.Type, planType)
	case p.Kind != merkle.KindPlain && p.Kind != merkle.KindConfidential:
		return fmt.Errorf("the plan of the build is for a tree of kind %v: it is of another version", p.Kind)
	case len(p.Assets) < 1 || len(p.Assets) > merkle.MaxAssets:
		return fmt.Errorf("%d assets: want 1 to %d", len(p.Assets), merkle.MaxAssets)
	case p.Shards < 0 || p.Shards > shard.MaxShards:
		return fmt.Errorf("%d shards: want 1 to %d", p.Shards, shard.MaxShards)
	case p.Parts < 1 || p.Parts > maxParts:
		return fmt.Errorf("%d parts: want 1 to %d", p.Parts, maxParts)
	case p.Hidden && p.Kind != merkle.KindConfidential:
		return fmt.Errorf("the plan of the build hides the totals of a tree of kind %v, which has none that hide", p.Kind)
	case len(p.Scans) == 0:
		return errors.New("the ledger has no files: name at least one")
	case (p.Rules.Underwater != "") != (len(p.Margin) > 0):
		return errors.New("the plan of the build has prices without a rule for customers under water, or the other way round")
	}
	_, err := p.margin()
	return err
}

// margin returns the rule of margin accounts, nil where there are none.
func (p Plan) margin() (*merkle.Margin, error) {
	if len(p.Margin) == 0 {
		return nil, nil
	}
	decimals := make([]uint8, len(p.Assets))
	for i, a := range p.Assets {
		decimals[i] = a.Decimals
	}
	m, err := merkle.NewMargin(decimals, p.Margin)
	if err != nil {
		return nil, fmt.Errorf("margin: %w", err)
	}
	return m, nil
}

// assets are those of the plan, with the columns of their debits.
func (p Plan) assets() ([]ledger.Asset, error) {
	m, err := p.margin()
	if m == nil || err != nil {
		return p.Assets, err
	}
	all := slices.Clone(p.Assets)
	for i := range all {
		all[i].Debit, _ = m.Debit(i)
	}
	return all, nil
}

// columns are the names of a sum's columns (SPEC parts 4 and 30).
func (p Plan) columns() ([]string, error) {
	ids := make([]string, len(p.Assets))
	for i, a := range p.Assets {
		ids[i] = a.ID
	}
	m, err := p.margin()
	if m == nil || err != nil {
		return ids, err
	}
	return m.Names(ids), nil
}

// shards returns the number of shards of so many entries.
func (p Plan) shards(entries uint64) int {
	if p.Shards > 0 {
		return p.Shards
	}
	each := ShardEntries(p.Kind)
	if p.Kind == merkle.KindConfidential && len(p.Margin) > 0 {
		each /= 2 // a row has its net equity too, and is in memory
	}
	n := (entries + each - 1) / each
	return min(1<<bits.Len64(max(n, 1)-1), shard.MaxShards)
}

func (p Plan) tasks(stage string, n int) []Task {
	tasks := make([]Task, n)
	for i := range tasks {
		tasks[i] = Task{Plan: p.ID(), Stage: stage, Index: i}
	}
	return tasks
}

// PlanFile is the name that a plan has where it is kept.
const PlanFile = "plan.json"

// Folder returns the folder that the files of a plan lie in.
func Folder(plan string) string { return path.Join("tree", plan) }

// ShardFile returns the name of a shard's sealed file in the plan's folder.
func ShardFile(index int) string { return fmt.Sprintf("shards/%05d.age", index) }

// LeavesFile returns the name of a shard's leaves file in the plan's folder. Its last part is its name in a bundle (SPEC part 6).
func LeavesFile(index int) string { return fmt.Sprintf("leaves/shard-%05d.leaves", index) }

// ProofFile returns the name of a shard's proof in the plan's folder, where sums hide. Its last part is its name in a bundle (SPEC part 29).
func ProofFile(index int) string { return fmt.Sprintf("proofs/shard-%05d.proof", index) }

// TopProofFile is the name of the top level's proof in the plan's folder, where sums hide (SPEC part 29).
const TopProofFile = "proofs/top.proof"

// coveredName is the name of what a [HiddenTop] made for reserves, in the plan's folder.
func coveredName(id string) string { return coveredDir + id + ".age" }

const coveredDir = "covered/"

// triedName is the name of a proof as an attempt at a shard made it: no two are alike, and one of them becomes the shard's.
func triedName(shard int, attempt string) string {
	return fmt.Sprintf("proofs/tried/%05d-%s.proof", shard, attempt)
}

const spoolsDir = "spools/"

func spoolName(scan int, attempt string, part int) string {
	return fmt.Sprintf(spoolsDir+"%03d-%s/%05d.age", scan, attempt, part)
}
func runsName(shard int, attempt string) string {
	return fmt.Sprintf(spoolsDir+"runs/%05d-%s-", shard, attempt)
}
func scanName(index int) string  { return fmt.Sprintf("scan-%03d.json", index) }
func shardName(index int) string { return fmt.Sprintf("shard-%05d.json", index) }
