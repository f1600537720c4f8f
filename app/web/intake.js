/** The ways for a picture to come in: chosen, dropped anywhere on the page, or pasted. */

import { byId } from "./dom.js";

/**
 * Calls back with each picture.
 *
 * @param {(picture: File, others: number) => void} take - `others`: how many more came with it
 */
export function watchIntake(take) {
  const zone = byId("intake", HTMLLabelElement);
  const input = byId("file", HTMLInputElement);

  /** @param {FileList | undefined} files */
  const takeFirst = (files) => {
    const picture = files?.[0];
    if (picture) take(picture, files.length - 1);
    return Boolean(picture);
  };

  input.addEventListener("change", () => {
    takeFirst(input.files ?? undefined);
    input.value = ""; // so that the same file can be chosen again
  });
  document.addEventListener("paste", (event) => {
    if (takeFirst(event.clipboardData?.files)) event.preventDefault();
  });
  document.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    zone.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) zone.classList.remove("over"); // left the window, not only an element
  });
  document.addEventListener("drop", (event) => {
    zone.classList.remove("over");
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    takeFirst(event.dataTransfer.files);
  });
}
