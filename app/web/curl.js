/** Commands that do the same as the page. */

import { hasKey } from "./api.js";
import { byId, element } from "./dom.js";

/** @typedef {import("./mask.js").View} View */

const COPIED_MS = 2000;
const EXAMPLE = "cat.jpg";

/**
 * Shows the command that the page's own request is, and the one that gets what the stage shows as a file.
 *
 * @param {string | null} filename - null: an example
 * @param {View} view
 */
export function showCommands(filename, view) {
  const name = filename || EXAMPLE;
  const asked = command(name, "json");
  const parts = [line("What this page asks for", asked)];
  if (view !== "picture") {
    const file = `${name.replace(/\.[^.]*$/, "")}-${view}.png`;
    parts.push(line(`The ${view} as a file`, `${command(name, view)} -o ${quoted(file)}`));
  }
  byId("commands", HTMLDivElement).replaceChildren(...parts);
}

/** @param {string} filename @param {string} output */
function command(filename, output) {
  const url = new URL(`segment?output=${output}`, document.baseURI).href;
  const key = hasKey() ? '-H "Authorization: Bearer $KEY" ' : ""; // not the key itself: commands are copied and kept
  return `curl ${key}--data-binary ${quoted(`@${filename}`)} ${quoted(url)}`;
}

/** @param {string} text - as one word of a POSIX shell */
function quoted(text) {
  return /^[\w@./:-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** @param {string} title @param {string} text */
function line(title, text) {
  const code = element("code", {}, text);
  const button = element("button", { type: "button", "aria-label": `Copy: ${title}` }, "Copy");
  button.addEventListener("click", async () => {
    button.textContent = (await copied(code)) ? "Copied" : "Press Ctrl+C";
    setTimeout(() => (button.textContent = "Copy"), COPIED_MS);
  });
  return element("div", { class: "command" }, element("p", {}, title), element("pre", {}, code), button);
}

/** Selects a text and copies it; without TLS browsers offer only the old way. @param {HTMLElement} code */
async function copied(code) {
  getSelection()?.selectAllChildren(code);
  if (!navigator.clipboard) return document.execCommand("copy");
  return navigator.clipboard.writeText(code.textContent ?? "").then(
    () => true,
    () => false,
  );
}
