package confidentialtest

import "math/big"

func number(n int64) Scalar { return *new(Scalar).SetInt64(n) }

func mul(x, y Scalar) Scalar { return *new(Scalar).Mul(&x, &y) }

func sub(x, y Scalar) Scalar { return *new(Scalar).Sub(&x, &y) }

// line is at + slope x.
func line(at, slope, x Scalar) Scalar {
	product := mul(slope, x)
	return *at.Add(&at, &product)
}

func dot(a, b []Scalar) (sum Scalar) {
	for i := range a {
		sum = line(sum, a[i], b[i])
	}
	return sum
}

// eq is Π (t_u x_u + (1 - t_u)(1 - x_u)), x the bits of an index.
func eq(t []Scalar, x int) Scalar {
	product := number(1)
	for u := range t {
		factor := t[u]
		if x>>u&1 == 0 {
			factor = sub(number(1), t[u])
		}
		product = mul(product, factor)
	}
	return product
}

// Amount is Σ 2^b e_b over the entries of one asset.
func Amount(entries []Scalar) (sum Scalar) {
	power := number(1)
	for _, e := range entries {
		sum = line(sum, power, e)
		power = mul(power, number(2))
	}
	return sum
}

// Related is Σ λ_j Σ_b 2^b e_{j,b}, over the columns j of a row.
func Related(relation []*big.Int, entries []Scalar) (sum Scalar) {
	for j, lambda := range relation {
		sum = line(sum, *new(Scalar).SetBigInt(lambda), Amount(entries[j*width:(j+1)*width]))
	}
	return sum
}

func appendScalars(b []byte, scalars ...Scalar) []byte {
	for _, s := range scalars {
		raw := s.Bytes()
		b = append(b, raw[:]...)
	}
	return b
}
