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
	var said *pgconn.PgError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case !errors.As(err, &said):
		return connectionError("ledger.database", err)
	case strings.HasPrefix(said.Code, "42"): // of the query's own words
		return refused("ledger.query: the server says %s", egress.Quote(said.Message))
	}
	if err := sessionError("ledger.database", said); err != nil {
		return err
	}
	return hinted(refused("ledger.query: the server gave it up with SQLSTATE %s", said.Code), "the server's log says more")
}

// sessionError says why the server that a setting names lets nobody in; nil if it is not that.
func sessionError(setting string, said *pgconn.PgError) error {
	switch {
	case strings.HasPrefix(said.Code, "28"):
		return refused("%s: the server refuses the user or the password (SQLSTATE %s)", setting, said.Code)
	case said.Code == "3D000":
		return refused("%s: the server has no such database", setting)
	case strings.HasPrefix(said.Code, "57P"):
		return unreachableDatabase(setting, "the server is shutting down or starting up (SQLSTATE "+said.Code+")")
	}
	return nil
}

// connectionError says why there is no connection to the server that a setting names.
func connectionError(setting string, err error) error {
	var host *net.DNSError
	var system *os.SyscallError
	var unverified *tls.CertificateVerificationError
	switch {
	case errors.As(err, &host):
		return unreachableDatabase(setting, "its host has no address")
	case errors.As(err, &unverified):
		return refused("%s: the server's certificate is not of its host, or not of a certificate authority known here (sslrootcert)", setting)
	case errors.As(err, &system):
		return unreachableDatabase(setting, system.Err.Error())
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return unreachableDatabase(setting, "the server closed the connection")
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return unreachableDatabase(setting, "it does not answer in time")
	}
	return unreachableDatabase(setting, "the connection failed")
}

func unreachableDatabase(setting, why string) error {
	return &failure{code: exitNetwork, err: fmt.Errorf("%s: %s", setting, why), hint: "nothing was written; run the command again once the server answers"}
}
