// Where the eyes go when a page arrives, and that somebody reads it: focus on what must be read first, and
// while the page is looked at the others are told, by a quiet request every twenty seconds.
import { say } from "./said.js";

const STILL_HERE_MS = 20_000;

function focus() {
  const first = document.querySelector("[data-focus]") ?? document.querySelector("[data-decided] #title");
  first?.focus({ preventScroll: !first.matches("[data-focus]") });
}

function here() {
  const review = document.querySelector("[data-here]");
  if (!review || document.visibilityState !== "visible") return;
  htmx.ajax("POST", review.dataset.here, { target: "#readers", swap: "innerHTML" });
}

focus();
const next = document.querySelector("[data-decided] #title");
if (next) setTimeout(() => say(`Next review: ${next.textContent.trim()}`), 300);
// After a remark or a judgement the page was swapped: focus goes to what was just said.
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id !== "review") return;
  focus();
  const { elt, path } = event.detail.requestConfig ?? {};
  const notes = [...document.querySelectorAll(".note:not(.note--answered)")].sort((a, b) => a.id.localeCompare(b.id, "en", { numeric: true }));
  const said = path?.includes("/comment/") ? notes.at(-1) : document.getElementById(elt?.closest(".finding")?.id);
  said?.focus({ preventScroll: true });
});
document.addEventListener("DOMContentLoaded", here);
if (document.readyState === "complete") here();
document.addEventListener("visibilitychange", here);
setInterval(here, STILL_HERE_MS);
