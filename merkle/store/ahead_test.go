package store

import (
	"bytes"
	"io"
	"testing"
	"testing/iotest"
)

// counted is a file in memory, which counts what is asked of it.
type counted struct {
	*bytes.Reader
	asked int
	bytes int64
}

func (c *counted) ReadAt(p []byte, offset int64) (int, error) {
	c.asked++
	n, err := c.Reader.ReadAt(p, offset)
	c.bytes += int64(n)
	return n, err
}

func (c *counted) Close() error { return nil }

func numbered(size int) *counted {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i ^ i>>8 ^ i>>16)
	}
	return &counted{Reader: bytes.NewReader(b)}
}

func TestAhead(t *testing.T) {
	const size = 3<<20 + 5
	want, err := io.ReadAll(numbered(size))
	if err != nil {
		t.Fatal(err)
	}
	if err := iotest.TestReader(Ahead(numbered(500)), want[:500]); err != nil {
		t.Error(err)
	}
	f := numbered(size)
	a := Ahead(f)
	got := make([]byte, size)
	for at := 0; at < size; at += 999 {
		end := min(at+999, size)
		if n, err := a.ReadAt(got[at:end], int64(at)); n != end-at || err != nil {
			t.Fatalf("at %d: %d, %v", at, n, err)
		}
	}
	if !bytes.Equal(got, want) {
		t.Error("other bytes")
	}
	if f.asked != 4 || f.bytes != size {
		t.Errorf("asked %d times for %d bytes, want 4 times for %d", f.asked, f.bytes, size)
	}
}

// Columns are read side by side, each from its own place: also when there are more of them than fit.
func TestAheadColumns(t *testing.T) {
	const columns, column, page = 64, 1 << 20, 16 << 10
	for _, c := range []struct {
		most  int
		bytes int64 // at most
	}{{columns * column, columns * column}, {columns * column / 4, columns * column * 2}} {
		f := numbered(columns * column)
		a := &ahead{File: f, size: aheadBlock, most: c.most}
		for at := 0; at < column; at += page {
			for i := range columns {
				p := make([]byte, page)
				if _, err := a.ReadAt(p, int64(i*column+at)); err != nil {
					t.Fatal(err)
				}
				if p[1] != byte(1^(i*column+at)>>8^(i*column+at)>>16) {
					t.Fatal("other bytes")
				}
			}
			if a.kept > c.most {
				t.Fatalf("keeps %d bytes, want at most %d", a.kept, c.most)
			}
		}
		if f.bytes > c.bytes {
			t.Errorf("with %d bytes: asked %d times for %d bytes, want at most %d", c.most, f.asked, f.bytes, c.bytes)
		}
	}
}

func TestAheadFails(t *testing.T) {
	short := numbered(100)
	a := Ahead(longer{short})
	if n, err := a.ReadAt(make([]byte, 10), 50); n != 0 || err != io.EOF { //nolint:errorlint // as it came
		t.Errorf("got %d, %v, want the file's error", n, err)
	}
}

// longer says that there is more than there is.
type longer struct{ *counted }

func (l longer) Size() int64 { return l.counted.Size() + 100 }
