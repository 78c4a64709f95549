/** Parse JSON so that it is written again as the server wrote it: 12345678901234567890 stays that, where the browser can keep it. */
export function exactJson(text) {
  return JSON.parse(text, (_, value, context) => {
    const written = context?.source;
    return typeof value === "number" && written && JSON.rawJSON && String(value) !== written ? JSON.rawJSON(written) : value;
  });
}

/** The size of a text as it came, in words. */
export function sizeText(text) {
  const bytes = new Blob([text]).size;
  return bytes < 1000 ? `${bytes} B` : bytes < 1_000_000 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
