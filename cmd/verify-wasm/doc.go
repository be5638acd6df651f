// Command verify-wasm is the second opinion of the customer's page: package opinion as WebAssembly. It is built for GOOS=js and GOARCH=wasm, by
// web/app/pack.mjs, and sets one function,
//
//	assaySecondOpinion({proof, policy, customer, statement, findings, files})  // an Input of web/app/src/verdict.ts
//
// which answers {proven, exit, checks}, as Verdict there has them. Of files it reads nothing: that there are some says
// that a shard's proof is checked elsewhere. It reaches nothing outside the page.
package main
