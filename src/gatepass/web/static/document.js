const TOKEN = /(#[^\n\r]*)|("""(?:\\"""|[^])*?(?:"""|$)|"(?:[^"\\\n\r]|\\.)*"?)|([_A-Za-z][_0-9A-Za-z]*)|(-?\d[\d.eE+-]*)|(\.\.\.|[!$&()=@[\]{|}:])/g;
const KINDS = ["comment", "string", "name", "number", "mark"];

/** Lexical tokens of a GraphQL document as {kind, text, start, end}; what is no token is left out, nothing is refused. */
export function tokensOf(text) {
  return Array.from(text.matchAll(TOKEN), (match) => {
    const kind = KINDS[match.slice(1).findIndex((group) => group !== undefined)];
    return { kind, text: match[0], start: match.index, end: match.index + match[0].length };
  });
}

/** The operations of a document in order, as {type, name, start, end}; an unfinished one counts, and `{ … }` is a nameless query. */
export function operationsIn(text) {
  const tokens = tokensOf(text).filter(({ kind }) => kind !== "comment");
  const found = [];
  let depth = 0, current = null;
  tokens.forEach((token, index) => {
    const next = tokens[index + 1];
    current ??= { type: token.text === "{" ? "query" : token.text, name: token.kind === "name" && next?.kind === "name" ? next.text : "", start: token.start, end: text.length };
    if ("{([".includes(token.text)) depth += 1;
    if ("})]".includes(token.text)) depth -= 1;
    if (token.text !== "}" || depth > 0) return;
    found.push({ ...current, end: token.end });
    current = null;
    depth = 0;
  });
  if (current) found.push(current);
  return found.filter(({ type }) => ["query", "mutation", "subscription"].includes(type));
}

/** The operation that holds the caret, else the last one that begins before it, else the first. */
export function operationAt(operations, caret) {
  return operations.find(({ start, end }) => start <= caret && caret <= end) ?? operations.findLast(({ start }) => start <= caret) ?? operations[0] ?? null;
}

/** Index of a 1-based line and column, as the errors of a GraphQL result give them. */
export function indexOf(text, { line, column }) {
  let start = 0;
  for (let passed = 1; passed < line; passed += 1) {
    const end = text.indexOf("\n", start);
    if (end < 0) return text.length;
    start = end + 1;
  }
  return Math.min(text.length, start + Math.max(0, column - 1));
}
