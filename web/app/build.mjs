// Builds the customer's page: node build.mjs [--out FOLDER] [--opinion FILE] [--words FOLDER]. The same sources give the same bytes. Without what pack.mjs made of the
// second opinion there is the small page alone.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { encode } from "./src/base85.js";

const zstd = createRequire(import.meta.url)("@bokuweb/zstd-wasm"); // the same bytes on every machine, which Node's own compressors do not promise
await zstd.init();
const here = dirname(fileURLToPath(import.meta.url));
const { values } = parseArgs({ options: { out: { type: "string", default: join(here, "dist") }, opinion: { type: "string" }, words: { type: "string", default: join(here, "..", "words") } } });
const source = (name) => join(here, "src", "page", name);

// The texts of every language that has some; see src/page/texts.ts. English comes first, the others take its keys' order, which packs well.
function texts() {
  const file = (language) => join(values.words, language, "page.json");
  const of = (language) => JSON.parse(readFileSync(file(language), "utf8"));
  const codes = ["en", ...readdirSync(values.words).filter((language) => language !== "en" && existsSync(file(language))).sort()];
  const order = Object.keys(of("en"));
  const sorted = (all) => Object.fromEntries([...order, ...Object.keys(all)].filter((key) => all[key] !== undefined).map((key) => [key, all[key]]));
  return { codes, packed: encode(zstd.compress(Buffer.from(JSON.stringify(codes.map((code) => sorted(of(code))))), 19)) };
}

const words = {
  name: "words",
  setup(on) {
    on.onResolve({ filter: /^words:page$/ }, ({ path }) => ({ path, namespace: "words" }));
    on.onLoad({ filter: /.*/, namespace: "words" }, () => ({ contents: Object.entries(texts()).map(([name, value]) => `export const ${name} = ${JSON.stringify(value)};`).join("\n") }));
  },
};

async function bundled(entry) {
  const { outputFiles } = await build({
    entryPoints: [source(entry)], bundle: true, write: false, minify: true, format: "iife", target: "es2022", charset: "utf8", legalComments: "none", absWorkingDir: here, plugins: [words],
  });
  return outputFiles[0].text.trim();
}

const digest = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

// Everything is in the file, and nothing else may come in: what the script and the style are is said by their digests.
function page(script, style, opinion) {
  const policy = [
    "default-src 'none'", `script-src ${digest(script)}${opinion === undefined ? "" : " 'wasm-unsafe-eval'"}`, `style-src ${digest(style)}`, "img-src data:",
    "base-uri 'none'", "form-action 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'",
  ].join("; ");
  const licences = readFileSync(source("licences.txt"), "utf8") + (opinion === undefined ? "" : `\n${readFileSync(join(here, "..", "..", "LICENSE"), "utf8")}`);
  const parts = { policy, style, script, licences, opinion: opinion === undefined ? "" : `<script type="text/plain" id="opinion">${opinion}</script>\n` };
  return readFileSync(source("index.html"), "utf8").replace(/\{(\w+)\}/g, (_, name) => parts[name]);
}

function write(name, text) {
  mkdirSync(values.out, { recursive: true });
  writeFileSync(join(values.out, `${name}.new`), text);
  renameSync(join(values.out, `${name}.new`), join(values.out, name));
  console.log(`${name}: ${Buffer.byteLength(text)} bytes, sha256 ${createHash("sha256").update(text).digest("hex")}`);
}

const style = (await build({ entryPoints: [source("style.css")], write: false, minify: true, charset: "utf8", target: "es2022" })).outputFiles[0].text.trim();
write("verify-small.html", page(await bundled("small.ts"), style));
if (values.opinion !== undefined) write("verify.html", page(await bundled("full.ts"), style, readFileSync(values.opinion, "utf8").trim()));
