package main

import (
	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/attest/tlog"
)

// logKey is the verifier key of the log.
func (c *Config) logKey() (string, error) {
	public, err := keys.PublicKey(c.keyRef(c.Log.Key))
	if err != nil {
		return "", keyError("log.key", err)
	}
	vkey, err := tlog.VerifierKey(c.Log.Origin, public)
	if err != nil {
		return "", unreadable("%s: %v", c.path, err)
	}
	return vkey, nil
}
