// JupyterLab's one-letter shortcuts act on the notebook while a control in an output has the focus: d d on a button would
// delete the cell. Its keyboard handler passes over an element with this attribute, if it is the focused one itself.
const HELD = "data-lm-suppress-shortcuts";

/**
 * Keep JupyterLab's shortcuts off whatever has the focus inside an element. Ctrl+S still saves the notebook.
 * @param {() => Element | null} box gives the element, which may not be on the page yet
 * @returns {() => void} ends it
 */
export function holdShortcuts(box) {
  /** @param {KeyboardEvent} event */
  const hold = (event) => {
    const focused = /** @type {Element} */ (event.target);
    const saves = (event.ctrlKey || event.metaKey) && event.key === "s";
    if (box()?.contains(focused)) focused.toggleAttribute(HELD, !saves);
  };
  window.addEventListener("keydown", hold, true); // before JupyterLab, which listens at the document
  return () => window.removeEventListener("keydown", hold, true);
}
