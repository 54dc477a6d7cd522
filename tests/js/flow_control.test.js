// The page's side of flow control, without a page: node --test tests/js
import assert from "node:assert/strict";
import test from "node:test";
import { DrawnPictures, NewestOnly } from "../../seglib/live/flow_control.js";

/** Draw pictures at this interval, in milliseconds, and report the last. */
function drawn(count, interval) {
  let now = 0;
  const pictures = new DrawnPictures(() => now);
  for (let number = 1; number <= count; number++) {
    now += interval;
    pictures.draw(number);
  }
  return pictures;
}

test("a slow page allows two pictures in flight, a fast one more, never more than ten", () => {
  assert.deepEqual(drawn(100, 200).report(), { drawn: 100, room: 2 });
  assert.equal(drawn(100, 45).report().room, 8);
  assert.equal(drawn(100, 5).report().room, 10);
});

test("a page counts as fast only after some pictures", () => {
  assert.equal(drawn(2, 10).report().room, 2);
});

test("a report is due when half of the room is used up", () => {
  const pictures = drawn(100, 5);
  pictures.report();
  for (let number = 101; number < 105; number++) {
    pictures.draw(number);
    assert.ok(!pictures.isReportDue());
  }
  pictures.draw(105);
  assert.ok(pictures.isReportDue());
  pictures.report();
  assert.ok(!pictures.isReportDue());
});

test("a picture that could not be drawn counts as done, and an old number changes nothing", () => {
  const pictures = drawn(3, 100);
  pictures.skip(7);
  pictures.skip(5);
  assert.equal(pictures.report().drawn, 7);
});

test("of a burst, only the first ones and the newest are worked on", async () => {
  const started = [];
  const finish = [];
  const queue = new NewestOnly((item) => {
    started.push(item);
    return new Promise((resolve) => finish.push(resolve));
  }, 2);
  const pushed = [1, 2, 3, 4, 5].map((item) => queue.push(item));
  assert.deepEqual(started, [1, 2]);
  finish[0]();
  await new Promise(setImmediate);
  assert.deepEqual(started, [1, 2, 5]);
  finish[1]();
  finish[2]();
  await Promise.all(pushed);
  assert.deepEqual(started, [1, 2, 5]);
  queue.push(6);
  assert.deepEqual(started, [1, 2, 5, 6]);
});
