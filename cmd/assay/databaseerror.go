package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/assay-por/assay/chains/egress"
)

// databaseError says what went wrong and repeats neither the URL nor, as messages of the server may, a value of a row.
func databaseError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var said *pgconn.PgError
	if errors.As(err, &said) {
		switch {
		case strings.HasPrefix(said.Code, "42"): // of the query's own words
			return refused("ledger.query: the server says %s", egress.Quote(said.Message))
		case strings.HasPrefix(said.Code, "28"):
			return refused("ledger.database: the server refuses the user or the password (SQLSTATE %s)", said.Code)
		case said.Code == "3D000":
			return refused("ledger.database: the server has no such database")
		case strings.HasPrefix(said.Code, "57P"):
			return unreachableDatabase("the server is shutting down or starting up (SQLSTATE " + said.Code + ")")
		}
		return hinted(refused("ledger.query: the server gave it up with SQLSTATE %s", said.Code), "the server's log says more")
	}
	var host *net.DNSError
	var system *os.SyscallError
	var unverified *tls.CertificateVerificationError
	switch {
	case errors.As(err, &host):
		return unreachableDatabase("its host has no address")
	case errors.As(err, &unverified):
		return refused("ledger.database: the server's certificate is not of its host, or not of a certificate authority known here (sslrootcert)")
	case errors.As(err, &system):
		return unreachableDatabase(system.Err.Error())
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return unreachableDatabase("the server closed the connection")
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return unreachableDatabase("it does not answer in time")
	}
	return unreachableDatabase("the connection failed")
}

func unreachableDatabase(why string) error {
	return &failure{code: exitNetwork, err: fmt.Errorf("ledger.database: %s", why), hint: "nothing was written; run the command again once the server answers"}
}
