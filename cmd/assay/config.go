package main

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/merkle/shard"
	"github.com/assay-por/assay/report"
)

// Config is assay.toml. Every key is explained in template.toml, which `assay init` writes; relative paths start at the
// file. It holds no secret: keys are references.
type Config struct {
	Exchange struct {
		Name   string `toml:"name"`
		Entity string `toml:"entity"`
		LEI    string `toml:"lei"`
		URL    string `toml:"url"`
	} `toml:"exchange"`
	Scope struct {
		Included     []string `toml:"included"`
		Excluded     []string `toml:"excluded"`
		Encumbrances string   `toml:"encumbrances"`
	} `toml:"scope"`
	Series struct {
		Name       string `toml:"name"`
		Former     string `toml:"former"`
		Supersedes string `toml:"supersedes"`
	} `toml:"series"`
	Approvals struct {
		Required uint64   `toml:"required"`
		Keys     []string `toml:"keys"`
	} `toml:"approvals"`
	Run struct {
		Dir    string `toml:"dir"`
		Kind   string `toml:"kind"`
		Totals string `toml:"totals"`
		Memory string `toml:"memory"`
		Shards int    `toml:"shards"`
		Store  string `toml:"store"`
	} `toml:"run"`
	S3   S3Config `toml:"s3"`
	Keys struct {
		Snapshot  string   `toml:"snapshot"`
		Statement string   `toml:"statement"`
		Former    []string `toml:"former"`
	} `toml:"keys"`
	Ledger struct {
		Files         []string `toml:"files"`
		Query         string   `toml:"query"`
		Database      string   `toml:"database"`
		Negatives     string   `toml:"negatives"`
		Duplicates    string   `toml:"duplicates"`
		UnknownAssets string   `toml:"unknown_assets"`
	} `toml:"ledger"`
	Margin *MarginConfig `toml:"margin"`
	Worker struct {
		Database string `toml:"database"`
		Tasks    int    `toml:"tasks"`
		Runs     string `toml:"runs"`
	} `toml:"worker"`
	Assets     []AssetConfig      `toml:"asset"`
	Chains     []ChainConfig      `toml:"chain"`
	Wallets    []WalletConfig     `toml:"wallet"`
	Custodians []CustodianConfig  `toml:"custodian"`
	Claims     []ClaimConfig      `toml:"claim"`
	Validators []ValidatorsConfig `toml:"validators"`
	Bands      struct {
		Before []string `toml:"before"`
		After  []string `toml:"after"`
	} `toml:"bands"`
	Drift    DriftConfig `toml:"drift"`
	Coverage struct {
		Evidence string   `toml:"evidence"`
		Control  []string `toml:"control"`
		Classes  []string `toml:"classes"`
	} `toml:"coverage"`
	Bundle struct {
		Dir    string `toml:"dir"`
		Zip    string `toml:"zip"`
		Report string `toml:"report"`
		Leaves bool   `toml:"leaves"`
	} `toml:"bundle"`
	Server  ServerConfig  `toml:"server"`
	Log     LogConfig     `toml:"log"`
	Witness WitnessConfig `toml:"witness"`

	Timestamps []TimestampConfig `toml:"timestamp"`
	Webhooks   []WebhookConfig   `toml:"webhook"`

	path string // of the file, absolute
}

// DriftConfig is [report.DriftLimits].
type DriftConfig struct {
	Customers   uint64 `toml:"customers"`
	Entries     uint64 `toml:"entries"`
	Liabilities uint64 `toml:"liabilities"`
	Reserves    uint64 `toml:"reserves"`
	Coverage    uint64 `toml:"coverage"`
	Excluded    uint64 `toml:"excluded"`
	Assets      bool   `toml:"assets"`
}

// AssetConfig is an asset owed and the tokens that back it.
type AssetConfig struct {
	ID       string        `toml:"id"`
	Decimals uint8         `toml:"decimals"`
	Tokens   []TokenConfig `toml:"tokens"`
}

