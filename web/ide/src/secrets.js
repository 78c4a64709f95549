/**
 * What must not be kept: sign-in documents with whatever stands beside them, credentials by their names, tokens and device hints by their form.
 *
 * It errs on the side of forgetting: a query that merely asks for a field named `passwordHint` is not kept either.
 */
import { tokensOf } from "gatepass-shared/document.js";

const NAMED = /signIn|pass_?word|passwd|pwd|passphrase|passcode|secret|credential|(?:refresh|access|bearer|auth|api|id|session|csrf)[_-]?(?:token|key)|authori[sz]ation|cookie|\bbearer\b|\bbasic\s+[\w+/=]{8}|\b(?:token|otp|pin|pw)\b/i;
const FORMED = /\bgp[hr]_[\w-]{8}|\beyJ[\w-]{6,}\.[\w-]+\.|-----BEGIN /;
const SHORTEST_VALUE = 4;

/** Values that were sent to sign somebody in since the page was opened; they are secrets wherever they turn up again. */
const sent = new Set();

/** True when the text, or anything in the texts, may not be kept. */
export function holdsSecret(...texts) {
  return texts.filter((text) => typeof text === "string" && text).some((text) => {
    const read = unescaped(text);
    return NAMED.test(read) || FORMED.test(read) || [...sent].some((value) => read.includes(value));
  });
}

/** Remember the values of a request that signs in, so that they are known under any name; true when it was one. */
export function rememberSent({ query, variables }) {
  if (!holdsSecret(query, JSON.stringify(variables ?? {}))) return false;
  const literals = Array.from(query.matchAll(/"((?:[^"\\\n]|\\.)*)"/g), ([, literal]) => unescaped(literal));
  for (const value of [...literals, ...stringsIn(variables)]) rememberValue(value);
  return true;
}

/** Names of the variables that stand in a document where a credential has to: p in `password: $p`. */
export function secretVariablesIn(query) {
  const tokens = tokensOf(query).filter(({ kind }) => kind !== "comment");
  return tokens.filter((_, at) => at > 2 && NAMED.test(tokens[at - 3].text) && tokens[at - 2].text === ":" && tokens[at - 1].text === "$").map(({ text }) => text);
}

/** True when the text of variables, be it JSON already or not yet, gives one of these a value. */
export function givesVariable(text, names) {
  const read = unescaped(text ?? "");
  return names.some((name) => new RegExp(`"${name}"\\s*:`).test(read));
}

/** Remember one secret, such as a password that was typed into the form. */
export function rememberValue(value) {
  if (value.length >= SHORTEST_VALUE) sent.add(value);
}

function stringsIn(value) {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(stringsIn) : [];
}

/** `\u0070` and `\"` read as JSON and GraphQL read them, so that no name hides behind an escape. */
function unescaped(text) {
  return text.replaceAll(/\\u([0-9a-f]{4})|\\u\{([0-9a-f]{1,6})\}|\\(["\\/])/gi, (whole, four, braced, mark) => {
    const code = parseInt(four ?? braced, 16);
    return mark ?? (code <= 0x10ffff ? String.fromCodePoint(code) : whole);
  });
}
