// A part of a box that is not seen: it makes the box's controls usable by keyboard and screen reader.
import { ControlsPage } from "./controls.js";

export default {
  /** @param {{el: HTMLElement}} context */
  render({ el }) {
    const controls = new ControlsPage(el, ".seglib-accessible");
    const timer = setInterval(() => {
      controls.attach();
      if (controls.observed) clearInterval(timer);
    }, 200); // the box comes to the page later than this part to the box
    return () => {
      clearInterval(timer);
      controls.detach();
    };
  },
};
