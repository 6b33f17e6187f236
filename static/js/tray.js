// Lets cards travel: when the head line brings another shape (who stands where) than the tray shows, the
// tray is fetched again, unless a person's hand is on a card just now. Focus and choices stay.
const REST_MS = 2500;
let movedAt = -REST_MS;
let timer = 0;
let held = { focus: "", picked: [] };

const tray = () => document.getElementById("tray");
const busy = () => performance.now() - movedAt < REST_MS && tray()?.querySelector(".task-card:hover");

function compare() {
  clearTimeout(timer);
  const shape = document.getElementById("board-head")?.dataset.shape;
  if (!tray() || !shape || tray().dataset.shape === shape) return;
  if (busy()) timer = setTimeout(compare, REST_MS / 4);
  else htmx.trigger(tray(), "moved");
}

document.addEventListener("pointermove", () => { movedAt = performance.now(); }, { passive: true });

document.addEventListener("htmx:afterSettle", (event) => event.target.id === "board-head" && compare());

document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.target.id !== "tray") return;
  const picked = [...document.querySelectorAll('[form="bulk"]:checked')].map((one) => one.value);
  held = { focus: document.activeElement?.id ?? "", picked, tops: scrolls().map((one) => one.scrollTop) };
});

document.addEventListener("htmx:afterSwap", () => {
  if (!held.focus && !held.picked.length) return;
  for (const value of held.picked) {
    const box = document.querySelector(`[form="bulk"][value="${value}"]`);
    if (box) box.checked = true;
  }
  const link = document.getElementById(held.focus);
  if (link && document.activeElement !== link) link.focus({ preventScroll: true });
  scrolls().forEach((one, at) => { one.scrollTop = held.tops?.[at] ?? 0; });
  held = { focus: "", picked: [] };
});

function scrolls() {
  return [...document.querySelectorAll(".side, .lane__cards")];
}
