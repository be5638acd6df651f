package descriptor

import (
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"pgregory.net/rapid"

	"github.com/assay-por/assay/chains"
)

// TestChecksum checks BIP-380's vectors; its payload there is not one that is
// taken here.
func TestChecksum(t *testing.T) {
	if got, err := Checksum("raw(deadbeef)"); err != nil || got != "89f8spxm" {
		t.Errorf("got %s, %v, want 89f8spxm", got, err)
	}
	for text, says := range map[string]string{
		"raw(deadbeef)":           "put #89f8spxm after it",
		"raw(deadbeef)#":          "has 0 characters",
		"raw(deadbeef)#89f8spxmx": "has 9 characters",
		"raw(deadbeef)#89f8spx":   "has 7 characters",
		"raw(deedbeef)#89f8spxm":  "was altered",
		"raw(deedbeef)##9f8spxm":  "was altered",
		"raw(Ü)#00000000":         "none that a descriptor may hold",
	} {
		got, err := cutChecksum(text)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %q, %v, want %q", text, got, err, says)
		}
		// Only of one that is missing is it said what it should be.
		if right, _ := Checksum("raw(deedbeef)"); err != nil && strings.Contains(err.Error(), right) {
			t.Errorf("%s: the error puts a wrong descriptor right: %v", text, err)
		}
	}
	if got, err := cutChecksum("raw(deadbeef)#89f8spxm"); err != nil || got != "raw(deadbeef)" {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestB21_Descriptors refuses what is malformed or stands for something else,
// most of it test vectors of BIP-380 to BIP-389.
func TestB21_Descriptors(t *testing.T) {
	tr := point[2:]
	for expression, says := range map[string]string{
		// BIP-380
		"wpkh([deadbeef/0h/0h/0h/*]" + point + ")": "path of its origin",
		"wpkh([deadbeef/0h/0h/0h/]" + point + ")":  "path of its origin",
		"wpkh([deadbef/0h/0h/0h]" + point + ")":    "fingerprint",
		"wpkh([deadbeeef/0h/0h/0h]" + point + ")":  "fingerprint",
		"wpkh([deadbeef/0f/0f/0f]" + point + ")":   "path of its origin",
		"wpkh([deadbeef/0H/0H/0H]" + point + ")":   "path of its origin",
		"wpkh([deadbeef/-0/-0/-0]" + point + ")":   "path of its origin",
		"wpkh([aaaaaaaa][aaaaaaaa]" + keyA + "/0)": "its key",
		"wpkh(aaaaaaaa]" + keyA + "/0)":            "its key",
		"wpkh([gaaaaaaa]" + keyA + "/0)":           "fingerprint",
		"wpkh([deadbeef])":                         "its key",
		"wpkh([deadbeef" + point + ")":             "does not end",
		"wpkh(" + keyA + "/2147483648)":            "from 0 to 2147483647",
		"wpkh(" + keyA + "/1aa)":                   "from 0 to 2147483647",
		"wpkh(" + keyA + "/00)":                    "from 0 to 2147483647",
		"wpkh(" + keyA + "/)":                      "from 0 to 2147483647",
		"wpkh(" + keyA + "//0)":                    "from 0 to 2147483647",
		"wpkh(" + keyA + "/*/0)":                   "last step",
		"wpkh(" + point + "/0)":                    "no path",
		"wpkh(" + point + "/*)":                    "no path",
		"wpkh(" + keyA + "/3h/4h/5h/*)":            "hardened step",
		"wpkh(" + keyA + "/3'/*)":                  "hardened step",
		"wpkh(" + keyA + "/3/*h)":                  "hardened",
		"wpkh(" + keyA + "/3/*')":                  "hardened",
		// BIP-381
		"pkh(pk(" + point + "))":         "pkh(pk) is not taken",
		"sh(" + point + ")":              "sh is not taken",
		"sh(sh(pkh(" + point + ")))":     "sh(sh(pkh)) is not taken",
		"pk(" + point + ")":              "has no address",
		"sh(pk(" + point + "))":          "sh(pk) is not taken",
		"sh(pkh(" + point + "))":         "sh(pkh) is not taken",
		"wpkh(" + uncompressed + ")":     "uncompressed",
		"sh(wpkh(" + uncompressed + "))": "uncompressed",
		// BIP-382
		"wsh(pk(" + uncompressed + "))":      "wsh(pk) is not taken",
		"wsh(multi(1," + uncompressed + "))": "uncompressed",
		"wsh(wpkh(" + point + "))":           "wsh(wpkh) is not taken",
		"wsh(wsh(pkh(" + point + ")))":       "is not taken",
		"wpkh(wsh(pkh(" + point + ")))":      "is not taken",
		"wsh(" + point + ")":                 "wsh is not taken",
		// BIP-383
		"sh(multi(16," + sixteen + "))":                                           "more than 520 bytes",
		"wsh(multi(16," + sixteen + "," + strings.Repeat(","+point, 5)[1:] + "))": "21 keys",
		"sh(multi(a," + point + "," + uncompressed + "))":                         "threshold",
		"sh(multi(0," + point + "," + uncompressed + "))":                         "threshold",
		"sh(multi(3," + point + "," + uncompressed + "))":                         "threshold",
		"sh(multi(01," + point + "," + uncompressed + "))":                        "threshold",
		"sh(multi(1))":                 "key #1",
		"multi(1," + point + ")":       "has no address",
		"sortedmulti(1," + point + ")": "has no address",
		// BIP-384, 385
		"combo(" + point + ")": "combo stands for several",
		"raw(deadbeef)":        "has no address",
		"addr(asdf)":           "address",
		"sh(addr(3PUNyaW7M55oKWJ3kDukwk9bsKvryra15j))":     "is not taken",
		"wsh(addr(3PUNyaW7M55oKWJ3kDukwk9bsKvryra15j))":    "is not taken",
		"addr(3PUNyaW7M55oKWJ3kDukwk9bsKvryra15k)":         "checksum",
		"addr(MMN2p4ATqfQY8MhXVYv8bCUwz7jTfQvvXh)":         "address",
		"addr(bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y)": "address",
		"addr(bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5)": "address",
		"addr(bc1)": "address",
		// BIP-386
		"tr(" + uncompressed + ")":                       "uncompressed",
		"wsh(tr(" + tr + "))":                            "is not taken",
		"sh(tr(" + tr + "))":                             "is not taken",
		"tr(" + tr + ",pk(" + tr + "))":                  "tree of scripts",
		"tr(" + tr + ",{pk(" + tr + "),pk(" + tr + ")})": "tree of scripts",
		"wpkh(" + tr + ")":                               "66 hex digits",
		"tr(" + strings.Repeat("f", 64) + ")":            "no point",
		"wpkh(02" + strings.Repeat("f", 64) + ")":        "no point",
		"pkh(06" + uncompressed[2:] + ")":                "66 hex digits",
		"rawtr(" + tr + ")":                              "list its addresses",
		"tr(musig(" + keyA + "," + keyB + "))":           "is not taken",
		// BIP-389
		"wpkh(" + keyA + "/<0;1>/<2;3>)":                           "two steps",
		"wpkh([deadbeef/<0;1>]" + keyA + "/0)":                     "path of its origin",
		"wpkh(" + keyA + "/<>/*)":                                  "from 0 to 2147483647",
		"wpkh(" + keyA + "/0>/*)":                                  "from 0 to 2147483647",
		"wpkh(" + keyA + "/<0/*)":                                  "does not end",
		"wpkh(" + keyA + "/<0;>/*)":                                "from 0 to 2147483647",
		"wpkh(" + keyA + "/<0>/*)":                                 "want several numbers",
		"wpkh(" + keyA + "/0;1/*)":                                 "want several numbers",
		"wpkh(" + keyA + "/<1;1>/*)":                               "twice",
		"wpkh(" + keyA + "/<0;1h>/*)":                              "hardened step",
		"sh(multi(2," + keyA + "/<1;2;3>/*," + keyB + "/<3;4>/*))": "as many in each",
		// neither
		"":                                "want a descriptor",
		keyA:                              "want a descriptor",
		point:                             "want a descriptor",
		"wpkh(" + keyA + "/0":             "brackets",
		"wpkh(" + keyA + "/0))":           "",
		"wpkh(" + keyA + "," + keyB + ")": "one key",
		"wpkh()":                          "its key",
		"wpkh(x)":                         "neither",
		"wpkh( " + keyA + ")":             "neither",
		"wpkh(" + strings.Replace(keyA, "E", "F", 1) + ")":                                                                      "checksum",
		"wpkh(ypub6Ww3ibxVfGzLrAH1PNcjyAWenMTbbAosGNB6VvmSEgytSER9azLDWCxoJwW7Ke7icmizBMXrzBx9979FfaHxHcrArf3zbeJJJUZPf663zsP)": "stands for a script by itself",
		"wpkh(" + retagged(keyA, 0x043587cf) + ")":                                                                              "kind tpub",
		"wpkh(" + retagged(keyA, 0x03e25d7e) + ")":                                                                              "version 0x03e25d7e",
	} {
		d, err := Parse(mainnet, summed(t, expression))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v, %v, want %q", expression, d, err, says)
		}
	}
	if _, err := Parse("eip155:1", summed(t, "wpkh("+point+")")); err == nil {
		t.Error("a descriptor of an EVM chain was taken")
	}
}

