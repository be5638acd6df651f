package lists

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/control"
)

// found is what is expected of a row.
type found struct {
	Line   int
	State  State
	Method string
	Says   string // part of it
}

const (
	static  = "which binds no snapshot: control static; nothing is shown of the amount"
	unknown = "addresses of this network are not supported here"
	notSeen = "is theirs is not shown"
)

func checkList(t *testing.T, path string, want []found) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := ReadOKX(f)
	if err != nil {
		t.Fatal(err)
	}
	var got []found
	for i, row := range rows {
		o := row.Verify()
		says := o.Says
		if i < len(want) && strings.Contains(o.Says, want[i].Says) {
			says = want[i].Says
		}
		got = append(got, found{row.Number, o.State, o.Signature.Method, says})
		if (o.State == Verified) != (o.Signature.Grade == chains.Static) {
			t.Errorf("line %d: %s of grade %q", row.Number, o.State, o.Signature.Grade)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

var (
	wantPOR = []found{
		{16, Verified, control.EIP191Hash, static}, {17, Verified, control.EIP191Hash, static}, {18, OwnersOnly, "", notSeen},
		{19, NotSupported, "", unknown}, {20, NotSupported, "", unknown},
	}
	wantStaking = []found{{5, Verified, control.EIP191Hash, static}, {6, OwnersOnly, "", notSeen}, {7, OwnersOnly, "", notSeen}}
)

func TestPublishedRows(t *testing.T) {
	checkList(t, "testdata/por.csv", wantPOR)
	checkList(t, "testdata/staking.csv", wantStaking)
	checkList(t, "testdata/later.csv", []found{
		{2, Verified, control.EIP191Hash, static}, {3, Verified, control.CompactMultisig, static}, {4, NotSupported, "", unknown},
		{5, NotSupported, "", "in OKX's own form"}, {6, Verified, control.Tron, static},
	})
}

// TestPublishedFiles runs over the whole files, where they are.
func TestPublishedFiles(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "..", "shared", "peer-samples", "okx")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the published files are not beside the repository")
	}
	checkList(t, filepath.Join(dir, "addresses_okx_por_example.csv"), wantPOR)
	checkList(t, filepath.Join(dir, "addresses_okx_por_staking_example.csv"), wantStaking)
	checkList(t, filepath.Join(dir, "addresses_test.csv"), []found{
		{2, Verified, control.EIP191Hash, static}, {3, NotSupported, "", unknown}, {4, Verified, control.CompactMultisig, static}, {5, NotSupported, "", unknown},
		{6, NotSupported, "", unknown}, {7, NotSupported, "", unknown}, {8, NotSupported, "", "in OKX's own form"}, {9, Verified, control.Tron, static},
		{10, NotSupported, "", unknown},
	})
}

