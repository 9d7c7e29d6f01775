// Shows a state of the gateway: plain sentences first, plots and tables after them.

const tables = makeTables();
const drawSeries = makePlots();
let series = null;

// Events after the first of a connection bring the newest samples alone, which follow those that are known. Whatever does not
// follow them is the first event of another connection, and brings all that there is.
function join(news) {
  if (series === null || news.first !== series.first + series.at.length) {
    series = news;
    return true;
  }
  const fresh = news.at.length;
  if (fresh === 0) return false;
  const known = series.at.length;
  for (const name of new Set([...Object.keys(series.per_second), ...Object.keys(news.per_second)])) {
    const before = series.per_second[name] ?? Array(known).fill(0);
    series.per_second[name] = [...before, ...(news.per_second[name] ?? Array(fresh).fill(0))].slice(-SPAN);
    if (series.per_second[name].every((value) => value === 0)) delete series.per_second[name];
  }
  for (const name of ["at", "p50_ms", "p90_ms", "p99_ms"]) series[name] = [...series[name], ...news[name]].slice(-SPAN);
  series.first += known + fresh - series.at.length;
  return true;
}

const RANKS = ["failing", "troubled", "well", "unused"];

// Each app, and what is wrong beside them; the worst come first.
function concerns(status) {
  const apps = status.apps.map((app) => ({ ...app, name: app.app, of: service(app.provider), title: `${app.app} on ${service(app.provider)}` }));
  const beside = (list, of) => list.filter((it) => it.trouble).map((it) => {
    const [health, name] = [it.state === "ended" ? "failing" : "troubled", it.place ?? it.name];
    return { ...it.trouble, health, name, of, title: `the ${of} ${name}`, also: [], last_minute: null };
  });
  const all = [...apps, ...beside(status.credentials, "listener"), ...beside(status.callers, "caller")];
  return all.sort((one, other) => RANKS.indexOf(one.health) - RANKS.indexOf(other.health));
}

function headline(status, all) {
  if (!status.ready) return `This gateway takes no pushes: ${status.not_ready}.`;
  const of = (health) => all.filter((it) => it.health === health);
  const named = (those) => {
    const names = those.map((it) => it.title);
    const said = names.length > 3 ? `${names.slice(0, 3).join(", ")} and ${names.length - 3} more` : names.join(", ").replace(/, ([^,]*)$/, " and $1");
    return said.replace(/^the /, "The ");
  };
  const [failing, troubled] = [of("failing"), of("troubled")];
  if (failing.length) return `${named(failing)} ${failing.length === 1 ? "is" : "are"} failing.`;
  if (troubled.length) return `${named(troubled)} ${troubled.length === 1 ? "is" : "are"} in trouble.`;
  const feeds = status.feeds.filter((feed) => feed.health === "failing").map((feed) => feed.name);
  if (feeds.length) return `The receiver of ${feeds.join(", ")} does not take its events.`;
  if (status.apps.length === 0) return "The configuration has no apps.";
  return of("well").length ? "Everything is well." : "Nothing was sent yet.";
}

function createApp(app) {
  const item = make("li", {}, make("p", { class: "state" }), make("h3", {}, app.name, make("span", {}, app.of)), make("div"));
  for (const part of ["sentence", "fault", "remedy", "also", "figures quiet"]) item.lastElementChild.append(make("p", { class: part }));
  item.querySelector(".fault").append(make("strong", {}, "At fault: "), make("span"));
  item.querySelector(".remedy").append(make("strong", {}, "What to do: "), make("span"));
  return item;
}

function updateApp(item, app, now) {
  setAttribute(item, "class", app.health);
  setState(item.firstElementChild, app.health, words(app.health));
  const [sentence, fault, remedy, also, figures] = item.lastElementChild.children;
  setText(sentence, app.sentence);
  fault.hidden = !app.fault;
  setText(fault.lastElementChild, `${FAULTS[app.fault] ?? app.fault}.`);
  remedy.hidden = !app.remedy;
  setText(remedy.lastElementChild, app.remedy);
  also.hidden = app.also.length === 0;
  setText(also, `Also: ${app.also.join(" ")}`);
  const counts = Object.entries(app.last_minute ?? {}).map(([outcome, count]) => `${count.toLocaleString("en")} ${words(outcome)}`);
  const held = `${words(app.health)} since ${clock(app.since, now)}, ${relative(app.since, now)}`;
  setText(figures, `${held[0].toUpperCase()}${held.slice(1)}.${app.last_minute ? ` Last minute: ${counts.join(", ") || "no pushes"}.` : ""}`);
}

function show(status) {
  const now = status.now;
  byId("status").hidden = false;
  setText(byId("version"), status.version);
  const all = concerns(status);
  setText(byId("headline"), headline(status, all));
  const flight = `${status.in_flight.toLocaleString("en")} of ${status.max_in_flight.toLocaleString("en")} pushes in flight`;
  setText(byId("subline"), `${status.ready ? "It takes pushes" : "It takes no pushes"}: ${flight}. Started ${clock(status.since, now)}, ${relative(status.since, now)}.`);
  const failing = all.filter((it) => it.health === "failing").length;
  document.title = !status.ready ? "Not ready · Fanfare" : failing ? `${failing} failing · Fanfare` : "Fanfare";
  reconcile(byId("app-list"), all, (it) => it.title, createApp, (item, app) => updateApp(item, app, now));
  for (const [name, update] of Object.entries(tables)) update(status[name], now);
  if (join(status.series)) drawSeries(series);
}
