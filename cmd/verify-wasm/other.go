//go:build !js

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "verify-wasm is a part of the customer's page, and built by web/app/pack.mjs; to check a proof here, use assay-verify proof")
	os.Exit(2)
}
