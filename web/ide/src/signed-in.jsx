/** Who is signed in, what they may, for how long, and what can be done with that. */
import { tryParseJSONC, useGraphiQL } from "@graphiql/react";
import { operationsIn } from "gatepass-shared/document.js";
import { copy, curlOf, headerOf, pythonOf } from "gatepass-shared/snippets.js";
import { useEffect, useState } from "react";
import { useEvents } from "./following.js";
import { Sessions } from "./sessions.jsx";

const WORD_MS = 6000;

export function SignedIn({ session, desk }) {
  const [word, setWord] = useState("");
  const { account, scopes, phase, trouble } = session;
  useEffect(() => {
    const timer = setTimeout(() => setWord(""), WORD_MS);
    return () => clearTimeout(timer);
  }, [word]);
  const renew = () => session.renew().then(() => setWord("Renewed."), () => {});
  return (
    <div>
      <header className="stub"><h2>{phase === "in" ? "Signed in" : "One moment"}</h2><p className="account">{phase === "in" ? account : "Taking up your sign-in …"}</p></header>
      <dl>
        <dt>Scopes</dt>
        <dd>{scopes.length ? <ul className="scopes">{scopes.map((scope) => <li key={scope}>{scope}</li>)}</ul> : "–"}</dd>
        <dt>Time left</dt>
        <dd><Clock session={session} /></dd>
      </dl>
      {trouble && <p className="problem" role="alert">Not renewed: {trouble} Trying again by itself.</p>}
      <div className="buttons">
        <button type="button" disabled={!session.renews} onClick={renew}>Renew now</button>
        <SignOut session={session} />
      </div>
      <CopyButtons session={session} say={setWord} />
      <p className="word" role="status">{word}</p>
      {phase === "in" && <Sessions session={session} desk={desk} />}
    </div>
  );
}

function SignOut({ session }) {
  return <button type="button" title="Ends this sign-in, and clears tabs, answers and history here" onClick={() => void session.signOut()}>Sign out</button>;
}

function Clock({ session }) {
  useEvents(session, "tick");
  const left = Math.ceil(session.secondsLeft), two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(left / 3600), minutes = Math.floor(left / 60) % 60;
  const shown = hours ? `${hours}:${two(minutes)}:${two(left % 60)}` : `${minutes}:${two(left % 60)}`;
  return (
    <span className="clock">
      <span role="timer">{session.phase === "in" ? shown : "–:––"}</span>
      <progress max="1" value={session.life ? session.secondsLeft / session.life : 0} aria-label="Time left" />
    </span>
  );
}

function CopyButtons({ session, say }) {
  const snippet = useSnippet(session);
  const copyText = async (make) => {
    let text;
    try {
      text = make();
    } catch (problem) {
      return say(problem.message);
    }
    say((await copy(text)) ? "Copied, with the token in it." : "The browser did not allow copying.");
  };
  const isIn = session.phase === "in";
  return (
    <div className="group" role="group" aria-label="Copy to the clipboard">
      <button type="button" disabled={!isIn} aria-label="Copy as curl" onClick={() => copyText(() => curlOf(snippet()))}>curl</button>
      <button type="button" disabled={!isIn} aria-label="Copy as Python" onClick={() => copyText(() => pythonOf(snippet()))}>Python</button>
      <button type="button" disabled={!isIn} aria-label="Copy header" onClick={() => copyText(() => headerOf(session.bearer))}>Header</button>
    </div>
  );
}

/** The request as the editors have it. Raises Error when it cannot be sent. */
function useSnippet(session) {
  const { queryEditor, variableEditor, headerEditor, operationName } = useGraphiQL((state) => ({
    queryEditor: state.queryEditor, variableEditor: state.variableEditor, headerEditor: state.headerEditor, operationName: state.operationName,
  }));
  return () => {
    const query = queryEditor?.getValue() ?? "";
    const operations = operationsIn(query);
    const operation = operations.find(({ name }) => name && name === operationName) ?? operations[0];
    const variables = parsed("variables", variableEditor), headers = parsed("headers", headerEditor) ?? {};
    const request = { query, ...(variables && { variables }), ...(operation?.name && { operationName: operation.name }) };
    return { request, headers, bearer: session.bearer, streams: operation?.type === "subscription" };
  };
}

function parsed(what, editor) {
  try {
    return tryParseJSONC(editor?.getValue());
  } catch (error) {
    throw new Error(`The ${what} ${error.message}`);
  }
}
