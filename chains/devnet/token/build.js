// Compiles DemoDollar.sol; run in a folder where solc and @openzeppelin/contracts are installed.
const fs = require("fs"), path = require("path");
const solc = require("solc");
const [source, artefact] = process.argv.slice(2);
const settings = { optimizer: { enabled: true, runs: 200 }, evmVersion: "shanghai", metadata: { bytecodeHash: "none" },
  outputSelection: { "DemoDollar.sol": { DemoDollar: ["abi", "evm.bytecode.object", "storageLayout"] } } };
const input = { language: "Solidity", settings, sources: { "DemoDollar.sol": { content: fs.readFileSync(source, "utf8") } } };
const find = (p) => ({ contents: fs.readFileSync(path.join("node_modules", p), "utf8") });
const out = JSON.parse(solc.compile(JSON.stringify(input), { import: find }));
if (out.errors) { console.error(out.errors); process.exit(1); }
const c = out.contracts["DemoDollar.sol"].DemoDollar;
const { outputSelection, ...shown } = settings;
fs.writeFileSync(artefact, JSON.stringify({ contract: "DemoDollar", compiler: "solc " + solc.version(), openzeppelin: require("@openzeppelin/contracts/package.json").version,
  settings: shown, abi: c.abi, bytecode: "0x" + c.evm.bytecode.object, storageLayout: c.storageLayout }, null, 1) + "\n");
