package verifier

import (
	"bytes"
	"io"
	"testing"

	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/tree"
)

// FuzzZip: a zip that is accepted is the one zip of its files.
func FuzzZip(f *testing.F) {
	f.Add(zipped(map[string][]byte{"a": []byte("x"), "b/c.json": {}}))
	f.Add(zipped(nil))
	f.Add(zipped(map[string][]byte{"Bad": []byte("x")}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		files, err := Zip(bytes.NewReader(raw), int64(len(raw)))
		if err != nil {
			if ExitCode(err) != ExitUnreadable {
				t.Fatalf("exit %d for %v", ExitCode(err), err)
			}
			return
		}
		content, crc := map[string][]byte{}, true
		for _, l := range files.list {
			in, err := files.open(l.path)
			if err != nil {
				t.Fatal(err)
			}
			if content[l.path], err = io.ReadAll(in); err != nil {
				t.Fatal(err)
			}
			crc = crc && (&bundleRun{files: files}).checkSum(l) == nil
		}
		if crc && !bytes.Equal(zipped(content), raw) {
			t.Fatalf("accepted, but not the zip of its files")
		}
	})
}

// FuzzBundle feeds every file of a bundle that the checks parse, signed or not.
func FuzzBundle(f *testing.F) {
	m := newFullWorld().make(f)
	for path, data := range m.files {
		f.Add(path, data)
	}
	f.Fuzz(func(t *testing.T, path string, data []byte) {
		if path != shardsPath && path != claim.LinesPath && path != claim.ControlPath && path != leavesPath(0) {
			return
		}
		w := newFullWorld()
		same := bytes.Equal(data, m.files[path])
		w.files = func(files map[string][]byte) { files[path] = data }
		if v := verify(t, w.make(t)); v.Proven != same || v.Proven != (v.Exit == 0) {
			t.Fatalf("%s: proven %v, exit %d: %s", path, v.Proven, v.Exit, v.Summary)
		}
	})
}

func FuzzProof(f *testing.F) {
	m := newWorld().make(f)
	good := encode(m.proof(0, 0))
	f.Add(good, "alice@example.org")
	f.Fuzz(func(t *testing.T, raw []byte, customer string) {
		v := Proof(ProofInput{Proof: raw, Policy: m.policy, Customer: customer})
		id, err := tree.NormalizeCustomer(customer)
		if v.Proven && (err != nil || id != "alice@example.org" || !bytes.Equal(raw, good)) {
			t.Fatalf("proven: %q for %q", raw, customer)
		}
	})
}
