//go:build js && wasm

package main

import (
	"syscall/js"

	"github.com/assay-por/assay/verifier/opinion"
)

func main() {
	js.Global().Set("assaySecondOpinion", js.FuncOf(func(_ js.Value, args []js.Value) any {
		return answer(opinion.Proof(input(args[0])))
	}))
	select {}
}

func input(v js.Value) opinion.Input {
	in := opinion.Input{Proof: bytesOf(v.Get("proof")), Policy: bytesOf(v.Get("policy")), Customer: v.Get("customer").String(), Statement: bytesOf(v.Get("statement")), Elsewhere: v.Get("files").Truthy()}
	if findings := v.Get("findings"); findings.Truthy() {
		for i := range findings.Length() {
			in.Findings = append(in.Findings, bytesOf(findings.Index(i)))
		}
	}
	return in
}

// bytesOf copies a Uint8Array, nil of what is not there.
func bytesOf(v js.Value) []byte {
	if !v.Truthy() {
		return nil
	}
	b := make([]byte, v.Length())
	js.CopyBytesToGo(b, v)
	return b
}

func answer(o opinion.Opinion) map[string]any {
	var checks []any
	for _, c := range o.Checks {
		checks = append(checks, map[string]any{"name": c.Name, "result": string(c.Result), "required": c.Required, "detail": c.Detail})
	}
	return map[string]any{"proven": o.Proven, "exit": o.Exit, "checks": checks}
}
