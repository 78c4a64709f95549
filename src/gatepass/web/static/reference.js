import { byId } from "./dom.js";
import { troubleIn } from "./endpoint.js";
import { write } from "./paint.js";
import { definitionsOf, INTROSPECTION_REQUEST, schemaFrom } from "./schema.js";

/**
 * The schema side of the page: loads a schema once per sign-in, shows it as SDL, finds in it.
 *
 * Before sign-in the server shows another schema than after, so `forget()` belongs to every change of who is signed in.
 */
export class Reference {
  #session;
  #loading = null;
  #definitions = [];

  constructor(session) {
    this.#session = session;
    byId("find").addEventListener("input", () => this.#show());
    byId("reload-schema").addEventListener("click", () => { this.forget(); void this.open(); });
  }

  /** The schema, or null when the server does not show it. */
  load() {
    this.#loading ??= this.#ask();
    return this.#loading;
  }

  forget() {
    this.#loading = null;
    this.#definitions = [];
    write(byId("schema"), "", "graphql");
    byId("found").textContent = "";
  }

  async open() {
    byId("found").textContent = "Loading …";
    const loading = this.load();
    const schema = await loading;
    if (loading !== this.#loading) return;
    if (schema) this.#definitions = definitionsOf(schema);
    this.#show();
  }

  async #ask() {
    try {
      const answer = await this.#session.send(INTROSPECTION_REQUEST);
      const trouble = troubleIn(answer);
      if (trouble) throw trouble;
      return schemaFrom(answer.data);
    } catch (error) {
      this.#definitions = [`# The server does not show its schema: ${error.message.replaceAll("\n", " ")}`];
      return null;
    }
  }

  #show() {
    const words = byId("find").value.toLowerCase().split(/\s+/).filter(Boolean);
    const hits = this.#definitions.filter((text) => words.every((word) => text.toLowerCase().includes(word)));
    byId("found").textContent = words.length ? `${hits.length} of ${this.#definitions.length}` : `${this.#definitions.length} definitions`;
    write(byId("schema"), hits.join("\n\n"), "graphql");
    byId("schema-scroll").scrollTop = 0;
  }
}
