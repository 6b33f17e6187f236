// A toast goes after six seconds, an Undo when its seconds are over; neither while a person is on it.
//   [data-toast]   [data-seconds] counts down   [data-dismiss] closes
const STAY_SECONDS = 6;
const left = new WeakMap();

function tick() {
  for (const toast of document.querySelectorAll("[data-toast]")) {
    const counter = toast.querySelector("[data-seconds]");
    const seconds = left.get(toast) ?? Number(counter?.dataset.seconds ?? STAY_SECONDS);
    // An undo window closes on the server whoever looks; a plain toast waits for its reader.
    if (counter || !toast.matches(":hover, :focus-within")) left.set(toast, seconds - 1);
    if (counter) counter.textContent = Math.max(0, seconds - 1);
    if (seconds - 1 <= 0 && toast.role !== "alert") leave(toast);
  }
}

function leave(toast) {
  toast.classList.add("toast--leaving");
  setTimeout(() => toast.remove(), 200);
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-dismiss]")) leave(event.target.closest("[data-toast]"));
});
setInterval(tick, 1000);

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
