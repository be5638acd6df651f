package ledger

import (
	"slices"

	"github.com/assay-por/assay/merkle"
)

// balances keeps one record for each (customer, asset, class), 24 bytes each: a ledger of a million customers with eight
// assets stays under 200 MB. A customer's records are a linked list in descending order of key, so that an entry in registry
// order, the usual one, finds its place at the head.
type balances struct {
	heads  []uint32 // by customer: 1 + number of the first record, 0 for none
	blocks [][]record
	count  uint32
}

type record struct {
	amount merkle.Amount
	next   uint32 // 1 + number of the next record, 0 for none
	key    uint32 // asset index << 16 | class
}

// blockSize is how many records are allocated at once: growing one slice would hold the old and the new at the same time.
const blockSize = 1 << 15

func (b *balances) at(link uint32) *record {
	return &b.blocks[(link-1)/blockSize][(link-1)%blockSize]
}

// add adds an amount and says whether it is the first of its customer, asset and class. Requires that the amounts of an asset
// over all customers fit together.
func (b *balances) add(customer uint32, asset, class uint16, amount merkle.Amount) (first bool, problem string) {
	key := uint32(asset)<<16 | uint32(class)
	link := &b.heads[customer]
	for *link != 0 {
		r := b.at(*link)
		if r.key == key {
			r.amount, _ = r.amount.Add(amount) // a part of the asset's total, so it fits
			return false, ""
		}
		if r.key < key {
			break
		}
		link = &r.next
	}
	if b.count == 1<<32-1 {
		return false, "is one entry more than a ledger holds"
	}
	if int(b.count) == len(b.blocks)*blockSize {
		b.blocks = append(b.blocks, make([]record, blockSize))
	}
	b.count++
	*b.at(b.count) = record{amount: amount, next: *link, key: key}
	*link = b.count
	return true, ""
}

// appendSum appends the customer's sum over all classes, ascending and without zeros.
func (b *balances) appendSum(customer int, sum merkle.Plain) merkle.Plain {
	start := len(sum)
	for link := b.heads[customer]; link != 0; {
		r := b.at(link)
		link = r.next
		if r.amount.IsZero() {
			continue
		}
		asset := uint16(r.key >> 16) //nolint:gosec // the upper half of 32 bits
		if last := len(sum) - 1; last >= start && sum[last].Asset == asset {
			sum[last].Amount, _ = sum[last].Amount.Add(r.amount) // a part of the asset's total, so it fits
			continue
		}
		sum = append(sum, merkle.Entry{Asset: asset, Amount: r.amount})
	}
	slices.Reverse(sum[start:])
	return sum
}

// customersByClass counts for each class the customers that have a record of it.
func (b *balances) customersByClass(classes int) []uint64 {
	counts := make([]uint64, classes)
	seen := make([]uint64, classes) // 1 + the last customer counted
	for customer := range b.heads {
		for link := b.heads[customer]; link != 0; {
			r := b.at(link)
			if class := r.key & 0xffff; seen[class] != uint64(customer)+1 { //nolint:gosec // an index
				seen[class] = uint64(customer) + 1 //nolint:gosec // an index
				counts[class]++
			}
			link = r.next
			if classes == 1 {
				break
			}
		}
	}
	return counts
}
