package verifier

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// What a bundle brings of beacon blocks is worth as much as the policy's checkpoint: without one, never header-trusted.
func TestB20_LightClientWithoutCheckpoint(t *testing.T) {
	const trusted = "header-trusted"
	f := newBeaconFixture()
	w, root := withBeacon(t, f)
	w.policy = strings.Replace(w.policy, "inclusion-proved", trusted, 1)
	v := verify(t, w.make(t))
	proven(t, v)
	notes := strings.Join(v.Notes, "\n")
	if v.Coverage[1].Counted != "0" || !slices.Contains(v.Unanchored, evmChain) || !strings.Contains(notes, "the policy has no checkpoint for "+evmChain) ||
		!strings.Contains(notes, "is the exchange's word") {
		t.Errorf("without a checkpoint: %+v, unanchored %q, notes %q", v.Coverage[1], v.Unanchored, v.Notes)
	}

	w.full = f.policyCheckpoint(root)
	v = verify(t, w.make(t))
	proven(t, v)
	if v.Coverage[1].Counted != "3.5" || slices.Contains(v.Unanchored, evmChain) {
		t.Errorf("with the checkpoint: %+v, unanchored %q", v.Coverage[1], v.Unanchored)
	}
	if c := find(v, "headers."+evmChain); c.Detail != "block 100, confirmed by the policy's checkpoint 0x"+root+": sync committees signed slot 90240, which finalises it" {
		t.Errorf("got %q", c.Detail)
	}

	w.files = nil
	v = verify(t, w.make(t))
	proven(t, v)
	if v.Coverage[1].Counted != "0" || !slices.Contains(v.Unanchored, evmChain) || !strings.Contains(strings.Join(v.Notes, "\n"), "the bundle has no reserves/beacon/eip155-1337.json") {
		t.Errorf("a checkpoint and no file: %+v, unanchored %q, notes %q", v.Coverage[1], v.Unanchored, v.Notes)
	}
}

// A chain made up for the purpose, with committees, states and signatures of its own, all consistent.
func TestB20_LightClientOfAMadeUpChain(t *testing.T) {
	_, honest := newBeaconFixture().make("")
	f := newBeaconFixture()
	f.slots = on("bootstrap", func(x obj) { x["proposer"] = 1 })
	w, own := withBeacon(t, f)
	w.full = f.policyCheckpoint(honest)
	refused(t, verify(t, w.make(t)), "headers."+evmChain, "its root is not the policy's checkpoint: got 0x"+own+", want 0x"+honest)
}

// Where checkpoint and file are there, all must pass, whatever anchors say.
func TestB20_LightClientAndAnchors(t *testing.T) {
	honest := newBeaconFixture()
	_, root := honest.make("")
	anchor := func(hash string) string {
		return "[[anchor]]\nchain = \"" + evmChain + "\"\nnumber = 100\nhash = \"" + hash + "\"\n"
	}
	right, wrong := anchor("0x"+hex.EncodeToString(honest.pinned)), anchor("0x"+strings.Repeat("0", 64))

	w, _ := withBeacon(t, honest)
	w.full = wrong + honest.policyCheckpoint(root)
	refused(t, verify(t, w.make(t)), "headers."+evmChain, "the policy's anchor for block 100 is 0x000")
	w.full = right + honest.policyCheckpoint(root)
	v := verify(t, w.make(t))
	proven(t, v)
	if c := find(v, "headers."+evmChain); !strings.Contains(c.Detail, "by an anchor of the policy and by the policy's checkpoint") {
		t.Errorf("got %q", c.Detail)
	}
	broken := newBeaconFixture()
	broken.signature = on("finality", func(raw []byte) { raw[0] ^= 0x20 })
	w, _ = withBeacon(t, broken)
	w.full = right + broken.policyCheckpoint(root)
	refused(t, verify(t, w.make(t)), "headers."+evmChain, "reserves/beacon/eip155-1337.json: finality.signature")
}

// anchored = true is satisfied by the light client, and by nothing that a bundle says alone.
func TestB20_LightClientWhereThePolicyWantsAnchors(t *testing.T) {
	f := newBeaconFixture()
	w, root := withBeacon(t, f)
	w.policy = strings.Replace(w.policy, "anchored = false", "anchored = true", 1)
	bitcoin := "[[anchor]]\nchain = \"" + utxoChain + "\"\nnumber = " + string(encode(w.blocks[0]["number"])) + "\nhash = \"" + w.blocks[0]["hash"].(string) + "\"\n"
	w.full = bitcoin + f.policyCheckpoint(root)
	proven(t, verify(t, w.make(t)))
	w.full = bitcoin
	refused(t, verify(t, w.make(t)), "headers."+evmChain, "wants every pinned block anchored")
	w.full, w.files = bitcoin+f.policyCheckpoint(root), nil
	refused(t, verify(t, w.make(t)), "headers."+evmChain, "wants every pinned block anchored")
}

