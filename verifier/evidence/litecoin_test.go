package evidence

import (
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
)

const (
	litecoinMainnet = "bip122:12a765e31ffd4059bada1e25190f6e98"
	litecoinTestnet = "bip122:4966625a4b2851d9fdee139e56211a0d"
	litecoinRegtest = "bip122:530827f38f93b43ed12af0b3ad25a288"
)

func TestLitecoin_GoodEvidence(t *testing.T) {
	f := newFixtureOn(t, litecoinRegtest, &litecoin, scryptWork)
	result, err := f.check(t)
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Balances) != 6 {
		t.Fatalf("%d balances, want 6", len(result.Balances))
	}
	for _, b := range result.Balances {
		if b.Token != litecoinRegtest+"/slip44:2" {
			t.Errorf("%s: the token is %s", b.Account, b.Token)
		}
	}
}

// The work of a chain is its own: everything else of this evidence holds.
func TestB17_WorkOfAnotherChain(t *testing.T) {
	_, err := newFixtureOn(t, litecoinRegtest, &litecoin, doubleSHA256).check(t)
	wantCheck(t, err, "headers[0]", "it has no proof of work")
	_, err = newFixtureOn(t, regtest, &chaincfg.RegressionNetParams, scryptWork).check(t)
	wantCheck(t, err, "headers[0]", "it has no proof of work")
}

// genesisOf is evidence of no coin at a network's first block.
func genesisOf(chain, header string) (doc, Block) {
	raw, _ := hex.DecodeString(header)
	at := time.Unix(int64(raw[68])|int64(raw[69])<<8|int64(raw[70])<<16|int64(raw[71])<<24, 0)
	return doc{
			"attested": []any{doc{"answers": []any{}, "node": "node a"}}, "blocks": []any{}, "chain": chain, "first": 0, "headers": header,
			"outputs": []any{}, "snapshot": testSnapshot, "type": kindUTXO,
		},
		Block{Chain: chain, Hash: printed(doubleSHA256(raw)), Number: 0, Time: at}
}

