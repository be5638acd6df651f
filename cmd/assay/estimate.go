package main

import (
	"fmt"
	"math/bits"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/build"
)

// ledgerSize is how large a ledger is, as far as that can be told before it is read.
type ledgerSize struct {
	entries   int64
	customers int64 // the most that are likely: of rows in no order, a sample tells little
	bytes     int64 // as plain CSV of the long form
}

// estimate is what it takes to build the tree of a ledger.
type estimate struct {
	seconds int64
	disk    int64 // bytes at the peak, in the run directory
}

// What a build takes, measured on two cores with synthetic ledgers (make bench-scale): 50 million entries of 1 million customers took
// 10 s and 30 million of 10 million 16 s, so these rates are on the slow side; the spools of 3 of 50 assets were 33 % of the ledger.
const (
	entryNanos    = 400   // of one core
	customerNanos = 2_600 // beside that of its entries

	spoolPercent  = 35  // of the ledger as plain CSV of the long form
	shardCustomer = 126 // bytes of a sealed shard file
	shardEntry    = 18  // beside that of its customer
	leafCustomer  = 34  // bytes of a leaves file
	leafEntry     = 18  // beside that of its customer

	// Beside that, in a confidential tree: what 2^18 customers with 3 of 50 assets took on one core, with half as much again to be on the slow
	// side; a leaf is 96 bytes, and a sealed row has a point and a blinding too.
	hidingNanos    = 12_000 // a customer, and
	hidingEntry    = 2_400  // an entry
	hidingCustomer = 158    // bytes of a customer's row and leaf, of which the leaf has no entries

	mostSize = 1 << 50 // of anything that is counted here; nothing below overflows
	nanos    = 1_000_000_000
)

// estimate is what the build of a kind of tree takes on so many cores.
func (l ledgerSize) estimate(kind merkle.Kind, cores int64) estimate {
	entries, customers := min(l.entries, mostSize/1024), min(l.customers, mostSize/1024)
	spools := min(l.bytes, mostSize) * spoolPercent / 100
	files := customers*(shardCustomer+leafCustomer) + entries*(shardEntry+leafEntry)
	busy := mulDiv(entries, entryNanos, cores) + mulDiv(customers, customerNanos, cores)
	if kind == merkle.KindConfidential {
		files = customers*(shardCustomer+leafCustomer+hidingCustomer) + entries*shardEntry
		busy += mulDiv(entries, hidingEntry, cores) + mulDiv(customers, hidingNanos, cores)
	}
	shards := int64(1)
	for entries/shards > int64(build.ShardEntries(kind)) { //nolint:gosec // a constant
		shards *= 2
	}
	// A shard's part of the spools goes when its files are there: beside the larger of both lies what is in work.
	inWork := (spools + files) / shards * (cores + 1)
	return estimate{seconds: (busy + nanos - 1) / nanos, disk: min(spools+files, max(spools, files)+inWork)}
}

// String says how large the ledger is.
func (l ledgerSize) String() string {
	return fmt.Sprintf("about %s entries of up to %s customers", grouped(rounded(l.entries)), grouped(rounded(l.customers)))
}

// mulDiv is a * b / c, held to mostSize times 1,000. Requires a, b >= 0 and c > 0.
func mulDiv(a, b, c int64) int64 {
	const most = mostSize * 1000
	hi, lo := bits.Mul64(uint64(a), uint64(b)) //nolint:gosec // not negative
	if hi >= uint64(c) {                       //nolint:gosec // positive
		return most
	}
	q, _ := bits.Div64(hi, lo, uint64(c)) //nolint:gosec // positive
	return int64(min(q, most))            //nolint:gosec // held to most
}
