// A toast goes after six seconds, an Undo when its seconds are over; neither while a person is on it.
//   [data-toast]   [data-seconds] counts down   [data-dismiss] closes
//   [data-seen="address"]   is told once that an Undo is there: its window is counted from then
const STAY_SECONDS = 6;
const left = new WeakMap();

function tick() {
  if (document.visibilityState === "visible") document.querySelectorAll("[data-seen]").forEach(report);
  for (const toast of document.querySelectorAll("[data-toast]")) {
    if (toast.dataset.seen) continue; // nobody sees it yet
    const counter = toast.querySelector("[data-seconds]");
    const seconds = left.get(toast) ?? Number(counter?.dataset.seconds ?? STAY_SECONDS);
    // An undo window closes on the server, whoever looks; a plain toast waits for its reader.
    if (counter || !toast.matches(":hover, :focus-within")) left.set(toast, seconds - 1);
    if (counter) counter.textContent = Math.max(0, seconds - 1);
    if (seconds - 1 <= 0 && toast.role !== "alert") leave(toast);
  }
}

async function report(undo) {
  const address = undo.dataset.seen;
  undo.removeAttribute("data-seen");
  const token = undo.querySelector("[name=csrfmiddlewaretoken]").value;
  try {
    const answer = await fetch(address, { method: "POST", headers: { "X-CSRFToken": token } });
    // Never more than was counted here: the report took its time to arrive, and so will the Undo.
    if (answer.ok && left.has(undo)) left.set(undo, Math.min(left.get(undo), Number(await answer.text())));
  } catch { /* not reached: the server waits a while for it, then goes on */ }
}

function leave(toast) {
  toast.classList.add("toast--leaving");
  setTimeout(() => toast.remove(), 200);
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-dismiss]")) leave(event.target.closest("[data-toast]"));
});
setInterval(tick, 1000);
if (document.visibilityState === "visible") document.querySelectorAll("[data-seen]").forEach(report);

// Puts a sentence of the browser's own into the one region for toasts.
export function toast(sentence, alarm = false) {
  const box = document.createElement("div");
  box.className = "toast";
  box.dataset.toast = "";
  box.role = alarm ? "alert" : "status";
  const text = box.appendChild(document.createElement("span"));
  text.className = "toast__text";
  text.textContent = sentence;
  const close = box.appendChild(document.createElement("button"));
  close.className = "button button--ink button--small";
  close.dataset.dismiss = "";
  close.textContent = "Dismiss";
  document.getElementById("toasts")?.append(box);
}