// The file has its place in the table of SPEC part 11: optional, core, of a pinned eip155 chain.
func TestB20_LightClientFile(t *testing.T) {
	f := newBeaconFixture()
	_, root := f.make("")
	path := beaconPath(evmChain)
	for name, c := range map[string]struct {
		edit  func(w *world)
		check string
		want  string
		exit  int
	}{
		"not listed": {func(w *world) {
			w.files, w.sealed = nil, w.files
		}, "bundle.files", path + `" is not listed`, ExitFalse},
		"listed and missing": {func(w *world) { w.sealed = func(files map[string][]byte) { delete(files, path) } }, "bundle.files", path + ": the file is missing", ExitUnreadable},
		"part shard":         {func(w *world) { w.manifest = partShard(path) }, "bundle.files", "as part shard, it is core", ExitFalse},
		"of a chain of another kind": {func(w *world) {
			w.files = func(files map[string][]byte) { files[beaconPath(utxoChain)] = []byte("{}") }
		}, "bundle.files", "which no bundle of this statement has", ExitFalse},
		"of a chain that is not pinned": {func(w *world) {
			w.files = func(files map[string][]byte) { files[beaconPath("eip155:1")] = []byte("{}") }
		}, "bundle.files", "which no bundle of this statement has", ExitFalse},
		"changed after signing": {func(w *world) {
			w.sealed = func(files map[string][]byte) { files[path] = append(files[path], '\n') }
		}, "bundle.files", path, ExitFalse},
		"not canonical": {func(w *world) {
			honest := w.files
			w.files = func(files map[string][]byte) {
				honest(files)
				files[path] = append(files[path], '\n')
			}
		}, "headers." + evmChain, path + ": 1 bytes follow the value", ExitUnreadable},
		"of a later version": {func(w *world) {
			honest := w.files
			w.files = func(files map[string][]byte) {
				honest(files)
				files[path] = bytes.Replace(files[path], []byte("assay/v1/"), []byte("assay/v2/"), 1)
			}
		}, "headers." + evmChain, "use a newer assay-verify", ExitUnsupported},
		"of another snapshot": {func(w *world) {
			w.files = func(files map[string][]byte) {
				evidence, _ := f.make(strings.Repeat("0", 64))
				files[path] = encode(evidence)
			}
		}, "headers." + evmChain, "evidence of another snapshot", ExitFalse},
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := withBeacon(t, f)
			w.full = f.policyCheckpoint(root)
			c.edit(w)
			v := verify(t, w.make(t))
			refused(t, v, c.check, c.want)
			if v.Exit != c.exit {
				t.Errorf("exit %d, want %d", v.Exit, c.exit)
			}
		})
	}
}

func partShard(path string) func(obj) {
	return func(m obj) {
		for _, f := range m["files"].([]obj) {
			if f["path"] == path {
				f["part"] = "shard"
			}
		}
	}
}

// A checkpoint that cannot be used is no silent absence of one.
func TestB20_CheckpointOfANetwork(t *testing.T) {
	f := newBeaconFixture()
	w, root := withBeacon(t, f)
	w.full = "[[checkpoint]]\nchain = \"" + evmChain + "\"\nroot = \"0x" + root + "\"\n"
	refused(t, verify(t, w.make(t)), "headers."+evmChain, "needs genesis and forks")
	w.full = strings.Replace(f.policyCheckpoint(root), evmChain, "eip155:1", 1)
	own := w.make(t).policy
	checkpoint, _ := own.Checkpoint("eip155:1")
	if _, err := networkOf(checkpoint); err == nil || !strings.Contains(err.Error(), "leave them out") {
		t.Errorf("another mainnet: got %v", err)
	}
	checkpoint.Network = nil
	if network, err := networkOf(checkpoint); err != nil || len(network.Forks) < 3 {
		t.Errorf("mainnet: got %+v, %v", network, err)
	}
}

// The verdict names the light client in JSON too, among the checks, and no chain that it confirms as unanchored.
func TestB20_LightClientInTheVerdict(t *testing.T) {
	f := newBeaconFixture()
	w, root := withBeacon(t, f)
	w.full = f.policyCheckpoint(root)
	raw, err := json.Marshal(verify(t, w.make(t)))
	if err != nil {
		t.Fatal(err)
	}
	if s := string(raw); !strings.Contains(s, root) || strings.Contains(s, `"unanchored":["`+evmChain) {
		t.Errorf("got %s", s)
	}
}
