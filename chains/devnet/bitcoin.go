package devnet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/btcsuite/btcd/chaincfg/v2"

	"github.com/assay-por/assay/chains"
)

// BitcoinChain is the chain that a Bitcoin is of: simnet.
const BitcoinChain chains.Chain = "bip122:683e86bd5c6d110d91b94b97137ba6bf"

// BitcoinNative names its coin.
const BitcoinNative = chains.Token(BitcoinChain + "/slip44:0")

// BitcoinOptions say how to start a Bitcoin.
type BitcoinOptions struct {
	Seed    string
	Btcd    string // path of the binary, v0.26.2
	Dir     string // for its data; empty for the system's temporary folder
	Instant time.Time
	Empty   bool // true: only the genesis block, for tests
}

// A Bitcoin is a btcd process with a simnet of its own.
type Bitcoin struct {
	dir      string
	user     string
	password string
	port     int
	process  *os.Process
	done     chan struct{} // closed when the process has ended
	http     *http.Client
	miner    *miner
}

// StartBitcoin starts btcd and gives it its chain. The process ends with Close
// and, on Linux, whenever this process does.
func StartBitcoin(ctx context.Context, opts BitcoinOptions) (*Bitcoin, error) {
	const tries = 3 // another process may take a free port before btcd does
	var b *Bitcoin
	var err error
	for range tries {
		if b, err = startProcess(ctx, opts); err == nil || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	b.miner = newMiner(opts.Seed)
	if opts.Empty {
		return b, nil
	}
	if err := b.build(ctx, opts); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

func startProcess(ctx context.Context, opts BitcoinOptions) (*Bitcoin, error) {
	dir, err := os.MkdirTemp(opts.Dir, "btcd-")
	if err != nil {
		return nil, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	b := &Bitcoin{dir: dir, port: port, user: "devnet", password: fmt.Sprintf("%x", deriveKey(opts.Seed, "btcd password").Serialize()[:12]),
		done: make(chan struct{}), http: &http.Client{Timeout: time.Minute}}
	if err := b.run(opts.Btcd); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := b.awaitReady(ctx); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// run starts the process. It is waited for on the thread that started it, which
// stays as long: the system ends the child when that thread ends.
func (b *Bitcoin) run(btcd string) error {
	config := filepath.Join(b.dir, "btcd.conf")
	// In a file and not among the arguments, which every user of the machine sees.
	if err := os.WriteFile(config, fmt.Appendf(nil, "[Application Options]\nrpcuser=%s\nrpcpass=%s\n", b.user, b.password), 0o600); err != nil {
		return err
	}
	output, err := os.Create(filepath.Join(b.dir, "output"))
	if err != nil {
		return err
	}
	cmd := exec.Command(btcd, "--simnet", "--configfile="+config, "--datadir="+filepath.Join(b.dir, "data"), "--logdir="+filepath.Join(b.dir, "log"), //nolint:gosec // the test or demo that calls it names the binary
		"--notls", fmt.Sprintf("--rpclisten=127.0.0.1:%d", b.port), "--nolisten", "--nodnsseed", "--txindex", "--addrindex", "--debuglevel=warn")
	cmd.Env = append(os.Environ(), "HOME="+b.dir)
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = endWithParent()
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer output.Close()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is told by its output
			close(b.done)
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("btcd: %w", err)
	}
	b.process = cmd.Process
	return nil
}

func (b *Bitcoin) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for {
		var height int
		err := b.call(ctx, "getblockcount", nil, &height)
		if err == nil {
			return nil
		}
		select {
		case <-b.done:
			said, _ := os.ReadFile(filepath.Join(b.dir, "output"))
			return fmt.Errorf("btcd ended: %s", strings.TrimSpace(string(said)))
		case <-ctx.Done():
			return fmt.Errorf("btcd is not ready: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// URL is where the node listens, with user name and password.
func (b *Bitcoin) URL() string {
	return fmt.Sprintf("http://%s:%s@127.0.0.1:%d", b.user, b.password, b.port)
}

// Place is where the node listens, without the password.
func (b *Bitcoin) Place() string { return fmt.Sprintf("http://127.0.0.1:%d", b.port) }

// Close ends the process and removes what it stored.
func (b *Bitcoin) Close() error {
	_ = b.process.Signal(syscall.SIGTERM) // it may have ended already
	select {
	case <-b.done:
	case <-time.After(10 * time.Second):
		_ = b.process.Kill()
		<-b.done
	}
	return os.RemoveAll(b.dir)
}

// call asks the node one question.
func (b *Bitcoin) call(ctx context.Context, method string, params []any, answer any) error {
	return b.batch(ctx, method, [][]any{params}, []any{answer})
}

// batch asks one method with many lists of parameters.
func (b *Bitcoin) batch(ctx context.Context, method string, params [][]any, answers []any) error {
	type request struct {
		JSONRPC string `json:"jsonrpc"`
		ID      int    `json:"id"`
		Method  string `json:"method"`
		Params  []any  `json:"params"`
	}
	requests := make([]request, len(params))
	for i, p := range params {
		requests[i] = request{"2.0", i, method, append([]any{}, p...)}
	}
	body, err := json.Marshal(requests)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.Place(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.SetBasicAuth(b.user, b.password)
	resp, err := b.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	var responses []struct {
		ID     int             `json:"id"`
		Result json.RawMessage `json:"result"`
		Error  *struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := json.Unmarshal(raw, &responses); err != nil {
		return fmt.Errorf("btcd: %s: answer %.80q: %w", method, raw, err)
	}
	for _, r := range responses {
		if r.Error != nil {
			return fmt.Errorf("btcd: %s: %s", method, r.Error.Message)
		}
		if r.ID < 0 || r.ID >= len(answers) || answers[r.ID] == nil {
			continue
		}
		if err := json.Unmarshal(r.Result, answers[r.ID]); err != nil {
			return fmt.Errorf("btcd: %s: %w", method, err)
		}
	}
	return nil
}

// simnet are the network's rules.
func simnet() *chaincfg.Params { return &chaincfg.SimNetParams }
