// Plots of the last half hour, drawn anew for each sample. A line is told from others by its dashes and its name.

const DASHES = ["", "7 3", "2 3", "9 3 2 3", "1 4", "5 2 1 2 1 2"];
// A gateway keeps so many samples, which are half an hour. One that is young is drawn over a shorter time.
const SPAN = 360;
const spanOf = (samples) => [60, 120, 240].find((span) => span >= samples) ?? SPAN;

function niceTop(highest) {
  if (highest <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(highest));
  return [1, 2, 5, 10].map((step) => step * power).find((top) => top >= highest);
}

// A plot in a figure. `lines` are drawn later: {name, values, kind, area, say}.
function plot(id, describe) {
  const figure = byId(id);
  const [area, reading, legend] = [".plot", ".reading", ".legend"].map((part) => figure.querySelector(part));
  let drawn = { at: [], lines: [], top: 1, say: String };
  let cursor = null;
  // The words of the whole plot, for who cannot see it.
  area.setAttribute("aria-roledescription", "plot");

  const read = () => {
    const { at, lines, say } = drawn;
    if (cursor === null || at[cursor] === undefined) return setText(reading, "");
    const values = lines.filter((line) => line.values[cursor] !== null)
      .map((line) => `${line.name} ${say(line.values[cursor])}`);
    setText(reading, `${clockSeconds(at[cursor] * 1000)}: ${values.join(", ") || "no pushes"}`);
  };

  const draw = () => {
    const { at, lines, top, say } = drawn;
    const [width, height] = [area.clientWidth || 480, area.clientHeight || 192];
    const [left, right, above, below] = [44, 6, 8, 22];
    const span = spanOf(at.length);
    const x = (index) => left + ((span - at.length + index) / (span - 1)) * (width - left - right);
    const y = (value) => above + (1 - value / top) * (height - above - below);
    const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
    for (const part of [0, 0.5, 1]) {
      svg.append(make("line", { class: part ? "grid" : "base", x1: left, x2: width - right, y1: y(part * top), y2: y(part * top) }),
        make("text", { x: left - 8, y: y(part * top) + 4, "text-anchor": "end" }, say(part * top)));
    }
    const minutes = span / 12;
    for (const [part, anchor, said] of [[0, "start", `${minutes} min ago`], [0.5, "middle", `${minutes / 2} min ago`], [1, "end", "now"]]) {
      svg.append(make("text", { x: left + part * (width - left - right), y: height - 4, "text-anchor": anchor }, said));
    }
    lines.forEach((line, number) => {
      let path = "", pen = "M";
      const isGap = (value, index) => value === null || (!line.area && line.gaps
        && [index - 1, index, index + 1].every((near) => !line.values[near]));
      line.values.forEach((value, index) => {
        if (isGap(value, index)) return void (pen = "M");
        const isAlone = pen === "M" && (index + 1 === line.values.length || isGap(line.values[index + 1], index + 1));
        path += `${pen}${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
        if (isAlone) svg.append(make("circle", { class: `point ${line.kind}`, cx: x(index), cy: y(value), r: 2 }));
        pen = "L";
      });
      if (!path) return;
      if (line.area && at.length > 1) {
        svg.append(make("path", { class: "area", d: `${path}L${x(at.length - 1).toFixed(1)} ${y(0)}L${x(0).toFixed(1)} ${y(0)}Z` }));
      }
      svg.append(make("path", { class: `line ${line.kind}`, d: path, "stroke-dasharray": DASHES[number % DASHES.length] }));
    });
    if (cursor !== null && cursor < at.length) {
      svg.append(make("line", { class: "cursor", x1: x(cursor), x2: x(cursor), y1: above, y2: height - below }));
    }
    area.replaceChildren(svg);
    setAttribute(area, "aria-label", describe(drawn));
    reconcile(legend, lines, (line) => line.name,
      () => make("li", {}, make("svg", { "aria-hidden": "true", viewBox: "0 0 28 12" }, make("path", { d: "M0 6h28" })), make("span")),
      (item, line) => {
        const stroke = item.firstElementChild.firstElementChild;
        setAttribute(stroke, "class", `line ${line.kind}`);
        setAttribute(stroke, "stroke-dasharray", DASHES[lines.indexOf(line) % DASHES.length]);
        setText(item.lastElementChild, line.name);
      });
  };

  const move = (to) => {
    const last = drawn.at.length - 1;
    cursor = to === null || last < 0 ? null : Math.min(Math.max(to, 0), last);
    read();
    draw();
  };
  area.addEventListener("keydown", (event) => {
    const last = drawn.at.length - 1;
    const steps = { ArrowLeft: (cursor ?? last + 1) - 1, ArrowRight: (cursor ?? last) + 1, Home: 0, End: last, Escape: null };
    if (!(event.key in steps)) return;
    event.preventDefault();
    move(steps[event.key]);
  });
  area.addEventListener("pointermove", (event) => {
    const box = area.getBoundingClientRect();
    const place = (event.clientX - box.left - 44) / (box.width - 50);
    const span = spanOf(drawn.at.length);
    move(Math.round(place * (span - 1)) - (span - drawn.at.length));
  });
  area.addEventListener("pointerleave", () => move(null));
  area.addEventListener("blur", () => move(null));
  new ResizeObserver(draw).observe(area);
  return (next) => {
    // The cursor stays at its moment while samples move on.
    if (cursor !== null) cursor = Math.max(0, next.at.indexOf(drawn.at[cursor]));
    drawn = next;
    draw();
  };
}

const last = (values) => values.at(-1) ?? null;

function makePlots() {
  const rate = plot("rate", ({ at, lines, say }) => at.length === 0
    ? "Pushes a second by outcome: no sample yet."
    : `Pushes a second by outcome in the last half hour. Now: ${lines.map((line) => `${line.name} ${say(last(line.values))}, at most ${say(Math.max(...line.values))}`).join("; ") || "none"}.`);
  const latency = plot("latency", ({ lines, say }) => {
    const known = lines.filter((line) => last(line.values) !== null);
    return `Time to the verdict in the last half hour. Now: ${known.map((line) => `${line.name} ${say(last(line.values))}`).join("; ") || "no pushes"}.`;
  });
  return (series) => {
    const outcomes = Object.keys(series.per_second).sort((one, other) => (other === "accepted") - (one === "accepted"));
    const lines = outcomes.map((name) => ({
      name: words(name), values: series.per_second[name], area: name === "accepted",
      // What does not happen draws no line.
      gaps: true,
      kind: name === "accepted" || name === "validated" ? "strong" : "bad",
    }));
    const highest = Math.max(0, ...lines.flatMap((line) => line.values));
    rate({ at: series.at, lines, top: niceTop(highest), say: figure });
    const times = [["half of them", "p50_ms", "strong"], ["90 of 100", "p90_ms", ""], ["99 of 100", "p99_ms", "bad"]]
      .map(([name, column, kind]) => ({ name, values: series[column], kind }));
    const longest = Math.max(0, ...times.flatMap((line) => line.values));
    latency({ at: series.at, lines: times, top: niceTop(longest), say: milliseconds });
  };
}
