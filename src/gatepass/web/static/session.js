import { bearerRefused, eventsOf, PLACE, post, Trouble, troubleIn } from "./endpoint.js";
import { forgetHint, keepHint, keepToken, keptHint, keptToken } from "./kept.js";
import { accountOf, claimsOf, lifeOf, pairIn, scopesOf } from "./tokens.js";

const SIGN_IN = `mutation signIn($credentials: SignInCredentials!) {
  signIn(useManagementflow: true, credentials: $credentials) { accessToken refreshToken deviceHint expiresIn }
}`;
const SIGN_IN_REFRESH = `mutation signInRefresh($refreshToken: String!) {
  signInRefresh(useManagementflow: true, credentials: {refreshToken: $refreshToken}) { accessToken refreshToken expiresIn }
}`;
const SIGN_OUT = "mutation signOut { signOut { sessions } }";
const WHO_AM_I = "query whoAmI { gatepass { account { email } } }";

const LOCK = `gatepass renewal ${PLACE}`;
const PATIENCE_MS = 20_000;
const OTHER_TAB_MS = 1000;
/** A token says in whole seconds when it was issued, so it ends up to one earlier than our clock has it. */
const EXPIRES_EARLY_MS = 1500;

/**
 * One sign-in of this tab: keeps the access token in memory, the refresh token in the tab's sessionStorage (or in memory too, where the
 * server's setting says so), and both fresh. The light page and the GraphiQL page are built on it.
 *
 * `phase` is "out", "held" (a refresh token, no access token yet) or "in". Every change is a `change` event; when a session
 * ends without being asked to, `farewell` is the sentence that says why. `leave` is the event of a sign-out, here or in a duplicate of this tab:
 * what the account was shown has to go.
 */
export class Session extends EventTarget {
  #access = "";
  #refresh = "";
  #claims = {};
  #userName = "";
  #since = 0;
  #life = 0;
  #channel = null;
  #renewal = null;
  #trouble = "";
  #failures = 0;
  #retryAt = 0;
  #mustWait = false;
  #farewell = "";
  #hasAskedWho = false;

