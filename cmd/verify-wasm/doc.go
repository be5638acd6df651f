// Command verify-wasm is the second opinion of the customer's page: package opinion as WebAssembly. It is built for GOOS=js and GOARCH=wasm, by
// web/app/pack.mjs, and sets one function,
//
//	assaySecondOpinion({proof, policy, customer, statement, findings})  // Uint8Arrays, a text, and a list of Uint8Arrays
//
// which answers {proven, exit, checks}, as web/app/src/verdict.ts has them. It reaches nothing outside the page.
package main
