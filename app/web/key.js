/** The field for a key of the service: there once an answer says that one is needed, or another one. */

import { useKey } from "./api.js";
import { byId } from "./dom.js";

/** @typedef {import("./api.js").Problem} Problem */

const REFUSED = ["unauthorized", "forbidden"];

const form = byId("key-form", HTMLFormElement);
const field = byId("key", HTMLInputElement);

/**
 * Shows the field if that is what is wrong.
 *
 * @param {Problem} problem
 */
export function askForKey(problem) {
  if (REFUSED.includes(problem.code ?? "")) form.hidden = false;
}

/**
 * Calls back once another key is in use.
 *
 * @param {() => void} onKey
 */
export function watchKey(onKey) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    useKey(field.value);
    field.value = "";
    form.hidden = true;
    onKey();
  });
}