  get phase() { return this.#access ? "in" : this.#refresh ? "held" : "out"; }
  get bearer() { return this.#access; }
  get account() { return accountOf(this.#claims, this.#userName); }
  get scopes() { return scopesOf(this.#claims); }
  get life() { return this.#life; }
  get trouble() { return this.#trouble; }
  get farewell() { return this.#farewell; }
  get renews() { return Boolean(this.#refresh); }
  get secondsLeft() { return Math.min(this.#life, Math.max(0, this.#since / 1000 + this.#life - Date.now() / 1000)); }

  /** Take up what an earlier page of this tab left, and watch the clock from now on. */
  async begin() {
    for (const wakes of ["focus", "pageshow"]) addEventListener(wakes, () => this.#look());
    addEventListener("online", () => {
      if (!this.#mustWait) this.#retryAt = 0;
      this.#look();
    });
    document.addEventListener("visibilitychange", () => this.#look());
    this.#watch();
    const kept = keptToken();
    if (!kept) return;
    this.#hold(kept);
    this.#changed();
    await this.renew().catch(() => {});
  }

  /** Raises Trouble with the server's words when the credentials are refused. */
  async signIn(userName, password) {
    const deviceHint = keptHint();
    const credentials = { userName, password, ...(deviceHint && { deviceHint }) };
    const answer = await post({ query: SIGN_IN, variables: { credentials }, operationName: "signIn" }, { signal: AbortSignal.timeout(PATIENCE_MS) });
    this.adopt(pairOf(answer), userName);
  }

  /** Use a pair of tokens from now on; without a refresh token the session ends when the access token does. */
  adopt(pair, userName = "", since = Date.now()) {
    this.#access = pair.accessToken;
    this.#claims = claimsOf(pair.accessToken);
    this.#userName = userName;
    this.#life = lifeOf(pair);
    this.#since = since;
    this.#trouble = this.#farewell = "";
    this.#failures = 0;
    keepHint(pair.deviceHint);
    this.#hold(typeof pair.refreshToken === "string" ? pair.refreshToken : "");
    this.#changed();
    if (!accountOf({ ...this.#claims, sub: "" }, userName) && !this.#hasAskedWho) void this.#askWho();
  }

  /** Trade the refresh token for a new pair: once for all callers here, one tab at a time. Raises Trouble. */
  renew() {
    if (this.#renewal) return this.#renewal;
    const renewal = this.#renewAlone().finally(() => {
      if (this.#renewal === renewal) this.#renewal = null;
      this.#changed();
    });
    this.#renewal = renewal;
    return renewal;
  }

  /**
   * Forget everything here at once, then tell the server, with a renewed bearer if the old one is spent.
   *
   * Resolves to "" or to the reason why the server does not know, which `farewell` says too; never rejects.
   */
  async signOut() {
    const reason = await this.#signOut();
    if (reason && this.phase === "out") {
      this.#farewell = `Signed out here. The server was not told: ${reason}`;
      this.#changed();
    }
    return reason;
  }

  async #signOut() {
    const bearer = this.#access, refreshToken = this.#refresh;
    this.#channel?.postMessage({ signedOut: true });
    this.#leave();
    try {
      let answer = await this.#tellSignOut(bearer);
      if (bearerRefused(answer) && refreshToken) answer = await this.#tellSignOut(pairOf(await askRenewal(refreshToken)).accessToken);
      const trouble = troubleIn(answer);
      return trouble && trouble.code !== "INVALID_REFRESH_TOKEN" ? trouble.message : "";
    } catch (error) {
      return error.code === "INVALID_REFRESH_TOKEN" ? "" : error.message;
    }
  }

  /** Send a request with a live bearer; after a refused bearer renew and send once more. */
  async send(request, options = {}) {
    if (this.#refresh && this.secondsLeft === 0) await this.renew().catch(() => {});
    const bearer = this.#access;
    const answer = await this.#post(request, options);
    const isOurs = !new Headers(options.headers).has("Authorization");
    if (!bearer || !isOurs || !bearerRefused(answer)) return answer;
    if (this.#access === bearer) await this.renew().catch(() => {});
    return this.#access && this.#access !== bearer ? this.#post(request, options) : answer;
  }

  /** An answer, and when the bearer `ends` that it was asked with: by the time that it comes there may be another. */
  async #post(request, options) {
    const ends = this.#ends;
    return { ...(await post(request, { ...options, bearer: this.#access })), ends };
  }

  /**
   * The server-sent events of a subscription, the first answer to which came from `send` with the same arguments.
   *
   * A server ends the stream, without the event "complete", when the token that opened it expires: then it is opened again with the renewed
   * one, as long as there is a sign-in. Raises Trouble when that is refused.
   */
  async *follow(answer, request, options = {}) {
    let current = answer;
    for (;;) {
      for await (const event of eventsOf(current.stream)) {
        options.signal?.throwIfAborted();
        yield event;
        if (event.event === "complete") return;
      }
      const hasExpired = Date.now() > current.ends - EXPIRES_EARLY_MS;
      if (!hasExpired || !this.#refresh || options.signal?.aborted) return;
      current = await this.send(request, options);
      if (!current.stream) throw troubleIn(current) ?? new Trouble("The server did not open the stream again.");
    }
  }

  /** After a reload nobody has typed a name, and the token says an id alone. A server without the field is not asked again. */
  async #askWho() {
    const bearer = this.#access;
    this.#hasAskedWho = true;
    const answer = await post({ query: WHO_AM_I, operationName: "whoAmI" }, { bearer, signal: AbortSignal.timeout(PATIENCE_MS) }).catch(() => ({}));
    const email = answer.data?.gatepass?.account?.email;
    if (typeof email !== "string" || this.#access !== bearer) return;
    this.#userName = email;
    this.#changed();
  }

  async #renewAlone() {
    const spent = this.#refresh;
    if (!spent) throw new Trouble("There is no refresh token: sign in again.", { code: "INVALID_REFRESH_TOKEN" });
    await alone(async (waited) => {
      if (waited) await this.#otherTab(spent);
      if (this.#refresh !== spent) return;
      try {
        const asked = Date.now();
        const pair = pairOf(await askRenewal(spent));
        if (this.#refresh === spent) this.#succeed(pair, asked);
      } catch (error) {
        if (this.#refresh === spent) this.#fail(error);
        throw error;
      }
    });
  }

  #succeed(pair, asked) {
    this.#channel?.postMessage({ pair, asked, userName: this.#userName });
    this.adopt({ refreshToken: this.#refresh, ...pair }, this.#userName, asked);
  }

  #fail(trouble) {
    if (!trouble.transient) return this.#end(`Your sign-in has ended: ${trouble.message} Please sign in again.`);
    this.#trouble = trouble.message;
    this.#failures += 1;
    this.#mustWait = trouble.retryAfter > 0;
    this.#retryAt = Date.now() + 1000 * (trouble.retryAfter || Math.min(60, 2 ** this.#failures));
  }

  #leave(why = "") {
    forgetHint();
    this.#end(why);
    this.dispatchEvent(new Event("leave"));
  }

  #end(why = "") {
    this.#farewell = why;
    this.#access = this.#userName = this.#trouble = "";
    this.#hasAskedWho = false;
    this.#claims = {};
    this.#life = 0;
    this.#renewal = null;
    this.#hold("");
    this.#changed();
  }

  /**
   * A duplicated tab holds the same refresh token. The tabs speak over a channel that has the token as its name:
   * only who knows the token can join, so no other page of this origin hears the next one.
   */
  #hold(refreshToken) {
    this.#channel?.close();
    this.#channel = null;
    this.#refresh = refreshToken;
    keepToken(refreshToken);
    if (!refreshToken) return;
    this.#channel = new BroadcastChannel(`gatepass ${refreshToken}`);
    this.#channel.onmessage = ({ data }) => {
      if (data.signedOut) return this.#leave("You signed out in another tab.");
      this.adopt({ refreshToken, ...data.pair }, data.userName, data.asked);
      this.dispatchEvent(new Event("heard"));
    };
  }

  /** The lock can come sooner than the word of the tab that had it. */
  #otherTab(spent) {
    if (this.#refresh !== spent) return undefined;
    return new Promise((resolve) => {
      this.addEventListener("heard", resolve, { once: true });
      setTimeout(resolve, OTHER_TAB_MS);
    });
  }

  #tellSignOut(bearer) {
    return post({ query: SIGN_OUT, operationName: "signOut" }, { bearer, keepalive: true, signal: AbortSignal.timeout(PATIENCE_MS) });
  }

  #watch() {
    this.#look();
    const untilRenewal = this.#access ? this.#renewAt - Date.now() : Infinity;
    setTimeout(() => this.#watch(), Math.min(1000, Math.max(100, untilRenewal)));
  }

  get #ends() { return this.#since + 1000 * this.#life; }
  get #renewAt() { return this.#since + 800 * this.#life; }

  /** By the wall clock, so that a laptop that slept is noticed; a clock set back counts as spent. */
  #look() {
    const now = Date.now();
    this.dispatchEvent(new Event("tick"));
    if (this.#access && !this.#refresh && this.secondsLeft === 0) return this.#end("The access token has expired, and there was no refresh token to renew it with.");
    // Trouble with a renewal that somebody asked for early is said to be tried again, and stands there until it went well.
    const due = this.#trouble || now >= this.#renewAt || now < this.#since - 1000;
    if (this.#refresh && due && !this.#renewal && now >= this.#retryAt) this.renew().catch(() => {});
  }

  #changed() { this.dispatchEvent(new Event("change")); }
}

function askRenewal(refreshToken) {
  return post({ query: SIGN_IN_REFRESH, variables: { refreshToken }, operationName: "signInRefresh" }, { signal: AbortSignal.timeout(PATIENCE_MS) });
}

function pairOf(answer) {
  const trouble = troubleIn(answer);
  if (trouble) throw trouble;
  const pair = pairIn(answer.data);
  if (!pair) throw new Trouble("The server answered without a token.");
  return pair;
}

/** Web Locks exist only in secure contexts, and are denied where site data is blocked; there the server's replay window has to do. */
async function alone(work) {
  if (!navigator.locks) return work(false);
  try {
    const atOnce = await navigator.locks.request(LOCK, { ifAvailable: true }, async (lock) => Boolean(lock) && (await work(false), true));
    return atOnce || (await navigator.locks.request(LOCK, () => work(true)));
  } catch (error) {
    if (error.name !== "SecurityError") throw error;
    return work(false);
  }
}
