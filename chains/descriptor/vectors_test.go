package descriptor

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/txscript/v2"

	"github.com/assay-por/assay/chains"
)

const (
	mainnet         = chains.Chain("bip122:000000000019d6689c085ae165831e93")
	simnet          = chains.Chain("bip122:683e86bd5c6d110d91b94b97137ba6bf")
	litecoinMainnet = chains.Chain("bip122:12a765e31ffd4059bada1e25190f6e98")
	litecoinRegtest = chains.Chain("bip122:530827f38f93b43ed12af0b3ad25a288")
)

// Keys of the test vectors of BIP-380 to BIP-389.
const (
	point        = "03a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd"
	uncompressed = "04a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd5b8dec5235a0fa8722476c7709c02559e3aa73aa03918ba2d492eea75abea235"
	keyA         = "xpub6ERApfZwUNrhLCkDtcHTcxd75RbzS1ed54G1LkBUHQVHQKqhMkhgbmJbZRkrgZw4koxb5JaHWkY4ALHY2grBGRjaDMzQLcgJvLJuZZvRcEL"
	keyB         = "xpub68NZiKmJWnxxS6aaHmn81bvJeTESw724CRDs6HbuccFQN9Ku14VQrADWgqbhhTHBaohPX4CjNLf9fq9MYo6oDaPPLPxSb7gwQN3ih19Zm4Y"
	keyC         = "xpub69H7F5d8KSRgmmdJg2KhpAK8SR3DjMwAdkxj3ZuxV27CprR9LgpeyGmXUbC6wb7ERfvrnKZjXoUmmDznezpbZb7ap6r1D3tgFxHmwMkQTPH"
	keyD         = "xpub661MyMwAqRbcGDZQUKLqmWodYLcoBQnQH33yYkkF3jjxeLvY8qr2wWGEWkiKFaaQfJCoi3HeEq3Dc5DptfbCyjD38fNhSqtKc1UHaP4ba3t"
	privateKey   = "xprvA1RpRA33e1JQ7ifknakTFpgNXPmW2YvmhqLQYMmrj4xJXXWYpDPS3xz7iAxn8L39njGVyuoseXzU6rcxFLJ8HFsTjSyQbLYnMpCqE2VbFWc"
	walletKey    = "L4rK1yDtCWekvXuE6oXD9jCYfFNV2cWRpVuPLBcCU2z8TrisoyY1"
)

// sixteen are the keys of BIP-383's sixteen-key vector.
const sixteen = "03669b8afcec803a0d323e9a17f3ea8e68e8abe5a278020a929adbec52421adbd0,0260b2003c386519fc9eadf2b5cf124dd8eea4c4e68d5e154050a9346ea98ce600,0362a74e399c39ed5593852a30147f2959b56bb827dfa3e60e464b02ccf87dc5e8,0261345b53de74a4d721ef877c255429961b7e43714171ac06168d7e08c542a8b8,02da72e8b46901a65d4374fe6315538d8f368557dda3a1dcf9ea903f3afe7314c8,0318c82dd0b53fd3a932d16e0ba9e278fcc937c582d5781be626ff16e201f72286,0297ccef1ef99f9d73dec9ad37476ddb232f1238aff877af19e72ba04493361009,02e502cfd5c3f972fe9a3e2a18827820638f96b6f347e54d63deb839011fd5765d,03e687710f0e3ebe81c1037074da939d409c0025f17eb86adb9427d28f0f7ae0e9,02c04d3a5274952acdbc76987f3184b346a483d43be40874624b29e3692c1df5af,02ed06e0f418b5b43a7ec01d1d7d27290fa15f75771cb69b642a51471c29c84acd,036d46073cbb9ffee90473f3da429abc8de7f8751199da44485682a989a4bebb24,02f5d1ff7c9029a80a4e36b9a5497027ef7f3e73384a4a94fbfe7c4e9164eec8bc,02e41deffd1b7cce11cde209a781adcffdabd1b91c0ba0375857a2bfd9302419f3,02d76625f7956a7fc505ab02556c23ee72d832f1bac391bcd2d3abce5710a13d06,0399eb0a5487515802dc14544cf10b3666623762fbed2ec38a3975716e2c29c232"