// retagged gives an extended key another version.
func retagged(text string, version uint32) string {
	k, err := hdkeychain.NewKeyFromString(text)
	if err != nil {
		return err.Error()
	}
	k, err = k.CloneWithVersion([]byte{byte(version >> 24), byte(version >> 16), byte(version >> 8), byte(version)})
	if err != nil {
		return err.Error()
	}
	return k.String()
}

// TestPrivateKeys refuses private keys in every place and every spelling,
// mistyped ones too, and tells nothing of them.
func TestPrivateKeys(t *testing.T) {
	mistyped := "xprw" + privateKey[4:]
	for _, secret := range []string{
		privateKey, walletKey, "5KYZdUEo39z3FPrtuX2QbbwGnNP5zTd7yyr2SC1j299sBCnWjss", walletKey[:len(walletKey)-1] + "2",
		privateKey[:len(privateKey)-1] + "d", privateKey[:50], retagged(privateKey, 0x019d9cfe), retagged(privateKey, 0x04b2430c),
		retagged(privateKey, 0x0488b21e), // under a public key's name
	} {
		for _, form := range []string{"wpkh(%)", "wpkh([deadbeef/0h]%)", "wpkh(%/<0;1>/*)", "wsh(multi(1," + point + ",%/*))", "tr(" + point[2:] + ",pk(%))", "%", "nonsense[%", "wpkh(%)#", "pk(%)#00000000"} {
			text := strings.Replace(form, "%", secret, 1)
			for _, text := range []string{text, summed(t, strings.ReplaceAll(text, "#", ""))} {
				_, err := Parse(mainnet, text)
				if err == nil || strings.Contains(err.Error(), secret[4:24]) {
					t.Errorf("%s: got %v, want it refused and nothing told of it", form, err)
				}
				if err != nil && !strings.Contains(err.Error(), "PRIVATE") && secret[1:4] != "pub" {
					t.Errorf("%s: got %v, want it said what it is", form, err)
				}
			}
		}
		if _, err := ParseKey(mainnet, secret, ScriptWitness); err == nil || !strings.Contains(err.Error(), "PRIVATE") || strings.Contains(err.Error(), secret[4:24]) {
			t.Errorf("alone: got %v, want it refused and nothing told of it", err)
		}
	}
	if _, err := Parse(mainnet, summed(t, "wpkh("+mistyped+")")); err == nil || strings.Contains(err.Error(), mistyped[4:24]) {
		t.Errorf("mistyped: got %v", err)
	}
}

