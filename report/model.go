package report

import (
	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/chains"
)

// PredicateType names what a solvency statement says (SPEC part 9).
const PredicateType = "https://github.com/assay-por/assay/solvency/v1"

// KindPlain is the kind of sum of which subtotals are visible along a path (SPEC part 3).
const KindPlain = "plain"

// KindConfidential is the kind of sum that hides (SPEC part 29).
const KindConfidential = "confidential"

// The types of the bundle's files (SPEC parts 6, 11 to 15, 20, 21).
const (
	TypeManifest         = "assay/v1/manifest"
	TypeShards           = "assay/v1/shards"
	TypeLines            = "assay/v1/lines"
	TypeControl          = "assay/v1/control"
	TypeClaims           = "assay/v1/claims"
	TypeBand             = "assay/v1/band"
	TypeEvidenceEVM      = "assay/v1/evidence/evm"
	TypeEvidenceUTXO     = "assay/v1/evidence/utxo"
	TypeEvidenceAttested = "assay/v1/evidence/attested"
)

// Statement is a signed solvency statement (SPEC part 9).
type Statement = attest.Statement[Predicate]

// Predicate is what a solvency statement says (SPEC part 9).
type Predicate struct {
	Approvals   Approvals   `json:"approvals"`
	Bands       []Band      `json:"bands"`
	Coverage    []Coverage  `json:"coverage"`
	Issued      Time        `json:"issued"`
	Ledger      Ledger      `json:"ledger"`
	Liabilities []Liability `json:"liabilities"`
	Moment      Moment      `json:"moment"`
	Reserves    Reserves    `json:"reserves"`
	Scope       Scope       `json:"scope"`
	Series      Series      `json:"series"`
	Snapshot    Snapshot    `json:"snapshot"`
	Tool        string      `json:"tool"`
	Tree        Tree        `json:"tree"`
}

// Snapshot is the instant a report speaks of (SPEC part 3).
type Snapshot struct {
	Assets   []Asset  `json:"assets"`
	Blocks   []Block  `json:"blocks"`
	Draw     *Draw    `json:"draw,omitempty"`
	Exchange Exchange `json:"exchange"`
	ID       Digest   `json:"id"`
	Instant  Time     `json:"instant"`
	Kind     string   `json:"kind"`
	Margin   *Margin  `json:"margin,omitempty"`
	Period   string   `json:"period"`
}

// Asset is what is owed, with the tokens that back it (SPEC part 3).
type Asset struct {
	Decimals uint8   `json:"decimals"`
	ID       string  `json:"id"`
	Tokens   []Token `json:"tokens"`
}

// Token is what a chain holds (SPEC part 3).
type Token struct {
	Class    Class        `json:"class"`
	Decimals uint8        `json:"decimals"`
	ID       chains.Token `json:"id"`
}

// Class says what sort of token it is (SPEC part 3).
type Class string

// The token classes of SPEC part 3.
const (
	Native  Class = "native"
	Issued  Class = "issued"
	Wrapped Class = "wrapped"
	Staked  Class = "staked"
	Own     Class = "own"
)

// Classes lists all token classes (SPEC part 3).
func Classes() []Class { return []Class{Native, Issued, Wrapped, Staked, Own} }

// Block is the pinned block of a chain (SPEC part 3).
type Block struct {
	Chain  chains.Chain `json:"chain"`
	Hash   string       `json:"hash"`
	Number uint64       `json:"number"`
	Time   Time         `json:"time"`
}

// Exchange is whose report it is (SPEC part 3).
type Exchange struct {
	Entity string `json:"entity"`
	LEI    string `json:"lei,omitempty"`
	Name   string `json:"name"`
	URL    string `json:"url,omitempty"`
}

// Scope says what the report speaks of and what it leaves out, in the exchange's
// own words (SPEC part 9).
type Scope struct {
	Encumbrances string   `json:"encumbrances"`
	Excluded     []string `json:"excluded"`
	Included     []string `json:"included"`
}

// Tree names the tree of liabilities (SPEC part 9). Surplus is the hex of the point C_sur, and there where totals are hidden (SPEC part 29).
type Tree struct {
	Kind    string `json:"kind"`
	Leaves  uint64 `json:"leaves"`
	Root    Digest `json:"root"`
	Shards  uint64 `json:"shards"`
	Surplus string `json:"surplus,omitempty"`
}

// Liability is what is owed of an asset in its base units (SPEC part 9); where totals are hidden, what is owed at most of an asset that
// reserves cover (SPEC part 29). One of both is set.
type Liability struct {
	Amount *Units `json:"amount,omitempty"`
	Asset  string `json:"asset"`
	AtMost *Units `json:"at_most,omitempty"`
}

// AssetAmount is an amount of an asset in its base units (SPEC part 4).
type AssetAmount struct {
	Amount Units  `json:"amount"`
	Asset  string `json:"asset"`
}

// Ledger tells how the ledger became leaves (SPEC part 7).
type Ledger struct {
	Classes       []LedgerClass `json:"classes"`
	Customers     uint64        `json:"customers"`
	Duplicates    Duplicates    `json:"duplicates"`
	Entries       uint64        `json:"entries"`
	Negatives     Negatives     `json:"negatives"`
	Underwater    *Underwater   `json:"underwater,omitempty"` // with margin accounts only
	UnknownAssets UnknownAssets `json:"unknown_assets"`
}

