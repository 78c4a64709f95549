/** What an access token says about itself when it is a JWT, else nothing. Shown, never trusted: the server decides. */
export function claimsOf(accessToken) {
  const parts = accessToken.split(".");
  if (parts.length !== 3) return {};
  try {
    const binary = atob(parts[1].replaceAll("-", "+").replaceAll("_", "/"));
    const claims = JSON.parse(new TextDecoder().decode(Uint8Array.from(binary, (character) => character.charCodeAt(0))));
    return isObject(claims) ? claims : {};
  } catch {
    return {};
  }
}

/** The name a person would know the account by, or "" when nothing names it. `typed` is what was signed in with, if that is known. */
export function accountOf(claims, typed) {
  return [claims.email, claims.preferred_username, claims.name, typed, claims.sub].find((name) => name && typeof name === "string") ?? "";
}

/** Scopes as a list: RFC 9068 writes one string, some issuers write an array. */
export function scopesOf(claims) {
  const scopes = claims.scope ?? claims.scp ?? "";
  return (Array.isArray(scopes) ? scopes : String(scopes).split(" ")).map(String).filter(Boolean);
}

/** Seconds a token lives from its issue; one hour, the protocol's figure, when neither the answer nor the token says it. */
export function lifeOf(pair) {
  if (pair.expiresIn > 0) return Number(pair.expiresIn);
  const { iat, exp } = claimsOf(pair.accessToken);
  return exp - iat > 0 ? exp - iat : 3600;
}

/** The first token pair in an answer's data, under whatever alias, or null. */
export function pairIn(data) {
  if (!isObject(data)) return null;
  const isPair = (value) => isObject(value) && value.accessToken && typeof value.accessToken === "string";
  return Object.values(data).find(isPair) ?? null;
}

export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
