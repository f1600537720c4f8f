/** Elements of the page: found with their type, made without markup in strings. */

/**
 * The element of an id.
 *
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind - its class
 * @returns {T}
 */
export function byId(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${kind.name} called ${id}`);
  return found;
}

/**
 * A new element.
 *
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

/**
 * A number as people read it, with the exact one for programs.
 *
 * @param {number} value
 * @param {string} text
 * @returns {HTMLElement}
 */
export function quantity(value, text) {
  return element("data", { value }, text);
}
