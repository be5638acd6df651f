package respsig

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// target is what of a url is signed, as it was asked for: nothing is decoded.
type target struct{ authority, path, query string } // query with its question mark, which is always there

// CheckURL refuses what is not the url of a receipt, in its one spelling (SPEC part 28).
func CheckURL(s string) error {
	_, err := parseURL(s)
	return err
}

func parseURL(s string) (t target, err error) {
	scheme, rest, _ := strings.Cut(s, "://")
	slash := strings.IndexByte(rest, '/')
	switch {
	case scheme != "https" && scheme != "http", slash < 1, len(s) > maxValue:
		return t, fmt.Errorf("not the url of an answer: want https://host/path (or http:// at a loopback address), at most %d characters", maxValue)
	case !printable(s, '!') || strings.ContainsRune(s, '#'):
		return t, errors.New("not the url of an answer: want printable ASCII without blanks and without a fragment")
	}
	authority := rest[:slash]
	loopback, err := checkAuthority(authority, scheme)
	if err != nil {
		return t, err
	}
	if scheme == "http" && !loopback {
		return t, errors.New("the url begins with http, which is for loopback addresses alone: want https")
	}
	path, query, _ := strings.Cut(rest[slash:], "?")
	return target{authority, path, "?" + query}, nil
}

// checkAuthority takes a host and its port as they are signed: in lower case, and no port that the scheme has anyway.
func checkAuthority(s, scheme string) (loopback bool, err error) {
	host := s
	if at := strings.LastIndexByte(s, ':'); at > strings.LastIndexByte(s, ']') {
		n, err := strconv.ParseUint(s[at+1:], 10, 16)
		usual := map[string]uint64{"https": 443, "http": 80}[scheme]
		if err != nil || n == 0 || n == usual || strconv.FormatUint(n, 10) != s[at+1:] {
			return false, errors.New("the port in the url is none, or the one that its scheme has anyway")
		}
		host = s[:at]
	}
	inner, bracketed := strings.CutPrefix(host, "[")
	if bracketed {
		inner, bracketed = strings.CutSuffix(inner, "]")
	}
	address, parsed := netip.ParseAddr(inner)
	if bracketed && only(inner, digits+"abcdef:.") && parsed == nil && address.Is6() {
		return address.IsLoopback(), nil
	}
	if !only(host, lower+digits+".-_") {
		return false, errors.New("the host in the url is not one in lower case, without a user before it")
	}
	return host == "localhost" || parsed == nil && address.IsLoopback(), nil
}
