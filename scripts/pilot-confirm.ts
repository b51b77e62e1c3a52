// Asks before a sample costs more than a trifle, where nobody has set a cap and somebody is there to answer.

import { formatUsd } from "../src/report/format.ts";
import { askYesNo, isAtTerminal, type YesNo } from "./ask-yes-no.ts";
import { say } from "./terminal.ts";

/** Estimates above this are asked about: a dollar. */
const TRIFLE_NANO_USD = 1e9;

export interface CostConfirmation {
  /** How the command is told to spend less, such as "--max-cost sets a cap". */
  readonly advice: string;
  readonly isCapped: boolean;
  /** Standard input holds the rows, so that it can't hold an answer. */
  readonly isInputRead: boolean;
  readonly signal: AbortSignal;
}

/** Whether to go on. */
export async function confirmCost(estimateNanoUsd: number, { advice, isCapped, isInputRead, signal }: CostConfirmation): Promise<YesNo> {
  if (isCapped || estimateNanoUsd <= TRIFLE_NANO_USD) return "yes";
  if (isInputRead || !isAtTerminal()) {
    say(`going on without asking, for there is no terminal to ask at (${advice})`);
    return "yes";
  }
  return askYesNo(`Spend about ${formatUsd(estimateNanoUsd)}? (${advice})`, signal);
}
