"use strict";
// Small helpers. Whatever the gateway says is set as text, never as HTML.

const SVG = "http://www.w3.org/2000/svg";
const byId = (id) => document.getElementById(id);

function make(name, attributes = {}, ...children) {
  const isSvg = ["svg", "use", "path", "line", "text", "rect", "circle"].includes(name);
  const element = isSvg ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// What has not changed is left alone, so that nothing is read aloud twice and a selection stays.
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function setAttribute(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

// Makes the children of `parent` be one for each item, in their order. Those of known items stay.
function reconcile(parent, items, keyOf, create, update) {
  const known = new Map(Array.from(parent.children, (child) => [child.dataset.key, child]));
  let at = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    let child = known.get(key);
    known.delete(key);
    if (!child) {
      child = create(item);
      child.dataset.key = key;
    }
    if (child === at) at = at.nextElementSibling;
    else parent.insertBefore(child, at);
    update(child, item);
  }
  for (const gone of known.values()) gone.remove();
}

function shape(name) {
  return make("svg", { class: "shape", "aria-hidden": "true" }, make("use", { href: `#shape-${name}` }));
}

function setState(element, name, word) {
  setAttribute(element, "class", `state ${name}`);
  if (element.dataset.name !== name) {
    element.dataset.name = name;
    element.replaceChildren(shape(name), make("span"));
  }
  setText(element.lastElementChild, word);
}

const SERVICES = { apns: "APNs", fcm: "FCM", web_push: "Web Push", webpush: "Web Push", mattermost: "Mattermost" };
const service = (name) => SERVICES[name] ?? name;
const FAULTS = {
  operator: "a credential or setting of this gateway", upstream: "the push service",
  network: "what lies between this machine and the push service", quota: "more is sent than the push service allows",
  caller: "whoever hands the pushes in", gateway: "the gateway itself, or its size",
};
const words = (name) => name.replaceAll("_", " ");
const figure = (value) => value.toLocaleString("en", { maximumFractionDigits: value < 10 ? 1 : 0 });

// "12:04", with its date where that is another than today's; by the gateway's clock.
function clock(moment, now) {
  const [said, today] = [new Date(moment).toISOString(), new Date(now).toISOString()];
  return said.slice(0, 10) === today.slice(0, 10) ? said.slice(11, 16) : `${said.slice(0, 10)} ${said.slice(11, 16)}`;
}

const clockSeconds = (moment) => new Date(moment).toISOString().slice(11, 19);

// "3 min ago", "in 5 days".
function relative(moment, now) {
  const seconds = Math.round((Date.parse(moment) - Date.parse(now)) / 1000);
  const far = Math.abs(seconds);
  const units = [[86400, "day", "days"], [3600, "h", "h"], [60, "min", "min"]];
  const [size, one, many] = units.find(([size]) => far >= size) ?? [1, "s", "s"];
  const amount = Math.floor(far / size);
  const said = `${amount} ${amount === 1 ? one : many}`;
  if (far < 2) return "just now";
  return seconds < 0 ? `${said} ago` : `in ${said}`;
}

function milliseconds(value) {
  return value < 1000 ? `${figure(value)} ms` : `${figure(value / 1000)} s`;
}
