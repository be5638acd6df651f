package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
)

// loggedReport is the report with its place in a log of one entry, which one witness saw, and Alice's proof that shows it:
// logged/, logged.json, logged.toml, and logged-revoked.toml, by which the exchange's key is revoked a second later.
func loggedReport() map[string][]byte {
	const origin, seconds = "exchange.example/log", 1793505600 // 2026-11-01T04:00:00Z
	note := func(kind byte, name string) (key ed25519.PrivateKey, vkey string, line func(signature []byte) string) {
		key = ed25519.NewKeyFromSeed(h([]byte(name)))
		decoded := append([]byte{kind}, key.Public().(ed25519.PublicKey)...)
		id := h([]byte(name+"\n"), decoded)[:4]
		return key, fmt.Sprintf("%s+%x+%s", name, id, base64.StdEncoding.EncodeToString(decoded)), func(signature []byte) string {
			return fmt.Sprintf("— %s %s\n", name, base64.StdEncoding.EncodeToString(append(id, signature...)))
		}
	}
	files, proof, policy := report()
	entry := entryOf(files["statement.dsse.json"])
	text := fmt.Sprintf("%s\n1\n%s\n", origin, base64.StdEncoding.EncodeToString(h([]byte{0}, entry)))
	logKey, logText, logLine := note(1, origin)
	witnessKey, witnessText, witnessLine := note(4, "witness.example")
	cosigned := append(u64(seconds), ed25519.Sign(witnessKey, fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", seconds, text))...)
	place := "c2sp.org/tlog-proof@v1\nindex 0\n\n" + text + "\n" + logLine(ed25519.Sign(logKey, []byte(text))) + witnessLine(cosigned)
	all := map[string][]byte{"logged/attachments/entry.dsse.json": entry, "logged/attachments/log.tlog-proof": []byte(place)}
	for path, data := range files {
		all["logged/"+path] = data
	}
	var shown, logged obj
	if json.Unmarshal(proof, &shown) != nil || json.Unmarshal(entry, &logged) != nil {
		panic("not JSON")
	}
	shown["log"] = obj{"entry": logged, "proof": base64.StdEncoding.EncodeToString([]byte(place))}
	all["logged.json"] = encode(shown)
	all["logged.toml"] = fmt.Appendf(policy, "[log]\nrequired = true\nkeys = [%q]\nwitnesses = [%q]\nquorum = 1\n", logText, witnessText)
	public := ed25519.NewKeyFromSeed(h([]byte("exchange"))).Public().(ed25519.PublicKey)
	all["logged-revoked.toml"] = fmt.Appendf(slices.Clip(all["logged.toml"]), "[[key]]\nkey = \"ed25519:%x\"\nrevoked = \"2026-11-01T04:00:01Z\"\n", public)
	return all
}

// entryOf enters the statement of an envelope.
func entryOf(statement []byte) []byte {
	var envelope struct {
		Payload    []byte
		Signatures []struct{ KeyID string }
	}
	var payload struct {
		Predicate struct {
			Series   obj
			Snapshot struct {
				ID, Instant, Period string
				Exchange            struct{ Name string }
			}
		}
	}
	if json.Unmarshal(statement, &envelope) != nil || json.Unmarshal(envelope.Payload, &payload) != nil {
		panic("not JSON")
	}
	s := payload.Predicate.Snapshot
	const kind = "application/vnd.assay.entry+json"
	entry := encode(obj{
		"envelope": hex.EncodeToString(h(statement)), "exchange": s.Exchange.Name, "instant": s.Instant, "issued": s.Instant, "kind": "statement", "period": s.Period,
		"series": payload.Predicate.Series, "snapshot": s.ID, "statement": hex.EncodeToString(h(envelope.Payload)), "type": "assay/v1/entry",
	})
	signature := ed25519.Sign(ed25519.NewKeyFromSeed(h([]byte("exchange"))), fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(kind), kind, len(entry), entry))
	return encode(obj{
		"payload": base64.StdEncoding.EncodeToString(entry), "payloadType": kind,
		"signatures": []obj{{"keyid": envelope.Signatures[0].KeyID, "sig": base64.StdEncoding.EncodeToString(signature)}},
	})
}
