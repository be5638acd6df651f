package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"filippo.io/age"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/attest/keys"
)

// app is what the verbs share: the global flags, and the configuration once it was read.
type app struct {
	configPath, passphraseFile, identityFile string

	run         string // of those asked for over the API; empty: the one of [run]
	json, quiet bool

	page       []byte // by which customers check, which goes into bundles; nil: none
	config     *Config
	passphrase []byte

	signers map[string]attest.Signer // by reference, once they were opened
	opened  []io.Closer              // those of them that hold a session
	secrets [][]byte                 // PINs and tokens that were read
}

// load reads the configuration and sets the memory limit it asks for.
func (a *app) load() (*Config, error) {
	if a.config != nil {
		return a.config, nil
	}
	c, err := loadConfig(a.configPath)
	if err != nil {
		return nil, err
	}
	if a.run != "" {
		if c, err = c.forRun(a.run); err != nil {
			return nil, err
		}
	}
	limit, err := parseSize(c.Run.Memory)
	if err != nil {
		return nil, err
	}
	debug.SetMemoryLimit(limit)
	a.config = c
	return c, nil
}

// say prints a result: lines for a person, or the value as JSON.
func (a *app) say(cmd *cobra.Command, value any, format string, args ...any) error {
	if a.json {
		enc := json.NewEncoder(cmd.OutOrStdout())
		enc.SetEscapeHTML(false)
		return enc.Encode(value)
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), format+"\n", args...)
	return err
}

// unlock gives the rooms that open sealed keys what they may need: identities from --identity-file, and the passphrase
// from --passphrase-file, from ASSAY_PASSPHRASE or from the terminal, asked for at most once and only if needed.
func (a *app) unlock() (keys.Unlock, error) {
	u := keys.Unlock{Passphrase: a.askPassphrase}
	if a.identityFile != "" {
		f, err := os.Open(a.identityFile)
		if err != nil {
			return u, unreadable("--identity-file: %v", err)
		}
		defer f.Close()
		if u.Identities, err = age.ParseIdentities(f); err != nil {
			return u, unreadable("--identity-file: %s holds no age identity", a.identityFile)
		}
	}
	return u, nil
}

func (a *app) askPassphrase() ([]byte, error) {
	if a.passphrase != nil {
		return a.passphrase, nil
	}
	p, err := readPassphrase(a.passphraseFile, os.Stdin, os.Stderr)
	if err != nil {
		return nil, err
	}
	a.passphrase = p
	return p, nil
}

func readPassphrase(file string, in *os.File, prompt io.Writer) ([]byte, error) {
	switch env := os.Getenv("ASSAY_PASSPHRASE"); {
	case file != "":
		return secretFile(file, "--passphrase-file")
	case env != "":
		return nonEmpty([]byte(strings.TrimRight(env, "\r\n")), "ASSAY_PASSPHRASE")
	case term.IsTerminal(int(in.Fd())):
		return prompted(in, prompt, "Passphrase of the keys: ", "the passphrase")
	}
	return nil, hinted(usage("the keys are sealed with a passphrase and there is no terminal to ask at"),
		"set ASSAY_PASSPHRASE or give --passphrase-file")
}

func nonEmpty(p []byte, what string) ([]byte, error) {
	if len(p) == 0 {
		return nil, usage("%s is empty", what)
	}
	return p, nil
}
