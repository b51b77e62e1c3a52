import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { CTRL_C, CTRL_D, startNodeAtTerminal, whyNoTerminal } from "../support/at-terminal.ts";

const MODULE = resolve(import.meta.dirname, "../../scripts/ask-yes-no.ts");
/** Asks twice, and says what it was told; a SIGTERM is a signal from elsewhere. */
const PROGRAM = `
  import { askYesNo, isAtTerminal } from ${JSON.stringify(MODULE)};
  const controller = new AbortController();
  process.once("SIGTERM", () => controller.abort());
  if (!isAtTerminal()) throw new Error("no terminal");
  console.log("first: " + (await askYesNo("Really?", controller.signal)));
  console.log("second: " + (await askYesNo("And now?", controller.signal)));
`;

const TITLE = whyNoTerminal === undefined ? "a question at a terminal" : `a question at a terminal (skipped: ${whyNoTerminal})`;

describe.skipIf(whyNoTerminal !== undefined)(TITLE, () => {
  it.each([
    ["y", "y\r", "yes"],
    ["yes, however it is written", " Yes \r", "yes"],
    ["n", "n\r", "no"],
    ["an empty line", "\r", "no"],
    ["anything else", "yet\r", "no"],
    ["Ctrl-D", CTRL_D, "no"],
    ["Ctrl-C", CTRL_C, "interrupted"],
    ["Ctrl-C behind a yes that was not sent", `yes${CTRL_C}`, "interrupted"],
  ])("is answered by %s, and another one can be asked after it", async (_what, keys, expected) => {
    const at = startNodeAtTerminal(["--input-type=module", "-e", PROGRAM]);
    await at.typeAfter("Really? [y/N] ", keys);
    await at.typeAfter("And now? [y/N] ", "y\r");
    const { code, screen } = await at.result;
    expect(code, screen).toBe(0);
    // Each on a line of its own.
    expect(screen).toContain(`\nfirst: ${expected}\r\n`);
    expect(screen).toContain("\nsecond: yes\r\n");
  });

  it("is interrupted by a signal from elsewhere, and not asked after one", async () => {
    const at = startNodeAtTerminal(["--input-type=module", "-e", PROGRAM]);
    await at.typeAfter("Really? [y/N] ", "");
    at.signal("SIGTERM");
    const { code, screen } = await at.result;
    expect(code, screen).toBe(0);
    expect(screen).toContain("\nfirst: interrupted\r\nsecond: interrupted\r\n");
    expect(screen).not.toContain("And now?");
  });
});
