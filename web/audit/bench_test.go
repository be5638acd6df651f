package audit

import (
	"path/filepath"
	"testing"

	"github.com/assay-por/assay/web/store"
	"github.com/assay-por/assay/web/store/storetest"
)

// BenchmarkRecord does nothing but put it on record, each in a change of its own.
func BenchmarkRecord(b *testing.B) {
	log := storetest.Open(b, filepath.Join(b.TempDir(), "assay.db"))
	ctx := With(b.Context(), asker("c1", "192.0.2.7"))
	for b.Loop() {
		if err := log.Write(ctx, func(tx *store.Tx) error {
			return Record(ctx, tx, Act{At: noon, Action: "key.create", Object: "k", Outcome: Done})
		}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkVerify looks at ten thousand rows.
func BenchmarkVerify(b *testing.B) {
	log := storetest.Open(b, filepath.Join(b.TempDir(), "assay.db"))
	ctx := With(b.Context(), asker("c1", "192.0.2.7"))
	const rows = 10_000
	err := log.Write(ctx, func(tx *store.Tx) error {
		for range rows {
			if err := Record(ctx, tx, Act{At: noon, Action: "key.create", Object: "k", Outcome: Done}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if v, err := Verify(ctx, log, func(func(Head, error) bool) {}); err != nil || v.Rows != rows {
			b.Fatal(v, err)
		}
	}
}
