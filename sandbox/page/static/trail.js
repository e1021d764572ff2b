/** Following one thing through requests, rows and lines: whatever shares an id with it belongs to its trail. */
import { $, h, iconButton, say } from "./dom.js";

const things = new Map(); // a node of the page -> the ids it carries
let start = null;
let trail = new Set();

export function reset() {
  things.clear();
}

/** Tells which ids a node carries; the latest word counts. */
export function carries(node, ids) {
  things.set(node, ids.filter(Boolean).map(String));
  mark(node);
  if (start && things.get(node).some((id) => trail.has(id))) spread();
}

export function forget(node) {
  things.delete(node);
}

export function follow(id) {
  start = start === String(id) ? null : String(id);
  spread();
  const bar = $("trail");
  bar.hidden = !start;
  document.body.classList.toggle("following", Boolean(start));
  bar.replaceChildren(
    h("span", {}, say("following"), " ", h("code", {}, short(start ?? ""))),
    iconButton("close", say("stop-following"), () => follow(start)),
  );
}

export const chip = (id) =>
  id
    ? h(
        "button.chip",
        { type: "button", title: `${say("follow")} ${id}`, onclick: () => follow(id) },
        short(String(id)),
      )
    : null;

const short = (id) => (id.length > 14 ? `${id.slice(0, 8)}…` : id);

/** A correlation id leads to a training, which leads to the ids of its callbacks: on until nothing is added. */
function spread() {
  trail = new Set(start ? [start] : []);
  for (let before = -1; before !== trail.size;) {
    before = trail.size;
    for (const ids of things.values()) if (ids.some((id) => trail.has(id))) ids.forEach((id) => trail.add(id));
  }
  for (const node of things.keys()) mark(node);
  markMessages();
}

export function markMessages() {
  for (const bubble of document.querySelectorAll(".message[data-ids]"))
    bubble.classList.toggle(
      "followed",
      bubble.dataset.ids.split(" ").some((id) => trail.has(`message ${id}`)),
    );
}

function mark(node) {
  node.classList.toggle(
    "followed",
    things.get(node).some((id) => trail.has(id)),
  );
}