// summed puts the checksum after an expression.
func summed(t *testing.T, expression string) string {
	t.Helper()
	sum, err := Checksum(expression)
	if err != nil {
		t.Fatal(err)
	}
	return expression + "#" + sum
}

func mustParse(t *testing.T, chain chains.Chain, text string) *Descriptor {
	t.Helper()
	d, err := Parse(chain, text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return d
}

// TestVectors derives what BIP-381, 382, 383, 385 and 386 say that their
// descriptors give, as output scripts of the indexes from 0. Vectors of private
// keys stand under those of their public ones, where the BIP has these too.
func TestVectors(t *testing.T) {
	for expression, scripts := range map[string][]string{
		"pkh([deadbeef/1/2'/3/4']" + point + ")": {"76a9149a1c78a507689f6f54b847ad1cef1e614ee23f1e88ac"},
		"pkh([deadbeef/1/2h/3/4h]" + point + ")": {"76a9149a1c78a507689f6f54b847ad1cef1e614ee23f1e88ac"},
		"pkh(" + uncompressed + ")":              {"76a914b5bd079c4d57cc7fc28ecf8213a6b791625b818388ac"},
		"pkh([bd16bee5/2147483647h]xpub69H7F5dQzmVd3vPuLKtcXJziMEQByuDidnX3YdwgtNsecY5HRGtAAQC5mXTt4dsv9RzyjgDjAQs9VGVV6ydYCHnprc9vvaA5YtqWyL6hyds/0)": {"76a914ebdc90806a9c4356c1c88e42216611e1cb4c1c1788ac"},
		"wpkh(" + point + ")":                      {"00149a1c78a507689f6f54b847ad1cef1e614ee23f1e"},
		"wpkh([ffffffff/13']" + keyC + "/1/2/*)":   {"0014326b2249e3a25d5dc60935f044ee835d090ba859", "0014af0bd98abc2f2cae66e36896a39ffe2d32984fb7", "00141fa798efd1cbf95cebf912c031b8a4a6e9fb9f27"},
		"sh(wsh(multi(16," + sixteen + ")))":       {"a9147fc63e13dc25e8a95a3cee3d9a714ac3afd96f1e87"},
		"sh(multi(2," + keyA + "," + keyB + "/0))": {"a91445a9a622a8b0a1269944be477640eedc447bbd8487"},
		"addr(3PUNyaW7M55oKWJ3kDukwk9bsKvryra15j)": {"a914eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee87"},
		"tr(" + point[2:] + ")":                    {"512077aab6e066f8a7419c5ab714c12c67d25007ed55a43cadcacb4d7a970a093f11"},
		"tr(" + point + ")":                        {"512077aab6e066f8a7419c5ab714c12c67d25007ed55a43cadcacb4d7a970a093f11"},
	} {
		d := mustParse(t, mainnet, summed(t, expression))
		if d.Branches() != 1 || d.Ranged() != (len(scripts) > 1) {
			t.Errorf("%s: %d branches, ranged %v", expression, d.Branches(), d.Ranged())
		}
		for i, want := range scripts {
			if got := scriptOf(t, d, 0, uint32(i)); got != want {
				t.Errorf("%s: index %d gives %s, want %s", expression, i, got, want)
			}
		}
	}
}

func scriptOf(t *testing.T, d *Descriptor, branch int, index uint32) string {
	t.Helper()
	a, err := d.address(branch, index)
	if err != nil {
		t.Fatal(err)
	}
	script, err := txscript.PayToAddrScript(a)
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(script)
}

// TestSortedmultiScripts checks the scripts of BIP-383's sortedmulti vector,
// which stands there without the sh or wsh that gives it an address.
func TestSortedmultiScripts(t *testing.T) {
	d := mustParse(t, mainnet, summed(t, "wsh(sortedmulti(2,"+keyA+"/*,"+keyB+"/0/0/*))"))
	for i, want := range []string{
		"5221025d5fc65ebb8d44a5274b53bac21ff8307fec2334a32df05553459f8b1f7fe1b62102fbd47cc8034098f0e6a94c6aeee8528abf0a2153a5d8e46d325b7284c046784652ae",
		"52210264fd4d1f5dea8ded94c61e9641309349b62f27fbffe807291f664e286bfbe6472103f4ece6dfccfa37b211eb3d0af4d0c61dba9ef698622dc17eecdf764beeb005a652ae",
		"5221022ccabda84c30bad578b13c89eb3b9544ce149787e5b538175b1d1ba259cbb83321024d902e1a2fc7a8755ab5b694c575fce742c48d9ff192e63df5193e4c7afe1f9c52ae",
	} {
		var keys [][]byte
		for k := range d.keys {
			public, err := d.keys[k].at(0, uint32(i))
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, public)
		}
		script, err := d.multisig(keys)
		if got := hex.EncodeToString(script); err != nil || got != want {
			t.Errorf("index %d gives %s, %v, want %s", i, got, err, want)
		}
	}
	// multi keeps the order that it was written in.
	one := mustParse(t, mainnet, summed(t, "sh(multi(1,"+uncompressed+","+point+"))"))
	other := mustParse(t, mainnet, summed(t, "sh(multi(1,"+point+","+uncompressed+"))"))
	sorted := mustParse(t, mainnet, summed(t, "sh(sortedmulti(1,"+uncompressed+","+point+"))"))
	if scriptOf(t, one, 0, 0) == scriptOf(t, other, 0, 0) || scriptOf(t, sorted, 0, 0) != scriptOf(t, other, 0, 0) {
		t.Error("multi is sorted, or sortedmulti is not")
	}
}

