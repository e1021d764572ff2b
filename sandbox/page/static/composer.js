/** Where a person writes, attaches and drops. */
import { $, call, h, icon, iconButton, say } from "./dom.js";
import { chooseSamples } from "./samples.js";

const ALBUM = 10; // pictures that Telegram sends at once
const OTHERS = ["video", "animation", "video_note", "sticker", "voice", "audio", "location", "contact", "dice"];

// An SVG is drawn by programs; Telegram takes it for a file like any other.
const isPicture = ({ type }) => type.startsWith("image/") && type !== "image/svg+xml";

export class Composer {
  constructor(chat) {
    this.chat = chat;
    this.draft = `draft ${chat.person}`;
    this.files = [];
    this.input = h("textarea", {
      rows: "1",
      placeholder: say("write"),
      "aria-label": say("write"),
      enterkeyhint: "send",
      oninput: () => this.resize(),
      onkeydown: (event) => this.key(event),
      onpaste: (event) => this.paste(event),
    });
    this.asFiles = h("input", { type: "checkbox" });
    this.picker = h("input", {
      type: "file",
      multiple: true,
      hidden: true,
      onchange: () => this.attach([...this.picker.files], this.pickedAsFiles),
    });
    this.tray = h("div.tray", { hidden: true });
    this.commands = h(
      "details.menu.commands",
      {},
      h("summary", { "aria-label": say("commands"), title: say("commands") }, icon("menu")),
      h("div.popover", { role: "menu" }),
    );
    this.clip = h(
      "details.menu.clip",
      {},
      h("summary", { "aria-label": say("attach"), title: say("attach") }, icon("clip")),
      this.ways(),
    );
    this.sendButton = h("button.send", { "aria-label": say("send"), title: say("send") }, icon("send"));
    const form = h(
      "form.write",
      { onsubmit: (event) => this.submit(event) },
      this.commands,
      this.input,
      this.clip,
      this.sendButton,
    );
    this.instead = h("button.instead", { type: "button", hidden: true });
    this.node = h("footer", {}, this.tray, form, this.instead, this.picker);
    this.form = form;
    this.input.value = sessionStorage.getItem(this.draft) ?? "";
  }

  update(view) {
    const item = ({ name, description }) =>
      h(
        "button",
        { type: "button", role: "menuitem", onclick: () => this.say(`/${name}`) },
        h("b", {}, `/${name}`),
        h("span", {}, description),
      );
    const drawn = JSON.stringify(view.commands);
    if (this.drawn !== drawn) this.commands.lastChild.replaceChildren(...view.commands.map(item));
    this.drawn = drawn;
    const shut = view.blocked || !view.started;
    const handsOn = document.activeElement === this.instead;
    this.instead.hidden = !shut;
    this.form.hidden = shut;
    if (handsOn && !shut) this.input.focus();
    this.instead.textContent = say(view.blocked ? "unblock" : "start");
    this.instead.onclick = () => (view.blocked ? this.chat.block(false) : this.say("/start"));
  }

  ways() {
    const way = (word, onclick) =>
      h(
        "button",
        {
          type: "button",
          onclick: () => {
            this.clip.open = false;
            onclick();
          },
        },
        say(word),
      );
    const others = OTHERS.map((kind) =>
      h(
        "button",
        {
          type: "button",
          title: say(`other-${kind}`),
          "aria-label": say(`other-${kind}`),
          onclick: () => this.other(kind),
        },
        say(`other-${kind}`).split(" ")[0],
      ),
    );
    return h(
      "div.popover",
      {},
      way("samples", () => {
        chooseSamples((files, asFiles) => this.attach(files, asFiles));
        $("samples").addEventListener("close", () => this.input.focus(), { once: true });
      }),
      way("pick-photos", () => this.pick(false)),
      way("pick-files", () => this.pick(true)),
      h("div.others", { role: "group", "aria-label": say("others") }, others),
    );
  }

  pick(asFiles) {
    this.pickedAsFiles = asFiles;
    this.picker.accept = asFiles ? "" : "image/*";
    this.picker.value = "";
    this.picker.click();
  }

  other(kind) {
    this.clip.open = false;
    this.justSent = true;
    this.input.focus();
    return call("POST", `${this.chat.path}/others`, { kind });
  }