// TokenConfig is a token on a chain.
type TokenConfig struct {
	ID       string        `toml:"id"`
	Decimals uint8         `toml:"decimals"`
	Class    string        `toml:"class"`
	Recipe   *RecipeConfig `toml:"recipe"`
}

// ChainConfig says how a chain is read.
type ChainConfig struct {
	ID            string   `toml:"id"`
	Nodes         []string `toml:"nodes"`
	Confirmations uint64   `toml:"confirmations"`
	Filters       bool     `toml:"filters"`

	Beacon     []string     `toml:"beacon"` // beacon nodes, with Checkpoint or not at all
	Checkpoint string       `toml:"checkpoint"`
	Genesis    string       `toml:"genesis"` // this and Forks: of networks that SPEC part 22 does not list
	Forks      []ForkConfig `toml:"forks"`
}

// ForkConfig is a fork of a beacon chain.
type ForkConfig struct {
	Epoch   uint64 `toml:"epoch"`
	Name    string `toml:"name"`
	Version string `toml:"version"`
}

// WalletConfig is a list of the exchange's accounts on one chain, or what such accounts are derived from.
type WalletConfig struct {
	Chain       string   `toml:"chain"`
	File        string   `toml:"file"`
	Accounts    []string `toml:"accounts"`
	Descriptors []string `toml:"descriptors"`
	XPubs       []string `toml:"xpubs"`
	Script      string   `toml:"script"`
	Range       uint32   `toml:"range"`
	Gap         uint32   `toml:"gap"`
	Custody     string   `toml:"custody"`
}

//go:embed template.toml
var configTemplate string

// loadConfig reads the configuration strictly: a key it does not know is an error with its line and column.
func loadConfig(path string) (*Config, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, hinted(unreadable("%s: no such file", path), "write one with assay init, or name yours with --config")
	}
	if err != nil {
		return nil, unreadable("%v", err)
	}
	c, err := parseConfig(raw)
	if err != nil {
		return nil, unreadable("%s:%v", path, err)
	}
	if c.path, err = filepath.Abs(path); err != nil {
		return nil, unreadable("%v", err)
	}
	return c, nil
}

// parseConfig decodes over the defaults and checks what no room checks by itself. Errors begin with a position or a blank.
func parseConfig(raw []byte) (*Config, error) {
	c := defaultConfig()
	if err := c.decode(raw); err != nil {
		return nil, err
	}
	for _, check := range []func() error{
		c.checkRun, c.checkSeries, c.checkLedger, c.checkMargin, c.checkS3, named("worker.", c.checkWorker), c.checkKeys, c.checkRecipes, c.checkChains, c.checkWallets,
		c.checkClaims, c.checkBands, c.checkValidators, c.checkTimestamps, c.checkWebhooks, c.checkServer, c.checkBuckets, c.checkLog,
	} {
		if err := check(); err != nil {
			return nil, fmt.Errorf(" %w", err)
		}
	}
	return c, nil
}

// named is a check whose errors begin with the name of what it looks at.
func named(name string, check func() error) func() error {
	return func() error {
		if err := check(); err != nil {
			return fmt.Errorf("%s%w", name, err)
		}
		return nil
	}
}

func (c *Config) decode(raw []byte) error {
	dec := toml.NewDecoder(strings.NewReader(string(raw)))
	dec.DisallowUnknownFields()
	err := dec.Decode(c)
	if err == nil {
		return nil
	}
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) && len(strict.Errors) > 0 {
		row, col := strict.Errors[0].Position()
		return fmt.Errorf("%d:%d: unknown key %q", row, col, strings.Join(strict.Errors[0].Key(), "."))
	}
	var bad *toml.DecodeError
	if errors.As(err, &bad) {
		row, col := bad.Position()
		return fmt.Errorf("%d:%d: %v", row, col, strings.TrimPrefix(bad.Error(), "toml: "))
	}
	return fmt.Errorf(" %w", err)
}

