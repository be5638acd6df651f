package descriptor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// oracle is a real litecoind, which knows descriptors (not those of BIP-386 and
// BIP-389).
type oracle struct {
	t     *testing.T
	place string
}

func startOracle(t *testing.T) *oracle {
	t.Helper()
	path, err := exec.LookPath("litecoind")
	if err != nil {
		t.Skip("skipped: there is no litecoind; on Debian type: apt-get install -y --no-install-recommends litecoind")
	}
	const tries = 3 // another process may take the free port first
	for try := 1; ; try++ {
		o, err := runOracle(t, path)
		if err == nil {
			return o
		} else if try == tries {
			t.Fatal(err)
		}
	}
}

func runOracle(t *testing.T, path string) (*oracle, error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		return nil, err
	}
	cmd := exec.Command(path, "-regtest", "-datadir="+t.TempDir(), "-rpcuser=u", "-rpcpassword=p", fmt.Sprintf("-rpcport=%d", port),
		"-listen=0", "-connect=0", "-dnsseed=0", "-disablewallet", "-printtoconsole=0")
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it would wait for idle connections
		<-ended
	})
	o := &oracle{t, fmt.Sprintf("http://u:p@127.0.0.1:%d", port)}
	for deadline := time.Now().Add(5 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		var height int
		if err = o.ask(&height, "getblockcount"); err == nil {
			return o, nil
		}
		select {
		case <-ended:
			return nil, fmt.Errorf("litecoind ended: %w", err)
		default:
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("litecoind is not ready after five minutes: %w", err)
		}
	}
}

func (o *oracle) ask(answer any, method string, params ...any) error {
	body, err := json.Marshal(map[string]any{"id": 1, "method": method, "params": append([]any{}, params...)})
	if err != nil {
		return err
	}
	resp, err := http.Post(o.place, "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var got struct {
		Result json.RawMessage `json:"result"`
		Error  *struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
		return err
	}
	if got.Error != nil {
		return fmt.Errorf("%s: %s", method, got.Error.Message)
	}
	return json.Unmarshal(got.Result, answer)
}

// written is a branch's descriptor with its numbers written out.
func written(expression string, branch int) string {
	for {
		before, rest, ok := strings.Cut(expression, "<")
		if !ok {
			return before
		}
		list, after, _ := strings.Cut(rest, ">")
		expression = before + strings.Split(list, ";")[branch] + after
	}
}

// TestLitecoind compares checksums and addresses with a real node's.
func TestLitecoind(t *testing.T) {
	o := startOracle(t)
	a, b, c := retagged(keyA, 0x043587cf), retagged(keyB, 0x043587cf), retagged(keyD, 0x043587cf)
	ours := []string{
		"pkh(" + a + "/0/*)", "pkh(" + uncompressed + ")", "pkh([d34db33f/44'/0'/0']" + b + "/1/*)",
		"wpkh(" + point + ")", "wpkh([d34db33f/84h/2h/0h]" + a + "/<0;1>/*)", "wpkh(" + a + ")", "wpkh(" + a + "/2147483647/5/*)",
		"sh(wpkh(" + c + "/<0;1;7>/*))", "sh(wpkh([00000000]" + b + "/*))",
		"sh(multi(2," + a + "/0/*," + point + "," + c + "/7))", "sh(sortedmulti(1," + uncompressed + "," + b + "/*))",
		"wsh(multi(1," + a + "/<0;1>/*," + b + "/<2;3>/*))", "wsh(sortedmulti(3," + a + "/*," + b + "/*," + c + "/*))",
		"sh(wsh(sortedmulti(2,[d34db33f/48h/2h/0h/1h]" + a + "/<0;1>/*," + b + "/<0;1>/*)))", "sh(wsh(multi(16," + sixteen + ")))",
		"sh(multi(15," + strings.Join(strings.Split(sixteen, ",")[1:], ",") + "))",
		"addr(rltc1qw508d6qejxtdg4y5r3zarvary0c5xw7k693xs3)",
	}
	const last = 4
	for _, expression := range ours {
		d := mustParse(t, litecoinRegtest, summed(t, expression))
		for branch := range d.Branches() {
			one := written(expression, branch)
			var info struct {
				Checksum string `json:"checksum"`
				IsRange  bool   `json:"isrange"`
			}
			if err := o.ask(&info, "getdescriptorinfo", one); err != nil {
				t.Errorf("%s: %v", one, err)
				continue
			}
			if want := summed(t, one); one+"#"+info.Checksum != want || info.IsRange != d.Ranged() {
				t.Errorf("%s: the node says checksum %s, ranged %v; we say %s, %v", one, info.Checksum, info.IsRange, want[len(one)+1:], d.Ranged())
			}
			params, indexes := []any{summed(t, one)}, uint32(1)
			if d.Ranged() {
				params, indexes = append(params, last), last+1
			}
			var addresses, got []string
			if err := o.ask(&addresses, "deriveaddresses", params...); err != nil {
				t.Errorf("%s: %v", one, err)
				continue
			}
			for index := range indexes {
				account, err := d.Account(branch, index)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, account.Address())
			}
			if !slices.Equal(got, addresses) {
				t.Errorf("%s: got %v, the node derives %v", one, got, addresses)
			}
		}
	}
	// What the node refuses we refuse too.
	for _, expression := range []string{
		"wpkh(" + uncompressed + ")", "sh(sh(wpkh(" + point + ")))", "wsh(wpkh(" + point + "))", "sh(multi(3," + a + "," + b + "))", "wpkh(" + a + "/2147483648)",
		"wpkh([d34db33]" + a + ")", "wpkh(" + keyA + ")", "sh(multi(16," + sixteen + "))", "addr(bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4)", "wpkh(" + point + "/*)",
	} {
		var info json.RawMessage
		if err := o.ask(&info, "getdescriptorinfo", expression); err == nil {
			t.Errorf("%s: the node takes it: %s", expression, info)
		}
		if d, err := Parse(litecoinRegtest, summed(t, expression)); err == nil {
			t.Errorf("%s was taken: %s", expression, d)
		}
	}
}
