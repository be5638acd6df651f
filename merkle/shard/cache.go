package shard

import "sync"

// cache holds what was read last, by its place in the tree or the index. When it is full, any one makes room.
type cache[V any] struct {
	limit int
	mu    sync.Mutex
	held  map[uint64]V
}

func newCache[V any](limit int) *cache[V] { return &cache[V]{limit: limit, held: map[uint64]V{}} }

// get returns what is held, or reads it. Two that miss at once both read. Of a limit of 0 nothing is held.
func (c *cache[V]) get(place uint64, read func() (V, error)) (V, error) {
	c.mu.Lock()
	v, ok := c.held[place]
	c.mu.Unlock()
	if ok {
		return v, nil
	}
	v, err := read()
	if err != nil || c.limit == 0 {
		return v, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for other := range c.held {
		if len(c.held) < c.limit {
			break
		}
		delete(c.held, other)
	}
	c.held[place] = v
	return v, nil
}