func (c *Config) checkRun() error {
	if c.Run.Kind != report.KindPlain && c.Run.Kind != report.KindConfidential {
		return fmt.Errorf(`run.kind: got %q, want %q or %q`, c.Run.Kind, report.KindPlain, report.KindConfidential)
	}
	if err := c.checkTotals(); err != nil {
		return fmt.Errorf("run.totals: %w", err)
	}
	if _, err := parseSize(c.Run.Memory); err != nil {
		return fmt.Errorf("run.memory: %w", err)
	}
	if c.Run.Shards < 0 || c.Run.Shards > shard.MaxShards {
		return fmt.Errorf("run.shards: got %d, want 1 to %d, or 0: as many as the ledger needs", c.Run.Shards, shard.MaxShards)
	}
	return nil
}

func (c *Config) checkSeries() error {
	if c.Series.Supersedes != "" && c.Series.Former == "" && c.Log.Origin == "" {
		return errors.New("series.supersedes: it is the reason why this statement takes the place of the former one: name that one under series.former, or the [log] that holds it")
	}
	if n := len(c.Approvals.Keys); n > report.MaxApprovers || c.Approvals.Required > uint64(n) || (c.Approvals.Required == 0) != (n == 0) {
		return fmt.Errorf("approvals: %d of %d keys are required, want 1 to all of at most %d, or 0 and no keys", c.Approvals.Required, n, report.MaxApprovers)
	}
	return nil
}

func (c *Config) checkChains() error {
	for i, chain := range c.Chains {
		if len(chain.Nodes) == 0 {
			return fmt.Errorf("chain #%d (%s): nodes is empty, name the URL of at least one", i+1, chain.ID)
		}
		if err := chain.checkBeacon(c.hasValidators(chains.Chain(chain.ID))); err != nil {
			return fmt.Errorf("chain #%d (%s): %w", i+1, chain.ID, err)
		}
		if err := chain.checkFilters(); err != nil {
			return fmt.Errorf("chain #%d (%s): %w", i+1, chain.ID, err)
		}
	}
	return nil
}

func (c *Config) checkWallets() error {
	for i := range c.Wallets {
		if err := c.Wallets[i].check(); err != nil {
			return fmt.Errorf("wallet #%d: %w", i+1, err)
		}
	}
	return nil
}

func (c *Config) checkBands() error {
	if _, err := c.bandOffsets(); err != nil {
		return fmt.Errorf("bands: %w", err)
	}
	return nil
}

func (c *Config) checkLedger() error {
	l := c.Ledger
	switch {
	case (l.Query == "") != (l.Database == ""):
		return errors.New("ledger: query and database go together")
	case l.Query != "" && len(l.Files) > 0:
		return errors.New("ledger: give either files, or query and database")
	case l.Database != "" && !namesFile(l.Database):
		return errors.New("ledger.database: write file:PATH: the database's URL stands in a file of its own, as it is a secret")
	}
	return nil
}

func namesFile(reference string) bool {
	path, ok := strings.CutPrefix(reference, "file:")
	return ok && path != ""
}

func (c ChainConfig) checkFilters() error {
	switch {
	case c.Filters && !strings.HasPrefix(c.ID, chains.BIP122+":"):
		return errors.New("filters are for bip122 chains")
	case c.Filters && len(c.Nodes) < 2:
		return errors.New("filters need the word of two nodes: name a second one under nodes")
	}
	return nil
}

