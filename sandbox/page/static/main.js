/** The page: up to three people beside each other, the curtain, and the stream that feeds them. */
import { $, call, h, iconButton, kept, language, renew, say } from "./dom.js";
import { Chat, LANGUAGES } from "./chat.js";
import * as fal from "./fal.js";
import * as log from "./log.js";
import * as rows from "./rows.js";
import * as trail from "./trail.js";

const MOST = 3;
const NAMES = { ru: ["Айша", "Дана", "Марат"], kk: ["Әсел", "Нұрлан", "Дәуіт"], en: ["Aisha", "Emma", "James"] };
const OPERATOR = 1000;
const CURTAIN = "curtain";
const SILENCE = 40_000; // milliseconds; a stream that has nothing to tell says so each 15 s

const chats = new Map();
let people = null;
let stream, lastHeard;
let steady = false; // as long as one stream follows the other, what is shown stays true

for (const node of document.querySelectorAll("[data-word]")) node.textContent = say(node.dataset.word);
for (const node of document.querySelectorAll("[data-label]")) {
  node.setAttribute("aria-label", say(node.dataset.label));
  node.title = say(node.dataset.label);
}
document.documentElement.lang = language;

function listen() {
  stream?.close();
  const query = [...chats.keys()].map((person) => `person=${person}`).join("&");
  stream = new EventSource(`/events?${query}`);
  const on = (kind, heard) =>
    stream.addEventListener(kind, (event) => {
      connection(true);
      heard(JSON.parse(event.data));
    });
  on("hello", () => {
    if (!steady) [trail, fal, log].forEach((room) => room.reset());
    rows.reset();
    steady = true;
  });
  on("alive", () => {});
  on("people", meet);
  on("chat", (view) => {
    chats.get(view.user_id)?.update(view);
    drawTabs();
  });
  on("request", fal.hear);
  on("plans", fal.hearPlans);
  on("row", rows.hear);
  on("line", log.hear);
  stream.onerror = () => {
    steady = false;
    connection(false);
  };
}

function connection(up) {
  if (up) lastHeard = Date.now();
  $("connection").textContent = up ? "" : say("disconnected");
}

/** On a first visit: somebody new, and the person whose journey was played. */
function meet(found) {
  const first = people === null;
  people = found;
  if (!first) return;
  const known = found.map((one) => one.id);
  const wanted = (kept("people") ?? []).filter((id) => known.includes(id));
  if (wanted.length) show(wanted);
  else
    introduce(
      NAMES[language][0],
      language,
      found
        .filter((one) => one.id !== OPERATOR)
        .slice(-1)
        .map((one) => one.id),
    );
}

async function introduce(name, code, others = [...chats.keys()]) {
  const id = 1e8 + Math.floor(Math.random() * 9e8);
  await call("PUT", `/telegram/user/${id}/profile`, { first_name: name, language_code: code });
  if (chats.size) show([...others, id], id);
  else show([id, ...others]);
}

/** `chosen` is whom a narrow screen turns to. */
function show(wanted, chosen = wanted.at(0) ?? CURTAIN) {
  for (const [id, chat] of chats)
    if (!wanted.includes(id)) {
      chat.node.remove();
      chats.delete(id);
    }
  for (const id of wanted) {
    if (chats.has(id)) continue;
    const chat = new Chat(id, { changed: drawTabs, close: () => show([...chats.keys()].filter((one) => one !== id)) });
    chats.set(id, chat);
    $("columns").append(chat.node);
  }
  kept("people", wanted);
  $("add-person").disabled = chats.size >= MOST;
  select(chosen);
  listen();
}

/** On a narrow screen one thing at a time; on a wide one the tabs only move the focus. */
function select(which) {
  document.body.dataset.shown = which === CURTAIN ? CURTAIN : "chat";
  for (const [id, chat] of chats) chat.node.classList.toggle("shown", id === which);
  if (chats.has(which) && chats.get(which).view) chats.get(which).toEnd();
  drawTabs(which);
}

