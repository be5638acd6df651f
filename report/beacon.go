package report

import (
	"strings"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/chains"
)

// TypeBeacon is the type of light client evidence (SPEC part 22).
const TypeBeacon = "assay/v1/evidence/beacon"

const (
	beaconPrefix = "reserves/beacon/"
	beaconSuffix = ".json"
)

// PathBeacon returns the path of a chain's light client evidence (SPEC part 11).
func PathBeacon(c chains.Chain) string {
	return beaconPrefix + strings.ReplaceAll(string(c), ":", "-") + beaconSuffix
}

// beaconChain returns the chain whose light client evidence lies at path.
func beaconChain(path string) (chains.Chain, bool) {
	name, ok := strings.CutPrefix(path, beaconPrefix)
	name, ends := strings.CutSuffix(name, beaconSuffix)
	c, err := chains.ParseChain(strings.Replace(name, "-", ":", 1))
	return c, ok && ends && err == nil && c.Namespace() == chains.EIP155 && PathBeacon(c) == path
}

// mayList reports whether the manifest of a snapshot may list an optional file.
func mayList(s Snapshot, path string) bool {
	c, ok := beaconChain(path)
	if !ok {
		return path == PathVerify
	}
	_, pinned := s.Block(c)
	return pinned
}

// BeaconJSON returns the file of light client evidence (SPEC part 22).
func BeaconJSON(file any) ([]byte, error) { return attest.Canonical(file) }
