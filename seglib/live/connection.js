// Connects again soon after the connection to the kernel was cut. JupyterLab waits up to a minute between its attempts,
// and does not notice a cut that closes nothing. So ask the server every second or two, and reconnect once it answers.

/** @typedef {import("../_internal/page.js").Model} Model */
/**
 * JupyterLab's and Notebook 7's connection to a kernel; other pages see to it themselves.
 * @typedef {object} Kernel
 * @property {string} connectionStatus "connected", "connecting" or "disconnected"
 * @property {string} status
 * @property {{baseUrl: string}} serverSettings
 * @property {() => Promise<void>} reconnect
 */

const PATIENCE = 2000; // milliseconds that an answer may take
const PAUSE = 8000; // milliseconds between two attempts: on a slow network one takes seconds

/** Watches the connection of a widget's kernel. */
export class Connection {
  /**
   * @param {Model} model
   * @param {(url: string) => Promise<boolean>} isAnswering
   * @param {() => number} now milliseconds
   */
  constructor(model, isAnswering = isServerAnswering, now = () => performance.now()) {
    this.model = model;
    this.isAnswering = isAnswering;
    this.now = now;
    this.isAsking = false;
    this.wasCut = false; // the server did not answer
    this.answers = 0; // of the server since then
    this.wasOpen = true; // JupyterLab had a connection when it was looked at last
    this.tried = -PAUSE;
  }

  /** @returns {Kernel | undefined} */
  get kernel() {
    const kernel = /** @type {Kernel | undefined} */ (this.model.widget_manager?.kernel);
    return kernel?.serverSettings && kernel.status !== "dead" ? kernel : undefined;
  }

  get isLost() {
    const { kernel } = this;
    return kernel !== undefined && (this.wasCut || kernel.connectionStatus !== "connected");
  }

  /**
   * To be called every second.
   * @param {boolean} isSilent nothing has come from the kernel for longer than it should take
   */
  async watch(isSilent) {
    const { kernel } = this;
    const isOpen = kernel?.connectionStatus === "connected";
    if (isOpen && (!isSilent || !this.wasOpen)) this.wasCut = false;
    else if (kernel && !this.isAsking) {
      this.isAsking = true;
      const answers = await this.isAnswering(`${kernel.serverSettings.baseUrl}api`);
      this.isAsking = false;
      this.answers = answers ? this.answers + 1 : 0;
      if (!answers) this.wasCut = true;
      else if (this.isReconnectDue(kernel)) this.reconnect(kernel);
    }
    this.wasOpen = isOpen;
  }

  /**
   * Where the connection was not closed, it may work again by itself, and silence alone may have another reason: the
   * kernel is busy, or its source stalls.
   * @param {Kernel} kernel
   */
  isReconnectDue(kernel) {
    const isClosed = kernel.connectionStatus !== "connected";
    return (isClosed || (this.wasCut && this.answers > 1)) && this.now() - this.tried >= PAUSE;
  }

  /** @param {Kernel} kernel */
  reconnect(kernel) {
    this.tried = this.now();
    this.wasCut = false;
    kernel.reconnect().catch(() => {}); // watch() tries again
  }
}

/** @param {string} url */
async function isServerAnswering(url) {
  try {
    await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    return true;
  } catch {
    return false;
  }
}