// TestMultipath checks BIP-389: a descriptor of several branches gives in each
// what the descriptor with that number written out gives.
func TestMultipath(t *testing.T) {
	for expression, branches := range map[string][]string{
		"wpkh([ffffffff/13h]" + keyC + "/<1;3>/2/*)": {"wpkh([ffffffff/13h]" + keyC + "/1/2/*)", "wpkh([ffffffff/13h]" + keyC + "/3/2/*)"},
		"pkh(" + keyD + "/<0;1;2>)":                  {"pkh(" + keyD + "/0)", "pkh(" + keyD + "/1)", "pkh(" + keyD + "/2)"},
		"sh(multi(2," + keyA + "/<1;2;3>/0/*," + keyB + "/0/*," + keyD + "/0/0/<3;4;5>/*))": {
			"sh(multi(2," + keyA + "/1/0/*," + keyB + "/0/*," + keyD + "/0/0/3/*))",
			"sh(multi(2," + keyA + "/2/0/*," + keyB + "/0/*," + keyD + "/0/0/4/*))",
			"sh(multi(2," + keyA + "/3/0/*," + keyB + "/0/*," + keyD + "/0/0/5/*))",
		},
	} {
		d := mustParse(t, mainnet, summed(t, expression))
		if d.Branches() != len(branches) {
			t.Errorf("%s: %d branches, want %d", expression, d.Branches(), len(branches))
		}
		for b, written := range branches {
			one := mustParse(t, mainnet, summed(t, written))
			for index := range uint32(3) {
				if got, want := scriptOf(t, d, b, index), scriptOf(t, one, 0, index); got != want {
					t.Errorf("%s: branch %d, index %d gives %s, want %s", expression, b, index, got, want)
				}
			}
		}
	}
}