func TestB17_GenesisBlocks(t *testing.T) {
	const (
		bitcoinGenesis  = "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c"
		litecoinGenesis = "010000000000000000000000000000000000000000000000000000000000000000000000d9ced4ed1130f7b7faad9be25323ffafa33232a17c3edf6cfd97bee6bafbdd97b9aa8e4ef0ff0f1ecd513f7c"
	)
	for _, tt := range []struct{ name, chain, header, problem string }{
		{"Bitcoin's", mainnet, bitcoinGenesis, ""},
		{"Litecoin's", litecoinMainnet, litecoinGenesis, ""},
		{"Bitcoin's on Litecoin", litecoinMainnet, bitcoinGenesis, "it has no proof of work"},
		{"Litecoin's on Bitcoin", mainnet, litecoinGenesis, "give no target of this network: got a target of 236 bits"},
		{"Litecoin's where its target is in range", regtest, litecoinGenesis, "it has no proof of work"},
		{"Litecoin's with another nonce", litecoinMainnet, strings.TrimSuffix(litecoinGenesis, "7c") + "7d", "it has no proof of work"},
		{"regtest's target on Litecoin", litecoinMainnet, strings.Replace(litecoinGenesis, "f0ff0f1e", "ffff7f20", 1), "a target of 255 bits"},
	} {
		file, block := genesisOf(tt.chain, tt.header)
		parsed, err := ParseUTXO(encode(t, file), testSnapshot, tt.chain)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if _, err = parsed.Check(block, nil); tt.problem != "" {
			wantCheck(t, err, "headers[0]", tt.problem)
		} else if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// Addresses that litecoind itself printed, and some that it would not.
func TestAddress_Litecoin(t *testing.T) {
	for _, tt := range []struct {
		chain, address string
		kind           scriptKind // empty where it is refused
	}{
		{litecoinMainnet, "LS6BYnYPNvGYtLTmMYAEJWaTC1zZZvJXGx", p2pkh},
		{litecoinMainnet, "MJExCxYECHrXgezh9HU4cfhb5ruHXPsGxW", p2sh},
		{litecoinMainnet, "ltc1qu8qhqdcmmyrupzd8fvt8ll2t9hnwswlz8gw9tq", p2wpkh},
		{litecoinTestnet, "mjMy2xHBQsmWpoBkzKSG4SicYUNFeWaqtQ", p2pkh},
		{litecoinTestnet, "QjGE5VcdQTCixkgiexLCARZXcoTwe6aTM7", p2sh},
		{litecoinTestnet, "tltc1qluz5hrf9na8te9qpcsxnkve7mpn8hzjq5hyu6u", p2wpkh},
		{litecoinRegtest, "n4RZLhwZxLGjzd1Vv3ZpL33xD69mKtYdMj", p2pkh},
		{litecoinRegtest, "QXo3i5upAdo3ANCtgyqWvwdsNg1HLRTxMT", p2sh},
		{litecoinRegtest, "rltc1qystn8us2w2eanwxwa5ehcksnfm6qre4zcm2g2d", p2wpkh},

		{litecoinMainnet, "3P14159f73E4gFr7JterCCQh9QjiTjiZrG", ""}, // P2SH in Bitcoin's version, a second spelling
		{litecoinTestnet, "2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc", ""},
		{litecoinMainnet, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", ""},
		{litecoinMainnet, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", ""},
		{litecoinMainnet, "QjGE5VcdQTCixkgiexLCARZXcoTwe6aTM7", ""},
		{litecoinRegtest, "tltc1qluz5hrf9na8te9qpcsxnkve7mpn8hzjq5hyu6u", ""},
		{litecoinMainnet, "ltcmweb1qqtyy3mzfu3quveyrlmd5t80zx4hehmatp4xhjxgv44nvzggh8lpe2qh0r37svnfmwmf73w0ufngkz0tppttzlpt6vx6s3vywstf6dndm3qu0fm65", ""},
		{mainnet, "LS6BYnYPNvGYtLTmMYAEJWaTC1zZZvJXGx", ""},
		{mainnet, "MJExCxYECHrXgezh9HU4cfhb5ruHXPsGxW", ""},
	} {
		script, kind, err := accountScript(tt.chain + ":" + tt.address)
		if kind != tt.kind || (err == nil) != (tt.kind != "") || (err == nil) != (script != nil) {
			t.Errorf("%s on %s: got %q, %v, want %q", tt.address, tt.chain, kind, err, tt.kind)
		}
	}
}

// TestHeaders_ManyBatches has its one header without work behind the first batch.
func TestHeaders_ManyBatches(t *testing.T) {
	const count = workBatch + 10
	easy, err := expandBits(0x207fffff, 255)
	if err != nil {
		t.Fatal(err)
	}
	var headers []byte
	extend := func(good bool) {
		header := make([]byte, headerSize)
		if at := len(headers) - headerSize; at >= 0 {
			id := doubleSHA256(headers[at:])
			copy(header[4:], id[:])
		}
		binary.LittleEndian.PutUint32(header[72:], 0x207fffff)
		for atMost(doubleSHA256(header), easy) != good {
			header[76]++
		}
		headers = append(headers, header...)
	}
	for i := range count {
		extend(i != workBatch+3)
	}
	net, _ := networkOf(regtest)
	u := &UTXO{chain: regtest, network: net, headers: headers}
	block := Block{Chain: regtest, Hash: printed(doubleSHA256(headers[len(headers)-headerSize:])), Number: count - 1, Time: time.Unix(0, 0)}
	wantCheck(t, u.CheckHeaders(block), "headers[4099]", "it has no proof of work")
	headers = nil
	for range count {
		extend(true)
	}
	u.headers, block.Hash = headers, printed(doubleSHA256(headers[len(headers)-headerSize:]))
	if err := u.CheckHeaders(block); err != nil {
		t.Error(err)
	}
}

// TestB13_LitecoinControl: BIP-322 knows scripts, and no chain. What binds a signature to its chain is the challenge.
func TestB13_LitecoinControl(t *testing.T) {
	const signature = "smpAkcwRAIgM2gBAQqvZX15ZiysmKmQpDrG83avLIT492QBzLnQIxYCIBaTpOaD20qRlEylyxFSeEA2ba9YOixpX8z46TSDtS40ASECx/EgAxlkQpQ9hYjgGu6EBCPMVPwVIVJqO4XCsMvViHI="
	script, _, err := accountScript(mainnet + ":bc1q9vza2e8x573nczrlzms0wvx3gsqjx7vavgkx0l")
	if err != nil {
		t.Fatal(err)
	}
	a, err := address.NewAddressWitnessPubKeyHash(script[2:], &chaincfg.Params{Bech32HRPSegwit: "ltc"})
	if err != nil {
		t.Fatal(err)
	}
	account := litecoinMainnet + ":" + a.EncodeAddress()
	if grade, err := verifyOne(MethodBIP322, account, "", signature); err != nil || grade != GradeScript {
		t.Errorf("got %q, %v, want %q", grade, err, GradeScript)
	}
	if grade, err := verifyOne(MethodBIP322, account, "other", signature); err == nil {
		t.Errorf("another text: got %q", grade)
	}
}
