package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/assay-por/assay/web"
	"github.com/assay-por/assay/web/redis"
)

// maxReplicas is how many servers may stand beside each other.
const maxReplicas = 64

// checkShare refuses servers that could not stand beside each other.
func (s ServerConfig) checkShare() error {
	switch _, shared, err := s.databaseAt(); {
	case err != nil:
		return err
	case s.Redis != "" && !namesFile(s.Redis):
		return errors.New(`server.redis: want "file:PATH": a file with the URL of Redis, as it is secret`)
	case s.Replicas < 0 || s.Replicas > maxReplicas:
		return fmt.Errorf("server.replicas: got %d, want 1 to %d, or 0: this one alone", s.Replicas, maxReplicas)
	case s.Replicas > 1 && shared == "" && (s.Database != "" || s.Proofs != ""):
		return errors.New("server.replicas: servers on several machines share a database of PostgreSQL: server.database names a file")
	}
	return nil
}

// share has a server count with those beside it, and take signed requests, and apps' proofs, once with them: in Redis, if one is named. One that is away
// is told of, and the server begins all the same. With a database limits keep what was asked on a day.
func (a *app) share(ctx context.Context, c *Config, config *web.Config) (away func() bool, err error) {
	var shared *redis.Server
	if c.Server.Redis != "" {
		if shared, err = c.redis(config); err != nil {
			return nil, err
		}
		a.opened = append(a.opened, shared)
		_ = shared.Look(ctx) // it tells
		away = shared.Away
		if config.Gate != nil {
			config.Gate.Share(shared)
		}
		if config.OAuth != nil {
			config.OAuth.Share(shared)
		}
	}
	if err := config.Limits.Share(max(1, c.Server.Replicas), shared); err != nil {
		return nil, unreadable("%v", err)
	}
	if config.Gate != nil {
		go config.Limits.Keep(ctx, func(err error) { config.Logger.Warn("what was asked today cannot be kept", "error", err) })
	}
	return away, nil
}

// redis is the Redis whose URL stands in a file that nobody else can read. It is refused where others could listen.
func (c *Config) redis(config *web.Config) (*redis.Server, error) {
	path := c.resolve(strings.TrimPrefix(c.Server.Redis, "file:"))
	url, err := secretFile(path, "server.redis")
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
		return nil, hinted(refused("server.redis: others can read %s, which is a secret", path), "chmod 600 %s", path)
	}
	options, host, verified, err := redis.Options(string(url))
	if err != nil {
		return nil, hinted(unreadable("server.redis: %s does not hold the URL of a Redis: %v", path, err), "write rediss://USER:PASSWORD@HOST:PORT/0, or unix://USER:PASSWORD@/PATH?db=0")
	}
	if !isPrivate(host, verified) {
		return nil, hinted(refused("server.redis: the URL in %s lets others listen, or pose as the server", path), "begin it with rediss://, or use a Unix socket or the loopback address")
	}
	return redis.Open(options, time.Now, func(err error) {
		if err == nil {
			config.Logger.Warn("Redis is back: limits are counted together")
			return
		}
		config.Logger.Error("Redis is away: this server counts its share of each limit alone, and takes neither signed requests nor apps' proofs", "error", err)
	}), nil
}
