"use strict";
/* Elements, texts of values, tables and plots. Everything from a search is put on the page as text, never as markup. */

// Elements: attributes by name, children as elements or text.

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}
const el = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
const titled = (shape, text) => (shape.append(svg("title", {}, text)), shape);

// Text of values.

const score = (value) => (value === null || value === undefined ? "-" : value.toFixed(4));
const signed = (value) => (value === null ? "" : (value >= 0 ? "+" : "−") + Math.abs(value).toFixed(4));
const whole = (value) => (value === null || value === undefined ? "-" : value.toLocaleString("en"));
const short = (value) => {
  const size = Math.abs(value);
  const [by, unit] = size >= 1e12 ? [1e12, "T"] : size >= 1e9 ? [1e9, "G"] : size >= 1e6 ? [1e6, "M"] : size >= 1e3 ? [1e3, "k"] : [1, ""];
  return String(Number((value / by).toPrecision(3))) + unit;
};

function table(columns, rows, caption) {
  const head = columns.map(([name, numeric]) => el("th", { scope: "col", class: numeric ? "number" : null }, name));
  const lines = rows.map(([cells, kind]) =>
    el("tr", { class: kind || null }, cells.map((cell, i) => el("td", { class: columns[i][1] ? "number" : columns[i][2] }, cell))));
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption, "data-keep": caption },
    el("table", {}, el("thead", {}, el("tr", {}, head)), el("tbody", {}, lines)));
}
function bar(share, kind) {
  const block = el("span", { class: kind ? `bar ${kind}` : "bar" });
  block.style.width = `${Math.max(0, Math.min(1, share)) * 100}%`;
  return el("div", {}, block);
}

// Plots: a frame with axes; `place` gives pixels for values.

function ticks(low, high, count, least = 0) {
  const step0 = Math.max(least, (high - low) / count) || 1;
  const power = 10 ** Math.floor(Math.log10(step0));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= step0);
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) found.push(Number((i * step).toPrecision(12)));
  return found;
}
function frame(width, height, [x0, x1], [y0, y1], label, xName, yName, leastStep) {
  const left = 58, right = 14, top = 20, bottom = 40;
  const place = {
    x: (value) => left + ((value - x0) / (x1 - x0 || 1)) * (width - left - right),
    y: (value) => height - bottom - ((value - y0) / (y1 - y0 || 1)) * (height - top - bottom),
  };
  const root = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
  for (const value of ticks(y0, y1, height / 60)) {
    root.append(svg("line", { class: "axis", x1: left, x2: width - right, y1: place.y(value), y2: place.y(value) }),
      svg("text", { x: left - 6, y: place.y(value) + 4, "text-anchor": "end" }, short(value)));
  }
  for (const value of ticks(x0, x1, width / 110, leastStep)) {
    root.append(svg("text", { x: place.x(value), y: height - bottom + 16, "text-anchor": "middle" }, short(value)));
  }
  root.append(svg("text", { x: (left + width - right) / 2, y: height - 6, "text-anchor": "middle" }, xName),
    svg("text", { x: 4, y: 12 }, yName));
  return { root, place, left, right: width - right };
}
function span(values, margin) {
  const low = Math.min(...values), high = Math.max(...values), more = (high - low || Math.abs(high) || 1) * margin;
  return [low - more, high + more];
}
// Charts are drawn again when the page's width changes.

const charts = [];
function chart(holder, draw) {
  const again = () => holder.replaceChildren(draw(Math.max(280, holder.clientWidth)));
  charts.push(again);
  again();
  return again;
}
function watchWidth() {
  const main = document.querySelector("main");
  let drawn = Math.round(main.clientWidth);
  new ResizeObserver(([entry]) => {
    const width = Math.round(entry.contentRect.width);
    if (width !== drawn) { drawn = width; requestAnimationFrame(() => charts.forEach((again) => again())); }
  }).observe(main);
}
function choice(name, options, chosen, changed) {
  const select = el("select", { "data-keep": name, onchange: () => changed(select.value) },
    options.map(([value, text]) => el("option", { value, selected: value === chosen ? "" : null }, text)));
  return el("label", {}, `${name} `, select);
}
