package oauth_test

import (
	"testing"

	"github.com/assay-por/assay/web/store/pgtest"
)

// TestOnPostgres: all of this room's tests again, on a real PostgreSQL.
func TestOnPostgres(t *testing.T) { pgtest.Again(t) }
