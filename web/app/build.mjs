// Builds the customer's page: node build.mjs [--out FOLDER] [--opinion FILE]. The same sources give the same bytes.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const { values } = parseArgs({ options: { out: { type: "string", default: join(here, "dist") }, opinion: { type: "string" } } });
const source = (name) => join(here, "src", "page", name);

// The texts of every language that has some.
const words = {
  name: "words",
  setup(on) {
    on.onResolve({ filter: /^words:page$/ }, (args) => ({ path: args.path, namespace: "words" }));
    on.onLoad({ filter: /.*/, namespace: "words" }, () => {
      const folder = join(here, "..", "words");
      const texts = {};
      for (const language of readdirSync(folder, { withFileTypes: true }).filter((one) => one.isDirectory()).map((one) => one.name).sort()) {
        try {
          texts[language] = JSON.parse(readFileSync(join(folder, language, "page.json"), "utf8"));
        } catch (error) {
          if (error.code !== "ENOENT") throw error;
        }
      }
      return { contents: JSON.stringify(texts), loader: "json" };
    });
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
  const parts = { policy, style, script, opinion: opinion === undefined ? "" : `<script type="text/plain" id="opinion">${opinion}</script>\n` };
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
