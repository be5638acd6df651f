// Package redis is what servers beside each other count in together, and remember what may be taken once: a Redis, which
// answers faster than their database. Nothing lies there alone that must not be lost: one that was started anew, or was emptied, says
// so ([Server.First]), and while it is away its callers know ([ErrAway]) and do with less.
package redis

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/throttled/throttled/v2"
	"github.com/throttled/throttled/v2/store/goredisstore.v9"
)

// ErrAway says that Redis did not do what was asked of it. What it wraps names no address.
var ErrAway = errors.New("Redis does not do what is asked of it") //nolint:staticcheck // a name

const (
	prefix   = "assay:"
	patience = 250 * time.Millisecond // with one that says nothing; whoever asks waits meanwhile
	pause    = time.Second            // after it was away, until it is asked again
	most     = 64                     // connections
)

// Server is a Redis. It may be used by many at once.
type Server struct {
	client *goredis.Client
	told   func(error)
	now    func() time.Time
	away   atomic.Bool
	next   atomic.Int64 // when it is asked again, if it is away
}

// Options are what a URL says: redis://USER:PASSWORD@HOST:PORT/NUMBER, rediss:// over TLS, or unix://USER:PASSWORD@/PATH?db=NUMBER. Over TLS
// ca=PATH names a file with the certificates of those who vouch for the server, in place of whom the machine trusts. It
// returns where that is too: an absolute path is a Unix socket's. The error does not repeat the URL.
func Options(text string) (o *goredis.Options, host string, verified *tls.Config, err error) {
	fault := errors.New("the URL of Redis is not understood")
	u, err := url.Parse(text)
	if err != nil {
		return nil, "", nil, fault
	}
	asks := u.Query()
	ca := asks.Get("ca")
	asks.Del("ca")
	u.RawQuery = asks.Encode()
	if o, err = goredis.ParseURL(u.String()); err != nil || ca != "" && o.TLSConfig == nil {
		return nil, "", nil, fault
	}
	if ca != "" {
		certificates, err := os.ReadFile(ca)
		if err != nil {
			return nil, "", nil, fmt.Errorf("ca: %w", err)
		}
		o.TLSConfig.RootCAs = x509.NewCertPool()
		if !o.TLSConfig.RootCAs.AppendCertsFromPEM(certificates) {
			return nil, "", nil, fmt.Errorf("ca: %s holds no certificate (PEM)", ca)
		}
	}
	if o.Network == "unix" {
		return o, o.Addr, nil, nil
	}
	host, _, err = net.SplitHostPort(o.Addr)
	return o, host, o.TLSConfig, err
}

// Open returns a Redis, which nobody has been asked yet. Told is told what is wrong when it is away, and nil once it is back.
func Open(o *goredis.Options, now func() time.Time, told func(error)) *Server {
	logging.Disable() // its lines name addresses
	s := &Server{told: told, now: now}
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = patience, patience, patience, patience
	o.MaxRetries, o.DialerRetries, o.PoolSize, o.ContextTimeoutEnabled = -1, 1, most, true
	o.DisableIdentity = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled} // of one vendor's
	o.OnConnect = s.greet
	s.client = goredis.NewClient(o)
	return s
}

// Close ends all connections.
func (s *Server) Close() error { return s.client.Close() }

// Away reports whether Redis was away when it was asked last.
func (s *Server) Away() bool { return s.away.Load() }

// Look asks whether it is there.
func (s *Server) Look(ctx context.Context) error {
	return s.ask(ctx, func(ctx context.Context) error { return s.client.Ping(ctx).Err() })
}

// ask asks Redis something. While it is away one tries each second, and all others are told so at once.
func (s *Server) ask(ctx context.Context, what func(context.Context) error) error {
	if s.away.Load() {
		now, next := s.now().UnixNano(), s.next.Load()
		if now < next || !s.next.CompareAndSwap(next, now+int64(pause)) {
			return ErrAway
		}
	}
	ctx, end := context.WithTimeout(context.WithoutCancel(ctx), 2*patience) // whoever asks and goes away is no fault of Redis
	defer end()
	err := what(ctx)
	if err == nil || errors.Is(err, goredis.Nil) {
		if s.away.CompareAndSwap(true, false) {
			s.told(nil)
		}
		return nil
	}
	err = fmt.Errorf("%w: %w", ErrAway, cause(err))
	s.next.Store(s.now().UnixNano() + int64(pause))
	if s.away.CompareAndSwap(false, true) {
		s.told(err)
	}
	return err
}

// cause is what went wrong, without addresses.
func cause(err error) error {
	var at *net.OpError
	var bad *tls.CertificateVerificationError
	switch {
	case errors.As(err, &bad):
		return untrusted(bad)
	case errors.As(err, &at):
		return at.Err
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("it says nothing")
	}
	return err
}

