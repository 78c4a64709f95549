/**
 * Stands in for every import of Prettier in the bundle (see build.js): JSON is laid out by the parser that is there anyway, GraphQL by
 * Prettier, which is loaded now. The plugins that callers pass are left out, the loaded file has its own.
 */
import { applyEdits, format as editsFor } from "jsonc-parser";

export const parsers = {}, printers = {};

export async function format(text, { plugins: _, ...options }) {
  if (options.parser === "jsonc") return applyEdits(text, editsFor(text, undefined, { tabSize: 2, insertSpaces: true, eol: "\n" }));
  const prettier = await import(`${location.origin}${location.pathname}?ide=${PRETTIER}`);
  return prettier.format(text, options);
}

export default { parsers, printers, format };
