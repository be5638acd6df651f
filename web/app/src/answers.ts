// For tests: what the two implementations say. Each line of the input is a question: `proof`, `policy`, `statement`, `findings` and `files` in base64, `customer`, and
// whether it is put to the second opinion too, which is in the file OPINION. Each line of the output is {"typescript", "go"?}.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { type Opinion, start } from "./opinion.ts";
import type { Input } from "./verdict.ts";
import { verifyProof } from "./verifier/verify.ts";

interface Question {
  proof: string;
  policy: string;
  customer: string;
  statement?: string;
  findings: string[] | null;
  files: Record<string, string> | null;
  go: boolean;
}

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "base64"));

const inputOf = ({ proof, policy, customer, statement, findings, files }: Question): Input => ({
  proof: bytes(proof),
  policy: bytes(policy),
  customer,
  ...(statement === undefined ? {} : { statement: bytes(statement) }),
  ...(findings === null ? {} : { findings: findings.map(bytes) }),
  ...(files === null ? {} : { files: Object.fromEntries(Object.entries(files).map(([path, text]) => [path, bytes(text)])) }),
});

const bare = ({ proven, exit, checks }: Opinion): unknown => ({ proven, exit, checks: checks.map(({ name, result, required }) => ({ name, result, required })) });

const ask = await start(readFileSync(process.env["OPINION"]!, "utf8"));
for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line) as Question;
  const input = inputOf(question);
  const typescript = bare(await verifyProof(input));
  if (!question.go) {
    console.log(JSON.stringify({ typescript }));
    continue;
  }
  const opinion = ask(input);
  if (opinion === undefined) throw new Error("the second opinion broke down");
  console.log(JSON.stringify({ typescript, go: bare(opinion) }));
}
process.exit(); // the Go program waits for more
