/** The page: a picture in, its segmentation out, the network below. */

import { ProblemError, fetchJson, rendered, segment } from "./api.js";
import { cardOf, modelCard } from "./card.js";
import { showCommands } from "./curl.js";
import { byId, element } from "./dom.js";
import { watchIntake } from "./intake.js";
import { askForKey, watchKey } from "./key.js";
import { showNetwork } from "./network.js";
import { sentence, showClasses, showIdentity, showKnown, showTimes } from "./result.js";
import { Stage } from "./stage.js";

/** @typedef {import("./api.js").Label} Label */
/** @typedef {import("./api.js").Problem} Problem */

const status = byId("status", HTMLParagraphElement);
const problemBox = byId("problem", HTMLDivElement);
const workspace = byId("workspace", HTMLDivElement);
const result = byId("result", HTMLDivElement);
const save = byId("save", HTMLButtonElement);

/** @type {File | null} */
let picture = null;
let turn = new AbortController();

const stage = new Stage(showView);

/** @param {File} file @param {number} others - how many more came with it */
async function take(file, others) {
  turn.abort();
  turn = new AbortController();
  const { signal } = turn;
  picture = file;
  problemBox.hidden = result.hidden = true;
  workspace.classList.add("busy");
  say(`Segmenting ${name()}${others ? `, the first of ${others + 1}` : ""}…`);
  showView();
  const shown = stage.show(file).then((visible) => {
    if (visible && !signal.aborted) workspace.hidden = false;
  });
  try {
    const answer = await segment(file, signal, sayLater);
    const { labels } = await cardOf(answer.segmentation.model);
    await shown;
    signal.throwIfAborted();
    stage.cover(answer.segmentation, labels);
    showAnswer(answer, labels);
  } catch (error) {
    if (!signal.aborted) fail(error);
  } finally {
    if (!signal.aborted) workspace.classList.remove("busy");
  }
}

/** @param {Awaited<ReturnType<typeof segment>>} answer @param {Label[]} labels */
function showAnswer({ segmentation, stages, roundTrip }, labels) {
  showClasses(segmentation, labels);
  showTimes(stages, roundTrip);
  showIdentity(segmentation.model);
  workspace.hidden = result.hidden = false;
  showView();
  say(sentence(name(), segmentation));
}

function name() {
  return picture?.name || "the picture";
}

function showView() {
  const { view } = stage;
  workspace.dataset.view = view;
  save.hidden = view === "picture";
  save.textContent = `Save ${view}`;
  showCommands(picture && picture.name, view);
}

/** @param {string} text */
function say(text) {
  status.textContent = text;
}

/** @param {Problem} problem @param {number} seconds */
function sayLater(problem, seconds) {
  say(`${problem.title}: ${problem.detail}. Trying again in ${seconds} s…`);
}

/** @param {unknown} error */
function fail(error) {
  say("");
  workspace.hidden = result.hidden;
  if (!(error instanceof ProblemError)) throw error;
  const { title, detail, request_id: id } = error.problem;
  problemBox.replaceChildren(element("strong", {}, title), element("p", {}, detail));
  if (id) problemBox.append(element("small", {}, "Request id ", element("code", {}, id)));
  problemBox.hidden = false;
  askForKey(error.problem);
}

async function saveView() {
  const { view } = stage;
  if (!picture) return;
  const file = picture;
  try {
    const url = URL.createObjectURL(await rendered(file, view, sayLater));
    element("a", { href: url, download: `${file.name.replace(/\.[^.]*$/, "")}-${view}.png` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  } catch (error) {
    fail(error);
  }
}

async function introduce() {
  const status = byId("network-status", HTMLParagraphElement);
  try {
    showNetwork(
      await fetchJson("model/architecture?format=json", (problem, seconds) => {
        status.textContent = `${problem.title}: ${problem.detail}. Trying again in ${seconds} s…`;
      }),
    );
    status.hidden = true;
    showKnown(await modelCard());
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    status.textContent = error.message;
    askForKey(error.problem);
  }
}

function startAgain() {
  showView();
  introduce();
  if (picture) take(picture, 0);
}

save.addEventListener("click", saveView);
watchKey(startAgain);
watchIntake(take);
showView();
introduce();
