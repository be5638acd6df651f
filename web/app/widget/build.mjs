// Builds the widget: node build.mjs [--out FOLDER]. The same sources give the same bytes.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const { values } = parseArgs({ options: { out: { type: "string", default: join(here, "..", "dist") } } });

// The texts of every language that has some.
const words = {
  name: "words",
  setup(on) {
    on.onResolve({ filter: /^words:widget$/ }, (args) => ({ path: args.path, namespace: "words" }));
    on.onLoad({ filter: /.*/, namespace: "words" }, () => {
      const folder = join(here, "..", "..", "words");
      const languages = readdirSync(folder).filter((one) => existsSync(join(folder, one, "widget.json"))).sort();
      return { contents: JSON.stringify(Object.fromEntries(languages.map((one) => [one, JSON.parse(readFileSync(join(folder, one, "widget.json"), "utf8"))]))), loader: "json" };
    });
  },
};

const { outputFiles } = await build({
  entryPoints: [join(here, "widget.ts")], bundle: true, write: false, minify: true, format: "iife", target: "es2022", charset: "utf8", legalComments: "none", absWorkingDir: here, plugins: [words],
});
const text = outputFiles[0].text;
mkdirSync(values.out, { recursive: true });
writeFileSync(join(values.out, "widget.js.new"), text);
renameSync(join(values.out, "widget.js.new"), join(values.out, "widget.js"));
console.log(`widget.js: ${Buffer.byteLength(text)} bytes, sha256-${createHash("sha256").update(text).digest("base64")}`);
