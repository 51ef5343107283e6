/**
 * What the keyboard does wherever the pad is shown: Ctrl+V puts a copied picture on it, Ctrl+Z takes the last stroke
 * back. Each is a button on the pad, too. Fields for text and dialogs keep both for themselves.
 */

/** @param {{undo: () => void, takePasted: (files: File[]) => unknown}} actions */
export function watchForShortcuts(actions) {
  document.addEventListener("paste", (event) => {
    if (!padFor(event)) return;
    event.preventDefault();
    void actions.takePasted([...(event.clipboardData?.files ?? [])]);
  });
  document.addEventListener("keydown", (event) => {
    const isUndo = event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
    const pad = isUndo ? padFor(event) : null;
    if (!pad) return;
    event.preventDefault();
    if (!pad.isDrawing) actions.undo(); // what is being drawn has not ended yet
  });
}

/** @param {Event} event @returns {(Element & {isDrawing?: boolean})|null} the pad, if the event is meant for it */
function padFor(event) {
  const target = /** @type {Element|null} */ (event.target);
  const elsewhere = document.querySelector("dialog[open]") ?? target?.closest?.("input, textarea, select, [contenteditable]");
  return elsewhere ? null : document.querySelector("hippo-pad");
}
