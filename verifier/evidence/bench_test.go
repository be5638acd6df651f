package evidence

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/btcutil/v2/gcs"
)

// BenchmarkUTXO10000 reads and checks a file of 10,000 outputs: 100 blocks of 100 transactions, all of them claimed.
func BenchmarkUTXO10000(b *testing.B) {
	f := newUTXOFixture(b, slices.Repeat([]int{100}, 100)...)
	raw := encode(b, f.file)
	outputs := len(f.file["outputs"].([]any))
	if outputs != 10_000 {
		b.Fatalf("%d outputs", outputs)
	}
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		parsed, err := ParseUTXO(raw, testSnapshot, regtest)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := parsed.Check(f.block, f.accounts); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(outputs)*float64(b.N)/b.Elapsed().Seconds(), "outputs/s")
}

// mineHeaders makes a chain of headers with the easiest work there is.
func mineHeaders(b testing.TB, count int, work func([]byte) [32]byte) []byte {
	b.Helper()
	target, err := expandBits(0x207fffff, 255)
	if err != nil {
		b.Fatal(err)
	}
	headers, previous := make([]byte, 0, count*headerSize), [32]byte{}
	for i := range count {
		header := make([]byte, headerSize)
		copy(header[4:36], previous[:])
		binary.LittleEndian.PutUint32(header[68:], uint32(1_700_000_000+i))
		binary.LittleEndian.PutUint32(header[72:], 0x207fffff)
		for !atMost(work(header), target) {
			header[76]++
		}
		previous = doubleSHA256(header)
		headers = append(headers, header...)
	}
	return headers
}

// BenchmarkHeaders is the chain of headers: links and work, SHA-256 and scrypt.
func BenchmarkHeaders(b *testing.B) {
	for _, c := range []struct {
		name, chain string
		count       int
	}{{"bitcoin", regtest, 10_000}, {"litecoin", litecoinRegtest, 500}} {
		b.Run(c.name, func(b *testing.B) {
			net, _ := networkOf(c.chain)
			u := &UTXO{chain: c.chain, network: net, headers: mineHeaders(b, c.count, net.work)}
			last := doubleSHA256(u.header(c.count - 1))
			block := Block{Chain: c.chain, Hash: printed(last), Number: uint64(c.count - 1), Time: time.Unix(int64(1_700_000_000+c.count-1), 0)}
			for b.Loop() {
				if err := u.CheckHeaders(block); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(c.count)*float64(b.N)/b.Elapsed().Seconds(), "headers/s")
		})
	}
}

// keyAccount is the P2PKH account of a key that nobody has.
func keyAccount(n int) string {
	return regtest + ":" + base58.CheckEncode(fmt.Appendf(nil, "account%13d", n), 0x6f)
}

// BenchmarkFilters hashes and matches 2,000 filters of 2,500 items, as a block of mainnet has some, for exchanges of three sizes.
func BenchmarkFilters(b *testing.B) {
	const blocks, items = 2_000, 2_500
	net, _ := networkOf(regtest)
	headers := mineHeaders(b, blocks, net.work)
	f := new(filters)
	bytes := int64(0)
	for i := range blocks {
		id := doubleSHA256(headers[i*headerSize : (i+1)*headerSize])
		var data [][]byte
		for n := range items {
			data = append(data, fmt.Appendf(nil, "block %d script %d", i, n))
		}
		filter, err := gcs.BuildGCSFilter(filterBits, filterSpread, [gcs.KeySize]byte(id[:gcs.KeySize]), data)
		if err != nil {
			b.Fatal(err)
		}
		raw, err := filter.NBytes()
		if err != nil {
			b.Fatal(err)
		}
		coded, err := parseFilter(raw)
		if err != nil {
			b.Fatal(err)
		}
		f.coded = append(f.coded, coded)
		bytes += int64(len(raw))
	}
	header := f.previous
	for _, c := range f.coded {
		hash := doubleSHA256(c.raw)
		header = doubleSHA256(append(hash[:], header[:]...))
	}
	f.attested = []filterAttestation{{"a", header}, {"b", header}}
	for _, accounts := range []int{10, 1_000, 10_000} {
		b.Run(fmt.Sprintf("accounts=%d", accounts), func(b *testing.B) {
			u := &UTXO{chain: regtest, network: net, headers: headers, filters: f}
			for i := range accounts {
				u.outputs = append(u.outputs, output{account: keyAccount(i)})
			}
			b.SetBytes(bytes)
			for b.Loop() {
				if err := f.checkChain(); err != nil {
					b.Fatal(err)
				}
				if _, err := u.matches(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(blocks)*float64(b.N)/b.Elapsed().Seconds(), "blocks/s")
		})
	}
}