// LedgerClass sums up the entries of one class (SPEC part 7). Where totals are hidden there is no Sum: it is nil (SPEC part 29).
type LedgerClass struct {
	Class     string        `json:"class"`
	Customers uint64        `json:"customers"`
	Entries   uint64        `json:"entries"`
	Sum       []AssetAmount `json:"sum,omitzero"`
}

// The rules for what does not become a leaf as it is (SPEC part 7).
const (
	RuleError    = "error"
	RuleExclude  = "exclude"
	RuleSum      = "sum"
	RuleDebit    = "debit"
	RuleWriteOff = "write-off"
)

// Duplicates tells of entries with one customer, asset and class (SPEC part 7).
type Duplicates struct {
	Entries uint64 `json:"entries"`
	Rule    string `json:"rule"`
}

// Negatives tells of entries below zero; Sum is of magnitudes (SPEC part 7), and nil where they are debits and totals are hidden (SPEC part 29).
type Negatives struct {
	Entries uint64        `json:"entries"`
	Rule    string        `json:"rule"`
	Sum     []AssetAmount `json:"sum,omitzero"`
}

// UnknownAssets tells of entries of assets that the registry lacks (SPEC part 7).
type UnknownAssets struct {
	Entries uint64       `json:"entries"`
	Rule    string       `json:"rule"`
	Sums    []UnknownSum `json:"sums"`
}

// UnknownSum is a decimal amount of an asset that the registry lacks (SPEC part 7).
type UnknownSum struct {
	Amount string `json:"amount"`
	Asset  string `json:"asset"`
}

// Reserves sums up the lines per asset, by the rule that says which count, and lists
// apart what is only claimed (SPEC parts 15 and 20).
type Reserves struct {
	Assets []AssetReserves `json:"assets"`
	Claims []ClaimTotal    `json:"claims"`
	Rule   Rule            `json:"rule"`
}

// AssetReserves sums up the lines of one asset (SPEC part 15).
type AssetReserves struct {
	Asset   string  `json:"asset"`
	Counted Units   `json:"counted"`
	Groups  []Group `json:"groups"`
}

// Rule says which lines count: their token class, their control grade, and the
// least evidence grade (SPEC part 15).
type Rule struct {
	Classes  []Class               `json:"classes"`
	Control  []chains.ControlGrade `json:"control"`
	Evidence chains.EvidenceGrade  `json:"evidence"`
}

// Group sums up lines of one token, custody, evidence and control, in the asset's
// base units (SPEC part 15).
type Group struct {
	Accounts uint64               `json:"accounts"`
	Amount   Units                `json:"amount"`
	Class    Class                `json:"class"`
	Control  chains.ControlGrade  `json:"control"`
	Custody  Custody              `json:"custody"`
	Evidence chains.EvidenceGrade `json:"evidence"`
	Token    chains.Token         `json:"token"`
}

// Custody says who keeps an account; it is the exchange's word (SPEC part 15).
type Custody string

// The kinds of custody of SPEC part 15.
const (
	OwnHot   Custody = "own-hot"
	OwnCold  Custody = "own-cold"
	OwnOther Custody = "own-other"
)

// Custodies lists all kinds of custody (SPEC part 15).
func Custodies() []Custody { return []Custody{OwnHot, OwnCold, OwnOther} }

// Coverage sets what is counted of one asset against what is owed. Ratio is empty
// where nothing is owed; one of Surplus and Shortfall is set (SPEC part 15). Of an asset
// whose total is hidden there is only what is counted (SPEC part 29).
type Coverage struct {
	Asset       string `json:"asset"`
	Counted     Units  `json:"counted"`
	Ratio       string `json:"coverage,omitempty"`
	Liabilities *Units `json:"liabilities,omitempty"`
	Shortfall   *Units `json:"shortfall,omitempty"`
	Surplus     *Units `json:"surplus,omitempty"`
}

// Line is one account's balance of one token, in the token's base units (SPEC part 15).
type Line struct {
	Account  chains.Account       `json:"account"`
	Amount   Units                `json:"amount"`
	Control  chains.ControlGrade  `json:"control"`
	Custody  Custody              `json:"custody"`
	Evidence chains.EvidenceGrade `json:"evidence"`
	Token    chains.Token         `json:"token"`
}

// LinesFile is reserves/lines.json (SPEC part 15).
type LinesFile struct {
	Lines    []Line `json:"lines"`
	Snapshot Digest `json:"snapshot"`
	Type     string `json:"type"`
}

// ControlFile is reserves/control.json (SPEC part 14).
type ControlFile struct {
	Signatures []ControlSignature `json:"signatures"`
	Snapshot   Digest             `json:"snapshot"`
	Type       string             `json:"type"`
}

// ControlSignature is the one answer of its accounts' owner, to their challenge
// or over a text of others (SPEC part 14).
type ControlSignature struct {
	Accounts  []chains.Account `json:"accounts"`
	Message   string           `json:"message,omitempty"` // the text that was signed, if it is not the challenge
	Method    string           `json:"method"`
	Nodes     []string         `json:"nodes,omitempty"` // that answered for a contract
	Signature string           `json:"signature"`
}

// Manifest is manifest.json (SPEC part 11).
type Manifest struct {
	Files    []ManifestFile `json:"files"`
	Snapshot Digest         `json:"snapshot"`
	Type     string         `json:"type"`
}

// ManifestFile names one file of the bundle (SPEC part 11).
type ManifestFile struct {
	Part   string `json:"part"`
	Path   string `json:"path"`
	SHA256 Digest `json:"sha256"`
	Size   uint64 `json:"size"`
}