  say(text) {
    this.commands.open = false;
    this.justSent = true;
    this.input.focus();
    return this.chat.send(text);
  }

  key(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) this.submit(event);
  }

  paste(event) {
    const files = [...event.clipboardData.files];
    if (!files.length) return;
    event.preventDefault();
    this.attach(files, false);
  }

  /** A draft outlives the page, which comes anew in another language. */
  resize() {
    sessionStorage.setItem(this.draft, this.input.value);
    this.input.style.height = "auto";
    this.input.style.height = `${Math.min(this.input.scrollHeight, 160)}px`;
  }

  attach(files, asFiles) {
    if (this.form.hidden) return;
    for (const file of files) if (isPicture(file)) file.small ??= URL.createObjectURL(file);
    this.files.push(...files);
    this.asFiles.checked ||= asFiles || !this.files.every(isPicture);
    this.drawTray();
    this.input.focus();
  }

  takeAway(files) {
    this.files = this.files.filter((file) => !files.includes(file));
    for (const { small } of files) if (small?.startsWith("blob:")) URL.revokeObjectURL(small);
    if (!this.files.length) this.asFiles.checked = false;
    this.drawTray();
    this.input.focus();
  }

  drawTray() {
    this.tray.hidden = !this.files.length;
    const preview = (file) =>
      h(
        "li",
        { title: file.name },
        file.small ? h("img", { src: file.small, alt: file.name }) : icon("file"),
        iconButton("close", say("take-away", { name: file.name }), () => this.takeAway([file])),
      );
    const none = iconButton("close", say("take-all-away"), () => this.takeAway(this.files));
    this.progress = h("span", { role: "status" }, say("attached", { count: this.files.length }));
    this.tray.replaceChildren(
      h("div", {}, this.progress, h("label", {}, this.asFiles, say("uncompressed")), none),
      h("ul", {}, this.files.map(preview)),
    );
  }

  async submit(event) {
    event.preventDefault();
    const text = this.input.value.trim();
    if (this.sendButton.disabled || (!text && !this.files.length)) return;
    this.write("");
    this.justSent = true;
    if (this.files.length) await this.sendFiles(text);
    else await this.chat.send(text).catch((error) => this.unsent(text, error));
  }

  write(text) {
    this.input.value = text;
    this.resize();
  }

  /** What didn't get through stands where it was written, unless something else stands there now. */
  unsent(text, error) {
    if (!this.input.value) this.write(text);
    throw error;
  }

  async sendFiles(caption) {
    const path = `${this.chat.path}/${this.asFiles.checked ? "documents" : "photos"}`;
    let rest = caption;
    this.hold(true);
    try {
      while (this.files.length) {
        this.progress.textContent = say("sending", { count: this.files.length });
        const form = new FormData();
        const album = this.files.slice(0, ALBUM);
        const contents = await Promise.all(album.map((file) => file.content?.() ?? file));
        album.forEach((file, place) => form.append("file", contents[place], file.name));
        form.append("caption", rest);
        this.justSent = true;
        await call("POST", path, form);
        rest = "";
        this.takeAway(album);
      }
    } catch (error) {
      this.unsent(rest, error);
    } finally {
      this.hold(false);
      this.drawTray();
    }
  }

  /** While files are on their way none is sent twice, and none is taken away. */
  hold(sending) {
    this.sendButton.disabled = sending;
    this.tray.inert = sending;
  }

  /** Two places to drop at, as in Telegram: the files as they are, or as photos; beside them, as photos. */
  catchDrops(where) {
    const asPhotos = h("div", {}, h("strong", {}, say("drop-photos")));
    const asFiles = h("div", {}, h("strong", {}, say("drop-files")));
    const veil = h("div.veil", { hidden: true }, asPhotos, asFiles);
    where.append(veil);
    where.addEventListener("drop", (event) => {
      veil.hidden = true;
      this.attach([...event.dataTransfer.files], asFiles.contains(event.target));
    });
    where.addEventListener("dragenter", (event) => {
      if (event.dataTransfer.types.includes("Files")) veil.hidden = false;
    });
    where.addEventListener("dragleave", (event) => {
      if (!where.contains(event.relatedTarget)) veil.hidden = true;
    });
  }
}