let selected;
function drawTabs(which = selected) {
  selected = which;
  const tab = (id, shown, ...content) =>
    h(
      "button",
      {
        role: "tab",
        type: "button",
        "aria-controls": shown,
        "aria-selected": String(id === selected),
        onclick: () => select(id),
      },
      ...content,
    );
  const unread = (chat) => chat.unread > 0 && h("b.badge", {}, String(chat.unread));
  const drawing = h("nav", {}, [
    ...[...chats].map(([id, chat]) => tab(id, chat.node.id, chat.view?.first_name ?? "…", unread(chat))),
    tab(CURTAIN, CURTAIN, say("curtain-short")),
  ]);
  renew($("tabs"), drawing);
  const total = [...chats.values()].reduce((sum, chat) => sum + chat.unread, 0);
  document.title = `${total ? `(${total}) ` : ""}Aisha · ${say("sandbox")}`;
}

function askWhom() {
  const dialog = $("people");
  const name = h("input", {
    value: NAMES[language].find((one) => ![...chats.values()].some((chat) => chat.view?.first_name === one)) ?? "",
    "aria-label": say("name"),
    required: true,
    maxlength: "64",
  });
  const code = h(
    "select",
    { "aria-label": say("telegram-language") },
    Object.entries(LANGUAGES).map(([key, word]) => h("option", { value: key, selected: key === language }, word)),
  );
  const others = (people ?? []).filter((one) => !chats.has(one.id));
  const other = (one) =>
    h(
      "button.plain",
      {
        type: "button",
        onclick: () => {
          dialog.close();
          show([...chats.keys(), one.id], one.id);
        },
      },
      `${one.first_name} · ${one.id}`,
    );
  const form = h(
    "form",
    { method: "dialog", onsubmit: () => introduce(name.value, code.value) },
    h("label", {}, say("name"), name),
    h("label", {}, say("telegram-language"), code),
    h("button", {}, say("add-person")),
  );
  dialog.replaceChildren(
    h(
      "header",
      {},
      h("h2", { id: "people-title" }, say("add-person")),
      iconButton("close", say("close"), () => dialog.close()),
    ),
    form,
    others.length ? h("div.others", {}, h("p", {}, say("already-here")), others.map(other)) : "",
  );
  dialog.showModal();
}

function dress(theme) {
  document.documentElement.dataset.theme = kept("theme", theme);
}

function openTab(name) {
  for (const tab of document.querySelectorAll(".curtain-tabs [role=tab]")) {
    const open = tab.id === `tab-${name}`;
    tab.setAttribute("aria-selected", String(open));
    $(tab.getAttribute("aria-controls")).hidden = !open;
  }
  if (name === "log") log.toEnd();
  kept("tab", name);
}

$("language").value = language;
$("language").onchange = (event) => {
  kept("language", event.target.value);
  location.reload();
};
$("theme").onclick = () => dress(getComputedStyle(document.documentElement).colorScheme === "dark" ? "light" : "dark");
$("add-person").onclick = askWhom;
const draw = (open) => {
  document.body.classList.toggle("drawn", kept("drawn", open));
  $("toggle-curtain").setAttribute("aria-pressed", String(open));
};
$("toggle-curtain").onclick = () => draw(!document.body.classList.contains("drawn"));
for (const name of ["fal", "rows", "log"]) $(`tab-${name}`).onclick = () => openTab(name);
for (const dialog of document.querySelectorAll("dialog"))
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]"))
    if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape")
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.firstChild.focus();
    }
});
for (const tabs of document.querySelectorAll("[role=tablist]"))
  tabs.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    const all = () => [...tabs.querySelectorAll("[role=tab]")];
    const next = (all().indexOf(event.target) + step + all().length) % all().length;
    all()[next].click();
    all()[next].focus();
  });
// A file that misses the chat stays on the desktop, and the page stays here.
for (const kind of ["dragover", "drop"])
  document.addEventListener(kind, (event) => event.dataTransfer.types.includes("Files") && event.preventDefault());
setInterval(() => Date.now() - lastHeard > SILENCE && connection(false), 5000);
document.addEventListener("visibilitychange", () => chats.forEach((chat) => chat.view && chat.atEnd() && chat.seen()));

if (kept("theme")) dress(kept("theme"));
draw(kept("drawn") ?? true);
openTab(kept("tab") ?? "fal");
drawTabs();
listen();
