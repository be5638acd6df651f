package evidence

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"runtime"
	"strconv"
	"sync"
	"time"

	"golang.org/x/crypto/scrypt"
)

const headerSize = 80

// doubleSHA256 is Bitcoin's hash.
func doubleSHA256(b []byte) [32]byte {
	once := sha256.Sum256(b)
	return sha256.Sum256(once[:])
}

// scryptWork is Litecoin's hash of a header for its proof of work. A block's id is the double SHA-256 there too.
func scryptWork(header []byte) (work [32]byte) {
	const cost, blockSize, parallel = 1024, 1, 1
	b, err := scrypt.Key(header, header, cost, blockSize, parallel, len(work))
	if err != nil { // never with these constants; what has this work is above every target
		b = bytes.Repeat([]byte{0xff}, len(work))
	}
	copy(work[:], b)
	return work
}

// expandBits turns the compact form of a target into the number, in hashing order (little-endian): a header's bits are its
// mantissa's three bytes and its length in bytes. The target is positive and at most 2^limitBits − 1.
func expandBits(bits uint32, limitBits int) (target [32]byte, err error) {
	mantissa, size := bits&0x007fffff, int(bits>>24)
	if bits&0x00800000 != 0 {
		return target, errors.New("a negative target")
	}
	n := new(big.Int).SetUint64(uint64(mantissa))
	if size >= 3 {
		n.Lsh(n, uint(8*(size-3))) //nolint:gosec // size is one byte
	} else {
		n.Rsh(n, uint(8*(3-size))) //nolint:gosec // size is one byte
	}
	if n.Sign() == 0 {
		return target, errors.New("a target of 0")
	}
	if n.BitLen() > limitBits {
		return target, fmt.Errorf("a target of %d bits", n.BitLen())
	}
	n.FillBytes(target[:])
	return reversed(target), nil
}

// atMost compares two numbers in hashing order.
func atMost(work, target [32]byte) bool {
	for i := len(work) - 1; i >= 0; i-- {
		if work[i] != target[i] {
			return work[i] < target[i]
		}
	}
	return true
}

// CheckHeaders checks the header chain: each header links to the one before it and has its proof of work, and the last one
// is the pinned block (SPEC part 13, step 1).
func (u *UTXO) CheckHeaders(block Block) error {
	if block.Chain != u.chain {
		return &CheckError{Field: "headers", Problem: "evidence of another chain than the pinned block's", Got: u.chain, Want: block.Chain}
	}
	if err := u.checkLinks(); err != nil {
		return err
	}
	last := len(u.headers)/headerSize - 1
	fail := func(problem, got, want string) error { return failedHeader(last, problem, got, want) }
	got := u.block(last)
	switch {
	case got.Hash != block.Hash:
		return fail("its id is not the pinned block's", got.Hash, block.Hash)
	case got.Number != block.Number:
		return fail("its height is not the pinned one", strconv.FormatUint(got.Number, 10), strconv.FormatUint(block.Number, 10))
	case got.Time.Unix() != block.Time.Unix():
		return fail("its time is not the pinned one", got.Time.Format(time.RFC3339), block.Time.UTC().Format(time.RFC3339))
	}
	return nil
}

func failedHeader(i int, problem, got, want string) error {
	return &CheckError{Field: "headers[" + strconv.Itoa(i) + "]", Problem: problem, Got: got, Want: want}
}

// checkLinks makes sure that each header links to the one before it and has its proof of work.
func (u *UTXO) checkLinks() error {
	count := len(u.headers) / headerSize
	var previous [32]byte
	var bits uint32
	var target [32]byte
	var works [][32]byte
	for i := range count {
		if i%workBatch == 0 {
			works = u.works(i, min(i+workBatch, count))
		}
		header := u.header(i)
		if before := [32]byte(header[4:36]); i > 0 && before != previous {
			return failedHeader(i, "it does not follow the header before it", printed(before), printed(previous))
		}
		if b := binary.LittleEndian.Uint32(header[72:76]); b != bits || i == 0 {
			var err error
			if target, err = expandBits(b, u.network.limitBits); err != nil {
				return failedHeader(i, fmt.Sprintf("its bits 0x%08x give no target of this network", b), err.Error(), fmt.Sprintf("a positive target of at most %d bits", u.network.limitBits))
			}
			bits = b
		}
		if work := works[i%workBatch]; !atMost(work, target) {
			return failedHeader(i, "it has no proof of work", "hash "+printed(work), "at most "+printed(target))
		}
		previous = doubleSHA256(header)
	}
	return nil
}

// block is what a header says of its block.
func (u *UTXO) block(i int) Block {
	header := u.header(i)
	return Block{
		Chain: u.chain, Hash: printed(doubleSHA256(header)), Number: u.first + uint64(i), //nolint:gosec // i is an index
		Time: time.Unix(int64(binary.LittleEndian.Uint32(header[68:72])), 0).UTC(),
	}
}

// workBatch bounds what is spent on headers after the first false one.
const workBatch = 4096

// works are the hashes that prove the work of some headers, in order. Scrypt takes most of a millisecond a header, so all
// processors share them.
func (u *UTXO) works(from, to int) [][32]byte {
	works := make([][32]byte, to-from)
	workers := runtime.GOMAXPROCS(0)
	var all sync.WaitGroup
	for first := range workers {
		all.Go(func() {
			for i := first; i < len(works); i += workers {
				works[i] = u.network.work(u.header(from + i))
			}
		})
	}
	all.Wait()
	return works
}

func (u *UTXO) header(i int) []byte { return u.headers[i*headerSize : (i+1)*headerSize] }
