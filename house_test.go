// Package house holds no code: its tests keep the plan of the house. They read sources in-process, so that a cached result
// never hides a new import.
package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

const module = "github.com/assay-por/assay"

// rules says which of our rooms each room may import. It is a statement of policy: change it only when the plan of the house
// changes. A name ending in /... stands for every room below. Tests may cross these lines, products may not.
var rules = map[string][]string{
	"merkle":        {},
	"merkle/ledger": {"merkle"},
	"merkle/shard":  {"merkle"},
	"merkle/store":  {},
	"merkle/spool":  {"merkle", "merkle/ledger", "merkle/store"},
	"merkle/build":  {"merkle", "merkle/ledger", "merkle/shard", "merkle/store", "merkle/spool", "merkle/confidential"},
	"merkle/queue":  {"merkle/build"},

	"merkle/confidential": {"merkle"},

	"merkle/store/storetest": {},

	"chains":            {},
	"chains/egress":     {},
	"chains/evm":        {"chains", "chains/egress"},
	"chains/utxo":       {"chains", "chains/egress"},
	"chains/beacon":     {"chains", "chains/egress"},
	"chains/attested":   {"chains", "chains/egress"},
	"chains/tron":       {"chains", "chains/egress", "chains/attested"},
	"chains/solana":     {"chains", "chains/egress", "chains/attested"},
	"chains/xrpl":       {"chains", "chains/egress", "chains/attested"},
	"chains/control":    {"chains"},
	"chains/descriptor": {"chains"},
	"chains/custodian":  {"chains", "chains/egress"},
	"chains/chainstest": {"chains"},
	"chains/devnet":     {"chains", "chains/evm", "chains/utxo", "chains/control"},

	"chains/control/lists": {"chains", "chains/control"},

	"attest":           {},
	"attest/keys":      {"attest"},
	"attest/tlog":      {"attest"},
	"attest/witness":   {"attest"},
	"attest/timestamp": {"attest"},

	"report":        {"merkle", "chains", "attest"},
	"report/render": {"report"},

	"web":           {"report", "web/anomaly", "web/api", "web/published", "web/httpsig", "web/audit", "web/authn", "web/authz", "web/console", "web/limit", "web/oauth", "web/site", "web/store", "web/watch", "web/words"},
	"web/api":       {"report", "attest", "web/published", "web/store", "web/audit", "web/runs", "web/authn", "web/authz", "web/people", "web/oauth", "web/hidden"},
	"web/published": {"report", "attest", "web/copies"},
	"web/copies":    {},
	"web/httpsig":   {},
	"web/store":     {},
	"web/watch":     {},
	"web/hidden":    {},
	"web/seal":      {"web/store"},
	"web/authz":     {},
	"web/limit":     {"web/store", "web/redis"},
	"web/redis":     {},
	"web/audit":     {"web/store", "attest"},
	"web/anomaly":   {"web/store", "web/audit"},
	"web/authn":     {"web/store", "web/authz", "web/audit", "web/httpsig", "web/hidden"},
	"web/people":    {"web/store", "web/authn", "web/authz", "web/audit", "web/hidden"},
	"web/console":   {"report", "web/api", "web/authn"},
	"web/oauth":     {"web/store", "web/authn", "web/authz", "web/audit", "web/hidden"},
	"web/hooks":     {"web/store", "web/httpsig", "attest"},
	"web/runs":      {"report", "attest", "web/store", "web/audit"},
	"web/client":    {"web/httpsig", "attest"},
	"web/site":      {"report", "report/render", "web/published", "web/words"},
	"web/words":     {},
	"web/app":       {},

	"web/published/publishedtest": {"report", "merkle", "attest"},
	"web/store/storetest":         {"web/store", "web/store/pgtest", "web/seal"},
	"web/store/pgtest":            {},
	"web/redis/redistest":         {},
	"web/people/peopletest":       {},

	"verifier/canon":                         {},
	"verifier/tree":                          {"verifier/canon"},
	"verifier/claim":                         {"verifier/canon"},
	"verifier/confidential":                  {"verifier/canon", "verifier/tree"},
	"verifier/evidence":                      {"verifier/canon", "verifier/beacon"},
	"verifier/beacon":                        {"verifier/canon"},
	"verifier/tlog":                          {"verifier/canon"},
	"verifier/timestamp":                     {"verifier/canon"},
	"verifier/respsig":                       {"verifier/canon"},
	"verifier/watch":                         {"verifier/canon", "verifier/claim", "verifier/tlog"},
	"verifier/opinion":                       {"verifier/canon", "verifier/claim", "verifier/confidential", "verifier/tlog", "verifier/tree", "verifier/watch"},
	"verifier/confidential/confidentialtest": {},
	"verifier":                               {"verifier/opinion", "verifier/canon", "verifier/tree", "verifier/claim", "verifier/evidence", "verifier/beacon", "verifier/tlog", "verifier/timestamp", "verifier/respsig", "verifier/watch", "verifier/confidential"},

	"cmd/assay":        {"merkle", "merkle/...", "chains", "chains/...", "attest", "attest/...", "report", "report/...", "web", "web/..."},
	"cmd/assay-verify": {"verifier", "verifier/..."},
	"cmd/devchain":     {"chains", "chains/..."},
	"cmd/verify-wasm":  {"verifier/opinion"},
}

