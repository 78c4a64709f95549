// openid-client, as its own examples use it.
import * as client from "openid-client";
import { letIn, report, scopesOf, signIn, site } from "./site.mjs";

const options = { algorithm: "oauth2", execute: [client.allowInsecureRequests] };
const issuer = new URL(site.issuer);

const service = await client.discovery(issuer, site.service.client_id, site.service.client_secret, undefined, options);
const itself = await client.clientCredentialsGrant(service, { scope: "read" });

const web = await client.discovery(
  issuer,
  site.web.client_id,
  undefined,
  client.ClientSecretBasic(site.web.client_secret),
  options,
);
const verifier = client.randomPKCECodeVerifier();
const state = client.randomState();
const address = client.buildAuthorizationUrl(web, {
  redirect_uri: site.web.redirect_uri,
  scope: "read",
  state,
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
  resource: site.resource,
});
const pair = await client.authorizationCodeGrant(web, await signIn(address), {
  pkceCodeVerifier: verifier,
  expectedState: state,
});
const refreshed = await client.refreshTokenGrant(web, pair.refresh_token, { scope: "read" });
const before = await client.tokenIntrospection(web, refreshed.access_token);
const scopes = await scopesOf(refreshed.access_token);
await client.tokenRevocation(web, refreshed.access_token);
await new Promise((resolve) => setTimeout(resolve, 1000));
const after = await client.tokenIntrospection(web, refreshed.access_token);

const device = await client.discovery(issuer, site.device.client_id, undefined, client.None(), options);
const codes = await client.initiateDeviceAuthorization(device, { scope: "read" });
await letIn(codes.user_code);
const onDevice = await client.pollDeviceAuthorizationGrant(device, codes);

report({
  itself: itself.scope,
  pair: pair.scope,
  scopes,
  before: before.active,
  after,
  afterwards: await scopesOf(refreshed.access_token),
  onDevice: await scopesOf(onDevice.access_token),
});
