/** Where else the account is signed in, when the server has the field for it. */
import { useGraphiQL } from "@graphiql/react";
import { troubleIn } from "gatepass-shared/endpoint.js";
import { useCallback, useEffect, useState } from "react";

const FIELDS = "id current lastUsedAt client address userAgent";
const LIST = `query sessions { gatepass { sessions { ${FIELDS} } } }`;
const END = "mutation revokeSession($id: ID!) { gatepass { revokeSession(id: $id) { sessions } } }";

export function Sessions({ session }) {
  const isThere = useGraphiQL((state) => knowsSessions(state.schema));
  const [sessions, setSessions] = useState(null);
  const [problem, setProblem] = useState("");
  const ask = useCallback(async (request) => {
    try {
      const answer = await session.send(request);
      const trouble = troubleIn(answer);
      setProblem(trouble?.message ?? "");
      return trouble ? null : answer.data.gatepass;
    } catch (trouble) {
      setProblem(trouble.message);
      return null;
    }
  }, [session]);
  const load = useCallback(async () => {
    const found = await ask({ query: LIST, operationName: "sessions" });
    if (found) setSessions(found.sessions);
  }, [ask]);
  const end = async (id) => {
    if (await ask({ query: END, variables: { id }, operationName: "revokeSession" })) await load();
  };
  useEffect(() => { if (isThere) void load(); }, [isThere, load]);
  if (!isThere) return null;
  return (
    <section className="sessions" aria-labelledby="sessions-title">
      <details open={!matchMedia("(max-width: 820px)").matches}>
        <summary><h3 id="sessions-title">Sign-ins of this account</h3></summary>
        <ul>{(sessions ?? []).map((each) => <Entry key={each.id} session={each} end={end} />)}</ul>
        {sessions === null && !problem && <p className="small">Loading …</p>}
        <button type="button" onClick={load}>Reload the list</button>
      </details>
      <p className="problem" role="alert">{problem}</p>
    </section>
  );
}

function Entry({ session: { id, current, lastUsedAt, client, address, userAgent }, end }) {
  const name = programOf(userAgent) || client;
  const used = `last used ${new Date(lastUsedAt).toLocaleString()}`;
  return (
    <li>
      <p><strong title={userAgent ?? ""}>{name}</strong>{address && ` from ${address}`}<br /><span className="small">{used}</span></p>
      {current ? <em>this one</em> : <button type="button" aria-label={`End the sign-in of ${name}, ${used}`} onClick={() => end(id)}>End</button>}
    </li>
  );
}

/** A short name out of what a program says of itself; browsers all begin alike. */
function programOf(userAgent) {
  if (!userAgent) return "";
  const browser = /(Firefox|Edg|OPR|Chrome|Safari)\/[\d.]+/.exec(userAgent.includes("Mozilla/") ? userAgent : "")?.[1];
  return { Edg: "Edge", OPR: "Opera" }[browser] ?? browser ?? userAgent.split(" ")[0];
}

function knowsSessions(schema) {
  const type = schema?.getQueryType()?.getFields().gatepass?.type;
  const named = type && "ofType" in type ? type.ofType : type;
  return Boolean(named?.getFields?.().sessions);
}