// onlyTests are rooms that no product but cmd/devchain imports.
var onlyTests = []string{"chains/chainstest", "chains/devnet", "merkle/store/storetest", "web/published/publishedtest", "web/store/storetest", "web/store/pgtest", "web/redis/redistest", "web/people/peopletest", "verifier/confidential/confidentialtest"}

// pure rooms reach no network, process, clock, environment, logger or global randomness.
var pure = []string{"merkle", "merkle/confidential", "chains", "chains/control", "chains/descriptor", "chains/control/lists", "attest", "report", "report/render", "verifier", "verifier/canon", "verifier/tree", "verifier/claim", "verifier/evidence", "verifier/beacon", "verifier/tlog", "verifier/timestamp", "verifier/respsig", "verifier/watch", "verifier/confidential", "verifier/opinion"}

var impureImports = []string{"net", "net/http", "os/exec", "log", "log/slog", "math/rand", "math/rand/v2", "syscall", "os/signal"}

var impureCalls = regexp.MustCompile(`\b(time\.(Now|Since|Until|Sleep|After|NewTimer|Tick)|os\.(Getenv|LookupEnv|Environ))\b`)

// serverMustNotReach: the serving side holds no source of liabilities, no chain adapter and no signing key of the statement.
var serverMustNotReach = []string{"merkle/ledger", "merkle/build", "merkle/shard", "chains/evm", "chains/utxo", "chains/beacon", "chains/control", "chains/descriptor", "chains/control/lists", "chains/attested", "chains/tron", "chains/solana", "chains/xrpl", "chains/custodian", "attest/keys"}

// noFloats are the rooms that hold money.
var noFloats = []string{"merkle", "merkle/confidential", "merkle/ledger", "merkle/shard", "merkle/build", "chains", "chains/evm", "chains/utxo", "chains/beacon", "chains/descriptor", "chains/attested", "chains/tron", "chains/solana", "chains/xrpl", "chains/custodian", "report", "web/site", "verifier", "verifier/canon", "verifier/tree", "verifier/claim", "verifier/evidence", "verifier/beacon", "verifier/respsig", "verifier/confidential", "verifier/opinion"}

type room struct {
	name     string
	imports  []string // full paths, products only
	comments int
	floats   []string
	impure   []string
}

