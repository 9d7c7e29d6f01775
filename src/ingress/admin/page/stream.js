// Listens to events. They are read by fetch, since EventSource cannot show who asks.

// Longer than this there is an event each second, or something is broken.
const SILENCE = 5000;
const LONGEST_PAUSE = 10000;
let key = null;
let newest = null;
let failures = 0;

function setLive(words, broken) {
  const live = byId("live");
  setText(live.lastElementChild, words);
  live.classList.toggle("broken", broken);
  setAttribute(live.firstElementChild.firstElementChild, "href", broken ? "#shape-failing" : "#shape-well");
  document.body.classList.toggle("stale", broken && newest !== null);
}

function onEvent(text) {
  const data = text.split("\n").filter((line) => line.startsWith("data: ")).map((line) => line.slice(6)).join("\n");
  if (!data) return;
  newest = JSON.parse(data);
  failures = 0;
  show(newest);
  setLive("Live", false);
}

async function listen() {
  const abort = new AbortController();
  let watchdog = setTimeout(() => abort.abort(), SILENCE);
  try {
    const headers = key ? { Authorization: `Bearer ${key}` } : {};
    const answer = await fetch("status/events", { headers, cache: "no-store", credentials: "same-origin", signal: abort.signal });
    if (answer.status === 401 || answer.status === 403) return "key";
    if (answer.status === 503) return "as many pages listen as may";
    if (!answer.ok) return `the gateway answers ${answer.status}`;
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return "the gateway ended the connection";
      clearTimeout(watchdog);
      watchdog = setTimeout(() => abort.abort(), SILENCE);
      const events = (rest + value).split("\n\n");
      rest = events.pop();
      events.forEach(onEvent);
    }
  } catch {
    return abort.signal.aborted ? "the gateway is silent" : "the gateway cannot be reached";
  } finally {
    clearTimeout(watchdog);
    abort.abort();
  }
}

function askForKey(refused) {
  byId("key").hidden = false;
  setLive(refused ? "This key may not read the status" : "A key is needed", refused);
  byId("key-value").focus();
}

async function goOn() {
  for (;;) {
    const why = await listen();
    if (why === "key") return askForKey(key !== null);
    const pause = Math.min(1000 * 2 ** failures, LONGEST_PAUSE);
    failures += 1;
    const since = newest ? `No news since ${clockSeconds(newest.now)}: ${why}` : `No news yet: ${why}`;
    setLive(`${since}. It is tried again every few seconds.`, true);
    if (newest) document.title = "No news · Fanfare";
    await new Promise((resume) => setTimeout(resume, pause));
  }
}

byId("key").addEventListener("submit", (event) => {
  event.preventDefault();
  key = byId("key-value").value.trim();
  byId("key-value").value = "";
  byId("key").hidden = true;
  setLive("Connecting…", false);
  goOn();
});
goOn();
