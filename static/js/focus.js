/**
 * Keeps the keyboard's place when a render takes the focused control away: the focus goes to the element that the
 * control named (`data-then`, an id), else to the heading of the view, and never falls to the body.
 */

/** @param {() => void} render */
export function keepingFocus(render) {
  const held = /** @type {HTMLElement|null} */ (document.activeElement);
  render();
  if (!held || held === document.body || held.isConnected) return;
  // A dialog that closes gives the focus back by itself.
  if (document.activeElement !== document.body || document.querySelector("dialog[open]")) return;
  const next = held.dataset?.then ? document.getElementById(held.dataset.then) : null;
  (next ?? document.querySelector("main h1"))?.focus({ preventScroll: !next });
}
