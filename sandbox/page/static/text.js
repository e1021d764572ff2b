/** Telegram's HTML as nodes: only the tags and addresses that are known, everything else as plain words. */
import { h } from "./dom.js";

const TAGS = new Set(["B", "I", "U", "S", "CODE", "PRE", "BLOCKQUOTE"]);
const ADDRESS = /^(https?|tg|mailto):/;
const COMMAND = /(?<![\w/@])\/[a-z0-9_]{1,32}\b/gi;

/** `command(text)` is what a click on a /command does. */
export function formatted(html, command) {
  const parsed = new DOMParser().parseFromString(html, "text/html").body;
  return [...parsed.childNodes].flatMap((node) => copied(node, command));
}

function copied(node, command) {
  if (node.nodeType === Node.TEXT_NODE) return command ? withCommands(node.data, command) : [node.data];
  const inner = [...node.childNodes].flatMap((child) => copied(child, command));
  if (node.nodeName === "A" && ADDRESS.test(node.getAttribute("href") ?? ""))
    return [h("a", { href: node.getAttribute("href"), target: "_blank", rel: "noopener noreferrer" }, inner)];
  if (node.nodeName === "TG-SPOILER") return [spoiler(inner)];
  return TAGS.has(node.nodeName) ? [h(node.nodeName.toLowerCase(), {}, inner)] : inner;
}

function spoiler(inner) {
  const hiding = h(
    "button.spoiler",
    { type: "button", onclick: () => hiding.replaceWith(...hiding.childNodes) },
    inner,
  );
  return hiding;
}

function withCommands(text, command) {
  const nodes = [];
  let position = 0;
  for (const match of text.matchAll(COMMAND)) {
    nodes.push(text.slice(position, match.index));
    nodes.push(h("button.command", { type: "button", onclick: () => command(match[0]) }, match[0]));
    position = match.index + match[0].length;
  }
  return [...nodes, text.slice(position)];
}
