import assert from "node:assert/strict";
import test from "node:test";
import { search } from "../../docs/search.js";

const ENTRIES = [
  {
    page: "a.html",
    anchor: "",
    title: "Capture",
    of: "Capture",
    text: "A camera gives frames; frames come one by one.",
  },
  { page: "g.html", anchor: "stride", title: "output stride", of: "Glossary", text: "Input size by output size." },
  {
    page: "b.html",
    anchor: "x",
    title: "Keeping classes",
    of: "Mask",
    text: "Keep the person and the cats in the output.",
  },
];
const best = (/** @type {string} */ query) => search(ENTRIES, query)[0]?.entry.title;

test("the words of a question that say nothing do not count", () => {
  assert.equal(best("what does output stride mean"), "output stride");
});

test("other forms of a word are found", () => {
  assert.equal(best("how do I keep a cat"), "Keeping classes");
  assert.equal(best("cameras"), "Capture");
});

test("a word of the title counts for more than one of the text", () => {
  assert.deepEqual(
    search(ENTRIES, "output").map(({ entry }) => entry.title),
    ["output stride", "Keeping classes"],
  );
});

test("nothing is found where no word occurs", () => {
  assert.deepEqual(search(ENTRIES, "zebra"), []);
  assert.deepEqual(search(ENTRIES, "?"), []);
});