// check refuses what does not belong together, and puts in what is left out.
func (w *WalletConfig) check() error {
	given := 0
	for _, is := range []bool{w.File != "", len(w.Accounts) > 0, w.derives()} {
		if is {
			given++
		}
	}
	if given != 1 {
		return errors.New("give either file or accounts or, on a bip122 chain, descriptors and xpubs")
	}
	if !w.derives() {
		if w.Script != "" || w.Range != 0 || w.Gap != 0 {
			return errors.New("script, range and gap are for descriptors and xpubs")
		}
		return nil
	}
	if w.Range == 0 {
		w.Range = defaultRange
	}
	if w.Gap == 0 {
		w.Gap = defaultGap
	}
	switch {
	case !strings.HasPrefix(w.Chain, chains.BIP122+":"):
		return errors.New("descriptors and xpubs are for bip122 chains")
	case w.Script != "" && len(w.XPubs) == 0:
		return errors.New("script is for xpubs: a descriptor says its own")
	case w.Range > mostRange:
		return fmt.Errorf("range is %d, want at most %d", w.Range, mostRange)
	case w.Gap >= w.Range:
		return fmt.Errorf("gap is %d, want less than range, %d", w.Gap, w.Range)
	}
	return nil
}

func (w *WalletConfig) derives() bool { return len(w.Descriptors)+len(w.XPubs) > 0 }

// How many addresses of a branch are looked at, and how many of its last ones must be empty.
const (
	defaultRange = 1000
	defaultGap   = 20
	mostRange    = 1_000_000
)

func defaultConfig() *Config {
	c := new(Config)
	c.Scope.Encumbrances = "not declared"
	c.Series.Name = "main"
	c.Run.Dir, c.Run.Kind, c.Run.Totals, c.Run.Memory = "run", report.KindConfidential, totalsOpen, "1GiB"
	c.Keys.Snapshot, c.Keys.Statement = "file:keys/snapshot.age", "file:keys/statement.age"
	c.Ledger.Negatives, c.Ledger.Duplicates, c.Ledger.UnknownAssets = "error", "error", "error"
	c.Drift = DriftConfig{Customers: 20, Entries: 50, Liabilities: 50, Reserves: 50, Coverage: 10, Excluded: 1, Assets: true}
	c.Coverage.Evidence = "inclusion-proved"
	c.Coverage.Control = []string{"bound", "owner-proved", "script", "spend"}
	c.Coverage.Classes = []string{"issued", "native"}
	c.Bundle.Dir, c.Bundle.Zip, c.Bundle.Report, c.Bundle.Leaves = "bundle", "bundle.zip", "report", true
	c.Server.Listen, c.Server.Keys = "127.0.0.1:8080", "response-keys.dsse.json"
	c.Server.Cache, c.Server.CacheSize = "cache", "10GiB"
	c.Server.Log, c.Server.TracesShare = logText, 0.01
	c.Server.KEK, c.Server.Pepper, c.Server.Audit = "file:keys/kek.age", "keys/pepper", "audit"
	c.Log.Dir, c.Log.Key = "log", "file:keys/log.age"
	c.Witness.Dir, c.Witness.Key, c.Witness.Listen = "witness", "file:keys/witness.age", "127.0.0.1:8081"
	return c
}

// resolve turns a path of the configuration into one that this process can open.
func (c *Config) resolve(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(c.path), path)
}

// parseSize reads a number of bytes with an optional unit KiB, MiB, GiB.
func parseSize(s string) (int64, error) {
	digits := strings.TrimRight(s, "KMGiB")
	shift, ok := map[string]uint{"": 0, "KiB": 10, "MiB": 20, "GiB": 30}[s[len(digits):]]
	n, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || n <= 0 || n > (1<<62)>>shift {
		return 0, fmt.Errorf("got %q, want a size such as 512MiB", s)
	}
	return n << shift, nil
}

// parseInstant reads RFC 3339 in UTC with whole seconds; empty means now.
func parseInstant(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return now.UTC().Truncate(time.Second), nil
	}
	t, err := time.Parse("2006-01-02T15:04:05Z", s)
	if err != nil {
		return time.Time{}, usage("--at: got %q, want UTC time such as 2026-11-01T00:00:00Z", s)
	}
	if t.After(now) {
		return time.Time{}, refused("--at: %s lies in the future", s)
	}
	return t, nil
}
