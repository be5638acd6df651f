package witness

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/attest"
)

// Where these stand in the environment, the test's program is a witness and no test.
const (
	envDir  = "ASSAY_TEST_WITNESS_DIR"
	envSeed = "ASSAY_TEST_WITNESS_SEED"
	envLog  = "ASSAY_TEST_WITNESS_LOG"
)

// envKills is how often the witness is killed; make test-faults asks for more.
const envKills = "ASSAY_KILLS"

func TestMain(m *testing.M) {
	if os.Getenv(envDir) != "" {
		fmt.Fprintln(os.Stderr, serve())
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// seeded is a key that two processes can share.
type seeded struct{ private ed25519.PrivateKey }

func (s seeded) PublicKey() attest.PublicKey {
	key, err := attest.ParsePublicKey("ed25519:" + hex.EncodeToString(s.private.Public().(ed25519.PublicKey)))
	if err != nil {
		panic(err)
	}
	return key
}

func (s seeded) Sign(message []byte) ([]byte, error) { return ed25519.Sign(s.private, message), nil }

func serve() error {
	seed, err := hex.DecodeString(os.Getenv(envSeed))
	if err != nil {
		return err
	}
	w, err := Open(seededConfig(os.Getenv(envDir), seed, os.Getenv(envLog)))
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + listener.Addr().String())
	return http.Serve(listener, w)
}

func seededConfig(dir string, seed []byte, vkey string) Config {
	return Config{Dir: dir, Name: "witness.example", Signer: seeded{ed25519.NewKeyFromSeed(seed)}, Logs: []string{vkey}, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
}

// TestX11_KilledWitness: whenever the process is killed, what it had cosigned binds it.
func TestX11_KilledWitness(t *testing.T) {
	kills := 20
	if text := os.Getenv(envKills); text != "" {
		var err error
		if kills, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	seed := make([]byte, ed25519.SeedSize)
	if _, err := rand.Read(seed); err != nil {
		t.Fatal(err)
	}
	l, dir := newLog(t), t.TempDir()
	l.add(t, entry(0))
	acknowledged := []*log{l.clone()} // the first, which nobody cosigned, but for comparing
	for round := range kills {
		acknowledged = append(acknowledged, askAndKill(t, l, dir, seed, round%2*2)...) // in every other round while it starts, perhaps
		w, err := Open(seededConfig(dir, seed, l.vkey))
		if err != nil {
			t.Fatal(err)
		}
		latest := w.logs[origin].latest
		// The last request may have been kept without an answer; nothing else may differ.
		if last := acknowledged[len(acknowledged)-1]; latest.size > 0 && latest.text != l.text(t) && latest.text != last.text(t) || len(acknowledged) > 1 && latest.size == 0 {
			t.Fatalf("it remembers\n%snot\n%sor\n%s", latest.text, last.text(t), l.text(t))
		}
		for _, before := range acknowledged[max(1, len(acknowledged)-3):] {
			fork := before.forked(t)
			for range 2 {
				for _, old := range []int64{0, before.size - 1, before.size, int64(latest.size)} {
					if got := post(w, fork.body(t, old)); got.Code == http.StatusOK {
						t.Fatalf("a fork of size %d is cosigned after %d", fork.size, latest.size)
					}
				}
				fork.add(t, "more")
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(acknowledged) < kills {
		t.Fatalf("%d checkpoints cosigned in %d rounds: too few to show anything", len(acknowledged)-1, kills)
	}
	t.Logf("%d kills, %d checkpoints cosigned", kills, len(acknowledged)-1)
}

func entry(i int64) string { return fmt.Sprint("entry ", i) }

// forked is a log of the same size whose last entry is another.
func (l *log) forked(t *testing.T) *log {
	t.Helper()
	fork := &log{signer: l.signer, vkey: l.vkey}
	for i := range l.size - 1 {
		fork.add(t, entry(i))
	}
	fork.add(t, "fork")
	return fork
}

// askAndKill has a growing log cosigned by a witness of its own process, which ends at a moment of chance once it has cosigned so many
// checkpoints, and returns the states of the log that were.
func askAndKill(t *testing.T, l *log, dir string, seed []byte, least int) []*log {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), envDir+"="+dir, envSeed+"="+hex.EncodeToString(seed), envLog+"="+l.vkey)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var wrong bytes.Buffer
	cmd.Stderr = &wrong
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%v; %s", err, wrong.String())
	}
	chance, err := rand.Int(rand.Reader, big.NewInt(100))
	if err != nil {
		t.Fatal(err)
	}
	kill := func() { _ = cmd.Process.Kill() }
	defer func() { kill(); _ = cmd.Wait() }() // it was killed, and says so
	var signed []*log
	old := l.size // which may be wrong
	for doomed := false; ; {
		if !doomed && len(signed) >= least {
			doomed = true
			time.AfterFunc(time.Duration(chance.Int64())*time.Millisecond, kill)
		}
		resp, err := http.Post(strings.TrimSpace(url)+"/add-checkpoint", "text/plain", strings.NewReader(l.body(t, old)))
		if err != nil {
			return signed
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			return signed
		}
		switch resp.StatusCode {
		case http.StatusOK:
			signed = append(signed, l.clone())
			old = l.size
			l.add(t, entry(l.size))
		case http.StatusConflict:
			if old, err = strconv.ParseInt(strings.TrimSpace(string(body)), 10, 64); err != nil {
				t.Fatal(err)
			}
		default:
			t.Fatalf("%s: %s", resp.Status, body)
		}
	}
}
