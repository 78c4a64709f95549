import { operationAt, operationsIn } from "./document.js";
import { byId } from "./dom.js";
import { isObject } from "./tokens.js";

const HEADER_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*:[ \t]*(.*)$/;

/** The request as the editor has it: {request, headers, streams}. Raises Error with advice, shown beside the field too. */
export function readRequest() {
  const variables = checked("variables", variablesIn);
  const headers = checked("headers", headersIn);
  const query = byId("query").value;
  const operation = chosenOperation();
  const request = { query, ...(variables && { variables }), ...(operation?.name && { operationName: operation.name }) };
  return { request, headers, streams: operation?.type === "subscription", type: operation?.type ?? "query" };
}

/** Keep the choice of operations in step with the document and the caret. */
export function mountOperations() {
  const query = byId("query");
  const follow = () => {
    const operations = operationsIn(query.value);
    const current = operationAt(operations, query.selectionStart);
    byId("operation-choice").hidden = operations.length < 2;
    byId("operation").replaceChildren(...operations.map((operation) => new Option(`${operation.type} ${operation.name || "(no name)"}`, String(operation.start), false, operation === current)));
  };
  query.addEventListener("input", follow);
  document.addEventListener("selectionchange", () => { if (document.activeElement === query) follow(); });
  follow();
}

/** While somebody writes, the caret decides: its event comes late, and the list with it. */
function chosenOperation() {
  const query = byId("query"), operations = operationsIn(query.value);
  if (document.activeElement === query) return operationAt(operations, query.selectionStart);
  return operations.find(({ start }) => String(start) === byId("operation").value) ?? operations[0];
}

function checked(id, read) {
  const problem = byId(`${id}-problem`), area = byId(id);
  problem.textContent = "";
  area.removeAttribute("aria-invalid");
  try {
    return read(area.value.trim());
  } catch (error) {
    byId(`${id}-part`).open = true;
    problem.textContent = error.message;
    area.setAttribute("aria-invalid", "true");
    area.focus();
    throw error;
  }
}

function variablesIn(text) {
  if (!text) return undefined;
  let variables;
  try {
    variables = JSON.parse(text);
  } catch (error) {
    throw new Error(`The variables are not JSON: ${error.message}`);
  }
  if (!isObject(variables)) throw new Error('The variables must be a JSON object: {"name": value}');
  return variables;
}

function headersIn(text) {
  const headers = {};
  for (const line of text.split("\n").map((each) => each.trim()).filter(Boolean)) {
    const [, name, value] = HEADER_LINE.exec(line) ?? [];
    if (!name || !/^[\t -~\x80-\xff]*$/.test(value)) throw new Error(`Not a header: “${line}”. Write one “Name: value” per line.`);
    headers[name] = value;
  }
  return headers;
}
