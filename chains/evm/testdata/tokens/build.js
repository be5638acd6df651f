// Compiles Tokens.sol and joins Hashed.vy's code to it; run in a folder where solc is installed.
const fs = require("fs");
const solc = require("solc");
const [source, vyper, artefact] = process.argv.slice(2);
const settings = { optimizer: { enabled: true, runs: 200 }, evmVersion: "shanghai", metadata: { bytecodeHash: "none" },
  outputSelection: { "Tokens.sol": { "*": ["evm.bytecode.object"] } } };
const input = { language: "Solidity", settings, sources: { "Tokens.sol": { content: fs.readFileSync(source, "utf8") } } };
const out = JSON.parse(solc.compile(JSON.stringify(input)));
if (out.errors) { console.error(out.errors); process.exit(1); }
const contracts = { Hashed: fs.readFileSync(vyper, "utf8").trim() };
for (const [name, c] of Object.entries(out.contracts["Tokens.sol"])) contracts[name] = "0x" + c.evm.bytecode.object;
const { outputSelection, ...shown } = settings;
fs.writeFileSync(artefact, JSON.stringify({ compiler: "solc " + solc.version() + ", vyper 0.4.3", settings: shown, contracts }, null, 1) + "\n");
