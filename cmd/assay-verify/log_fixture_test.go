package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Logs as golang.org/x/mod hashes and signs them; tiles and cosignatures straight from SPEC part 25.

const logName = "exchange.example/log"

func seed(name string) ed25519.PrivateKey { return ed25519.NewKeyFromSeed(h([]byte(name))) }

// vkey is a verifier key, and its hash.
func vkey(name string, algorithm byte, key ed25519.PrivateKey) (text string, hash []byte) {
	decoded := append([]byte{algorithm}, key.Public().(ed25519.PublicKey)...)
	hash = h([]byte(name+"\n"), decoded)[:4]
	return fmt.Sprintf("%s+%x+%s", name, hash, base64.StdEncoding.EncodeToString(decoded)), hash
}

type hashes []tlog.Hash

func (s hashes) ReadHashes(indexes []int64) (list []tlog.Hash, err error) {
	for _, i := range indexes {
		list = append(list, s[i])
	}
	return list, nil
}

// logFiles are the files of a log with these entries, cosigned by w1 so long ago.
func logFiles(entries [][]byte, ago time.Duration) map[string][]byte {
	var stored hashes
	for i, e := range entries {
		more, err := tlog.StoredHashes(int64(i), e, stored)
		if err != nil {
			panic(err)
		}
		stored = append(stored, more...)
	}
	root, err := tlog.TreeHash(int64(len(entries)), stored)
	if err != nil {
		panic(err)
	}
	_, hash := vkey(logName, 1, seed("log"))
	private := base64.StdEncoding.EncodeToString(append([]byte{1}, seed("log").Seed()...))
	signer, err := note.NewSigner(fmt.Sprintf("PRIVATE+KEY+%s+%x+%s", logName, hash, private))
	if err != nil {
		panic(err)
	}
	text := fmt.Sprintf("%s\n%d\n%s\n", logName, len(entries), root)
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		panic(err)
	}
	at := uint64(time.Now().Add(-ago).Unix())
	_, hash = vkey("w1", 4, seed("w1"))
	cosignature := ed25519.Sign(seed("w1"), fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at, text))
	cosigned := bytes.Join([][]byte{hash, binary.BigEndian.AppendUint64(nil, at), cosignature}, nil)
	files := map[string][]byte{"checkpoint": fmt.Appendf(signed, "— w1 %s\n", base64.StdEncoding.EncodeToString(cosigned))}
	for from := 0; from < len(entries); from += 256 {
		to := min(from+256, len(entries))
		path := fmt.Sprintf("tile/entries/%03d", from/256)
		if to-from < 256 {
			path += fmt.Sprintf(".p/%d", to-from)
		}
		for _, e := range entries[from:to] {
			files[path] = append(binary.BigEndian.AppendUint16(files[path], uint16(len(e))), e...)
		}
	}
	return files
}

// logPolicy is the section of a policy that believes the log and w1.
func logPolicy() []byte {
	key, _ := vkey(logName, 1, seed("log"))
	witness, _ := vkey("w1", 4, seed("w1"))
	return fmt.Appendf(nil, "[log]\nrequired = false\nkeys = [%q]\nwitnesses = [%q]\nquorum = 1\nfresh = \"24h\"\n", key, witness)
}

// entry signs an entry as Demo Exchange.
func entry(e obj) []byte {
	e["exchange"], e["type"] = "Demo Exchange", "assay/v1/entry"
	const kind = "application/vnd.assay.entry+json"
	payload, key := encode(e), seed("exchange")
	public := "ed25519:" + hex.EncodeToString(key.Public().(ed25519.PublicKey))
	signature := ed25519.Sign(key, fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(kind), kind, len(payload), payload))
	return encode(obj{
		"payload": base64.StdEncoding.EncodeToString(payload), "payloadType": kind,
		"signatures": []obj{{"keyid": hex.EncodeToString(h([]byte("assay/v1/key\x00" + public))), "sig": base64.StdEncoding.EncodeToString(signature)}},
	})
}

// entering is the entry of a statement, from its envelope.
func entering(envelope []byte) (e obj, digest string) {
	var sealed struct{ Payload []byte }
	var statement struct {
		Predicate struct {
			Series   obj
			Snapshot struct{ Instant, Period, ID string }
		}
	}
	for _, err := range []error{json.Unmarshal(envelope, &sealed), json.Unmarshal(sealed.Payload, &statement)} {
		if err != nil {
			panic(err)
		}
	}
	s, p := statement.Predicate.Snapshot, statement.Predicate
	digest = hex.EncodeToString(h(sealed.Payload))
	return obj{
		"envelope": hex.EncodeToString(h(envelope)), "instant": s.Instant, "issued": s.Instant, "kind": "statement", "period": s.Period,
		"series": p.Series, "snapshot": s.ID, "statement": digest,
	}, digest
}

func words(kind, digest, text string) []byte {
	return entry(obj{"issued": "2026-11-03T00:00:00Z", "kind": kind, "statement": digest, "text": text})
}

// logs are folders with logs: of the statement of report, and of those of months.
func logs() map[string][]byte {
	files, _, policy := report()
	published, digest := entering(files["statement.dsse.json"])
	start := [][]byte{[]byte("of somebody else"), entry(published)}
	next := entry(obj{
		"envelope": digest, "instant": published["instant"], "issued": "2026-11-04T00:00:00Z", "kind": "statement", "period": published["period"], "snapshot": digest,
		"series":    obj{"name": "monthly", "number": 1, "previous": digest, "supersedes": obj{"reason": "a wrong total", "statement": digest}},
		"statement": strings.Repeat("9", 64),
	})
	twice := entry(obj{
		"envelope": digest, "instant": published["instant"], "issued": "2026-11-04T00:00:00Z", "kind": "statement", "period": "2026-11", "snapshot": digest,
		"series": obj{"name": "monthly", "number": 0}, "statement": strings.Repeat("8", 64),
	})
	var monthly [][]byte
	all := months()
	for _, month := range []string{"2026-09", "2026-10", "2026-11"} {
		e, _ := entering(all[month+".dsse.json"])
		monthly = append(monthly, entry(e))
	}
	grown := append(start[:2:2], words("erratum", digest, "for spot read all"), []byte("of somebody else too"))
	out := map[string][]byte{"log.toml": append(policy, logPolicy()...)}
	for name, l := range map[string]struct {
		entries [][]byte
		ago     time.Duration
	}{
		"log": {start, time.Minute}, "grown": {grown, time.Minute}, "withdrawn": {append(start[:2:2], words("withdrawal", digest, "a shard was left out")), time.Minute},
		"superseded": {append(start[:2:2], next), time.Minute}, "twice": {append(start[:2:2], twice), time.Minute},
		"stale": {start, 25 * time.Hour}, "forked": {append([][]byte{[]byte("another beginning")}, grown[1:]...), time.Minute},
		"monthly": {monthly, time.Minute}, "empty": {nil, time.Minute},
	} {
		for path, data := range logFiles(l.entries, l.ago) {
			out["logs/"+name+"/"+path] = data
		}
	}
	out["logs/broken/checkpoint"] = out["logs/grown/checkpoint"]
	return out
}
