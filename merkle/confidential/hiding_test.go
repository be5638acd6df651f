package confidential

import (
	"bytes"
	"testing"

	"github.com/assay-por/assay/merkle"
)

// What is published of a shard of paupers and of one of millionaires looks the same: like noise. A smoke test: it finds a mask or a blinding
// that is left out, or used twice.
func TestPublishedValuesAreNoise(t *testing.T) {
	p := parameters(t, 3)
	rich := make([]Row, 200)
	for i := range rich {
		for j := range uint16(3) {
			rich[i].Balances = append(rich[i].Balances, merkle.Entry{Asset: j, Amount: merkle.Amount{Hi: 1<<56 - 1, Lo: 1<<64 - 1}})
		}
	}
	seen := map[[32]byte]bool{}
	for name, rows := range map[string][]Row{"paupers": make([]Row, 200), "millionaires": rich} {
		s := shardOf(rows)
		s.Key = merkle.BlindKey([]byte((name + " ................................")[:32]))
		c, points := commit(t, p, s)
		proof, err := c.Prove(bytes.NewReader(someRandom))
		if err != nil {
			t.Fatal(err)
		}
		published := append(c.Top.Total.AppendBinary(nil), proof[len(proofMagic):]...)
		for _, point := range points {
			published = point.AppendBinary(published)
		}
		var counts [256]int
		for at := 0; at < len(published); at += 32 {
			word := [32]byte(published[at:])
			if seen[word] {
				t.Errorf("%s: a value is published twice", name)
			}
			seen[word] = true
			for _, b := range word[1:] { // the first is below that of a modulus
				counts[b]++
			}
		}
		// Chi squared of 255 degrees of freedom has the mean 255 and the deviation 22.6; six of these lie below 391. Times 1,000, in integers.
		expected := len(published) / 32 * 31
		chi := 0
		for _, n := range counts {
			d := 256*n - expected
			chi += d * d / 256 * 1000 / expected
		}
		if chi < 119_000 || chi > 391_000 {
			t.Errorf("%s: bytes are not evenly spread: chi squared is %d/1000", name, chi)
		}
	}
}
