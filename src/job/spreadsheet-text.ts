// Text for a cell that a spreadsheet may open.

/** https://owasp.org/www-community/attacks/CSV_Injection: what such a cell begins with, full-width forms included, is taken for a formula and run. */
const FORMULA = /^[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** The text with a `'` before it where a spreadsheet would take it for a formula. Numbers stay as they are. */
export function spreadsheetText(text: string): string {
  return FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
}
