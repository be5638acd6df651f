package watch

import (
	"context"
	"log/slog"
)

// Log adds the request's id to each line that is written while a request is answered.
func Log(h slog.Handler) slog.Handler { return log{h} }

type log struct{ slog.Handler }

func (l log) Handle(ctx context.Context, r slog.Record) error {
	if id := Of(ctx).ID(); id != "" {
		r.AddAttrs(slog.String("request", id))
	}
	return l.Handler.Handle(ctx, r)
}

func (l log) WithAttrs(attrs []slog.Attr) slog.Handler { return log{l.Handler.WithAttrs(attrs)} }

func (l log) WithGroup(name string) slog.Handler { return log{l.Handler.WithGroup(name)} }
