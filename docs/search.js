// @ts-check
// The search: ranks the sections, glossary terms and public names of sections.json by BM25, as text search engines do.

/** @typedef {{page: string, anchor: string, title: string, of: string, text: string}} Entry */
/** @typedef {{entry: Entry, counts: Map<string, number>, length: number}} Document */

const [K1, B] = [1.2, 0.5]; // BM25's usual saturation; entries differ in length for good reasons, so that counts less
const TITLE_WEIGHT = 4; // a word of the title counts as so many of the text
const SHOWN = 20;
const EXCERPT = 220; // characters
const STOP_WORDS = new Set(
  "a an and are as at be by can do does for from has have how i in is it me mean my no not of on or should that the then there this to was what when where which who why will with you".split(
    " ",
  ),
);

/** @param {string} text */
function words(text) {
  const found = text.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? [];
  return found.map((word) => word.replace(/(?<=.{3})(ing|ers?|est|ed|es|s|e)$/, "")); // a rough stem
}

/**
 * @param {Entry} entry
 * @returns {Document}
 */
function count(entry) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  const add = (/** @type {string} */ text, /** @type {number} */ weight) => {
    for (const word of words(text)) counts.set(word, (counts.get(word) ?? 0) + weight);
  };
  add(entry.text, 1);
  add(entry.title, TITLE_WEIGHT);
  if (entry.of !== entry.title) add(entry.of, 1);
  return { entry, counts, length: [...counts.values()].reduce((sum, number) => sum + number, 0) };
}

/**
 * The entries that have any of the words, best first.
 * @param {Entry[]} entries
 * @param {string} query
 */
export function search(entries, query) {
  const documents = entries.map(count);
  const kept = query.split(/\s+/).filter((word) => !STOP_WORDS.has(word.toLowerCase().replace(/\W/g, "")));
  const wanted = [...new Set(words(kept.length ? kept.join(" ") : query))];
  const mean = documents.reduce((sum, { length }) => sum + length, 0) / documents.length;
  const weights = wanted.map((word) => {
    const having = documents.filter(({ counts }) => counts.has(word)).length;
    return having && Math.log(1 + (documents.length - having + 0.5) / (having + 0.5));
  });
  const ranked = documents.map(({ entry, counts, length }) => {
    let [score, found] = [0, 0];
    for (const [index, word] of wanted.entries()) {
      const number = counts.get(word) ?? 0;
      score += (weights[index] * number * (K1 + 1)) / (number + K1 * (1 - B + (B * length) / mean));
      if (number) found += weights[index];
    }
    const sought = weights.reduce((sum, weight) => sum + weight, 0);
    const title = words(entry.title);
    const titled = title.filter((word) => wanted.includes(word)).length / title.length; // 1: the title says no more
    return { entry, score: score && (score * found * (1 + titled)) / sought }; // found: with all the words is better
  });
  return ranked.filter(({ score }) => score).sort((one, other) => other.score - one.score);
}

/**
 * The part of a text around the first of the query's words.
 * @param {string} text
 * @param {string} query
 */
function excerpt(text, query) {
  const wanted = new Set(words(query).filter((word) => !STOP_WORDS.has(word)));
  const first = [...text.matchAll(/[\p{L}\p{N}_]+/gu)].find(([word]) => wanted.has(words(word)[0]));
  const from = text.lastIndexOf(" ", Math.max(0, (first?.index ?? 0) - EXCERPT / 3)) + 1;
  const part = text.slice(from, from + EXCERPT);
  return `${from ? "… " : ""}${part}${from + EXCERPT < text.length ? " …" : ""}`;
}

async function show() {
  const [status, list] = ["search-status", "search-results"].map((id) => document.getElementById(id));
  const query = new URLSearchParams(location.search).get("q")?.trim();
  if (!status || !list) return;
  if (!query) {
    status.textContent = "Write what you look for into the box at the side.";
    return;
  }
  /** @type {Entry[]} */
  const entries = await (await fetch(new URL("sections.json", import.meta.url))).json();
  const hits = search(entries, query);
  status.textContent = hits.length ? `The best answers to “${query}”:` : `Nothing has a word of “${query}”.`;
  for (const { entry } of hits.slice(0, SHOWN)) {
    const item = list.appendChild(document.createElement("li"));
    const link = item.appendChild(document.createElement("a"));
    link.href = entry.page + (entry.anchor && `#${entry.anchor}`);
    link.textContent = entry.title === entry.of ? entry.title : `${entry.title} · ${entry.of}`;
    item.appendChild(document.createElement("p")).textContent = excerpt(entry.text, query);
  }
}

if (typeof document !== "undefined") show(); // Node.js only tests it
