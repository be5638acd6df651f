package anomaly

import (
	"testing"

	"github.com/assay-por/assay/web/store/pgtest"
)

// TestOnPostgres: what is kept is kept on a real PostgreSQL too.
func TestOnPostgres(t *testing.T) {
	pgtest.Again(t, "TestMeasures", "TestRestart", "TestDamaged", "TestRecorded", "TestTogether", "TestHalves", "TestHeldBack", "TestJoined", "TestNotLearned")
}
