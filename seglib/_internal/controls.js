// Controls that ipywidgets draws: what it leaves out for people who use the keyboard or a screen reader, and what becomes of
// the controls when their kernel is gone.
import { holdShortcuts } from "./keyboard.js";

/** The controls in the box around an element. */
export class ControlsPage {
  /**
   * @param {HTMLElement} part a part of the box
   * @param {string} selector of the box
   */
  constructor(part, selector) {
    this.part = part;
    this.selector = selector;
    this.describe = this.describe.bind(this);
    this.observer = new MutationObserver(this.describe);
    this.release = holdShortcuts(() => this.box);
    /** @type {Element | null} */
    this.observed = null;
  }

  /** The box, once it is on the page. */
  get box() {
    return this.part.closest(this.selector);
  }

  /** Call it when the widget may have come to the page. */
  attach() {
    if (!this.box || this.observed === this.box) return;
    this.observed = this.box;
    this.observer.observe(this.box, { subtree: true, childList: true, attributeFilter: ["class", "aria-valuetext"] });
    this.describe();
  }

  /** The kernel is gone: whatever the controls show is no longer in force. */
  lose() {
    this.detach();
    this.box?.classList.add("seglib-lost");
  }

  detach() {
    this.observer.disconnect();
    this.release();
  }

  /** Give names and states to screen readers where ipywidgets gives none. */
  describe() {
    const box = /** @type {Element} */ (this.observed);
    for (const line of box.querySelectorAll(".seglib-status, .seglib-note")) line.setAttribute("role", "status");
    for (const icon of box.querySelectorAll("i.fa")) icon.setAttribute("aria-hidden", "true");
    for (const number of box.querySelectorAll(".widget-readout")) number.setAttribute("role", "textbox");
    for (const handle of box.querySelectorAll("[role=slider]")) sayValue(handle);
    for (const heading of box.querySelectorAll(".seglib-heading")) {
      heading.parentElement?.setAttribute("role", "group");
      heading.parentElement?.setAttribute("aria-label", heading.textContent ?? "");
    }
    for (const control of box.querySelectorAll(".widget-inline-hbox")) {
      const name = control.querySelector(":scope > .widget-label")?.textContent;
      if (!name) continue;
      const unnamed = control.querySelectorAll("[role=slider], [role=textbox], [type=color]");
      for (const part of unnamed) part.setAttribute("aria-label", name);
    }
    for (const group of box.querySelectorAll(".widget-toggle-buttons")) {
      group.setAttribute("role", "group");
      group.setAttribute("aria-label", group.querySelector(".widget-label")?.textContent ?? "");
      for (const button of group.querySelectorAll("button")) {
        button.setAttribute("aria-pressed", `${button.classList.contains("mod-active")}`);
      }
    }
  }
}

/**
 * Give the value and the ends of a slider as they are; noUiSlider rounds them to one decimal, or gives all of them.
 * @param {Element} handle
 */
function sayValue(handle) {
  const slider = /** @type {any} */ (handle.closest(".noUi-target"))?.noUiSlider;
  if (!slider) return;
  const { min, max } = slider.options.range;
  const value = slider.get();
  for (const [name, number] of Object.entries({ valuetext: value, valuenow: value, valuemin: min, valuemax: max })) {
    const text = `${Number(Number(number).toPrecision(6))}`;
    if (handle.getAttribute(`aria-${name}`) !== text) handle.setAttribute(`aria-${name}`, text); // else without end
  }
}
