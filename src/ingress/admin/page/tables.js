// Tables with captions. On a narrow screen each row becomes a list of its cells, so roles say that it still is a table.

// A column: its title, how its text is made of a row, and how the cell looks.
function table(parent, caption, columns, none, keyOf) {
  const head = make("tr", { role: "row" });
  for (const [title, , kind = ""] of columns) {
    head.append(make("th", { role: "columnheader", scope: "col", class: kind }, title));
  }
  const rows = make("tbody", { role: "rowgroup" });
  const whole = make("table", { role: "table" },
    make("caption", {}, caption), make("thead", { role: "rowgroup" }, head), rows);
  const wide = make("div", { class: "wide" }, whole);
  const empty = make("p", { class: "none" }, none);
  parent.append(wide, empty);
  // What is wider than the screen can be scrolled by keyboard.
  const letScroll = () => {
    const attributes = { tabindex: "0", role: "region", "aria-label": caption };
    for (const [name, value] of Object.entries(attributes)) {
      if (wide.scrollWidth > wide.clientWidth) setAttribute(wide, name, value);
      else wide.removeAttribute(name);
    }
  };
  new ResizeObserver(letScroll).observe(wide);
  const create = () => {
    const row = make("tr", { role: "row" });
    for (const [title, , kind = ""] of columns) {
      row.append(make("td", { role: "cell", "data-label": title, class: kind }, make("span")));
    }
    return row;
  };
  return (items, now) => {
    wide.hidden = items.length === 0;
    empty.hidden = items.length > 0;
    reconcile(rows, items, keyOf, create, (row, item) => {
      columns.forEach(([, show], at) => show(row.children[at].firstElementChild, item, now));
    });
    letScroll();
  };
}

// On a narrow screen what there is nothing to say of is left out.
function setCell(cell, words) {
  setText(cell, words);
  cell.parentElement.toggleAttribute("data-none", words === "–");
}

const text = (of) => (cell, item, now) => setCell(cell, of(item, now));
const since = (moment, now) => (moment ? `${clock(moment, now)} · ${relative(moment, now)}` : "–");

function meter(cell, used, allowed) {
  if (!cell.firstElementChild) {
    const bar = make("svg", { class: "meter", "aria-hidden": "true", preserveAspectRatio: "none", viewBox: "0 0 100 1" });
    bar.append(make("rect", { width: "0", height: "1" }));
    cell.append(make("span"), bar);
  }
  setText(cell.firstElementChild, allowed ? `${figure(used)} of ${figure(allowed)}` : "–");
  cell.parentElement.toggleAttribute("data-none", !allowed);
  cell.lastElementChild.toggleAttribute("hidden", !allowed);
  setAttribute(cell.lastElementChild.firstElementChild, "width", String(allowed ? (100 * used) / allowed : 0));
}

// A name, and below it what else tells it apart.
function twoLines(cell, name, more) {
  if (!cell.firstElementChild) cell.append(make("span"), make("small"));
  setText(cell.firstElementChild, name);
  setText(cell.lastElementChild, more);
}