// TestSpelling derives on each network what SPEC part 2 calls its one spelling.
func TestSpelling(t *testing.T) {
	for chain, address := range map[chains.Chain]string{
		mainnet: "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", litecoinMainnet: "LTC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KGMN4N9",
		simnet: "sb1qw508d6qejxtdg4y5r3zarvary0c5xw7kqqqqqq",
	} {
		d, err := Parse(chain, summed(t, "addr("+address+")"))
		if chain == simnet {
			if err == nil {
				t.Errorf("%s was taken: %s", address, d)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		if got, err := d.Account(0, 0); err != nil || got.Address() != strings.ToLower(address) {
			t.Errorf("got %s, %v, want lower case", got, err)
		}
	}
	// The same key in the spellings of each network.
	for chain, c := range map[chains.Chain]struct{ key, legacy, nested, witness string }{
		mainnet:         {keyA, "1", "3", "bc1q"},
		litecoinMainnet: {retagged(keyA, 0x019da462), "L", "M", "ltc1q"},
		litecoinRegtest: {retagged(keyA, 0x043587cf), "mn", "Q", "rltc1q"},
		simnet:          {retagged(keyA, 0x0420bd3a), "S", "rs", "sb1q"},
	} {
		for script, starts := range map[string]string{ScriptLegacy: c.legacy, ScriptNested: c.nested, ScriptWitness: c.witness} {
			d, err := ParseKey(chain, c.key, script)
			if err != nil {
				t.Errorf("%s: %v", chain, err)
				continue
			}
			a, err := d.Account(0, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := chains.ParseAccount(string(a)); err != nil {
				t.Error(err)
			}
			if !strings.HasPrefix(a.Address(), starts) && (len(starts) != 2 || !strings.Contains(starts, a.Address()[:1])) {
				t.Errorf("%s as %s: %s, want it to begin with one of %q", chain, script, a, starts)
			}
		}
	}
}

// TestChecksumCatches: no descriptor with up to two characters changed has the
// same checksum.
func TestChecksumCatches(t *testing.T) {
	text := "wpkh([ffffffff/13h]" + keyC + "/<1;3>/2/*)"
	want, err := Checksum(text)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		b := []byte(text)
		for range rapid.IntRange(1, 2).Draw(t, "errors") {
			b[rapid.IntRange(0, len(b)-1).Draw(t, "place")] = charset[rapid.IntRange(0, len(charset)-1).Draw(t, "character")]
		}
		got, err := Checksum(string(b))
		if err != nil || (got == want) != (string(b) == text) {
			t.Errorf("%s has the checksum %s too: %v", b, got, err)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"wpkh([ffffffff/13h]" + keyC + "/<1;3>/2/*)", "sh(wsh(sortedmulti(2," + keyA + "/*," + keyB + "/*)))", "tr(" + point[2:] + ")",
		"addr(3PUNyaW7M55oKWJ3kDukwk9bsKvryra15j)", "pkh(" + uncompressed + ")", "sh(multi(1," + point + "))", "wsh(multi(20))", "((", "tr(,)", "",
	} {
		f.Add(text, true)
		f.Add(text, false)
	}
	f.Fuzz(func(t *testing.T, text string, sum bool) {
		if sum {
			if s, err := Checksum(text); err == nil {
				text += "#" + s
			}
		}
		d, err := Parse(mainnet, text)
		if err != nil {
			return
		}
		if d.String() != text || d.Branches() < 1 {
			t.Fatalf("%q reads back as %q with %d branches", text, d, d.Branches())
		}
		for b := range d.Branches() {
			a, err := d.Account(b, 7)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := chains.ParseAccount(string(a)); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// BenchmarkAccount derives the addresses of a wallet's two branches.
func BenchmarkAccount(b *testing.B) {
	for name, expression := range map[string]string{"wpkh": "wpkh(" + keyC + "/<0;1>/*)", "tr": "tr(" + keyC + "/<0;1>/*)", "2 of 3": "wsh(sortedmulti(2," + keyA + "/*," + keyB + "/*," + keyD + "/*))"} {
		sum, err := Checksum(expression)
		if err != nil {
			b.Fatal(err)
		}
		d, err := Parse(mainnet, expression+"#"+sum)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			index := uint32(0)
			for b.Loop() {
				if _, err := d.Account(0, index); err != nil {
					b.Fatal(err)
				}
				index++
			}
		})
	}
}
