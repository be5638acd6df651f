package web

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Proxies are the exchange's own before a server, which say in a field who asked them.
type Proxies struct {
	Trusted []netip.Prefix
	Field   string // a list of addresses, such as X-Forwarded-For; empty: there are none
}

// Handler gives next the address of who asks in place of the proxy's: of the field's addresses the last that is of no proxy.
// A connection that is no proxy's own is taken as it is, whatever its fields say.
func (p Proxies) Handler(next http.Handler) http.Handler {
	if p.Field == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if client := p.client(r); client.IsValid() {
			r = r.WithContext(r.Context()) // a copy
			r.RemoteAddr = netip.AddrPortFrom(client, 0).String()
		}
		next.ServeHTTP(w, r)
	})
}

// client is who asked the outermost proxy; zero if no proxy asks.
func (p Proxies) client(r *http.Request) netip.Addr {
	client := from(r)
	if !p.trusts(client) {
		return netip.Addr{}
	}
	hops := strings.Split(strings.Join(r.Header.Values(p.Field), ","), ",")
	for _, hop := range slices.Backward(hops) {
		at, err := hopAddress(strings.TrimSpace(hop))
		if err != nil { // what stands before it is nobody's word
			return client
		}
		if client = at; !p.trusts(client) {
			return client
		}
	}
	return client
}

// hopAddress reads an address, with a port or without.
func hopAddress(text string) (netip.Addr, error) {
	at, err := netip.ParseAddrPort(text)
	if err == nil {
		return at.Addr().Unmap(), nil
	}
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	return a.Unmap(), err
}

func (p Proxies) trusts(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	return slices.ContainsFunc(p.Trusted, func(n netip.Prefix) bool { return n.Contains(a) })
}
