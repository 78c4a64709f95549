import { tokensOf } from "./document.js";
import { namedTypeOf, refText } from "./schema.js";

const OPERATIONS = ["query", "mutation", "subscription"];
const MOST_OPTIONS = 60;

/**
 * What could stand at the caret: {start, options}, an option being {name, detail}.
 *
 * Reads the tokens before the caret and keeps one frame per open bracket: what is inside it and of which type. Good for unfinished
 * documents, where a parser would give up.
 */
export function completionsAt(schema, text, caret) {
  const tokens = tokensOf(text);
  if (tokens.some(({ kind, start, end }) => start < caret && (caret < end || (kind === "comment" && caret === end)) && (kind === "comment" || kind === "string"))) return { start: caret, options: [] };
  const word = tokens.find(({ kind, start, end }) => kind === "name" && start < caret && caret <= end);
  const start = word?.start ?? caret;
  const prefix = text.slice(start, caret).toLowerCase();
  const before = tokens.filter((token) => token.end <= start && token.kind !== "comment");
  const options = optionsIn(schema, frameAt(schema, before), before, text).filter(({ name }) => name.toLowerCase().includes(prefix));
  const begins = ({ name }) => (name.toLowerCase().startsWith(prefix) ? 0 : 1);
  return { start, options: options.sort((a, b) => begins(a) - begins(b)).slice(0, MOST_OPTIONS) };
}

/** The innermost open bracket: {kind: "selection", type}, {kind: "values", inputs, input}, {kind: "variables"}, or null outside of all. */
function frameAt(schema, tokens) {
  const frames = [];
  let coming = schema.roots.query;
  tokens.forEach((token, index) => {
    const frame = frames.at(-1), word = token.text, previous = tokens[index - 1]?.text;
    if (word === "{" || word === "(" || word === "[") frames.push(opened(schema, word, frame, coming, previous));
    else if (word === "}" || word === ")" || word === "]") frames.pop();
    else if (token.kind !== "name") return;
    else if (previous === "on") coming = word;
    else if (!frame && word in schema.roots) coming = schema.roots[word];
    else if (frame?.kind === "values" && tokens[index + 1]?.text === ":") frame.input = frame.inputs.find(({ name }) => name === word);
    else if (frame?.kind === "selection" && tokens[index + 1]?.text !== ":") {
      const isDirective = previous === "@";
      const member = isDirective ? schema.directives.find(({ name }) => name === word) : fieldsOf(schema, frame.type).find(({ name }) => name === word);
      frame.member = member;
      if (!isDirective) coming = member ? namedTypeOf(member.type) : undefined;
    }
  });
  return frames.at(-1) ?? null;
}

function opened(schema, bracket, frame, coming, previous) {
  if (frame?.kind === "values") {
    const inputs = schema.types.get(frame.input && namedTypeOf(frame.input.type))?.inputFields ?? [];
    return { kind: "values", inputs: bracket === "{" ? inputs : frame.inputs, input: frame.input };
  }
  if (bracket === "(") return frame ? { kind: "values", inputs: frame.member?.args ?? [] } : { kind: "variables" };
  return { kind: bracket === "{" && frame?.kind !== "variables" ? "selection" : "variables", type: previous === ":" ? undefined : coming };
}

function optionsIn(schema, frame, before, text) {
  const last = before.at(-1)?.text;
  if (!frame) return [...OPERATIONS.filter((name) => schema.roots[name]), "fragment"].map((name) => ({ name, detail: "" }));
  if (frame.kind === "variables") return last === ":" || last === "[" ? typesOf(schema, ["SCALAR", "ENUM", "INPUT_OBJECT"]) : [];
  if (frame.kind === "values") return last === ":" || last === "[" ? valuesOf(schema, frame.input, text) : last === "$" ? variablesOf(text, "") : frame.inputs.map(described);
  if (last === "on") return typesOf(schema, ["OBJECT", "INTERFACE", "UNION"]);
  if (last === "@") return schema.directives.map(({ name }) => ({ name, detail: "directive" }));
  if (last === "...") return [{ name: "on", detail: "a type" }, ...fragmentsOf(text)];
  return [...fieldsOf(schema, frame.type).map(described), { name: "__typename", detail: "String!" }];
}

function fieldsOf(schema, name) { return schema.types.get(name)?.fields ?? []; }
function described({ name, type }) { return { name, detail: refText(type) }; }
function typesOf(schema, kinds) { return [...schema.types.values()].filter(({ kind, name }) => kinds.includes(kind) && !name.startsWith("__")).map(({ name, kind }) => ({ name, detail: kind.toLowerCase() })); }
function fragmentsOf(text) { return Array.from(text.matchAll(/\bfragment\s+(\w+)\s+on\s+(\w+)/g), ([, name, detail]) => ({ name, detail })); }
function variablesOf(text, sign) { return Array.from(text.matchAll(/\$(\w+)\s*:\s*([[\]\w!]+)/g), ([, name, detail]) => ({ name: sign + name, detail })); }

function valuesOf(schema, input, text) {
  const name = input && namedTypeOf(input.type);
  const fixed = name === "Boolean" ? ["true", "false"] : (schema.types.get(name)?.enumValues ?? []).map((value) => value.name);
  return [...fixed.map((value) => ({ name: value, detail: name })), ...variablesOf(text, "$")];
}
