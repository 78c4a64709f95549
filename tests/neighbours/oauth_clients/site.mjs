// What the flows have in common: where Gatepass is, who is asking, and somebody at its pages.
import { readFileSync } from "node:fs";

export const site = JSON.parse(readFileSync(0, "utf8"));

/** Follow the sign-in page as a person does, without JavaScript: the address at which the client is answered. */
export async function signIn(address) {
  const page = await fetch(address, { redirect: "manual" });
  if (page.status !== 200) throw new Error(`the page answered ${page.status}: ${page.headers.get("location")}`);
  const hidden = [...(await page.text()).matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)];
  const fields = hidden.map(([, name, value]) => [name, unescaped(value)]);
  return new URL(await sends("/oauth/authorize", [...fields, ...credentials, ["answer", "allow"]], 303));
}

/** Let in the device that shows this code. */
export async function letIn(userCode) {
  await sends("/oauth/device", [["user_code", userCode], ...credentials, ["answer", "allow"]], 200);
}

/** A protected query with a token: the scopes of whoever asks, or null where it is refused. */
export async function scopesOf(token) {
  const answer = await fetch(site.api, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: "{ viewer { scopes } }" }),
  });
  return answer.status === 200 ? (await answer.json()).data.viewer.scopes : null;
}

export function report(found) {
  process.stdout.write(JSON.stringify(found));
}

const credentials = [["username", site.username], ["password", site.password]];

async function sends(path, fields, expected) {
  const answer = await fetch(site.issuer + path, {
    method: "POST",
    body: new URLSearchParams(fields),
    redirect: "manual",
  });
  if (answer.status !== expected) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
  return answer.headers.get("location");
}

function unescaped(text) {
  const characters = { lt: "<", gt: ">", quot: '"', "#x27": "'", amp: "&" };
  return text.replace(/&(lt|gt|quot|#x27|amp);/g, (_, name) => characters[name]);
}
