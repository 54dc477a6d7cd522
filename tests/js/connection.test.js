// Reconnecting to the kernel, without a page: node --test tests/js
import assert from "node:assert/strict";
import test from "node:test";
import { Connection } from "../../seglib/live/connection.js";

/** A page whose server answers, or not, and a clock. */
class Page {
  constructor() {
    this.time = 0;
    this.answers = true;
    this.asked = [];
    this.reconnected = 0;
    const reconnect = async () => {
      this.reconnected += 1;
    };
    const serverSettings = { baseUrl: "http://localhost/" };
    this.kernel = { connectionStatus: "connected", status: "idle", serverSettings, reconnect };
    const isAnswering = async (url) => {
      this.asked.push(url);
      return this.answers;
    };
    this.connection = new Connection({ widget_manager: { kernel: this.kernel } }, isAnswering, () => this.time);
  }

  async watch(seconds, isSilent = false) {
    for (let second = 0; second < seconds; second++) {
      this.time += 1000;
      await this.connection.watch(isSilent);
    }
  }
}

test("while all is well nothing is asked", async () => {
  const page = new Page();
  await page.watch(5);
  assert.deepEqual(page.asked, []);
  assert.ok(!page.connection.isLost);
});

test("a closed connection is opened again as soon as the server answers", async () => {
  const page = new Page();
  page.answers = false;
  page.kernel.connectionStatus = "connecting";
  await page.watch(20);
  assert.ok(page.connection.isLost);
  assert.equal(page.reconnected, 0);
  page.answers = true;
  await page.watch(1);
  assert.equal(page.reconnected, 1);
  assert.equal(page.asked[0], "http://localhost/api");
});

test("an attempt gets some seconds before the next", async () => {
  const page = new Page();
  page.kernel.connectionStatus = "connecting";
  await page.watch(5);
  assert.equal(page.reconnected, 1);
  await page.watch(10);
  assert.equal(page.reconnected, 2);
});

test("silence alone is no reason to reconnect, silence after a cut is", async () => {
  const page = new Page();
  await page.watch(30, true);
  assert.equal(page.reconnected, 0, "the kernel is busy");
  page.answers = false;
  await page.watch(2, true);
  assert.ok(page.connection.isLost);
  page.answers = true;
  await page.watch(1, true);
  assert.equal(page.reconnected, 0, "it may work again by itself");
  await page.watch(1, true);
  assert.equal(page.reconnected, 1);
  await page.watch(1);
  assert.ok(!page.connection.isLost);
});

test("a page that tells nothing of its connection, and a dead kernel, are left alone", async () => {
  const asked = [];
  for (const widget_manager of [undefined, {}, { kernel: { status: "dead", serverSettings: {} } }]) {
    const connection = new Connection({ widget_manager }, async (url) => asked.push(url));
    await connection.watch(true);
    assert.ok(!connection.isLost);
  }
  assert.deepEqual(asked, []);
});
