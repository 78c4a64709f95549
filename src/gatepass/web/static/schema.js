const TYPE_REF = "kind name " + "ofType { kind name ".repeat(7) + "}".repeat(7);
const INTROSPECTION = `query Schema {
  __schema {
    queryType { name } mutationType { name } subscriptionType { name }
    types {
      kind name description
      fields(includeDeprecated: true) { name description isDeprecated deprecationReason args { ...Input } type { ...Ref } }
      inputFields { ...Input }
      interfaces { name }
      possibleTypes { name }
      enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
    }
    directives { name description locations args { ...Input } }
  }
}
fragment Input on __InputValue { name description defaultValue type { ...Ref } }
fragment Ref on __Type { ${TYPE_REF} }`;

/** The request that asks a server for its schema. */
export const INTROSPECTION_REQUEST = { query: INTROSPECTION, operationName: "Schema" };

/** A schema to look things up in: `roots` (type names by operation), `types` by name, `directives`. */
export function schemaFrom({ __schema: { queryType, mutationType, subscriptionType, types, directives } }) {
  const roots = { query: queryType?.name, mutation: mutationType?.name, subscription: subscriptionType?.name };
  return { roots, types: new Map(types.map((type) => [type.name, type])), directives: directives ?? [] };
}

/** Name of the type inside lists and non-nulls. */
export function namedTypeOf(ref) {
  let inner = ref;
  while (inner.ofType) inner = inner.ofType;
  return inner.name;
}

/** A type reference as it is written in SDL. */
export function refText(ref) {
  if (ref.kind === "NON_NULL") return `${refText(ref.ofType)}!`;
  if (ref.kind === "LIST") return `[${refText(ref.ofType)}]`;
  return String(ref.name);
}

const BUILT_IN_SCALARS = new Set(["Int", "Float", "String", "Boolean", "ID"]);
const BUILT_IN_DIRECTIVES = new Set(["skip", "include", "deprecated", "specifiedBy", "oneOf"]);

/** The schema's definitions as SDL texts, root types first, what every schema has left out. */
export function definitionsOf({ roots, types, directives }) {
  const first = Object.values(roots).map((name) => types.get(name)).filter(Boolean);
  const rest = [...types.values()].filter((type) => !first.includes(type) && !type.name.startsWith("__") && !BUILT_IN_SCALARS.has(type.name));
  const own = directives.filter(({ name }) => !BUILT_IN_DIRECTIVES.has(name));
  return [...[...first, ...rest].map(typeText), ...own.map(directiveText)];
}

function typeText(type) {
  const { kind, name } = type;
  const head = described(type.description, "");
  const interfaces = type.interfaces?.length ? ` implements ${type.interfaces.map((each) => each.name).join(" & ")}` : "";
  switch (kind) {
    case "OBJECT": return `${head}type ${name}${interfaces} ${block(type.fields ?? [], fieldText)}`;
    case "INTERFACE": return `${head}interface ${name}${interfaces} ${block(type.fields ?? [], fieldText)}`;
    case "INPUT_OBJECT": return `${head}input ${name} ${block(type.inputFields ?? [], inputText)}`;
    case "ENUM": return `${head}enum ${name} ${block(type.enumValues ?? [], (value) => value.name + deprecation(value))}`;
    case "UNION": return `${head}union ${name} = ${(type.possibleTypes ?? []).map((each) => each.name).join(" | ")}`;
    default: return `${head}scalar ${name}`;
  }
}

function directiveText({ name, description, args, locations }) {
  return `${described(description, "")}directive @${name}${argsText(args)} on ${locations.join(" | ")}`;
}

function fieldText(field) { return `${field.name}${argsText(field.args, "  ")}: ${refText(field.type)}${deprecation(field)}`; }
function inputText({ name, type, defaultValue }) { return `${name}: ${refText(type)}${defaultValue == null ? "" : ` = ${defaultValue}`}`; }

const LONGEST_LINE = 90;

function argsText(args, indent = "") {
  if (!args?.length) return "";
  const line = args.map(inputText).join(", ");
  if (line.length < LONGEST_LINE && !args.some(({ description }) => description)) return `(${line})`;
  return `(\n${args.map((arg) => `${described(arg.description, `${indent}  `)}${indent}  ${inputText(arg)}\n`).join("")}${indent})`;
}

function block(members, text) { return `{\n${members.map((member) => `${described(member.description, "  ")}  ${text(member)}\n`).join("")}}`; }
function deprecation({ isDeprecated, deprecationReason }) { return isDeprecated ? ` @deprecated(reason: ${JSON.stringify(deprecationReason ?? "")})` : ""; }

function described(description, indent) {
  if (!description) return "";
  const text = description.trim().replaceAll('"""', '\\"""');
  if (!text.includes("\n") && text.length < LONGEST_LINE) return `${indent}"""${text}"""\n`;
  return [`"""`, ...text.split(/\r\n|\n|\r/), `"""`].map((line) => `${indent}${line}\n`).join("");
}
