// Fetches what changed. The socket says which topics changed; every element whose data-live names one of
// them gets the event "live", which its own hx-trigger answers with a plain GET of its fragment.
//   id="..." data-live="task:ART-1 reviews"   topics, separated by spaces; the id outlives the swap
//   data-version="17"      the task's version it shows: what is not newer is not fetched
//   data-live-flow         may be swapped under a resting pointer (figures, lists that grow)
// Otherwise nothing is swapped while a person is on it; at most once a second each; not at all while frozen.
import { say } from "./said.js";
import { connect } from "./socket.js";

const LEAST_MS = 1000;
const WORDS = { live: "Live", connecting: "Connecting", reconnecting: "Reconnecting", off: "Off", frozen: "Frozen" };
const waiting = new Map(); // id -> the version that its element should show
const fetchedAt = new Map();
let frozen = false;
let timer = 0;

function changed(message) {
  const topics = message.topics && new Set(message.topics);
  for (const element of document.querySelectorAll("[data-live][id]")) {
    if (!topics || element.dataset.live.split(" ").some((topic) => topics.has(topic))) {
      waiting.set(element.id, Math.max(message.v ?? 0, waiting.get(element.id) ?? 0));
    }
  }
  flush();
}

function flush() {
  clearTimeout(timer);
  if (frozen) return;
  let soonest = Infinity;
  for (const [id, version] of waiting) {
    const element = document.getElementById(id);
    if (!element || shows(element, version)) {
      waiting.delete(id);
      continue;
    }
    const busy = occupied(element);
    element.toggleAttribute("data-moved", busy);
    const rest = LEAST_MS - (performance.now() - (fetchedAt.get(id) ?? -LEAST_MS));
    if (busy || rest > 0) {
      soonest = Math.min(soonest, Math.max(rest, 250));
      continue;
    }
    waiting.delete(id);
    fetchedAt.set(id, performance.now());
    htmx.trigger(element, "live");
  }
  if (soonest < Infinity) timer = setTimeout(flush, soonest);
}

function shows(element, version) {
  return version > 0 && Number(element.dataset.version ?? 0) >= version;
}

// The pointer, the focus, a selection or something open is in it.
function occupied(element) {
  const focused = document.activeElement !== element && element.contains(document.activeElement);
  const chosen = getSelection();
  const selecting = chosen && !chosen.isCollapsed && element.contains(chosen.anchorNode);
  const open = element.querySelector("dialog[open], details[open]");
  return Boolean(focused || selecting || open || element.matches(":hover:not([data-live-flow])"));
}

function freeze() {
  frozen = !frozen;
  document.documentElement.classList.toggle("is-frozen", frozen);
  show();
  say(frozen ? "Live updates are frozen." : "Live updates go on.");
  flush();
}

function show() {
  const state = frozen ? "frozen" : link.state;
  for (const place of document.querySelectorAll("[data-live-state]")) {
    place.hidden = false;
    place.dataset.liveState = state;
    place.querySelector("[data-live-word]").textContent = WORDS[state];
  }
  const banner = document.getElementById("connection");
  if (banner) banner.hidden = state !== "off";
  const words = banner?.querySelector("[data-connection-text]");
  if (words) words.textContent = state === "off" ? "Live updates are off; checking every 15 seconds." : "";
}

// Only pages of somebody who is signed in have keys, and something to hear about.
const link = { state: "off" };
if (document.body.dataset.keys) connect(link, Number(document.body.dataset.seq), changed, show);

// What was swapped in may show the state, and may have changed again meanwhile.
document.addEventListener("htmx:afterSwap", () => (show(), flush()));
document.addEventListener("clawbot:freeze", freeze);
