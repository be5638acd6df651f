package shard

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/confidential"
)

// hiding is the kind whose sums are commitments, made row by row.
func hiding(t testing.TB) (Kind[confidential.Point], *confidential.Parameters) {
	t.Helper()
	p, err := confidential.NewParameters(names)
	if err != nil {
		t.Fatal(err)
	}
	return Kind[confidential.Point]{
		Tree: merkle.KindConfidential,
		Decode: func(b []byte, _ int) (confidential.Point, []byte, error) {
			n := min(len(b), confidential.PointSize)
			point, err := confidential.ParsePoint(b[:n])
			return point, b[n:], err
		},
		Pairs: p.Blocks().Pairs,
		Opens: func(rows []Row[confidential.Point]) error {
			for _, r := range rows {
				if sum, err := p.CommitRow(r.Opening.Balances, r.Opening.Blinding); err != nil || sum != r.Sum {
					return errors.Join(err, errors.New("a row does not open"))
				}
			}
			return nil
		},
	}, p
}

// hiddenRows are someRows, committed to.
func hiddenRows(t testing.TB, p *confidential.Parameters, n int) (rows []Row[confidential.Point]) {
	t.Helper()
	for i, r := range someRows(n) {
		o := &merkle.Opening[confidential.Point]{Balances: r.Sum, Blinding: [32]byte{1: byte(i + 1), 31: 1}}
		sum, err := p.CommitRow(o.Balances, o.Blinding)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, Row[confidential.Point]{Handle: r.Handle, Nonce: r.Nonce, Identity: r.Identity, Sum: sum, Opening: o})
	}
	return rows
}

func hiddenContents(t testing.TB, kind Kind[confidential.Point], header Header, rows []Row[confidential.Point]) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := begin(kind, nopCloser{&b}, header)
	if err != nil {
		t.Fatal(err)
	}
	p := NewPacker(kind)
	for some := range slices.Chunk(rows, BlockRows) {
		block, err := p.Pack(some)
		if err == nil {
			err = w.Write(block)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// E7: whatever is altered in a file whose sums hide, a proof is right, with what its sum opens to, or refused. What no leaf hashes, a
// handle and a nonce, rests on the seal, as in a plain file.
func TestE07_AlteredHidingContents(t *testing.T) {
	kind, p := hiding(t)
	rows := hiddenRows(t, p, 66)
	want := headerOf(someRows(66))
	good := hiddenContents(t, kind, want, rows)
	refused := 0
	for i := 0; i < len(good); i += 13 {
		content := bytes.Clone(good)
		content[i] ^= byte(1 + i%255)
		f, err := open(kind, bytes.NewReader(content), int64(len(content)), want)
		if err != nil {
			refused++
			continue
		}
		for j := i % 11; j < len(rows); j += 11 {
			proved, err := f.At(uint64(j))
			if err != nil {
				refused++
				continue
			}
			if o := proved.Proof.Opening; proved.Identity != rows[j].Identity || proved.Proof.Balances != rows[j].Sum || o.Blinding != rows[j].Opening.Blinding || !slices.Equal(o.Balances, rows[j].Opening.Balances) {
				t.Fatalf("byte %d of %d altered, and row #%d: got %+v", i, len(good), j, proved)
			}
		}
	}
	if refused < 100 {
		t.Errorf("%d times something was refused", refused)
	}
	for n := range good {
		if _, err := open(kind, bytes.NewReader(good[:n]), int64(n), want); err == nil {
			t.Fatalf("cut to %d of %d bytes, and opened", n, len(good))
		}
	}
}

// A file of one kind is not read as the other's, and rows that are cut off are none.
func TestHidingRows(t *testing.T) {
	kind, p := hiding(t)
	rows := hiddenRows(t, p, 3)
	want := headerOf(someRows(3))
	content := hiddenContents(t, kind, want, rows)
	if _, err := openContents(content, want); err == nil {
		t.Error("read as a plain file")
	}
	plain := contents(t, want, someRows(3))
	if _, err := open(kind, bytes.NewReader(plain), int64(len(plain)), want); err == nil {
		t.Error("a plain file was read")
	}
	raw := rows[0].AppendBinary(nil)
	if r, rest, err := kind.decodeRow(append(slices.Clone(raw), 7), 4); err != nil || len(rest) != 1 || !bytes.Equal(r.AppendBinary(nil), raw) {
		t.Errorf("got %+v and %d bytes (%v)", r, len(rest), err)
	}
	for n := range raw {
		if _, _, err := kind.decodeRow(raw[:n], 4); err == nil {
			t.Errorf("cut to %d of %d bytes, and read", n, len(raw))
		}
	}
	if _, err := NewWriter(kind, io.Discard, newIdentity(t).Recipient(), Header{}); err == nil {
		t.Error("a header that is none")
	}
}
