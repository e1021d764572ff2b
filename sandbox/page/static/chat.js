/** One person's chat with the bot, as a phone shows it. */
import { $, call, clock, dayOf, h, icon, iconButton, region, replaced, say, size, toast } from "./dom.js";
import { Composer } from "./composer.js";
import { formatted } from "./text.js";
import { markMessages } from "./trail.js";

const NEAR_THE_END = 80; // pixels
const ACTION_LASTS = 5000; // milliseconds, as Telegram has it
export const LANGUAGES = { ru: "Русский", kk: "Қазақша", en: "English", uz: "Oʻzbekcha", de: "Deutsch" };

export class Chat {
  /** `changed()` is called when the number of unread messages has changed, `close()` when it shall leave the page. */
  constructor(person, { changed, close }) {
    this.person = person;
    this.changed = changed;
    this.unread = 0;
    this.groups = new Map();
    this.heard = null; // ids of the presses that were answered
    this.pressed = new Map();
    this.stuck = true;
    this.path = `/telegram/user/${person}`;
    this.send = (text) => call("POST", `${this.path}/messages`, { text });
    this.composer = new Composer(this);
    this.list = h("div.messages", { role: "log", "aria-live": "polite", tabindex: "0" });
    this.jump = h("button.jump", {
      type: "button",
      "aria-label": say("to-the-end"),
      hidden: true,
      onclick: () => {
        this.toEnd();
        this.list.focus();
      },
    });
    this.name = h("strong");
    this.state = h("span.state");
    this.menu = h("details.menu", {}, h("summary", { "aria-label": say("chat-menu") }, icon("more")), h("div.popover"));
    const head = h(
      "header",
      {},
      h("img.face", { src: "icon.svg", alt: "" }),
      h("div.who", {}, this.name, this.state),
      this.menu,
    );
    head.append(iconButton("close", say("close-chat"), close));
    this.node = h(
      "section.chat",
      { id: `chat-${person}` },
      head,
      h("div.room", {}, this.list, this.jump),
      this.composer.node,
    );
    this.list.addEventListener("scroll", () => {
      this.stuck = this.atEnd();
      if (this.stuck) this.seen();
    });
    new ResizeObserver(() => this.stuck && this.toEnd()).observe(this.list);
    this.composer.catchDrops(this.node);
  }

  update(view) {
    const first = this.view === undefined;
    const stick = first || this.atEnd() || this.composer.justSent;
    this.composer.justSent = false;
    const news = first ? [] : view.messages.filter((one) => one.sender === "bot" && one.id > this.latest);
    this.latest = Math.max(0, ...view.messages.map((one) => one.id));
    this.view = view;
    this.drawHead();
    this.drawMessages();
    this.answers(first);
    this.composer.update(view);
    if (stick && this.visible()) this.toEnd();
    else if (news.length) this.miss(news);
  }

  drawHead() {
    const { view } = this;
    this.name.textContent = view.bot_name;
    this.list.setAttribute("aria-label", say("chat-of", { name: view.first_name }));
    this.idle = say("you-are", { name: view.first_name, language: view.language_code ?? "–" });
    this.state.textContent = view.action ? say(view.action.startsWith("upload") ? "uploading" : "typing") : this.idle;
    this.state.classList.toggle("busy", Boolean(view.action));
    clearTimeout(this.rest);
    if (view.action)
      this.rest = setTimeout(() => {
        this.state.textContent = this.idle;
        this.state.classList.remove("busy");
      }, ACTION_LASTS);
    const profile = (code) => call("PUT", `${this.path}/profile`, { first_name: view.first_name, language_code: code });
    const codes = h(
      "select",
      { onchange: (event) => profile(event.target.value) },
      Object.entries(LANGUAGES).map(([code, name]) =>
        h("option", { value: code, selected: code === view.language_code }, name),
      ),
    );
    const block = h(
      "button.plain",
      { type: "button", onclick: () => this.block(!view.blocked) },
      say(view.blocked ? "unblock" : "block"),
    );
    if (!this.menu.open) this.menu.lastChild.replaceChildren(h("label", {}, say("telegram-language"), codes), block);
  }

  block(wanted) {
    this.menu.open = false;
    return call(wanted ? "PUT" : "DELETE", `${this.path}/block`);
  }

  /** Only what has changed is drawn anew, so that focus and scrolling stay where they are. */
  drawMessages() {
    const wanted = [];
    let day = "";
    for (const group of grouped(this.view.messages)) {
      const date = dayOf(group[0].date * 1000);
      if (date !== day) wanted.push([`day ${date}`, date, () => h("div.day", {}, date)]);
      if (group[0].id === this.firstUnread) wanted.push(["unread", "", () => h("div.unread-mark", {}, say("unread"))]);
      wanted.push([`m${group[0].id}`, JSON.stringify(group), () => this.bubble(group)]);
      day = date;
    }
    if (!wanted.length) wanted.push(["empty", "", () => h("div.empty", {}, h("p", {}, say("empty-chat")))]);
    const before = this.groups;
    this.groups = new Map();
    wanted.forEach(([key, mark, draw], place) => {
      const old = before.get(key);
      before.delete(key);
      const node = old?.mark === mark ? old.node : draw();
      if (old && node !== old.node) replaced(old.node, node);
      else if (this.list.children[place] !== node) this.list.insertBefore(node, this.list.children[place] ?? null);
      this.groups.set(key, { mark, node });
    });
    for (const { node } of before.values()) node.remove();
    markMessages();
  }