func read(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestB21_DishonestListOfSignatures: what is no list is refused whole, with
// line and column.
func TestB21_DishonestListOfSignatures(t *testing.T) {
	good := read(t, "por.csv")
	row := "ETH,ETH,20914735,0x0cdcdb19a857c2ac24818ca4fdfe38cce071483e,0.058959708849230328,I am an OKX address,0x07f1"
	if !strings.Contains(good, row) {
		t.Fatal("the list has no such row")
	}
	edit := func(old, with string) string { return strings.Replace(good, old, with, 1) }
	for name, c := range map[string]struct{ list, says string }{
		"empty":                    {"", "line 1: the file ends before"},
		"totals alone":             {"coin,snapshot height,amount\nETH,-,6\n", "line 3: the file ends before"},
		"other columns":            {edit("signature1,", ""), "line 15: its column names are none that OKX has published"},
		"another order":            {edit("address,amount", "amount,address"), "line 15: its column names"},
		"no columns":               {row + "\n", "line 1: its column names"},
		"a look-alike letter":      {edit("I am an OKX", "I am an ОKX"), "line 16, byte 90: want printable ASCII"},
		"a bidi control":           {edit("I am an OKX", "I am an \u202eOKX"), "line 16, byte 90"},
		"a tab":                    {edit(row, "\t"+row), "line 16, byte 1"},
		"too many cells":           {edit("0x07f19879", "a,b,c,d,e,f,0x07f19879"), "line 16: it has 15 cells, want 7 to 11"},
		"too few cells":            {edit(row, "ETH,ETH,1\n"+row), "line 16: it has 3 cells"},
		"no address":               {edit("20914735,0x0cdcdb19a857c2ac24818ca4fdfe38cce071483e", "20914735,"), "line 16, column address: it is empty"},
		"no message":               {edit("I am an OKX address", ""), "line 16, column message: it is empty"},
		"no signature":             {edit(row, "ETH,ETH,1,0x00,1,text,\n"+row), "line 16, column signature1: it is empty"},
		"an amount below zero":     {edit("0.058959708849230328", "-1"), "line 16, column amount: \"-1\" is no number"},
		"an exponent":              {edit("0.058959708849230328", "1e9"), "line 16, column amount"},
		"two dots":                 {edit("0.058959708849230328", "1.2.3"), "line 16, column amount"},
		"a height that is none":    {edit("20914735", "latest"), "line 16, column snapshotheight"},
		"a row twice":              {edit(row, strings.SplitAfter(good[strings.Index(good, row):], "\n")[0]+row), "line 17, column address: 0x0cdcdb19a857c2ac24818ca4fdfe38cce071483e is listed before, on line 16"},
		"an address twice by case": {edit("0x16f01cfc16b0b8c3400fb8e5099b0974fcc9fc12", "0x0CDCDB19a857c2ac24818ca4fdfe38cce071483e"), "is listed before, on line 16"},
		"a total that is none":     {edit("ETH(ALL),-,6", "ETH(ALL),-,six"), "line 2, column amount"},
		"a total with more":        {edit("ETH(ALL),-,6", "ETH(ALL),-,6,7"), "line 2: it has 4 cells, want 3"},
		"a long line":              {edit(row, strings.Repeat("a", maxLine)+row), "line 16: "},
	} {
		if rows, err := ReadOKX(strings.NewReader(c.list)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %d rows, %v, want an error about %q", name, len(rows), err, c.says)
		}
	}
	for name, same := range map[string]string{"carriage returns": strings.ReplaceAll(good, "\n", "\r\n"), "a byte-order mark": "\ufeff" + good, "empty cells at the end": edit("51b,,\n", "51b,,,,\n")} {
		if rows, err := ReadOKX(strings.NewReader(same)); err != nil || len(rows) != 5 {
			t.Errorf("%s: got %d rows, %v", name, len(rows), err)
		}
	}
}

// TestB21_DishonestRows: one cell of a good row is changed; the row is false,
// and the column at fault is named.
func TestB21_DishonestRows(t *testing.T) {
	for name, c := range map[string]struct {
		file, old, with string
		line            int
		says            string
	}{
		"malformed hex":           {"por.csv", "0x07f19879", "0x07f1987g", 16, "column signature1: "},
		"a digit less":            {"por.csv", "0x0cdcdb19a857c2ac24818ca4fdfe38cce071483e", "0x0cdcdb19a857c2ac24818ca4fdfe38cce071483", 16, "column address: "},
		"two addresses":           {"por.csv", "0x0cdcdb19a857c2ac24818ca4fdfe38cce071483e", "0x0cdcdb19a857c2ac24818ca4fdfe38cce071483e 0x16f01cfc16b0b8c3400fb8e5099b0974fcc9fc12", 16, "column address: "},
		"a look-alike address":    {"por.csv", "0x0cdcdb19a857c2ac24818ca4fdfe38cce071483e", "0x0cdcdb19a857c2ac24818ca4fdfe38cce071483f", 16, "column signature1: "},
		"a wrong checksum":        {"por.csv", "0x0cdcdb19a857c2ac24818ca4fdfe38cce071483e", "0x0CDCDB19a857c2ac24818ca4fdfe38cce071483e", 16, "column address: the checksum"},
		"another message":         {"por.csv", "I am an OKX address", "I am an okx address", 16, "column signature1: "},
		"some challenge":          {"por.csv", "I am an OKX address", "Assay proof of control v1", 16, "column signature1: "},
		"an owner's signature":    {"por.csv", "0x0cdcdb19a857c2ac24818ca4fdfe38cce071483e,0x16f0", "0x16f01cfc16b0b8c3400fb8e5099b0974fcc9fc12,0x16f0", 18, "column signature1: "},
		"an owner missing":        {"por.csv", ",0x0cdcdb19a857c2ac24818ca4fdfe38cce071483e,0x16f0", ",,0x16f0", 18, "column eoa1: "},
		"an owner's address":      {"por.csv", ",0x0cdcdb19a857c2ac24818ca4fdfe38cce071483e,0x16f0", ",0x0c,0x16f0", 18, "column eoa1: "},
		"another script":          {"later.csv", "522103cf1f", "512103cf1f", 3, "column signedmessage: "},
		"a signature less":        {"later.csv", "H3CfdwwB+klW7yPNpHeuQhpzxdmXEWczUSp4UziFimaLCdzg9bpw/KP+TwawJlOhD5EZS++Y1A9EU4pkps5VWRE=", "null", 3, "column signedmessage: "},
		"a script that is gone":   {"later.csv", "522103cf1f7e2d8e428e5dfc36d9eacd679a0bf7356a8e05dd02c8a9a12db36bb1c92421027b961ddea8ae2e81d47804685cf2ab820a4d59cdcb10f70adeeaf0e4d8817eae2102813215371e992904e68b3b77752898b22d89d7ca1c2562e8403040fd5e807c1453ae", "", 3, "column signedmessage2: "},
		"a checksum of Tron":      {"later.csv", "TSBg5SM1TXVXneSivmzpZa9hpccLNeYcWq", "TSBg5SM1TXVXneSivmzpZa9hpccLNeYcWr", 6, "column signedmessage: "},
		"a Bitcoin look-alike":    {"later.csv", "bc1q82aks5ft2at48wp0sa6rr5vtzutvgzr8azts6w8nlu0dqc2dx24qvzwspk", "bc1q82aks5ft2at48wp0sa6rr5vtzutvgzr8azts6w8nlu0dqc2dx24qvzwspl", 3, "column signedmessage: "},
		"an address of no base58": {"later.csv", "TSBg5SM1TXVXneSivmzpZa9hpccLNeYcWq", "TSBg5SM1TXVXneSivmzpZa9hpccLNeYc0q", 6, "column address: "},
	} {
		list := read(t, c.file)
		bad := strings.Replace(list, c.old, c.with, 1)
		rows, err := ReadOKX(strings.NewReader(bad))
		if err != nil || bad == list {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, row := range rows {
			o := row.Verify()
			if row.Number == c.line && (o.State != False || !strings.HasPrefix(o.Says, c.says)) {
				t.Errorf("%s: got %s: %s, want %q", name, o.State, o.Says, c.says)
			}
			if row.Number != c.line && o.State == False && c.old != "I am an OKX address" {
				t.Errorf("%s: line %d is false too: %s", name, row.Number, o.Says)
			}
		}
	}
}

// TestB11_OwnersOfAList: owners who signed do not make an address the list's.
func TestB11_OwnersOfAList(t *testing.T) {
	for _, row := range mustRead(t, "por.csv") {
		if row.Owners[0] == "" || row.Network != "ETH" {
			continue
		}
		o := row.Verify()
		if o.State != OwnersOnly || o.Account != "" || o.Signature.Signature != "" || !strings.Contains(o.Says, "that "+row.Address+" is theirs is not shown") {
			t.Errorf("got %+v", o)
		}
		row.Signatures[1], row.Owners[1] = "", ""
		if o := row.Verify(); o.State != OwnersOnly {
			t.Errorf("one of two: got %+v", o)
		}
		row.Address = row.Owners[0]
		if o := row.Verify(); o.State == Verified {
			t.Errorf("the owner's own address: got %+v", o)
		}
		return
	}
	t.Error("the list has no row with owners")
}

func mustRead(t *testing.T, name string) []Row {
	t.Helper()
	rows, err := ReadOKX(strings.NewReader(read(t, name)))
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func FuzzReadOKX(f *testing.F) {
	for _, name := range []string{"por.csv", "staking.csv", "later.csv"} {
		f.Add(read(f, name))
	}
	f.Fuzz(func(t *testing.T, list string) {
		rows, err := ReadOKX(strings.NewReader(list))
		if err != nil {
			return
		}
		for i, row := range rows {
			if row.Number < 1 || i > 0 && rows[i-1].Number >= row.Number || row.Address == "" || row.Signatures[0] == "" {
				t.Errorf("row %+v", row)
			}
			if o := row.Verify(); o.State == Verified && o.Signature.Grade != chains.Static {
				t.Errorf("line %d: %+v", row.Number, o)
			}
		}
	})
}
