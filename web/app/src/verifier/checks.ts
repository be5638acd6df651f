// A run of checks, one after the other, and the verdict that they come to (SPEC part 17).

import type { Check, Verdict } from "../verdict.ts";
import { Refusal } from "./canon.ts";

/** Unmade is why a check was not made, though what it rests on passed. */
export class Unmade extends Error {
  constructor(
    readonly required: boolean,
    message: string,
  ) {
    super(message);
  }
}

export class Checks {
  readonly made: Check[] = [];
  private readonly exits: number[] = [];

  passed(name: string): boolean {
    return this.made.some((check) => check.name === name && check.result === "pass");
  }

  /** make makes a check if those that it rests on passed. work gives the sentence of its success, or throws a Refusal or why it is unmade. */
  make(name: string, rests: readonly string[], work: () => string): boolean {
    const missing = rests.find((rest) => !this.passed(rest));
    if (missing !== undefined) return this.put({ name, result: "skipped", required: true, detail: `not made: the check ${missing} did not pass` });
    try {
      return this.put({ name, result: "pass", required: true, detail: work() });
    } catch (e) {
      if (e instanceof Unmade) return this.put({ name, result: "skipped", required: e.required, detail: e.message });
      if (!(e instanceof Refusal)) throw e;
      this.exits.push(e.exit);
      return this.put({ name, result: "fail", required: true, detail: e.message });
    }
  }

  private put(check: Check): boolean {
    this.made.push(check);
    return check.result === "pass";
  }

  /** outcome: what is false weighs most, then another version, then what cannot be read. What is not proven is never 0. */
  outcome(): Pick<Verdict, "proven" | "exit" | "checks"> {
    const proven = this.made.every(({ result, required }) => result === "pass" || (result === "skipped" && !required));
    const exit = proven ? 0 : this.exits.includes(1) ? 1 : this.exits.includes(4) ? 4 : this.exits.includes(3) ? 3 : 1;
    return { proven, exit, checks: this.made };
  }
}
