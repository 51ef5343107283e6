/** Shown when the server wants a token: a small form, and where the token is found. */

import { html } from "lit/html.js";

/** @param {import("../store.js").State} state @param {any} act */
export function tokenView(state, act) {
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    const input = /** @type {HTMLInputElement} */ (event.target.elements.token);
    if (input.value.trim()) void act.useToken(input.value);
    else input.focus();
  };
  return html`<section class="narrow card">
    <h1 tabindex="-1">This server wants a token</h1>
    <p>It was printed when the server started, or set as <code>HIPPO_TOKEN</code> by the person who runs it.</p>
    <form @submit=${submit} autocomplete="off">
      <div class="field">
        <label for="token">Token</label>
        <div class="control"><input id="token" name="token" type="password" required autocomplete="off" spellcheck="false"
          title="The token of this server; it is kept in this tab only." aria-describedby="token-error token-help"
          aria-invalid=${state.tokenRefused ? "true" : "false"}></div>
        <p class="error" id="token-error" role="alert" ?hidden=${!state.tokenRefused}>The server refused this token. Check that all of it was copied.</p>
        <p class="help" id="token-help">It is kept in this tab only and forgotten with it.</p>
      </div>
      <button class="button primary" type="submit" title="Sends the token with every request from now on.">Use this token</button>
    </form>
  </section>`;
}
