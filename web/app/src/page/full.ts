// The page with two implementations.
import { secondOpinion } from "../opinion.ts";
import { start } from "./app.ts";

start(secondOpinion);
