// Keeps what is typed in [data-autosave="name"] in this browser until it is saved, so that a closed tab or
// a lost line loses nothing. [data-forget] drops it.
import { say } from "./said.js";

const key = (area) => `clawbot:${area.dataset.autosave}`;
let timer = 0;

function restore() {
  for (const area of document.querySelectorAll("[data-autosave]")) {
    const kept = localStorage.getItem(key(area));
    if (kept === null || kept === area.value) continue;
    area.value = kept;
    tell(area, "Your unsaved words are back.");
  }
}

function tell(area, sentence) {
  const place = area.form.querySelector("[data-autosaved]");
  if (place) place.textContent = sentence;
  say(sentence);
}

document.addEventListener("input", (event) => {
  const area = event.target.closest("[data-autosave]");
  if (!area) return;
  clearTimeout(timer);
  timer = setTimeout(() => {
    localStorage.setItem(key(area), area.value);
    const place = area.form.querySelector("[data-autosaved]");
    if (place) place.textContent = "Kept in this browser until you save.";
  }, 400);
});

document.addEventListener("click", (event) => {
  const form = event.target.closest("[data-forget]")?.closest("form");
  const area = form?.querySelector("[data-autosave]");
  if (!area) return;
  clearTimeout(timer);
  localStorage.removeItem(key(area));
});

restore();
