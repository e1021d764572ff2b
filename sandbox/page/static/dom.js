/** Elements, requests and words: what every part of the page needs. */

/** h("button.plain", {onclick, "aria-label": …}, …children): strings become text, never markup. */
export function h(kind, properties = {}, ...children) {
  const [tag, ...classes] = kind.split(".");
  const element = document.createElement(tag);
  element.classList.add(...classes);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

export const $ = (id) => document.getElementById(id);

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

export const iconButton = (name, label, onclick) =>
  h("button.quiet.icon", { type: "button", "aria-label": label, title: label, onclick }, icon(name));

/** A request to the page's own server; what it refuses, or doesn't answer, is told in a toast, and thrown. */
export async function call(method, path, body) {
  const headers = body && !(body instanceof FormData) ? { "Content-Type": "application/json" } : {};
  const answer = await fetch(path, {
    method,
    headers,
    body: body instanceof FormData ? body : body && JSON.stringify(body),
  }).catch((error) => {
    toast(say("disconnected"));
    throw error;
  });
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  const { detail } = await answer.json().catch(() => ({}));
  const refusal = answer.status >= 500 ? say("disconnected") : say("refused");
  toast(typeof detail === "string" ? `${refusal} ${detail}` : refusal);
  throw new Error(`${method} ${path}: ${answer.status}`);
}

export function toast(text, where = document.body) {
  const shown = h("div.toast", { role: "status" }, text);
  where.append(shown);
  setTimeout(() => shown.remove(), 3500);
}

export function kept(name, value) {
  if (value === undefined) return JSON.parse(localStorage.getItem(name) ?? "null");
  localStorage.setItem(name, JSON.stringify(value));
  return value;
}

const LANGUAGES = ["ru", "kk", "en"];
const browser = navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => LANGUAGES.includes(tag));
export const language = kept("language") ?? browser ?? "en";
/** Of dates and times: English ones without a.m. and p.m. */
export const region = language === "en" ? "en-GB" : language;
const words = await (await fetch(`words/${language}.json`)).json();

/** The page's own words; {names} are filled in. */
export const say = (key, values = {}) => (words[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name]);

export const clock = (date, seconds = false) =>
  new Date(date).toLocaleTimeString(region, {
    hour: "2-digit",
    minute: "2-digit",
    second: seconds ? "2-digit" : undefined,
  });

export function size(bytes) {
  if (bytes < 1e6) return `${Math.max(1, Math.round(bytes / 1e3))} KB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

export function dayOf(date) {
  const day = new Date(date);
  return `${day.getDate()} ${say("months").split(" ")[day.getMonth()]}`;
}

/** The new node takes the old one's place, and its focus: on the same button if there is one. */
export function replaced(old, node) {
  const focusable = (where) => [where, ...where.querySelectorAll("button, a, summary")];
  const place = focusable(old).indexOf(document.activeElement);
  old.replaceWith(node);
  if (place >= 0) (focusable(node)[place] ?? focusable(node)[0])?.focus({ preventScroll: true });
}

/** The parts of `old` that differ from the drawing's take its parts; the others stay, hands on them included. */
export function renew(old, drawing) {
  old.className = drawing.className;
  const parts = [...drawing.childNodes];
  parts.forEach((part, place) => {
    const before = old.childNodes[place];
    if (!before) old.append(part);
    else if (!before.isEqualNode(part)) replaced(before, part);
  });
  while (old.childNodes.length > parts.length) old.lastChild.remove();
}
