import { namedTypeOf, refText } from "./schema.js";

const MOST_FIELDS = 3, MOST_LEAVES = 5, DEEPEST = 4;
const PAGE_SIZE_ARGUMENTS = ["first", "limit", "take", "pageSize", "perPage"];
const LIST_FIELDS = ["nodes", "edges", "items", "results", "data"];
/** The sign-in service's own root field: the gateway takes no query that mixes it with the API's. */
const OURS = "gatepass";

/** What the editor holds before sign-in: the protocol's own mutation. */
export const SIGN_IN_EXAMPLE = `# Sign in with the form, or here:
# put in e-mail address and password,
# and run it. The answer offers to use
# its token.

mutation signIn {
  signIn(useManagementflow: true, credentials: {
    userName: "xxxx",
    password: "yyyy"
  }) {
    accessToken
    refreshToken
  }
}
`;

/**
 * A query that can be run as it is, from the first query fields that need no arguments; `reference` is what the page calls its view of the schema.
 *
 * When every field needs some: the first field, with its arguments as variables to fill in. `null` when there is no field at all.
 * Returns {query, variables}, both texts.
 */
export function exampleFor(schema, reference) {
  const fields = (schema.types.get(schema.roots.query)?.fields ?? []).filter((field) => !field.isDeprecated && !field.name.startsWith("_") && field.name !== OURS);
  const free = fields.filter(needsNothing).map((field) => fieldLines(schema, field, 1)).filter(Boolean).slice(0, MOST_FIELDS);
  if (free.length) return { query: `# The first fields of this API.\n# More: ${reference}.\n\nquery Example {\n${free.join("\n")}\n}\n`, variables: "" };
  return fields.length ? withVariables(schema, fields[0]) : null;
}

function withVariables(schema, field) {
  const needed = field.args.filter((arg) => !isOptional(arg));
  const given = Object.fromEntries(needed.map((arg) => [arg.name, sample(schema, arg.type, 0)]));
  const declared = needed.map((arg) => `$${arg.name}: ${refText(arg.type)}`).join(", ");
  const passed = needed.map((arg) => `${arg.name}: $${arg.name}`).join(", ");
  const lines = fieldLines(schema, { ...field, args: [] }, 1) ?? `  ${field.name}`;
  const query = `# Put your own values into the\n# variables below.\n\nquery Example(${declared}) {\n${lines.replace(field.name, `${field.name}(${passed})`)}\n}\n`;
  return { query, variables: JSON.stringify(given, null, 2) };
}

/** The field with a selection, or null when nothing below it can be selected without arguments. */
function fieldLines(schema, field, depth) {
  const indent = "  ".repeat(depth);
  const size = field.args.find((arg) => PAGE_SIZE_ARGUMENTS.includes(arg.name) && namedTypeOf(arg.type) === "Int");
  const head = `${indent}${field.name}${size ? `(${size.name}: 5)` : ""}`;
  const type = schema.types.get(namedTypeOf(field.type));
  if (isLeaf(type)) return head;
  const below = selectionLines(schema, type, depth + 1);
  return below.length ? `${head} {\n${below.join("\n")}\n${indent}}` : null;
}

function selectionLines(schema, type, depth) {
  if (type.kind === "UNION") return [`${"  ".repeat(depth)}__typename`];
  const open = (type.fields ?? []).filter((field) => !field.isDeprecated && needsNothing(field));
  const leaves = open.filter((field) => isLeaf(schema.types.get(namedTypeOf(field.type)))).slice(0, MOST_LEAVES);
  const nested = open.filter((field) => !isLeaf(schema.types.get(namedTypeOf(field.type))));
  const list = nested.find((field) => LIST_FIELDS.includes(field.name)) ?? (leaves.length ? undefined : nested[0]);
  const deeper = list && depth < DEEPEST + 1 ? fieldLines(schema, list, depth) : null;
  return [...leaves.map((field) => fieldLines(schema, field, depth)), deeper].filter(Boolean);
}

function sample(schema, ref, depth) {
  if (ref.kind === "NON_NULL") return sample(schema, ref.ofType, depth);
  if (ref.kind === "LIST") return [sample(schema, ref.ofType, depth)];
  const type = schema.types.get(ref.name);
  if (type?.kind === "ENUM") return type.enumValues[0]?.name ?? "";
  if (type?.kind !== "INPUT_OBJECT") return { Int: 1, Float: 1, Boolean: true, ID: "1" }[ref.name] ?? "";
  const needed = depth < DEEPEST ? type.inputFields.filter((field) => !isOptional(field)) : [];
  return Object.fromEntries(needed.map((field) => [field.name, sample(schema, field.type, depth + 1)]));
}

function needsNothing(field) { return field.args.every(isOptional); }
function isOptional({ type, defaultValue }) { return type.kind !== "NON_NULL" || defaultValue != null; }
function isLeaf(type) { return type?.kind === "SCALAR" || type?.kind === "ENUM"; }
