package watch

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Asked is what is told of a request. What only others know of it they note here, while they answer it. All of it
// may be asked of nil, which is no request.
type Asked struct {
	id         string
	operation  string
	tier       string
	credential string
	outcome    string
	network    string
	origin     string
}

type askedKey struct{}

// Of is the request that is answered in a context; nil if nobody watches.
func Of(ctx context.Context) *Asked {
	a, _ := ctx.Value(askedKey{}).(*Asked)
	return a
}

// What is told where nothing else is known.
const (
	noOperation = "none"
	everybody   = "public"
	other       = "other"
)

func (w *Watch) asked(r *http.Request) (*Asked, error) {
	var id [16]byte
	if _, err := io.ReadFull(w.config.Random, id[:]); err != nil {
		return nil, fmt.Errorf("watch: drawing a request's id: %w", err)
	}
	a := &Asked{id: hex.EncodeToString(id[:]), operation: noOperation, tier: everybody, credential: credential(r)}
	a.network, a.origin = Network(r.RemoteAddr), origin(r.RemoteAddr)
	return a, nil
}

// ID is the request's id.
func (a *Asked) ID() string {
	if a == nil {
		return ""
	}
	return a.id
}

// Operation notes which one it is: the method and the route's pattern, never the path.
func (a *Asked) Operation(method, pattern string) {
	if a != nil {
		a.operation = method + " " + pattern
	}
}

// tiers are those that are told; others are told as one.
var tiers = []string{"basic", "standard", "partner", "auditor"}

// Known notes that the credential is good, and the tier of who has it.
func (a *Asked) Known(tier string) {
	if a == nil {
		return
	}
	if !slices.Contains(tiers, tier) {
		tier = other
	}
	a.tier, a.outcome = tier, "good"
}

// TurnedAway notes that the credential is not good, or that there is none where one is needed.
func (a *Asked) TurnedAway() {
	if a != nil {
		a.outcome = "refused"
	}
}

// credential is the kind that comes with a request; whether it is good is another matter.
func credential(r *http.Request) string {
	switch {
	case len(r.Header["Signature-Input"]) > 0:
		return "signature"
	case len(r.Header["Assay-Key"]) > 0:
		return "secret"
	case r.TLS != nil && len(r.TLS.PeerCertificates) > 0:
		return "certificate"
	}
	return "none"
}

// Network is as much of an address, with its port or without, as is told: /24 of IPv4, /48 of IPv6. It is empty where there is none.
func Network(remote string) string {
	at, ok := address(remote)
	if !ok {
		return ""
	}
	bits := 48
	if at.Is4() {
		bits = 24
	}
	p, _ := at.Prefix(bits) // it has as many
	return p.String()
}

// origin is the kind of an address.
func origin(remote string) string {
	at, ok := address(remote)
	switch {
	case !ok:
		return other
	case at.IsLoopback():
		return "loopback"
	case at.IsPrivate(), at.IsLinkLocalUnicast():
		return "private"
	case at.Is4():
		return "ipv4"
	}
	return "ipv6"
}

func address(remote string) (netip.Addr, bool) {
	if pair, err := netip.ParseAddrPort(remote); err == nil {
		return pair.Addr().Unmap().WithZone(""), true
	}
	at, err := netip.ParseAddr(strings.Trim(remote, "[]"))
	return at.Unmap().WithZone(""), err == nil
}
