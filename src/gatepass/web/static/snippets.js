import { ENDPOINT } from "./endpoint.js";

/** The request as a shell command. Everything foreign stands in single quotes, so that no shell reads it. */
export function curlOf({ request, headers, bearer, streams }) {
  const lines = headerPairs(headers, bearer, streams).map(([name, value]) => `--header ${shell(`${name}: ${value}`)}`);
  return [`curl -s${streams ? "N" : ""} ${shell(ENDPOINT)}`, ...lines, `--data-raw ${shell(JSON.stringify(request))}`].join(" \\\n  ") + "\n";
}

/** The request as a Python script with requests. */
export function pythonOf({ request, headers, bearer, streams }) {
  const { query, ...rest } = request;
  const extras = Object.entries(rest).map(([name, value]) => `, ${python(name)}: ${python(value)}`).join("");
  const pairs = headerPairs(headers, bearer, streams).filter(([name]) => name !== "Content-Type");
  const sent = pairs.map(([name, value]) => `    ${python(name)}: ${python(value)},\n`).join("");
  return [
    "import requests\n",
    `query = """\n${query.replaceAll("\\", "\\\\").replaceAll('"""', '\\"\\"\\"').trimEnd()}\n"""`,
    `headers = {\n${sent}}`,
    `answer = requests.post(${python(ENDPOINT)}, json={"query": query${extras}}, headers=headers, timeout=30${streams ? ", stream=True" : ""})`,
    streams ? "for line in answer.iter_lines(decode_unicode=True):\n    print(line)" : "print(answer.json())",
  ].join("\n") + "\n";
}

/** The header line that every later request needs. */
export function headerOf(bearer) { return `Authorization: Bearer ${bearer}`; }

/** Outside a secure context there is no clipboard API: then a selection has to do. Resolves to whether it worked. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const carrier = document.createElement("textarea");
    const back = document.activeElement;
    carrier.value = text;
    document.body.append(carrier);
    carrier.select();
    const worked = document.execCommand("copy");
    carrier.remove();
    back?.focus();
    return worked;
  }
}

function headerPairs(headers, bearer, streams) {
  const own = Object.entries(headers);
  const has = (name) => own.some(([given]) => given.toLowerCase() === name.toLowerCase());
  const usual = [["Content-Type", "application/json"], ...(streams ? [["Accept", "text/event-stream"]] : []), ...(bearer ? [["Authorization", `Bearer ${bearer}`]] : [])];
  return [...usual.filter(([name]) => !has(name)), ...own];
}

function shell(text) { return `'${text.replaceAll("'", "'\\''")}'`; }

function python(value) {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`;
  if (typeof value === "object") return `{${Object.entries(value).map(([name, each]) => `${python(name)}: ${python(each)}`).join(", ")}}`;
  return JSON.stringify(value);
}
