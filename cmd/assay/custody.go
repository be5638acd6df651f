package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/report"
)

const requestName = "request.json"

func newCustody(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "custody",
		Short: "Have outside custodians sign what they hold: request out, statements in",
		RunE: func(_ *cobra.Command, _ []string) error {
			return usage("custody needs a verb: request or import; for custodians, key or sign")
		},
	}
	cmd.AddCommand(newCustodyRequest(a), newCustodyImport(a), newCustodyKey(a), newCustodySign(a))
	return cmd
}

func newCustodyRequest(a *app) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "request",
		Short: "Write what custodians must answer: exchange, snapshot, instant",
		Long: `Write the request that every [[custodian]] answers, as one JSON file. A custodian answers with a custody statement (SPEC part 20), signed as a DSSE
envelope or as a JWS; one with this program: assay custody sign. Its file goes where the [[custodian]]'s file or url says.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.inRun(cmd, func(s *stages) error {
				var snap report.Snapshot
				if err := s.run.readJSON(fileSnapshot, "snapshot", &snap); err != nil {
					return err
				}
				path, err := s.writeRequest(snap, out)
				if err != nil {
					return err
				}
				return a.say(cmd, map[string]string{"request": path, "snapshot": snap.ID.String()}, "request for snapshot %s in %s", snap.ID, path)
			})
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "file for the request (default: custody/request.json in the run directory)")
	return cmd
}

func (s *stages) writeRequest(snap report.Snapshot, out string) (string, error) {
	raw, err := attest.Canonical(report.NewCustodyRequest(snap))
	if err != nil {
		return "", refused("%v", err)
	}
	if out == "" {
		return s.run.join(dirCustody, requestName), s.run.write(dirCustody+"/"+requestName, raw)
	}
	if err := renameio.WriteFile(out, raw, 0o644); err != nil {
		return "", unreadable("%v", err)
	}
	return out, nil
}

func newCustodyImport(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "import",
		Short: "Take in the custodians' statements anew, in place of those kept",
		Long: `Read or fetch the statement of every [[custodian]], check it, and keep it in place of the one kept before. assay reserves, report and run do that by
themselves for a custodian of whom nothing was kept yet.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.inRun(cmd, func(s *stages) error {
				var snap report.Snapshot
				if err := s.run.readJSON(fileSnapshot, "snapshot", &snap); err != nil {
					return err
				}
				for _, c := range s.config.Custodians {
					if _, err := s.takeCustody(snap, c); err != nil && !isWaiting(err) {
						return err
					}
				}
				claims, err := s.claims(snap)
				if err != nil {
					return err
				}
				return a.say(cmd, map[string]int{"custodians": len(s.config.Custodians), "claims": len(claims)},
					"%d claims by %d custodians and the exchange itself; none is in any total", len(claims), len(s.config.Custodians))
			})
		},
	}
}

func newCustodyKey(a *app) *cobra.Command {
	var recipient string
	cmd := &cobra.Command{
		Use:   "key FILE",
		Short: "For a custodian: make a sealed key to sign with",
		Long:  `Make a new Ed25519 key, sealed with a passphrase or to an age recipient, and print its public half, which the exchange and its verifiers pin.`,
		Args:  oneArg("custody key takes one file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			lock, err := a.newLock(recipient)
			if err != nil {
				return err
			}
			signer, err := makeSigner(args[0], string(attest.Ed25519), lock)
			if err != nil {
				return err
			}
			return a.say(cmd, map[string]string{"key": signer.PublicKey().String()}, "public key: %s", signer.PublicKey())
		},
	}
	cmd.Flags().StringVar(&recipient, "recipient", "", "seal the key to this age recipient (age1…) instead of a passphrase")
	return cmd
}

// validity is how long a custody statement is good for if nothing is said.
const validity = 90 * 24 * time.Hour

