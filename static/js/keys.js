// The keys of a page. An element with data-key="a" is clicked (a field: focused) by that key, and "g b"
// means g, then b; the same list makes the `?` dialog, so what is bound is what is shown.
//   data-key="a"   data-key-word="Approve" (else its text)
// Ignored in fields, with modifiers held and while a dialog is open; a person may switch them off.
const GO = { b: ["/", "Board"], r: ["/reviews/", "Reviews"], a: ["/agents/", "Agents"], l: ["/activity/", "Activity"], w: ["/workflows/", "Workflows"], i: ["/insights/", "Insights"] };
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

// What an element says to the eye, its parts apart; without its key.
function word(element) {
  if (element.dataset.keyWord || element.ariaLabel) return element.dataset.keyWord || element.ariaLabel;
  const parts = [];
  const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const inside = texts.currentNode.parentElement;
    if (inside.closest("kbd") || !inside.checkVisibility()) continue;
    if (inside !== element && inside.closest(".hidden-text")) continue;
    parts.push(texts.currentNode.data);
  }
  return parts.join(" ").trim().replace(/\s+/g, " ") || element.textContent.trim();
}

function fill() {
  const list = document.querySelector("[data-keys-list]");
  const own = [...document.querySelectorAll("[data-key]")].filter((one) => one.checkVisibility());
  // Keys that a script of the page binds by itself: data-more-keys="j Next review; k Previous review".
  const more = [...document.querySelectorAll("[data-more-keys]")].flatMap((one) => one.dataset.moreKeys.split("; ")
    .map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)]));
  const page = [...own.map((one) => [one.dataset.key, word(one)]), ...more];
  const rows = [...page.sort(([one], [other]) => one.localeCompare(other, "en", { sensitivity: "base" })),
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
