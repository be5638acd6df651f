package anomaly

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"
)

// sketched is how many hashes are held of the customers of an hour.
const sketched = 512

// customers counts how many there are of whom a client asks within an hour, by the smallest of their hashes under a key: exactly while there are
// fewer than are held, and to about 4 % beyond. The zero value has counted nobody.
type customers struct{ least []uint64 } // ascending

// mac stands for a customer.
func mac(key []byte, customer string) uint64 {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(customer))
	return binary.BigEndian.Uint64(h.Sum(nil))
}

func (c *customers) add(mac uint64) {
	at, there := slices.BinarySearch(c.least, mac)
	if there || at == sketched {
		return
	}
	if len(c.least) == sketched {
		c.least = c.least[:sketched-1]
	}
	c.least = slices.Insert(c.least, at, mac)
}

// count is about how many there are.
func (c *customers) count() uint32 {
	if len(c.least) < sketched {
		return uint32(len(c.least)) //nolint:gosec // it is small
	}
	apart := c.least[sketched-1] / (sketched - 1)                    // two of them, on the average
	return uint32(min(math.MaxUint64/max(apart, 1), math.MaxUint32)) //nolint:gosec // as said
}
