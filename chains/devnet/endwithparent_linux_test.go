package devnet

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestEndsWithParent kills a process that runs a btcd, so that it can clean up
// nothing, and waits for the btcd to be gone.
func TestEndsWithParent(t *testing.T) {
	btcd := findBtcd(t)
	if os.Getenv("ASSAY_DEVNET_CHILD") != "" {
		b, err := StartBitcoin(t.Context(), BitcoinOptions{Seed: "x", Btcd: btcd, Dir: os.Getenv("ASSAY_DEVNET_CHILD"), Empty: true})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println("pid", b.process.Pid)
		select {}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(self, "-test.run=^TestEndsWithParent$")
	child.Env = append(os.Environ(), "ASSAY_DEVNET_CHILD="+t.TempDir())
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	pid := 0
	for scan := bufio.NewScanner(out); pid == 0 && scan.Scan(); {
		if text, ok := strings.CutPrefix(scan.Text(), "pid "); ok {
			pid, _ = strconv.Atoi(text)
		}
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	if pid == 0 {
		t.Fatal("the child started no btcd")
	}
	for began := time.Now(); time.Since(began) < 2*time.Minute; time.Sleep(20 * time.Millisecond) {
		if state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err != nil || strings.Contains(string(state), ") Z ") {
			return
		}
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
	t.Errorf("btcd %d outlived the process that started it", pid)
}
