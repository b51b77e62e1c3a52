import { createMemoryBoard } from "../../src/breaker/memory-board.ts";
import { createBoardBreaker } from "../../src/breaker/board-breaker.ts";
import { DEFAULT_BREAKER_SETTINGS } from "../../src/breaker/breaker-machine.ts";
import { breakerContract } from "../contracts/breaker-contract.ts";
import { createManualClock } from "../support/manual-clock.ts";

const clock = createManualClock();
const board = createMemoryBoard({ clock, settings: DEFAULT_BREAKER_SETTINGS });

breakerContract("in memory", {
  create: (models, changes) =>
    createBoardBreaker({ board, clock, models, refreshMs: 250, settings: { ...DEFAULT_BREAKER_SETTINGS, ...changes } }),
  pass: (ms) => clock.advance(ms),
});