// untrusted is why a certificate is not good, without the names in it.
func untrusted(bad *tls.CertificateVerificationError) error {
	var name x509.HostnameError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(bad.Err, &name):
		return errors.New("its certificate is for another name than its URL says")
	case errors.As(bad.Err, &unknown):
		return errors.New("its certificate is of nobody who is trusted to vouch for it: ca=PATH in its URL says who is")
	}
	return errors.New("its certificate is not good, or not now")
}

// greet looks, at each new connection, whether it is the Redis that it was: one that was started has forgotten what it did not write
// down, and all connections with it. One that forgets what it was told to keep is refused.
func (s *Server) greet(ctx context.Context, conn *goredis.Conn) error {
	info, err := conn.Info(ctx).Result()
	if err != nil {
		return err
	}
	says := map[string]string{}
	for line := range strings.Lines(info) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			says[name] = value
		}
	}
	if policy := says["maxmemory_policy"]; policy != "" && policy != "noeviction" && says["maxmemory"] != "0" {
		return fmt.Errorf("it forgets what it was told to keep (maxmemory-policy %s): set noeviction", policy)
	}
	return began.Run(ctx, conn, []string{prefix + "since"}, says["run_id"], s.now().Unix()).Err()
}

// began notes since when nothing is forgotten, in seconds: by its own clock, or the server's if that is ahead, by which requests are looked at.
var began = goredis.NewScript(`
if redis.call('hget', KEYS[1], 'run') ~= ARGV[1] then
  redis.call('hset', KEYS[1], 'run', ARGV[1], 'since', math.max(redis.call('time')[1], ARGV[2]) + 1)
end
return 1
`)

// take takes a name, and returns since when nothing is forgotten.
var take = goredis.NewScript(`
local since = redis.call('hget', KEYS[1], 'since')
if not since then
  since = math.max(redis.call('time')[1], ARGV[2]) + 1
  redis.call('hset', KEYS[1], 'since', since)
end
local first = redis.call('set', KEYS[2], '', 'nx', 'px', ARGV[1])
return {tonumber(since), first and 1 or 0}
`)

// First takes a name, and reports whether it is the first of that name within keep, at any of the servers that share this Redis. What
// was taken before since may be forgotten.
func (s *Server) First(ctx context.Context, name []byte, keep time.Duration) (first bool, since time.Time, err error) {
	err = s.ask(ctx, func(ctx context.Context) error {
		got, err := take.Run(ctx, s.client, []string{prefix + "since", prefix + "once:" + string(name)}, keep.Milliseconds(), s.now().Unix()).Int64Slice()
		if err != nil {
			return err
		}
		if len(got) != 2 {
			return fmt.Errorf("%d numbers, want two", len(got))
		}
		since, first = time.Unix(got[0], 0), got[1] == 1
		return nil
	})
	return first, since, err
}

// Counts is where limits are counted together. Its errors are [ErrAway].
func (s *Server) Counts() (throttled.GCRAStoreCtx, error) {
	inner, err := goredisstore.NewCtx(s.client, prefix+"limit:")
	return counts{s, inner}, err
}

type counts struct {
	server *Server
	inner  throttled.GCRAStoreCtx
}

// GetWithTime implements [throttled.GCRAStoreCtx].
func (c counts) GetWithTime(ctx context.Context, key string) (value int64, now time.Time, err error) {
	err = c.server.ask(ctx, func(ctx context.Context) (err error) {
		value, now, err = c.inner.GetWithTime(ctx, key)
		return err
	})
	return value, now, err
}

// SetIfNotExistsWithTTL implements [throttled.GCRAStoreCtx].
func (c counts) SetIfNotExistsWithTTL(ctx context.Context, key string, value int64, ttl time.Duration) (set bool, err error) {
	err = c.server.ask(ctx, func(ctx context.Context) (err error) {
		set, err = c.inner.SetIfNotExistsWithTTL(ctx, key, value, ttl+rounded)
		return err
	})
	return set, err
}

// CompareAndSwapWithTTL implements [throttled.GCRAStoreCtx].
func (c counts) CompareAndSwapWithTTL(ctx context.Context, key string, before, value int64, ttl time.Duration) (swapped bool, err error) {
	err = c.server.ask(ctx, func(ctx context.Context) (err error) {
		swapped, err = c.inner.CompareAndSwapWithTTL(ctx, key, before, value, ttl+rounded)
		return err
	})
	return swapped, err
}

// rounded is what the store takes off a time to live, which it has in whole seconds: what is counted is not forgotten before its time.
const rounded = time.Second
