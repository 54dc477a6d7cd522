// The page's side of the live picture: draws JPEGs on a canvas and says which one it has drawn.
// Every second, and after pictures, a view says {view, drawn, room, width, hidden}: so the kernel knows who is watching,
// never sends more than can be drawn, and never more pixels than are seen.

// Each word makes the kernel busy for a moment, which JupyterLab shows in several places, and that costs more than the
// picture. So a page that draws quickly does not speak after each one, but lets more be under way meanwhile.
const PAUSE = 300; // milliseconds in which a quick page may get pictures without a word
const MOST = 10; // pictures under way
const QUICK = 50; // milliseconds between two pictures, at most, of a page that counts as quick
const AT_ONCE = 2; // pictures that are decoded at once; of more that arrive meanwhile only the newest is kept

const NAMES = { input: "input", labels: "labels", mask: "mask", result: "result" };

function element(tag, className, parent) {
  const made = document.createElement(tag);
  made.className = className;
  parent.append(made);
  return made;
}

// The next time the page is painted; a hidden page never is, so do not wait for ever.
function painted() {
  if (document.hidden) return Promise.resolve();
  return new Promise((done) => {
    requestAnimationFrame(done);
    setTimeout(done, 250);
  });
}

// Sliders of ipywidgets have no name that a screen reader could say; their label stands beside them. And what is said
// in the line of words shall be heard, too.
function nameTheControls(root) {
  for (const words of root?.querySelectorAll(".seglib-status, .seglib-note") ?? []) words.setAttribute("role", "status");
  root?.querySelector(".seglib-effect")?.setAttribute("aria-label", "effect");
  for (const box of root?.querySelectorAll(".widget-inline-hbox") ?? []) {
    const label = box.querySelector(".widget-label")?.textContent;
    for (const handle of box.querySelectorAll("[role=slider]")) {
      if (label && !handle.hasAttribute("aria-label")) handle.setAttribute("aria-label", label);
    }
  }
}

function render({ model, el }) {
  const view = Math.random().toString(36).slice(2); // not crypto.randomUUID: an http page has none
  const figure = element("figure", "seglib-canvas", el);
  const canvas = element("canvas", "", figure);
  const captions = element("div", "seglib-captions", figure);
  const badge = element("span", "seglib-badge", figure);
  const curtain = element("div", "seglib-curtain", figure);
  const context = canvas.getContext("2d", { alpha: false });
  canvas.setAttribute("role", "img");
  captions.setAttribute("aria-hidden", "true");
  Object.assign(canvas, { width: 1280, height: 480 });
  Object.assign(figure.dataset, { view, seq: 0, shown: 0, panes: "" });
  let drawn = 0; // the number of the last picture
  let said = 0; // the one that the kernel was told of
  let room = 2; // how many may be under way; the kernel knows this from the last word, too
  let between = 1000; // milliseconds from picture to picture, lately
  let before = 0; // when the last one was drawn
  let shown = 0;
  let reminder = null;
  let closed = false;
  let working = 0; // pictures that are being decoded
  let newest = null; // the one that waits to be decoded
  let turn = Promise.resolve(); // when all pictures before the next one have been drawn
  const timer = setInterval(pulse, 1000);

  function say(kind) {
    clearTimeout(reminder);
    reminder = null;
    if (closed) return;
    const width = Math.round(figure.clientWidth * (window.devicePixelRatio || 1));
    said = drawn;
    room = between < QUICK ? Math.min(MOST, 1 + Math.round(PAUSE / between)) : 2;
    try {
      model.send({ kind, view, drawn, room, width, hidden: document.hidden });
    } catch {
      lost(); // the kernel that this widget belonged to is gone
    }
  }

  function sayInTime() {
    // Half of the room is left for those that come while the word is on its way.
    if (drawn - said >= room / 2) say("drawn");
    else reminder ??= setTimeout(say, PAUSE, "drawn");
  }

  function lost() {
    closed = true;
    clearInterval(timer);
    figure.dataset.state = "lost";
    badge.textContent = "";
    curtain.textContent = "The kernel was restarted. Run the cell again.";
    curtain.hidden = false;
  }

  function describe() {
    if (closed) return;
    const state = model.get("state");
    figure.dataset.state = state;
    const panes = figure.dataset.panes.split(",").join(" and ");
    const what = shown ? `Live picture: ${panes}. ` : "No picture yet. ";
    canvas.setAttribute("aria-label", what + model.get("message"));
    badge.textContent = { running: "live", waiting: "no picture", starting: "starting" }[state] ?? "";
    curtain.textContent = shown ? "" : model.get("hint");
    curtain.hidden = shown > 0;
  }

  function caption(panes) {
    if (panes.join() === figure.dataset.panes) return;
    figure.dataset.panes = panes.join();
    const columns = panes.length <= 3 ? panes.length : 2;
    captions.style.gridTemplateColumns = `repeat(${columns}, 1fr)`;
    captions.replaceChildren();
    for (const pane of panes) element("span", "", captions).textContent = NAMES[pane] ?? pane;
    describe();
  }

  function draw(bitmap, message) {
    if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
      Object.assign(canvas, { width: bitmap.width, height: bitmap.height });
    }
    context.drawImage(bitmap, 0, 0);
    between += (Math.min(performance.now() - before, 1000) - between) / 4;
    before = performance.now();
    drawn = message.number;
    shown += 1;
    const late = Math.round(Date.now() - message.taken);
    Object.assign(figure.dataset, { seq: drawn, shown, latency: late });
    caption(message.panes);
    if (shown === 1) describe();
  }

  // Each picture at its own painting of the page, in their order: of two drawn in one go nobody would see the first.
  function show(message, buffers) {
    const decoded = createImageBitmap(new Blob([buffers[0]], { type: "image/jpeg" }));
    decoded.catch(() => {}); // told below, when it is this picture's turn
    turn = turn.then(() => paint(decoded, message));
    return turn;
  }

  async function paint(decoded, message) {
    try {
      const bitmap = await decoded;
      await painted();
      if (!closed && message.number > drawn) draw(bitmap, message);
      bitmap.close();
    } catch (error) {
      console.error("seglib: a picture could not be drawn", error);
    }
    drawn = Math.max(drawn, message.number); // also one that cannot be drawn must not hold up the next
    if (!message.only) sayInTime();
  }

  // A page that is suddenly slow catches up at once: it leaves out what it has no time for.
  async function hear(message, buffers) {
    if (message.kind !== "picture" || (message.only && message.only !== view)) return;
    newest = [message, buffers];
    if (working === AT_ONCE) return;
    working += 1;
    while (newest) {
      const next = newest;
      newest = null;
      await show(...next);
    }
    working -= 1;
  }

  function greet() {
    nameTheControls(el.closest(".seglib-live"));
    say("here");
  }
  // Only while something runs: a kernel that is spoken to never counts as idle.
  function pulse() {
    if (!["stopped", "failed"].includes(model.get("state"))) say("here");
  }
  function changed() {
    describe();
    greet();
  }
  model.on("msg:custom", hear);
  model.on("change:state", changed);
  model.on("change:message change:hint", describe);
  document.addEventListener("visibilitychange", greet);
  describe();
  requestAnimationFrame(greet); // once it is in the page and has a width

  return () => {
    say("gone");
    closed = true;
    clearInterval(timer);
    document.removeEventListener("visibilitychange", greet);
    model.off("msg:custom", hear);
    model.off("change:state", changed);
    model.off("change:message change:hint", describe);
  };
}

export default { render };
