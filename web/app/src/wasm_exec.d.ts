// What a Go program in WebAssembly needs around it: wasm_exec.js of the Go that go.mod names, as it is there (BSD-3-Clause, the Go Authors).
declare global {
  class Go {
    importObject: WebAssembly.Imports;
    run(instance: WebAssembly.Instance): Promise<void>;
  }
}

export {};
