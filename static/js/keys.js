// The keys of a page. An element with data-key="a" is clicked (a field: focused) by that key, and "g b"
// means g, then b; the same list makes the `?` dialog, so what is bound is what is shown.
//   data-key="a"   data-key-word="Approve" (else its text)
// Ignored in fields, with modifiers held and while a dialog is open; a person may switch them off.
const GO = { b: ["/", "Board"], r: ["/reviews/", "Reviews"], a: ["/agents/", "Agents"], l: ["/activity/", "Activity"], i: ["/insights/", "Insights"] };
const MINE = { "?": ["These keys", () => document.getElementById("keys")?.showModal()],
  ".": ["Freeze or go on with live updates", () => document.dispatchEvent(new Event("clawbot:freeze"))] };
let first = "";

const on = () => document.body.dataset.keys === "on";
const typing = (target) => target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");

function bound(key) {
  return [...document.querySelectorAll("[data-key]")].find(
    (one) => one.dataset.key === key && !one.disabled && one.checkVisibility());
}

document.addEventListener("keydown", (event) => {
  if (!on() || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (typing(event.target) || document.querySelector("dialog[open]")) return;
  const went = first === "g" && GO[event.key];
  first = event.key === "g" && !first ? "g" : "";
  if (went) location.assign(went[0]);
  else if (MINE[event.key]) fill(), MINE[event.key][1]();
  else press(bound(event.key), event);
  if (went || MINE[event.key]) event.preventDefault();
});

function press(element, event) {
  if (!element) return;
  event.preventDefault();
  if (typing(element)) element.focus();
  else element.click();
}

function word(element) {
  const copy = element.cloneNode(true);
  copy.querySelectorAll("kbd, .hidden-text").forEach((one) => one.remove());
  return element.dataset.keyWord || element.ariaLabel || copy.textContent.trim().replace(/\s+/g, " ");
}

function fill() {
  const list = document.querySelector("[data-keys-list]");
  const own = [...document.querySelectorAll("[data-key]")].filter((one) => one.checkVisibility());
  const rows = [...own.map((one) => [one.dataset.key, word(one)]),
    ...Object.entries(MINE).map(([key, [text]]) => [key, text]),
    ...Object.entries(GO).map(([key, [, text]]) => [`g ${key}`, text]), ["Esc", "Close"]];
  const seen = new Map(rows.map(([key, text]) => [key, text]));
  list.replaceChildren(...[...seen].flatMap(([key, text]) => {
    const name = document.createElement("dt");
    const cap = name.appendChild(document.createElement("kbd"));
    cap.textContent = key;
    const meaning = document.createElement("dd");
    meaning.textContent = text;
    return [name, meaning];
  }));
}

document.addEventListener("click", (event) => event.target.closest('[data-dialog="keys"]') && fill());
