/**
 * Sends what GraphiQL runs, through the session, and knows what came of it.
 *
 * `answer` is the last thing that was run: {facts, mood, errors, pair}. Every change of it is a `change` event. Whenever it hears of another
 * secret, that is a `secret` event.
 */
import { operationsIn } from "gatepass-shared/document.js";
import { troubleIn } from "gatepass-shared/endpoint.js";
import { pairIn } from "gatepass-shared/tokens.js";
import { exactJson, sizeText } from "./exact-json.js";
import { rememberSent, rememberValue, secretVariablesIn } from "./secrets.js";

export const SCHEMA_QUERY = "SchemaForTheIde";
const NOTHING = { facts: "", mood: "", errors: [], pair: null };

export class Desk extends EventTarget {
  #session;
  #storage;
  #running = new Set();
  #answer = NOTHING;

  constructor(session, storage) {
    super();
    this.#session = session;
    this.#storage = storage;
  }

  get answer() { return this.#answer; }

  /** How often something was run. */
  runs = 0;

  /** The document that has served: an example may take its place. */
  spent = "";

  /** Use the token of the answer from now on. */
  takeOver(query) {
    const { pair } = this.#answer;
    this.spent = query;
    this.clear();
    if (pair) this.#session.adopt(pair);
  }

  /** What signs somebody in is not kept, and where it was kept already, unknown as it was, it goes. */
  remember(secret) {
    rememberValue(secret);
    this.#judgeAgain();
  }

  /** GraphiQL's fetcher: an observable, so that everything can be stopped; for the schema a promise. */
  fetcher = (params, { headers = {} } = {}) => {
    if (params.operationName === SCHEMA_QUERY) return this.#schema(params, headers);
    return { subscribe: (observer) => this.#run(requestOf(params), headers, observer) };
  };

  /** Stop what runs and forget what came. */
  clear() {
    for (const turn of this.#running) turn.abort();
    this.#show(NOTHING);
  }

  async #schema(params, headers) {
    const answer = await this.#session.send(params, { headers });
    const trouble = troubleIn(answer);
    // With `data` in it GraphiQL does not ask again, by another name, and then show what was wrong with that.
    return trouble ? { data: null, errors: [{ message: trouble.message, ...(trouble.code && { extensions: { code: trouble.code } }) }] } : JSON.parse(answer.text);
  }

  #run(request, headers, observer) {
    const turn = new AbortController();
    this.#running.add(turn);
    this.runs += 1;
    if (rememberSent(request)) {
      this.#storage.rememberVariables(secretVariablesIn(request.query));
      this.#judgeAgain();
    }
    this.#show({ ...NOTHING, facts: "Waiting …" });
    this.#send(request, { headers: textsOf(headers), streams: typeOf(request) === "subscription", signal: turn.signal }, observer)
      .catch((trouble) => this.#fail(trouble, turn, observer))
      .finally(() => {
        this.#running.delete(turn);
        // Whoever stopped it may have started another by now, and GraphiQL has one place for both.
        if (!turn.signal.aborted) observer.complete();
      });
    return { unsubscribe: () => { this.#show({ ...this.#answer, facts: "Stopped", mood: "" }); turn.abort(); } };
  }

  async #send(request, options, observer) {
    const answer = await this.#session.send(request, options);
    if (answer.stream) return this.#stream(answer, request, options, observer);
    const errors = answer.errors ?? [];
    const facts = [errors.length ? counted(errors.length, "error") : "", `${answer.status} ${answer.reason}`.trim(), `${Math.round(answer.milliseconds)} ms`, sizeText(answer.text)];
    const trouble = answer.isJson ? null : troubleIn(answer);
    this.#show({ facts: facts.filter(Boolean).join(" · "), mood: errors.length || answer.status >= 400 ? "bad" : "good", errors: trouble ? [{ message: trouble.message }] : errors, pair: typeOf(request) === "mutation" ? pairIn(answer.data) : null });
    observer.next(trouble ? { errors: [{ message: trouble.message, body: answer.text.slice(0, 10_000) }] } : exactJson(answer.text));
  }

  async #stream(answer, request, options, observer) {
    let count = 0;
    this.#show({ ...NOTHING, facts: "Streaming …", mood: "good" });
    try {
      for await (const { event, data } of this.#session.follow(answer, request, options)) {
        if (event === "complete") break;
        count += 1;
        observer.next(exactJson(data));
        this.#show({ ...NOTHING, facts: `Streaming · ${counted(count, "event")}`, mood: "good" });
      }
    } catch (trouble) {
      if (options.signal.aborted || !count) throw trouble;
      // The last event stays to read.
      return this.#show({ ...NOTHING, facts: `Broken off · ${counted(count, "event")}`, mood: "bad", errors: [{ message: trouble.message, extensions: { code: trouble.code } }] });
    }
    this.#show({ ...NOTHING, facts: `Complete · ${counted(count, "event")}`, mood: "good" });
  }

  #fail(trouble, turn, observer) {
    if (turn.signal.aborted) return;
    this.#show({ ...NOTHING, facts: "No answer", mood: "bad", errors: [{ message: trouble.message, extensions: { code: trouble.code } }] });
    observer.next({ errors: [{ message: trouble.message }] });
  }

  #judgeAgain() {
    this.#storage.judgeAgain();
    this.dispatchEvent(new Event("secret"));
  }

  #show(answer) {
    this.#answer = answer;
    this.dispatchEvent(new Event("change"));
  }
}

/** GraphQL over HTTP knows no `null` for what is left out. */
function requestOf({ query, variables, operationName }) {
  return { query, ...(variables && { variables }), ...(operationName && { operationName }) };
}

function typeOf({ query, operationName }) {
  const operations = operationsIn(query);
  return (operations.find(({ name }) => name === operationName) ?? operations[0])?.type ?? "query";
}

function textsOf(headers) { return Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name, String(value)])); }
function counted(count, thing) { return `${count} ${thing}${count === 1 ? "" : "s"}`; }
