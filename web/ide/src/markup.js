/**
 * What may become markup on this page. The Content-Security-Policy says that only these Trusted Types policies make any.
 *
 * Descriptions in a schema are Markdown from a stranger. GraphiQL escapes them and the editor sanitises them; this is the second wall, for
 * the day when one of the two has a hole: whatever is no plain tag of Markdown turns the whole text into visible characters.
 */
import { markdown } from "@graphiql/react";

const NAMES = "p|em|strong|s|code|pre|blockquote|ul|ol|li|h[1-6]|table|thead|tbody|tr|t[hd]|span|div|a";
const PLAIN = new RegExp(String.raw`^(?:[^<]|</?(?:${NAMES})>|<[bh]r ?/?>|<ol start="\d+">|<t[hd] style="text-align:\w+">|<code class="language-[\w+#.-]*">|<a href="(?:https?://|mailto:)[^"<>]*"(?: title="[^"<>]*")?>)*$`, "i");

function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

// A picture in a description would tell its server who reads the documentation.
markdown.disable("image");
// Chromium and Safari; elsewhere the first wall has to do.
globalThis.trustedTypes?.createPolicy("default", {
  createHTML: (text) => (PLAIN.test(text) ? text : escaped(text)),
  createScriptURL: (url) => {
    const { origin, pathname } = new URL(url, location.href);
    if (origin === location.origin && pathname === location.pathname) return url;
    throw new TypeError("A script of another address.");
  },
});