func newCustodySign(a *app) *cobra.Command {
	var as, key, expires, out string
	var balances []string
	cmd := &cobra.Command{
		Use:   "sign REQUEST --as NAME --key REF --balance ASSET=AMOUNT …",
		Short: "For a custodian: sign what you hold for the exchange",
		Long: `Answer an exchange's request with a custody statement, signed as a DSSE envelope. Read the request first: you sign for the exchange, the snapshot and the
instant that it names. It needs no assay.toml; the key is a reference such as file:custody.age (assay custody key makes one).`,
		Args: oneArg("custody sign takes one request"),
		RunE: func(cmd *cobra.Command, args []string) error {
			request, err := os.ReadFile(args[0])
			if err != nil {
				return unreadable("%v", err)
			}
			statement, err := answer(request, as, balances, expires, time.Now())
			if err != nil {
				return err
			}
			envelope, err := a.signCustody(cmd.Context(), statement, key)
			if err != nil {
				return err
			}
			if out == "" {
				_, err := fmt.Fprintln(cmd.OutOrStdout(), string(envelope))
				return err
			}
			if err := renameio.WriteFile(out, envelope, 0o644); err != nil {
				return unreadable("%v", err)
			}
			return a.say(cmd, map[string]string{"statement": out, "expires": statement.Expires.String()},
				"signed for %s at %s: %d balances, good until %s, in %s", statement.Exchange, statement.Instant, len(statement.Balances), statement.Expires, filepath.Clean(out))
		},
	}
	cmd.Flags().StringVar(&as, "as", "", "your name, as the exchange and its verifiers know it")
	cmd.Flags().StringVar(&key, "key", "", "the key to sign with, such as file:custody.age")
	cmd.Flags().StringArrayVar(&balances, "balance", nil, "what you hold at the instant, such as BTC=1.5; once for each asset")
	cmd.Flags().StringVar(&expires, "expires", "", "until when the statement is good, such as 2027-01-01T00:00:00Z (default: 90 days from now)")
	cmd.Flags().StringVar(&out, "out", "", "file for the signed statement (default: standard output)")
	return cmd
}

// answer is the statement that a custodian signs.
func answer(request []byte, as string, balances []string, expires string, now time.Time) (report.CustodyStatement, error) {
	var none report.CustodyStatement
	if as == "" || len(balances) == 0 {
		return none, usage("custody sign needs --as, --key and --balance")
	}
	r, err := report.ParseCustodyRequest(request)
	if err != nil {
		return none, unreadable("%v", err)
	}
	end := now.UTC().Truncate(time.Second).Add(validity)
	if expires != "" {
		t, err := report.ParseTime(expires)
		if err != nil {
			return none, usage("--expires: %v", err)
		}
		end = t.Time
	}
	if !end.After(now) {
		return none, usage("--expires: %s is past", expires)
	}
	var held []report.CustodyBalance
	for _, b := range balances {
		asset, amount, ok := strings.Cut(b, "=")
		if !ok {
			return none, usage("--balance: got %q, want ASSET=AMOUNT, such as BTC=1.5", b)
		}
		if strings.Contains(amount, ".") {
			amount = strings.TrimSuffix(strings.TrimRight(amount, "0"), ".")
		}
		held = append(held, report.CustodyBalance{Amount: amount, Asset: asset})
	}
	statement, err := r.Answer(as, held, end)
	if err != nil {
		return none, refused("%v", err)
	}
	return statement, nil
}

func (a *app) signCustody(ctx context.Context, statement report.CustodyStatement, key string) ([]byte, error) {
	payload, err := statement.JSON()
	if err != nil {
		return nil, refused("%v", err)
	}
	signer, err := a.signer(ctx, "--key", key)
	if err != nil {
		return nil, err
	}
	if k := signer.PublicKey(); k.Algorithm() != attest.Ed25519 {
		return nil, refused("--key: %s: a custodian signs with Ed25519 (SPEC part 20)", k)
	}
	e, err := attest.Sign(attest.PayloadCustody, payload, signer)
	if err != nil {
		return nil, refused("%v", err)
	}
	return e.JSON()
}
