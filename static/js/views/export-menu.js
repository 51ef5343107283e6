/** The formats a network can be saved in, behind one button. A native popover: Escape or a press elsewhere closes it. */

import { html } from "lit/html.js";

import { EXPORTS } from "../logic/files.js";
import { outIcon } from "./icons.js";

const GAP = 6;

/** @param {Record<string, any>} network @param {import("../store.js").State} state @param {import("../actions.js").Actions} act */
export function exportMenu(network, state, act) {
  const busy = Boolean(state.busy[`export:${network.network_id}`]);
  /** @param {MouseEvent} event @param {string} format */
  const choose = (event, format) => {
    /** @type {HTMLElement} */ (event.currentTarget).closest("[popover]")?.hidePopover();
    void act.exportAs(network.network_id, format);
  };
  return html`<button class="button quiet" type="button" popovertarget="export-menu" aria-disabled=${busy ? "true" : "false"}
      title="Saves this network as a file, for Hippo or for other programs.">${outIcon}${busy ? "Exporting\u2026" : "Export"}</button>
    <div class="menu" id="export-menu" popover role="group" aria-label="Export as" @toggle=${place}>
      ${EXPORTS.map(([format, name, help]) => html`<button type="button" title="Saves the network in this format." @click=${(event) => choose(event, format)}>
        <strong>${name}</strong><span>${help}</span></button>`)}
    </div>`;
}

/** Below its button, in line with its right edge, inside the window. @param {ToggleEvent} event */
function place(event) {
  if (event.newState !== "open") return;
  const menu = /** @type {HTMLElement} */ (event.currentTarget);
  const button = menu.previousElementSibling.getBoundingClientRect();
  const left = Math.max(GAP, Math.min(button.right - menu.offsetWidth, document.documentElement.clientWidth - menu.offsetWidth - GAP));
  menu.style.left = `${left + scrollX}px`;
  menu.style.top = `${button.bottom + GAP + scrollY}px`;
}