// readRooms parses every product file below root.
func readRooms(t *testing.T, root fs.FS) map[string]*room {
	t.Helper()
	rooms := map[string]*room{}
	fset := token.NewFileSet()
	err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && p != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "build" && p == "build" || d.Name() == "testdata" || d.Name() == "node_modules") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") {
			return nil
		}
		src, err := fs.ReadFile(root, p)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(fset, p, src, parser.ParseComments)
		if err != nil {
			return err
		}
		name := path.Dir(p)
		r := rooms[name]
		if r == nil {
			r = &room{name: name}
			rooms[name] = r
		}
		if file.Doc != nil {
			r.comments++
		}
		for _, imp := range file.Imports {
			full, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				return err
			}
			r.imports = append(r.imports, full)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && (id.Name == "float64" || id.Name == "float32") {
				r.floats = append(r.floats, fset.Position(id.Pos()).String())
			}
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := sel.X.(*ast.Ident); ok && impureCalls.MatchString(x.Name+"."+sel.Sel.Name) {
					r.impure = append(r.impure, fset.Position(sel.Pos()).String()+" "+x.Name+"."+sel.Sel.Name)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rooms
}

// ours are the rooms that r imports, by name.
func (r *room) ours() []string {
	var names []string
	for _, full := range r.imports {
		if name, ok := strings.CutPrefix(full, module+"/"); ok {
			names = append(names, name)
		}
	}
	return names
}

func allowed(list []string, name string) bool {
	for _, a := range list {
		if a == name {
			return true
		}
		if below, ok := strings.CutSuffix(a, "/..."); ok && strings.HasPrefix(name, below+"/") {
			return true
		}
	}
	return false
}

// reach is the set of our rooms that name depends on, through others too.
func reach(rooms map[string]*room, name string) map[string]bool {
	seen := map[string]bool{}
	var walk func(string)
	walk = func(n string) {
		if r := rooms[n]; r != nil {
			for _, imp := range r.ours() {
				if !seen[imp] {
					seen[imp] = true
					walk(imp)
				}
			}
		}
	}
	walk(name)
	return seen
}

// faults lists every breach of the plan.
func faults(rooms map[string]*room) []string {
	var out []string
	for name, r := range rooms {
		list, ok := rules[name]
		if !ok {
			out = append(out, name+": has no rule; say what it may import")
			continue
		}
		for _, imp := range r.ours() {
			if !allowed(list, imp) {
				out = append(out, name+" imports "+imp)
			}
			if slices.Contains(onlyTests, imp) && name != "cmd/devchain" && !slices.Contains(onlyTests, name) {
				out = append(out, name+" imports "+imp+", which is for tests")
			}
		}
		if slices.Contains(pure, name) {
			for _, imp := range r.imports {
				if slices.Contains(impureImports, imp) {
					out = append(out, name+" is pure and imports "+imp)
				}
			}
			for _, call := range r.impure {
				out = append(out, name+" is pure and calls "+call)
			}
		}
		if name == "web" || strings.HasPrefix(name, "web/") {
			for imp := range reach(rooms, name) {
				if slices.Contains(serverMustNotReach, imp) {
					out = append(out, name+" reaches "+imp)
				}
			}
		}
		if slices.Contains(noFloats, name) {
			for _, at := range r.floats {
				out = append(out, name+" holds money and a float at "+at)
			}
		}
		if r.comments != 1 {
			out = append(out, name+": "+strconv.Itoa(r.comments)+" package comments, want 1")
		}
	}
	slices.Sort(out)
	return out
}

func TestX06_ImportRules(t *testing.T) {
	rooms := readRooms(t, os.DirFS("."))
	if len(rooms) < 15 {
		t.Fatalf("read %d rooms only", len(rooms))
	}
	for _, f := range faults(rooms) {
		t.Error(f)
	}
}

