// Keeps what is typed in [data-autosave="address"] on the server, and in this browser until the server has
// it: a closed tab, a lost line, an ended session or a restart loses nothing.
//   data-autosave-as="name"   what it is, and whose        data-settled="form"   saved or discarded last
//   [data-autosaved] says how it stands                    [data-discard] is there once there is something
import { say } from "./said.js";

const REST_MS = 600;
const LEAVING_MS = 2000; // as long as somebody who leaves is kept waiting for the server
const KEEPALIVE_BYTES = 60_000; // what a browser still sends of a page that goes
const key = (area) => `clawbot:edit:${area.dataset.autosaveAs}`;
let timer = 0;

function restore() {
  for (const area of document.querySelectorAll("[data-autosave]")) {
    const left = read(area);
    if (!left) continue;
    if (left.form === area.dataset.settled || left.text === area.value) {
      localStorage.removeItem(key(area));
      continue;
    }
    area.value = left.text;
    tell(area, "Your unsaved words are back.");
    say("Your unsaved words are back.");
    send(area);
  }
}

function read(area) {
  try {
    return JSON.parse(localStorage.getItem(key(area)));
  } catch {
    return null;
  }
}

function tell(area, sentence) {
  const place = area.form.querySelector("[data-autosaved]");
  if (place) place.textContent = sentence;
  area.form.querySelector("[data-discard]")?.removeAttribute("hidden");
}

function write(area) {
  try {
    localStorage.setItem(key(area), JSON.stringify({ form: area.form.elements.request_id.value, text: area.value }));
  } catch { /* no room: the server keeps it */ }
}

async function send(area, keepalive = false) {
  clearTimeout(timer);
  const text = area.value;
  const body = new URLSearchParams(new FormData(area.form));
  body.delete("do");
  if (keepalive && body.toString().length > KEEPALIVE_BYTES) return;
  try {
    const answer = await fetch(area.dataset.autosave, { method: "POST", body, keepalive, redirect: "manual" });
    if (!answer.ok) throw new Error(String(answer.status));
    if (read(area)?.text === text) localStorage.removeItem(key(area));
    tell(area, "Your words are kept until you save or discard them.");
  } catch {
    tell(area, "Kept in this browser; the server did not take it yet.");
    timer = setTimeout(send, 5000, area);
  }
}

document.addEventListener("input", (event) => {
  const area = event.target.closest("[data-autosave]");
  if (!area) return;
  write(area);
  clearTimeout(timer);
  timer = setTimeout(send, REST_MS, area);
});

// The page behind the editor tells of unsaved words: they are there before it is.
document.addEventListener("click", async (event) => {
  const way = event.target.closest("[data-close-editor]");
  const area = way?.closest("form").querySelector("[data-autosave]");
  if (!area || !read(area) || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  await Promise.race([send(area), new Promise((done) => setTimeout(done, LEAVING_MS))]);
  location.assign(way.href);
});

// A page that goes, or is put aside, sends what it has.
addEventListener("pagehide", () => {
  for (const area of document.querySelectorAll("[data-autosave]")) if (read(area)) send(area, true);
});

// Esc in the text leads to its way out, which Enter or Esc then takes.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.isComposing || !event.target.closest("[data-autosave]")) return;
  event.target.form.querySelector("[data-close-editor]")?.focus();
});

restore();
