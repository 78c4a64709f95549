// simple-oauth2, which knows neither discovery nor introspection: its addresses come from the metadata all the same.
import { createHash, randomBytes } from "node:crypto";
import { AuthorizationCode, ClientCredentials } from "simple-oauth2";
import { report, scopesOf, signIn, site } from "./site.mjs";

const metadata = await (await fetch(`${site.issuer}/.well-known/oauth-authorization-server`)).json();
const path = (name) => new URL(metadata[name]).pathname;
const auth = {
  tokenHost: site.issuer,
  tokenPath: path("token_endpoint"),
  revokePath: path("revocation_endpoint"),
};
const of = ({ client_id, client_secret }) => ({ client: { id: client_id, secret: client_secret }, auth });
const withPage = { ...of(site.web), auth: { ...auth, authorizePath: path("authorization_endpoint") } };

const itself = await new ClientCredentials(of(site.service)).getToken({ scope: "read" });

const web = new AuthorizationCode(withPage);
const verifier = randomBytes(32).toString("base64url");
const address = web.authorizeURL({
  redirect_uri: site.web.redirect_uri,
  scope: "read",
  state: "some state",
  code_challenge: createHash("sha256").update(verifier).digest("base64url"),
  code_challenge_method: "S256",
});
const answered = await signIn(address);
const pair = await web.getToken({
  code: answered.searchParams.get("code"),
  redirect_uri: site.web.redirect_uri,
  code_verifier: verifier,
});
const refreshed = await pair.refresh();
const scopes = await scopesOf(refreshed.token.access_token);
await refreshed.revokeAll();
await new Promise((resolve) => setTimeout(resolve, 1000));

report({
  itself: itself.token.scope,
  state: answered.searchParams.get("state"),
  pair: pair.token.scope,
  scopes,
  afterwards: await scopesOf(refreshed.token.access_token),
});
