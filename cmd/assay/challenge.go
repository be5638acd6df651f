package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/control"
)

const longChallenge = `Write the challenge of every account that has not signed yet: NAME.txt, to be signed byte for byte (there is no line feed at its end). Put the
signature into NAME.sig beside it and give the folder to assay control import.

Accounts with one address on several eip155 chains share one text, since they have one key; --together does that for the accounts in a file, one a line,
such as several Safes of the same owners.

What signs:
  eip155   personal_sign (EIP-191), or with --eip712 the typed data in NAME.eip712.json (eth_signTypedData_v4); for a Safe whose owners the evidence
           proves, personal_sign of as many owners as it asks for, one a line; for other contract wallets whatever their isValidSignature takes (EIP-1271)
  bip122   BIP-322, simple (segwit), full, or proof of funds, with lock time 0 and sequence 0; a PSBT of BIP-127; a signed message of 65 bytes as
           Electrum and others make it (P2PKH, P2SH-P2WPKH, P2WPKH); for a k-of-n script: the script in hex, a colon, k such messages joined by commas
  tron     signMessageV2
  solana   signMessage: 64 bytes in hex, base58 or base64
  xrpl     the public key in hex, a colon, and the signature of the text in hex`

// handing says how challenges go to those who sign.
type handing struct {
	out       string
	together  []string // files with accounts that share a text
	qr, typed bool
}

func newControlChallenge(a *app) *cobra.Command {
	var h handing
	cmd := &cobra.Command{
		Use:   "challenge",
		Short: "Write the texts that wallets sign offline, as files and as QR codes",
		Long:  longChallenge,
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.inRun(cmd, func(s *stages) error {
				if h.out == "" {
					h.out = s.run.join(dirChallenges)
				}
				n, accounts, err := s.challenge(h)
				if err != nil {
					return err
				}
				return a.say(cmd, map[string]any{"challenges": n, "accounts": accounts, "dir": h.out}, "%d challenges to sign in %s, for %d accounts", n, h.out, accounts)
			})
		},
	}
	cmd.Flags().StringVar(&h.out, "out", "", "folder for the texts (default: control/challenges in the run directory)")
	cmd.Flags().StringArrayVar(&h.together, "together", nil, "file of accounts that sign one text together, one a line; may be given several times")
	cmd.Flags().BoolVar(&h.qr, "qr", false, "write each text as a QR code too: NAME.png")
	cmd.Flags().BoolVar(&h.typed, "eip712", false, "write texts of eip155 accounts as typed data too: NAME.eip712.json")
	return cmd
}

// challenge writes the texts of all accounts that have not signed, and returns how many texts and accounts.
func (s *stages) challenge(h handing) (texts, accounts int, err error) {
	c, err := s.controlled()
	if err != nil {
		return 0, 0, err
	}
	owners, err := s.owners(c.snap)
	if err != nil {
		return 0, 0, err
	}
	groups, err := s.together(h.together, c)
	if err != nil {
		return 0, 0, err
	}
	groups = append(groups, sameAddress(without(s.unsigned(c.wallets, c.have), groups), owners)...)
	if err := os.MkdirAll(h.out, 0o700); err != nil {
		return 0, 0, unreadable("%v", err)
	}
	for _, group := range groups {
		text, err := challengeOf(c.snap, c.tree.Root, group)
		if err != nil {
			return 0, 0, err
		}
		if err := h.write(text, owners); err != nil {
			return 0, 0, err
		}
		accounts += len(group)
	}
	return len(groups), accounts, nil
}

// together reads the groups that the operator made.
func (s *stages) together(files []string, c controlled) ([][]chains.Account, error) {
	var groups [][]chains.Account
	where := map[chains.Account]string{}
	for _, file := range files {
		lines, err := readLines(file)
		if err != nil {
			return nil, err
		}
		var group []chains.Account
		for i, line := range lines {
			if line == "" {
				continue
			}
			at := fmt.Sprintf("%s:%d", file, i+1)
			cut := max(strings.LastIndexByte(line, ':'), 0)
			account, err := canonicalAccount(line[:cut], strings.TrimPrefix(line[cut:], ":"))
			switch first, twice := where[account]; {
			case err != nil:
				return nil, unreadable("%s: %v", at, err)
			case twice:
				return nil, unreadable("%s: account %s is listed before, at %s", at, account, first)
			case !c.lists(account):
				return nil, refused("%s: account %s is in no [[wallet]]", at, account)
			}
			where[account] = at
			group = append(group, account)
		}
		if len(group) == 0 {
			return nil, unreadable("%s: it lists no account", file)
		}
		slices.Sort(group)
		groups = append(groups, group)
	}
	return groups, nil
}

func without(accounts []chains.Account, groups [][]chains.Account) []chains.Account {
	grouped := map[chains.Account]bool{}
	for _, account := range slices.Concat(groups...) {
		grouped[account] = true
	}
	return slices.DeleteFunc(slices.Clone(accounts), func(a chains.Account) bool { return grouped[a] })
}

// sameAddress groups accounts with one address on several eip155 chains: they have one key. Contract wallets are grouped
// only where the evidence proves the same owners.
func sameAddress(accounts []chains.Account, owners map[chains.Account]chains.Owners) [][]chains.Account {
	var groups [][]chains.Account
	at := map[string]int{}
	for _, account := range accounts {
		if account.Chain().Namespace() != chains.EIP155 {
			groups = append(groups, []chains.Account{account})
			continue
		}
		o := owners[account]
		alike := fmt.Sprint(account.Address(), o.Threshold, slices.Sorted(slices.Values(o.Addresses)))
		if i, ok := at[alike]; ok {
			groups[i] = append(groups[i], account)
			continue
		}
		at[alike] = len(groups)
		groups = append(groups, []chains.Account{account})
	}
	for _, group := range groups {
		slices.Sort(group)
	}
	return groups
}

// challengeName is what the files of a challenge are called, without ending.
func challengeName(accounts []chains.Account) string {
	name := strings.ReplaceAll(string(accounts[0]), ":", "-")
	if more := len(accounts) - 1; more > 0 {
		name += fmt.Sprintf("-and-%d-more", more)
	}
	return name
}

func (h handing) write(c control.Challenge, owners map[chains.Account]chains.Owners) error {
	accounts, text := c.Names(), c.Text()
	path := filepath.Join(h.out, challengeName(accounts))
	files := map[string][]byte{".txt": []byte(text)}
	if h.typed && !slices.ContainsFunc(accounts, func(a chains.Account) bool {
		_, safe := owners[a]
		return safe || a.Chain().Namespace() != chains.EIP155
	}) {
		typed, err := control.TypedData(text)
		if err != nil {
			return err
		}
		files[".eip712.json"] = typed
	}
	if h.qr {
		image, err := drawQR(text)
		if err != nil {
			return hinted(refused("%s: %v", path+".png", err), "leave out --qr, or have fewer accounts sign together")
		}
		files[".png"] = image
	}
	for ending, content := range files {
		if err := renameio.WriteFile(path+ending, content, 0o600); err != nil {
			return unreadable("%v", err)
		}
	}
	return nil
}