// TestParseKey checks keys given alone: the vectors of SLIP-132, BIP-84 and
// BIP-86, of one well-known phrase.
func TestParseKey(t *testing.T) {
	const (
		legacy  = "xpub6BosfCnifzxcFwrSzQiqu2DBVTshkCXacvNsWGYJVVhhawA7d4R5WSWGFNbi8Aw6ZRc1brxMyWMzG3DSSSSoekkudhUd9yLb6qx39T9nMdj"
		nested  = "ypub6Ww3ibxVfGzLrAH1PNcjyAWenMTbbAosGNB6VvmSEgytSER9azLDWCxoJwW7Ke7icmizBMXrzBx9979FfaHxHcrArf3zbeJJJUZPf663zsP"
		witness = "zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDKf31mGDtKsAYz2oz2AGutZYs"
		taproot = "xpub6BgBgsespWvERF3LHQu6CnqdvfEvtMcQjYrcRzx53QJjSxarj2afYWcLteoGVky7D3UKDP9QyrLprQ3VCECoY49yfdDEHGCtMMj92pReUsQ"
	)
	for _, c := range []struct {
		key, script string
		branch      int
		index       uint32
		want        string
	}{
		{legacy, ScriptLegacy, 0, 0, "1LqBGSKuX5yYUonjxT5qGfpUsXKYYWeabA"},
		{nested, "", 0, 0, "37VucYSaXLCAsxYyAPfbSi9eh4iEcbShgf"},
		{nested, ScriptNested, 0, 0, "37VucYSaXLCAsxYyAPfbSi9eh4iEcbShgf"},
		{witness, "", 0, 0, "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"},
		{witness, "", 0, 1, "bc1qnjg0jd8228aq7egyzacy8cys3knf9xvrerkf9g"},
		{witness, ScriptWitness, 1, 0, "bc1q8c6fshw2dlwun7ekn9qwf37cu2rn755upcp6el"},
		{taproot, ScriptTaproot, 0, 0, "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr"},
		{taproot, ScriptTaproot, 0, 1, "bc1p4qhjn9zdvkux4e44uhx8tc55attvtyu358kutcqkudyccelu0was9fqzwh"},
		{taproot, ScriptTaproot, 1, 0, "bc1p3qkhfews2uk44qtvauqyr2ttdsw7svhkl9nkm9s9c3x4ax5h60wqwruhk7"},
	} {
		d, err := ParseKey(mainnet, c.key, c.script)
		if err != nil {
			t.Fatalf("%.4s as %q: %v", c.key, c.script, err)
		}
		if got, err := d.Account(c.branch, c.index); err != nil || got != chains.Account(string(mainnet)+":"+c.want) {
			t.Errorf("%.4s as %q, %d/%d: got %s, %v, want %s", c.key, c.script, c.branch, c.index, got, err, c.want)
		}
		if d.Branches() != 2 || !d.Ranged() {
			t.Errorf("%.4s: %d branches, ranged %v, want the two of an account", c.key, d.Branches(), d.Ranged())
		}
		if again := mustParse(t, mainnet, d.String()); again.Sum() != d.Sum() || len(again.Keys()) != 1 || !strings.HasPrefix(again.Keys()[0], "xpub") {
			t.Errorf("%.4s: its descriptor %s reads back as %s", c.key, d, again)
		}
	}
	for _, c := range []struct{ key, script, says string }{
		{legacy, "", "does not say for which script"},
		{legacy, "wsh", `script is "wsh"`},
		{witness, ScriptLegacy, "for the script"},
		{strings.Replace(legacy, "B", "C", 1), ScriptLegacy, "checksum"},
		{legacy[:60], ScriptLegacy, "neither"},
		{"", ScriptLegacy, "neither"},
		{privateKey, ScriptLegacy, "PRIVATE"},
		{walletKey, ScriptLegacy, "PRIVATE"},
		{point, ScriptLegacy, "neither"},
		{retagged(legacy, 0x019da462), ScriptLegacy, "kind Ltub"},
		{retagged(legacy, 0x02aa7ed3), "", "one key of several"},
		{retagged(legacy, 0x045f1cf6), "", "kind vpub"},
	} {
		_, err := ParseKey(mainnet, c.key, c.script)
		if err == nil || !strings.Contains(err.Error(), c.says) || len(c.key) > 20 && strings.Contains(err.Error(), c.key[:20]) {
			t.Errorf("%.4s as %q: got %v, want %q and nothing of the key", c.key, c.script, err, c.says)
		}
	}
}
