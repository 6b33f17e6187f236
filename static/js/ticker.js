// Keeps distances in time true without asking the server: every 30 s, each second while one is young.
//   <time datetime data-ago>    "4 min ago", "in 2 h" (data-ago="short" without the minutes of hours)
//     <time datetime data-since>   "12 min"
// The words are those of clawbot/words.py; tests/browser holds the two together.
const MINUTE = 60, HOUR = 3600, DAY = 86_400, MONTH = 30 * DAY;

export function duration(seconds) {
  if (seconds < 1) return "under 1 s";
  if (seconds < MINUTE) return `${Math.floor(seconds)} s`;
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min`;
  if (seconds < DAY) {
    const minutes = Math.floor(seconds / MINUTE) % 60;
    return `${Math.floor(seconds / HOUR)} h${minutes ? ` ${minutes} min` : ""}`;
  }
  const days = Math.floor(seconds / DAY);
  return days === 1 ? "1 day" : `${days} days`;
}

export function distance(seconds, short = false) {
  if (Math.abs(seconds) < 1) return "now";
  const away = Math.abs(seconds);
  const words = duration(short && away >= HOUR ? Math.floor(away / HOUR) * HOUR : away);
  return seconds > 0 ? `${words} ago` : `in ${words}`;
}

function tick() {
  let young = false;
  if (!document.documentElement.classList.contains("is-frozen")) {
    for (const time of document.querySelectorAll("time[data-ago], time[data-since]")) {
      const seconds = (Date.now() - new Date(time.dateTime)) / 1000;
      young ||= Math.abs(seconds) < MINUTE;
      if ((seconds >= DAY || seconds <= -MONTH) && "ago" in time.dataset) continue; // a date: the server's words stay
      const text = "ago" in time.dataset ? distance(seconds, time.dataset.ago === "short") : duration(Math.max(0, seconds));
      if (time.textContent !== text) time.textContent = text;
    }
  }
  setTimeout(tick, young ? 1000 : 30_000);
}

tick();
