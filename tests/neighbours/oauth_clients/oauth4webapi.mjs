// oauth4webapi, as its own examples use it. It checks every answer against its specification.
import * as oauth from "oauth4webapi";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { report, scopesOf, signIn, site } from "./site.mjs";

const options = { [oauth.allowInsecureRequests]: true };
const issuer = new URL(site.issuer);
const as = await oauth.processDiscoveryResponse(
  issuer,
  await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...options }),
);
const api = new URL(site.resource);
const resource = await oauth.processResourceDiscoveryResponse(api, await oauth.resourceDiscoveryRequest(api, options));

const service = { client_id: site.service.client_id };
const itself = await oauth.processClientCredentialsResponse(
  as,
  service,
  await oauth.clientCredentialsGrantRequest(as, service, oauth.ClientSecretPost(site.service.client_secret), {}, options),
);

const key = await crypto.subtle.importKey("jwk", site.signer.key, { name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
const signer = { client_id: site.signer.client_id };
const signed = await oauth.processClientCredentialsResponse(
  as,
  signer,
  await oauth.clientCredentialsGrantRequest(as, signer, oauth.PrivateKeyJwt(key), {}, options),
);

const web = { client_id: site.web.client_id };
const proof = oauth.ClientSecretBasic(site.web.client_secret);
const verifier = oauth.generateRandomCodeVerifier();
const state = oauth.generateRandomState();
const address = new URL(as.authorization_endpoint);
address.search = new URLSearchParams({
  response_type: "code",
  client_id: web.client_id,
  redirect_uri: site.web.redirect_uri,
  scope: "read",
  state,
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
});
const answered = oauth.validateAuthResponse(as, web, await signIn(address), state);
const pair = await oauth.processAuthorizationCodeResponse(
  as,
  web,
  await oauth.authorizationCodeGrantRequest(as, web, proof, answered, site.web.redirect_uri, verifier, options),
);
const refreshed = await oauth.processRefreshTokenResponse(
  as,
  web,
  await oauth.refreshTokenGrantRequest(as, web, proof, pair.refresh_token, options),
);

const claims = await oauth.validateJwtAccessToken(
  as,
  new Request(site.api, { headers: { authorization: `Bearer ${refreshed.access_token}` } }),
  site.audience,
  options,
);
const byJose = await jwtVerify(refreshed.access_token, createRemoteJWKSet(new URL(as.jwks_uri)), {
  issuer: as.issuer,
  audience: site.audience,
  typ: "at+jwt",
});

const introspected = async (token) =>
  oauth.processIntrospectionResponse(as, web, await oauth.introspectionRequest(as, web, proof, token, options));
const before = await introspected(refreshed.access_token);
const scopes = await scopesOf(refreshed.access_token);
await oauth.processRevocationResponse(await oauth.revocationRequest(as, web, proof, refreshed.refresh_token, options));
await new Promise((resolve) => setTimeout(resolve, 1000));
const after = await introspected(refreshed.access_token);

report({
  resource: resource.resource,
  itself: itself.scope,
  signed: signed.scope,
  pair: pair.scope,
  scopes,
  subject: [claims.sub, byJose.payload.sub, before.sub],
  before: before.active,
  after,
  afterwards: await scopesOf(refreshed.access_token),
});