// An origin as people write it.
const host = (origin) => origin.replace(/^https:\/\//, "").replace(/:443$/, "");

function connections(peer) {
  const counts = new Map();
  for (const { state } of peer.connections) counts.set(state, (counts.get(state) ?? 0) + 1);
  return Array.from(counts, ([state, count]) => `${count} ${state}`).join(", ") || "none";
}

const CREDENTIAL_SHAPES = { good: "well", ends_soon: "troubled", unavailable: "failing", refused: "failing", ended: "failing" };

function makeTables() {
  return {
    problems: table(byId("problems"), "The latest push of each kind that was not accepted", [
      ["Last", text((it, now) => since(it.time, now)), "when"],
      ["App", (cell, it) => twoLines(cell, it.app, service(it.provider)), "name"],
      ["Outcome", text((it) => words(it.outcome))],
      ["Why", text((it) => [it.upstream_reason || words(it.reason.toLowerCase()), it.upstream_status && `(${it.upstream_status})`, it.detail && `· ${it.detail}`].filter(Boolean).join(" ")), "long"],
      ["Target", text((it) => it.token)],
    ], "No push was refused since the gateway was started.",
    (it) => [it.app, it.provider, it.outcome, it.reason, it.upstream_status, it.upstream_reason].join("\n")),
    peers: table(byId("peers"), "Each push service that is connected to", [
      ["Upstream", (cell, it) => twoLines(cell, host(it.origin), it.identity && `as ${it.identity}`), "name wide-name"],
      ["State", (cell, it, now) => (it.breaker === "open"
        ? setState(cell, "failing", `left alone since ${clock(it.since, now)}`)
        : setState(cell, it.why ? "troubled" : it.connections.length ? "well" : "unused", it.why ? "fails" : it.connections.length ? "well" : "not connected"))],
      ["Why", text((it) => it.why ?? "–"), "long"],
      ["Connections", text(connections)],
      ["Streams in use", (cell, it) => meter(cell, it.streams_used, it.streams_allowed)],
      ["Waiting", text((it) => figure(it.waiting)), "number"],
    ], "The configuration names no upstream.", (it) => [it.origin, it.identity, it.kind].join("\n")),
    paces: table(byId("paces"), "How many pushes a second may leave, where something limits them", [
      ["Upstream", (cell, it) => (it.origin.includes("://") ? twoLines(cell, host(it.origin), it.identity && `as ${it.identity}`) : twoLines(cell, service(it.origin), it.identity)), "name wide-name"],
      ["A second", text((it) => figure(it.per_second)), "number"],
      ["Why", text((it, now) => (it.limited_since ? `its answers asked for less, last at ${since(it.limited_since, now)}` : "its quota")), "long"],
      ["Waiting", text((it) => figure(it.waiting)), "number"],
    ], "Nothing limits what is sent.", (it) => [it.origin, it.identity].join("\n")),
    credentials: table(byId("credentials"), "What the gateway shows to push services and callers", [
      ["Credential", (cell, it) => twoLines(cell, it.kind === "VAPID key" ? `${it.name.slice(0, 24)}…` : it.name, it.kind), "name wide-name"],
      ["Where", text((it) => it.place)],
      ["State", (cell, it, now) => setState(cell, CREDENTIAL_SHAPES[it.state], words(it.state) + (it.since ? ` since ${clock(it.since, now)}` : ""))],
      ["Why", text((it) => it.reason ?? "–")],
      ["Made", text((it, now) => (it.made_at ? relative(it.made_at, now) : "–")), "when"],
      ["Ends", text((it, now) => (it.expires_at ? since(it.expires_at, now) : "–")), "when"],
    ], "The gateway shows nothing to anybody.", (it) => [it.name, it.place].join("\n")),
    callers: table(byId("callers"), "Who hands pushes in", [
      ["Caller", text((it) => it.name), "name"],
      ["Pushes a second", text((it) => figure(it.pushes_per_second)), "number"],
      ["Allowed", text((it) => (it.rate ? figure(it.rate.pushes_per_second) : "no limit")), "number"],
      ["In flight", text((it) => (it.in_flight === null ? "–" : figure(it.in_flight))), "number"],
      ["Streams", text((it) => (it.max_streams === null ? figure(it.streams) : `${figure(it.streams)} of ${figure(it.max_streams)}`)), "number"],
      ["Refused", text((it) => Object.entries(it.refusals).map(([rule, count]) => `${words(rule)} ${figure(count)}`).join(", ") || "never")],
    ], "Nobody may call.", (it) => it.name),
    feeds: table(byId("feeds"), "Webhooks that are told what becomes of pushes", [
      ["Feed", text((it) => it.name), "name"],
      ["State", (cell, it) => setState(cell, it.health, words(it.health))],
      ["Why", text((it) => (it.remedy ? `${it.sentence} ${it.remedy}` : it.sentence)), "long"],
      ["Queued", text((it) => figure(it.queued)), "number"],
      ["Dropped", text((it) => figure(it.dropped)), "number"],
    ], "The configuration names none.", (it) => it.name),
  };
}
