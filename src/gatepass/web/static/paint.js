import { tokensOf } from "./document.js";

const MOST_CHARACTERS = 150_000;
const KEYWORDS = new Set([
  "query", "mutation", "subscription", "fragment", "on", "true", "false", "null",
  "type", "interface", "input", "enum", "union", "scalar", "directive", "implements",
]);
const JSON_TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|-?\d[\d.eE+-]*|\b(?:true|false|null)\b/g;

/** Ranges by element: the CSS Custom Highlight API colours text without adding elements, so no foreign text becomes markup. */
const painted = new WeakMap();

/** Set an element's text and colour it as "json" or "graphql"; where the browser cannot colour, the text stands alone. */
export function write(element, text, language) {
  unpaint(element);
  element.textContent = text;
  if (!globalThis.Highlight || !CSS.highlights || isForced() || text.length > MOST_CHARACTERS || !text) return;
  const node = element.firstChild;
  const ranges = spansOf(text, language).map(({ colour, start, end }) => {
    const range = new StaticRange({ startContainer: node, startOffset: start, endContainer: node, endOffset: end });
    highlightFor(colour).add(range);
    return { colour, range };
  });
  painted.set(element, ranges);
}

/** Drop an element's colours; to be called before it leaves the page, else its text is kept alive. */
export function unpaint(element) {
  for (const { colour, range } of painted.get(element) ?? []) highlightFor(colour).delete(range);
  painted.delete(element);
}

/** In the system's own colours whatever is coloured looks selected. */
function isForced() { return matchMedia("(forced-colors: active)").matches; }

function highlightFor(colour) {
  if (!CSS.highlights.has(colour)) CSS.highlights.set(colour, new Highlight());
  return CSS.highlights.get(colour);
}

function spansOf(text, language) { return language === "json" ? jsonSpans(text) : graphqlSpans(text); }

function jsonSpans(text) {
  return Array.from(text.matchAll(JSON_TOKEN), ({ 0: whole, 1: string, 2: colon, index }) => {
    const colour = string ? (colon ? "key" : "string") : /[a-z]$/.test(whole) ? "keyword" : "number";
    return { colour, start: index, end: index + (string ?? whole).length };
  });
}

function graphqlSpans(text) {
  const tokens = tokensOf(text);
  return tokens.map(({ kind, text: word, start, end }, index) => {
    const isVariable = kind === "name" && tokens[index - 1]?.text === "$";
    const isArgument = kind === "name" && tokens[index + 1]?.text === ":";
    const colour = isVariable ? "variable" : isArgument ? "key" : kind === "name" && KEYWORDS.has(word) ? "keyword" : kind;
    return { colour, start, end };
  }).filter(({ colour }) => colour !== "name" && colour !== "mark");
}

/**
 * JSON text on indented lines, token by token: unlike parsing and printing it keeps large numbers and repeated keys as the server sent them.
 *
 * `text` must be valid JSON.
 */
export function indented(text) {
  const out = [];
  let depth = 0, before = "";
  const line = () => `\n${"  ".repeat(depth)}`;
  for (const [token] of text.matchAll(/"(?:[^"\\]+|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g)) {
    const opens = token === "{" || token === "[", closes = token === "}" || token === "]";
    if (closes) depth -= 1;
    if (closes ? !"{[".includes(before) : "{[,".includes(before) && before) out.push(line());
    out.push(token === ":" ? ": " : token);
    if (opens) depth += 1;
    before = token;
  }
  return out.join("");
}
