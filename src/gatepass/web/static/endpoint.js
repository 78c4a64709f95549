import { isObject } from "./tokens.js";

/**
 * The endpoint is the address of this page without its query, under any prefix and in either spelling.
 * The origin is written out: a path that begins with two slashes would otherwise name another host.
 */
export const ENDPOINT = location.origin + location.pathname;

/** What the endpoint's own things are called by in this browser, the same in both spellings. */
export const PLACE = location.pathname.replace(/\/+$/, "");

const ACCEPT_JSON = "application/graphql-response+json, application/json;q=0.9";
const ACCEPT_EVENTS = "text/event-stream";
const MOST_AT_ONCE_MS = 50;

/** A request that got no usable answer; `code` is the server's when it gave one, `retryAfter` is in seconds. */
export class Trouble extends Error {
  constructor(message, { code = "", retryAfter = 0, transient = false } = {}) {
    super(message);
    Object.assign(this, { code, retryAfter, transient });
  }
}

/** Send one GraphQL request. Resolves to an answer with `text`, or with `stream` for an event stream. */
export async function post(request, { bearer = "", headers = {}, streams = false, signal, keepalive = false } = {}) {
  const sent = new Headers(headers);
  sent.set("Content-Type", "application/json");
  if (!sent.has("Accept")) sent.set("Accept", streams ? ACCEPT_EVENTS : ACCEPT_JSON);
  if (bearer && !sent.has("Authorization")) sent.set("Authorization", `Bearer ${bearer}`);
  const started = performance.now();
  try {
    const response = await fetch(ENDPOINT, {
      method: "POST", headers: sent, body: JSON.stringify(request), cache: "no-store", signal, keepalive,
    });
    const answer = { status: response.status, reason: response.statusText, retryAfter: Number(response.headers.get("Retry-After")) || 0 };
    if (response.ok && response.body && (response.headers.get("Content-Type") ?? "").startsWith(ACCEPT_EVENTS)) {
      return { ...answer, started, stream: response.body };
    }
    const text = await response.text();
    return { ...answer, text, milliseconds: performance.now() - started, ...resultIn(text) };
  } catch (error) {
    if (error.name === "AbortError") throw error;
    const slow = error.name === "TimeoutError";
    const unreached = navigator.onLine ? "The server cannot be reached." : "The server cannot be reached: this browser is offline.";
    throw new Trouble(slow ? "The server did not answer in time." : unreached, { transient: true });
  }
}

function resultIn(text) {
  let json;
  try {
    json = JSON.parse(text);
  } catch {
    return { isJson: false, data: undefined, errors: [] };
  }
  const errors = Array.isArray(json?.errors) ? json.errors.filter(isObject) : [];
  return { isJson: true, data: isObject(json) ? json.data : undefined, errors };
}

/** The codes of an answer's errors, as far as it gives any. */
export function codesOf(answer) {
  return (answer.errors ?? []).map((error) => error.extensions?.code).filter((code) => typeof code === "string");
}

/** True when the bearer was refused before anything ran, so that the same request may be sent again. */
export function bearerRefused(answer) {
  const codes = codesOf(answer);
  return codes.length ? codes.includes("UNAUTHENTICATED") && (answer.data ?? null) === null : answer.status === 401;
}

/** The answer's refusal as Trouble, in words for people, or null. */
export function troubleIn(answer) {
  const [error] = answer.errors ?? [];
  if (!error && answer.isJson && answer.status < 400) return null;
  const { retryAfter, status, reason } = answer;
  const code = codesOf(answer)[0] ?? "";
  const transient = !answer.isJson || status >= 500 || status === 429 || ["RATE_LIMITED", "OVERLOADED", "INTERNAL"].includes(code);
  const said = error ? String(error.message ?? "The server gave no reason.") : `The server answered ${`${status} ${reason}`.trim()} without a GraphQL result.`;
  return new Trouble(retryAfter ? `${said} Try again in ${waitText(retryAfter)}.` : said, { code, retryAfter, transient });
}

function waitText(seconds) { return seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} minutes`; }

function brokenStream(error) {
  throw error.name === "AbortError" ? error : new Trouble("The connection broke before the server ended the stream.", { transient: true });
}

/**
 * Server-sent events of a byte stream as {event, data}. WHATWG HTML §9.2.6: LF, CR and CRLF end a line, comments are dropped.
 *
 * Events that come faster than they are shown leave the page time for all else, its Stop button first; the server has to wait then.
 */
export async function* eventsOf(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "", event = "", data = [], rested = performance.now();
  try {
    for (;;) {
      const { value, done } = await reader.read().catch(brokenStream);
      if (done) return;
      const lines = (rest + value).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop();
      for (const line of lines) {
        if (line !== "") {
          const [, field, content] = /^([^:]*):? ?([^]*)$/.exec(line);
          if (field === "event") event = content;
          if (field === "data") data.push(content);
          continue;
        }
        if (event || data.length) yield { event: event || "message", data: data.join("\n") };
        event = "";
        data = [];
        if (performance.now() - rested < MOST_AT_ONCE_MS) continue;
        await new Promise((resolve) => setTimeout(resolve));
        rested = performance.now();
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