// A rule never seen failing is not a rule.
func TestHouse_RulesAreSeenFailing(t *testing.T) {
	const doc = "// Package x is here.\npackage x\n"
	for _, tt := range []struct{ name, file, src, want string }{
		{"ground to ground", "merkle/a.go", doc + `import _ "` + module + `/chains"`, "merkle imports chains"},
		{"builder to verifier", "report/a.go", doc + `import _ "` + module + `/verifier"`, "report imports verifier"},
		{"verifier to builder", "verifier/tree/a.go", doc + `import _ "` + module + `/merkle"`, "verifier/tree imports merkle"},
		{"verifier rooms", "verifier/claim/a.go", doc + `import _ "` + module + `/verifier/tree"`, "verifier/claim imports verifier/tree"},
		{"canon's ground", "verifier/canon/a.go", doc + `import _ "` + module + `/verifier/tree"`, "verifier/canon imports verifier/tree"},
		{"canon's builder", "verifier/canon/a.go", doc + `import _ "` + module + `/attest"`, "verifier/canon imports attest"},
		{"network", "verifier/a.go", doc + `import _ "net/http"`, "verifier is pure and imports net/http"},
		{"clock", "attest/a.go", doc + "import \"time\"\nvar _ = time.Now", "attest is pure and calls attest/a.go:4:9 time.Now"},
		{"environment", "merkle/a.go", doc + "import \"os\"\nvar _ = os.Getenv", "merkle is pure and calls merkle/a.go:4:9 os.Getenv"},
		{"randomness", "merkle/a.go", doc + `import _ "math/rand"`, "merkle is pure and imports math/rand"},
		{"devnet", "cmd/assay/a.go", doc + `import _ "` + module + `/chains/devnet"`, "cmd/assay imports chains/devnet, which is for tests"},
		{"server", "web/a.go", doc + `import _ "` + module + `/merkle/shard"`, "web reaches merkle/shard"},
		{"float", "report/a.go", doc + "var x float64", "report holds money and a float at report/a.go:3:7"},
		{"no rule", "utils/a.go", doc, "utils: has no rule; say what it may import"},
		{"no comment", "merkle/a.go", "package merkle\n", "merkle: 0 package comments, want 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := faults(readRooms(t, fstest.MapFS{tt.file: {Data: []byte(tt.src)}}))
			if !slices.Contains(got, tt.want) {
				t.Errorf("got %q, want among them %q", got, tt.want)
			}
		})
	}
}

func TestHouse_NoReplaceInGoMod(t *testing.T) {
	raw, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if regexp.MustCompile(`(?m)^\s*replace\b`).Match(raw) {
		t.Error("go.mod has a replace: it breaks go install of a version")
	}
}

// Secrets come from crypto/rand, through the few rooms that draw them, and from nowhere else.
func TestI10_OneSourceOfRandomness(t *testing.T) {
	drawing := []string{"cmd/assay", "cmd/devchain", "chains/devnet"} // the last two draw nothing worth keeping
	for name, r := range readRooms(t, os.DirFS(".")) {
		for _, imp := range r.imports {
			if imp == "math/rand" || imp == "math/rand/v2" {
				t.Errorf("%s imports %s", name, imp)
			}
			if imp == "crypto/rand" && !slices.Contains(drawing, name) {
				t.Errorf("%s imports crypto/rand; randomness comes in as an argument", name)
			}
		}
	}
}

// shown lists the fields of what is written as JSON by the rooms of the server that hold what package hidden hides: a type that answers may show is
// no place for it.
func shown(t *testing.T, root fs.FS) (out []string) {
	t.Helper()
	fset := token.NewFileSet()
	err := fs.WalkDir(root, "web", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") {
			return err
		}
		src, err := fs.ReadFile(root, p)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(fset, p, src, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			field, ok := n.(*ast.Field)
			if !ok || field.Tag == nil || !strings.Contains(field.Tag.Value, "json:") {
				return true
			}
			ast.Inspect(field.Type, func(n ast.Node) bool {
				if sel, ok := n.(*ast.SelectorExpr); ok {
					if x, ok := sel.X.(*ast.Ident); ok && x.Name == "hidden" {
						out = append(out, fset.Position(field.Pos()).String()+": hidden."+sel.Sel.Name)
					}
				}
				return true
			})
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// No customer and no secret is of a type that is answered, logged or kept as JSON.
func TestHouse_NothingHiddenIsShown(t *testing.T) {
	for _, f := range shown(t, os.DirFS(".")) {
		t.Error(f)
	}
	const src = "package api\ntype Report struct {\n\tOf []hidden.Customer `json:\"of\"`\n\town hidden.Secret\n}\n"
	if got := shown(t, fstest.MapFS{"web/api/a.go": {Data: []byte(src)}}); !slices.Equal(got, []string{"web/api/a.go:3:2: hidden.Customer"}) {
		t.Errorf("got %q", got)
	}
}
