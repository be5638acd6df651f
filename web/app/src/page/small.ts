// The page with one implementation.
import { start } from "./app.ts";

start(undefined);
