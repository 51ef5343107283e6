/**
 * The sentence a control shows on hover (its title), shown to keyboard users as well: when a button or link
 * with a title is reached by keyboard, the same sentence appears beside it. Escape hides it.
 */

const GAP = 8;

export function watchForTips() {
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.setAttribute("aria-hidden", "true"); // a title is already read as the control's description
  tip.hidden = true;
  document.body.append(tip);

  const hide = () => {
    tip.hidden = true;
  };
  document.addEventListener("focusin", (event) => {
    const control = /** @type {HTMLElement} */ (event.target);
    hide();
    if (!control.title || !control.matches("button:focus-visible, a:focus-visible")) return;
    // Inside a modal dialog only what belongs to the dialog is visible.
    (control.closest("dialog") ?? document.body).append(tip);
    tip.textContent = control.title;
    tip.hidden = false;
    place(tip, control.getBoundingClientRect());
  });
  document.addEventListener("focusout", hide);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
  });
  addEventListener("scroll", hide, { passive: true, capture: true });
}

/** @param {HTMLElement} tip @param {DOMRect} control */
function place(tip, control) {
  const { width, height } = tip.getBoundingClientRect();
  const left = Math.max(GAP, Math.min(control.left, innerWidth - width - GAP));
  const below = control.bottom + GAP;
  const top = below + height > innerHeight ? control.top - height - GAP : below;
  tip.style.left = `${left}px`;
  tip.style.top = `${Math.max(GAP, top)}px`;
}
