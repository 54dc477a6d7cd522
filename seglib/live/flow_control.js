// The page's side of flow control: which picture was drawn last, how many may be in flight, and when to report that.
// No DOM in here; tests/js runs it with Node.js.

// Each report makes the kernel busy for a moment, which JupyterLab shows in several places, and that costs more than
// the picture. So a page that draws fast does not report each picture, but allows more in flight.
export const REPORT_INTERVAL = 300; // milliseconds for which a fast page may get pictures without a report
const MOST_IN_FLIGHT = 10;
const LEAST_IN_FLIGHT = 2;
const FAST = 50; // milliseconds between two pictures, at most, of a page that counts as fast
const SLOWEST = 1000; // milliseconds; a longer pause says nothing about the page's speed

/** Counts what a view has drawn. */
export class DrawnPictures {
  /** @param {() => number} now milliseconds */
  constructor(now = () => performance.now()) {
    this.now = now;
    this.last = 0; // number of the last picture
    this.reported = 0; // the last one that the kernel knows of
    this.room = LEAST_IN_FLIGHT; // how many may be in flight; the kernel knows this from the last report, too
    this.interval = SLOWEST; // milliseconds from picture to picture, a running mean
    this.lastTime = -SLOWEST;
  }

  /**
   * A picture was drawn.
   * @param {number} number
   */
  draw(number) {
    const now = this.now();
    this.interval += (Math.min(now - this.lastTime, SLOWEST) - this.interval) / 4;
    this.lastTime = now;
    this.skip(number);
  }

  /**
   * A picture is done with, though it may not have been drawn.
   * @param {number} number
   */
  skip(number) {
    this.last = Math.max(this.last, number);
  }

  /** Whether a report is due at once. Half of the room is left for pictures that come while it travels. */
  isReportDue() {
    return this.last - this.reported >= this.room / 2;
  }

  /** What to tell the kernel now. */
  report() {
    this.reported = this.last;
    const isFast = this.interval < FAST;
    this.room = isFast ? Math.min(MOST_IN_FLIGHT, 1 + Math.round(REPORT_INTERVAL / this.interval)) : LEAST_IN_FLIGHT;
    return { drawn: this.last, room: this.room };
  }
}

/**
 * Does work for the newest item: so many at once; of more that arrive meanwhile only the newest is kept.
 * @template Item
 */
export class NewestOnly {
  /**
   * @param {(item: Item) => Promise<void>} work
   * @param {number} limit
   */
  constructor(work, limit) {
    this.work = work;
    this.limit = limit;
    this.running = 0;
    /** @type {Item | null} */
    this.waiting = null;
  }

  /** @param {Item} item */
  async push(item) {
    this.waiting = item;
    if (this.running === this.limit) return;
    this.running += 1;
    while (this.waiting !== null) {
      const next = this.waiting;
      this.waiting = null;
      await this.work(next);
    }
    this.running -= 1;
  }
}
