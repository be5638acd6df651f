// What became of an exchange's newest report, by an answer that its server signed (SPEC part 28).
import { Client, Refused } from "../../client/ts/assay-client";

/** Outcome is what is shown; signed means that no log holds the report, stale that it is published and old, unknown that nothing is known. */
export type Outcome = "published" | "withdrawn" | "superseded" | "signed" | "stale" | "unknown";

/** Asked is whom to ask, and whom to believe: the exchange's name and its statement key; a report of more days than stale is old. */
export interface Asked {
  src: string;
  exchange: string;
  key: string;
  stale: number;
}

/** Seen is what was found out. problem is for the curious, and says why nothing is known. */
export interface Seen {
  outcome: Outcome;
  period: string;
  days: number;
  problem: string;
}

const day = 86_400_000;
const unknown = (problem: string): Seen => ({ outcome: "unknown", period: "", days: 0, problem });

const patience = 30_000; // milliseconds for all that is asked

/** look asks the server, and believes what the exchange vouches for alone: whatever is odd is unknown, never good, and so is a server that does not answer. */
export async function look(asked: Asked, ask: typeof fetch, now: number): Promise<Seen> {
  const silent = new AbortController();
  const limit = setTimeout(() => silent.abort(), patience);
  try {
    const asking: typeof fetch = (url, init) => ask(url, { ...init, signal: silent.signal });
    const answer = await new Client(asked.src, { exchange: asked.exchange, keys: [{ key: asked.key }] }, asking).get("/v1/reports/latest");
    if (answer.status !== 200) return unknown(`it is answered with status ${answer.status}`);
    const said: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(answer.content));
    if (typeof said !== "object" || said === null) return unknown("the answer is no object");
    const { exchange, state, period, instant } = said as Record<string, unknown>;
    if (exchange !== asked.exchange || typeof period !== "string" || typeof instant !== "string") return unknown("the answer is of another exchange, or lacks what it needs");
    const days = Math.floor((now - Date.parse(instant)) / day);
    if (!Number.isFinite(days) || days < -1) return unknown("the report is of no time, or of the future");
    switch (state) {
      case "published":
        return { outcome: days > asked.stale ? "stale" : state, period, days, problem: "" };
      case "withdrawn":
      case "superseded":
      case "signed":
        return { outcome: state, period, days, problem: "" };
      default:
        return unknown("the answer says of no state that is known here");
    }
  } catch (error) {
    return unknown(error instanceof Refused ? error.message : "the server cannot be reached, or does not let this page read its answers");
  } finally {
    clearTimeout(limit);
  }
}