  bubble(group) {
    const [message] = group;
    const last = group.at(-1);
    const words = group.find((one) => one.html);
    const replied = message.reply_to && this.view.messages.find((one) => one.id === message.reply_to);
    const remove = iconButton("bin", say("delete"), () => {
      this.list.focus();
      return Promise.all(group.map((one) => call("DELETE", `${this.path}/messages/${one.id}`)));
    });
    const command = message.sender === "bot" ? (text) => this.send(text) : null;
    const bubble = h(
      "div.bubble",
      {},
      message.reply_to && quoted(replied),
      attachments(group),
      words
        ? h("div.words", {}, formatted(words.html, command))
        : !message.attachment && h("div.words.other", {}, other(message.text)),
      h(
        "div.foot",
        {},
        last.reactions.join(" "),
        last.edits > 0 && h("span", {}, say("edited")),
        h("time", { title: new Date(last.date * 1000).toLocaleString(region) }, clock(last.date * 1000)),
        message.sender === "user" && "✓",
      ),
    );
    const box = h(
      `article.message.${message.sender}`,
      { "data-ids": group.map((one) => one.id).join(" ") },
      h("div.line", {}, bubble, remove),
    );
    if (last.keyboard.length) box.append(this.keyboard(last));
    if (group.some((one) => one.attachment?.kind === "photo")) box.classList.add("pictures");
    return box;
  }

  keyboard(message) {
    const key = (button) =>
      button.url
        ? h(
            "a.key",
            { href: /^https?:/.test(button.url) ? button.url : null, target: "_blank", rel: "noopener noreferrer" },
            button.label,
            icon("link"),
          )
        : h(
            "button.key",
            { type: "button", onclick: (event) => this.press(message, button, event.currentTarget) },
            button.label,
          );
    return h(
      "div.keyboard",
      {},
      message.keyboard.map((row) => h("div", {}, row.map(key))),
    );
  }

  async press(message, button, node) {
    if (button.data === null) return toast(say("opens-only"), this.node);
    node.classList.add("busy");
    const press = await call("POST", `${this.path}/presses`, { message_id: message.id, data: button.data }).catch(
      () => null,
    );
    if (!press) return node.classList.remove("busy");
    if (this.heard.has(press.id)) return node.classList.remove("busy");
    this.pressed.set(press.id, node);
    setTimeout(() => node.classList.remove("busy"), 15000);
  }

  answers(first) {
    const answered = this.view.presses.filter((press) => press.answered);
    const fresh = first ? [] : answered.filter((press) => !this.heard.has(press.id));
    this.heard = new Set(answered.map((press) => press.id));
    for (const press of fresh) {
      this.pressed.get(press.id)?.classList.remove("busy");
      this.pressed.delete(press.id);
      if (press.text && press.show_alert) alertDialog(press.text);
      else if (press.text) toast(press.text, this.node);
    }
  }

  visible = () => !document.hidden && this.node.offsetParent !== null;
  atEnd = () => this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < NEAR_THE_END;

  /** At once: what comes while a list still scrolls would count as unseen. */
  toEnd() {
    this.list.scrollTo({ top: this.list.scrollHeight, behavior: "instant" });
    this.seen();
  }

  seen() {
    if (!this.visible()) return;
    this.jump.hidden = true;
    if (!this.unread) return;
    this.unread = 0;
    this.firstUnread = undefined;
    this.changed();
  }

  miss(messages) {
    this.firstUnread ??= messages[0].id;
    this.unread += messages.length;
    this.drawMessages();
    this.jump.hidden = false;
    this.jump.replaceChildren(icon("down"), h("b", {}, String(this.unread)));
    this.changed();
  }
}

function grouped(messages) {
  const groups = [];
  for (const message of messages) {
    const last = groups.at(-1);
    if (message.media_group_id && last?.[0].media_group_id === message.media_group_id) last.push(message);
    else groups.push([message]);
  }
  return groups;
}

function attachments(group) {
  const photos = group.filter((one) => one.attachment?.kind === "photo");
  const files = group.filter((one) => one.attachment?.kind === "document");
  return [
    photos.length &&
      h(
        `div.photos.n${Math.min(photos.length, 10)}`,
        {},
        photos.map((one) => photo(one.attachment)),
      ),
    ...files.map((one) => file(one.attachment)),
  ].filter(Boolean);
}

function photo({ url, width, height }) {
  const image = h("img", { src: `/telegram${url}`, alt: say("photo"), width: String(width), height: String(height) });
  return h("button.photo", { type: "button", onclick: () => enlarge(image.src) }, image);
}

function file({ url, file_name: name, size: bytes, mime }) {
  const picture =
    mime.startsWith("image/") &&
    h("img", { src: `/thumbnails${url}`, alt: "", onerror: (event) => event.target.remove() });
  return h(
    "a.file",
    { href: `/telegram${url}`, download: name ?? "file" },
    h("span.thumb", {}, icon("file"), picture),
    h("span", {}, h("b", {}, name ?? say("file")), h("small", {}, size(bytes))),
  );
}

function quoted(message) {
  if (!message) return h("blockquote.reply", {}, say("deleted"));
  const kind = message.attachment && say(message.attachment.kind === "photo" ? "photo" : "file");
  return h("blockquote.reply", {}, message.html ? message.text : (kind ?? other(message.text)));
}

function other(text) {
  const kind = text.replace(/[[\]]/g, "");
  return say(`other-${kind}`);
}

function enlarge(source) {
  $("light").querySelector("img").src = source;
  $("light").showModal();
}

function alertDialog(text) {
  $("alert").firstElementChild.textContent = text;
  $("alert").showModal();
}
