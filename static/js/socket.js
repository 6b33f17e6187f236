// One socket to the hub. It says once which event the page was rendered at, then hears what changed.
// After two failures in a row the page asks every 15 s instead, and goes on trying to connect.
// A hidden page lets go and catches up by its number when it is seen again.
const POLL_MS = 15_000;
const SLOWEST_MS = 15_000;
const REFRESH = { t: "refresh" };
const NOT_ALLOWED = 4403;

export function connect(link, seq, changed, show) {
  let socket = null;
  let failures = 0;
  let retry = 0;
  let poll = 0;

  function become(word) {
    if (word === link.state) return; // a retry that failed as well must not put the next look off
    link.state = word;
    show();
    clearInterval(poll);
    poll = word === "off" ? setInterval(() => changed(REFRESH), POLL_MS) : 0;
  }

  function open() {
    clearTimeout(retry);
    if (document.hidden || socket) return;
    socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/live/`);
    socket.addEventListener("open", () => {
      failures = 0;
      socket.send(JSON.stringify({ seq }));
      become("live");
    });
    socket.addEventListener("message", (event) => {
      const message = JSON.parse(event.data);
      seq = Math.max(seq, message.seq ?? 0);
      changed(message);
    });
    socket.addEventListener("close", (event) => {
      socket = null;
      if (event.code === NOT_ALLOWED) location.reload();
      else if (!document.hidden) again();
    });
  }

  function again() {
    failures += 1;
    become(failures > 2 ? "off" : "reconnecting");
    const wait = Math.min(1000 * 2 ** (failures - 1), SLOWEST_MS);
    retry = setTimeout(open, wait * (0.5 + Math.random() / 2));
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      clearTimeout(retry);
      socket?.close();
    } else {
      open();
    }
  });
  addEventListener("pageshow", (event) => event.persisted && open());
  become("connecting");
  open();
}
