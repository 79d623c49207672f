// A line chart as SVG: values against epochs, with a cross-hair that reads them out in the legend. Text is drawn as text.

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 250, LEFT = 52, RIGHT = 14, TOP = 12, BOTTOM = 34;

function svg(name, attributes = {}, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== "") made.textContent = text;
  return made;
}

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key in made && typeof value !== "string") made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

// Round steps of 1, 2 or 5 times a power of ten, about `count` of them between two values.
function ticks(low, high, count) {
  const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((each) => each * power >= rough * 0.999) ?? 10);
  const first = Math.ceil(low / step - 1e-9), found = [];
  for (let k = first; k * step <= high + step * 1e-9 && found.length < 20; k++) found.push(k * step);
  return found;
}

function powers(low, high) {
  const found = [];
  for (let k = Math.floor(Math.log10(low)); k <= Math.log10(high); k++)
    for (const each of [1, 2, 5]) found.push(each * 10 ** k);
  const inside = found.filter((value) => value >= low && value <= high);
  return inside.length > 7 ? inside.filter((value) => /^1/.test(value.toExponential())) : inside;
}

function plain(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size < 1e-4 || size >= 1e7 ? value.toExponential(1) : value.toLocaleString("en", { maximumSignificantDigits: 4 });
}

function finite(points) {
  return points.filter(([, y]) => y !== null && Math.abs(y) < 1e200);
}

// The range of what is drawn; single updates, which jump, count without their outermost twentieth.
function range(series, share) {
  const values = [];
  for (const each of series) {
    const found = finite(each.points).map(([, y]) => y).sort((a, b) => a - b);
    const cut = each.faint ? Math.floor(found.length / 20) : 0;
    if (found.length) values.push(found[cut], found[found.length - 1 - cut]);
  }
  if (!values.length) return null;
  let low = Math.min(...values), high = Math.max(...values);
  if (low === high) [low, high] = high > 0 ? [0, 2 * high] : high < 0 ? [2 * high, 0] : [0, 1]; // it stays as it is
  const room = (high - low || Math.abs(high) * 0.1 || 0.1) * 0.08;
  low = low >= 0 ? Math.max(0, low - room) : low - room;
  return [low, share ? Math.min(1.003, high + room) : high + room];
}

export class Chart {
  constructor(place, title) {
    this.figure = element("figure", { class: "chart" });
    this.caption = element("figcaption", {}, title);
    this.legend = element("ul", { class: "legend" });
    this.svg = svg("svg", { role: "img", tabindex: "0", height: HEIGHT });
    this.figure.append(this.caption, this.legend, this.svg);
    place.append(this.figure);
    this.at = null;
    this.svg.addEventListener("pointermove", (event) => this.point(event.offsetX));
    this.svg.addEventListener("pointerleave", () => this.read(null));
    this.svg.addEventListener("blur", () => this.read(null));
    this.svg.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.paint()).observe(this.figure);
  }

  // content: title, label (of the x axis), share (as percent), log, loss (four decimals), kept (places), and series of
  // {name, style, faint, dash, points, rest}: a series rests at the place whose value is told while none is read.
  show(content) {
    this.content = content;
    this.paint();
  }

  paint() {
    const content = this.content, width = this.figure.clientWidth;
    if (!content || width < 80) return;
    this.caption.textContent = content.title;
    this.svg.setAttribute("width", width);
    this.svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    const bounds = range(content.series, content.share), places = content.series.flatMap((each) => finite(each.points).map(([x]) => x));
    this.svg.replaceChildren();
    if (!bounds) {
      this.svg.append(svg("text", { x: width / 2, y: HEIGHT / 2, class: "none", "text-anchor": "middle" }, content.none));
      this.legend.replaceChildren();
      this.svg.setAttribute("aria-label", `${content.title}: ${content.none}`);
      return;
    }
    const log = content.log && finite(content.series.flatMap((each) => each.points)).every(([, y]) => y > 0);
    const [low, high] = log ? [Math.max(bounds[0], Math.min(...content.series.flatMap((s) => finite(s.points).map(([, y]) => y)))) * 0.95, bounds[1]] : bounds;
    const first = Math.min(...places, content.from), last = Math.max(...places, content.to, first + 1e-9);
    const fit = log ? Math.log : (value) => value;
    this.x = (value) => LEFT + ((value - first) / (last - first)) * (width - LEFT - RIGHT);
    this.y = (value) => TOP + (1 - (fit(value) - fit(low)) / (fit(high) - fit(low))) * (HEIGHT - TOP - BOTTOM);
    this.axes(content, width, log ? powers(low, high) : ticks(low, high, 5), ticks(first, last, Math.max(4, width / 90)));
    const clip = `clip-${content.id}`, box = svg("clipPath", { id: clip });
    box.append(svg("rect", { x: LEFT - 4, y: TOP - 6, width: width - LEFT - RIGHT + 10, height: HEIGHT - TOP - BOTTOM + 8 }));
    const lines = svg("g", { "clip-path": `url(#${clip})` });
    for (const each of content.series) this.line(lines, each);
    this.cross = svg("g");
    this.svg.append(box, lines, this.cross);
    for (const [place, style] of content.kept) if (!style) this.keep(place, width);
    this.places = [...new Set(content.series.filter((each) => !each.faint || content.series.length === 1).flatMap((each) => finite(each.points).map(([x]) => x)))].sort((a, b) => a - b);
    this.read(this.at);
    const told = content.series.filter((each) => !each.faint).map((each) => `${each.name} ${this.write(each.points.at(-1)?.[1] ?? null)}`);
    this.svg.setAttribute("aria-label", `${content.title} by ${content.label}. Last: ${told.join(", ") || "no epoch yet"}`);
  }

  write(value) {
    if (value === null || value === undefined) return "\u2013";
    if (this.content.share) return `${(100 * value).toFixed(2)} %`;
    const size = Math.abs(value);
    return this.content.loss && size >= 1 && size < 1e4 ? value.toFixed(4) : plain(value);
  }

  axes(content, width, rows, columns) {
    const unit = content.share ? (value) => `${+(100 * value).toFixed(4)} %` : plain;
    for (const value of rows) {
      const y = this.y(value);
      this.svg.append(svg("line", { x1: LEFT, x2: width - RIGHT, y1: y, y2: y, class: "grid" }));
      this.svg.append(svg("text", { x: LEFT - 8, y: y + 4, "text-anchor": "end" }, unit(value)));
    }
    for (const value of columns)
      this.svg.append(svg("text", { x: this.x(value), y: HEIGHT - BOTTOM + 18, "text-anchor": "middle" }, plain(value)));
    this.svg.append(svg("text", { x: width - RIGHT, y: HEIGHT - 2, "text-anchor": "end", class: "unit" }, content.label));
    for (const [place, style] of content.kept) {
      const x = this.x(place);
      this.svg.append(svg("line", { x1: x, x2: x, y1: TOP, y2: HEIGHT - BOTTOM, class: `kept ${style}` }));
    }
  }

  keep(place, width) {
    const x = this.x(place), left = x > width / 2;
    this.svg.append(svg("text", { x: x + (left ? -5 : 5), y: TOP + 4, "text-anchor": left ? "end" : "start" }, `kept: ${place}`));
  }

  line(group, each) {
    let path = "", pen = false;
    for (const [x, y] of each.points) {
      if (y === null || Math.abs(y) >= 1e200) pen = false;
      else {
        path += `${pen ? "L" : "M"}${this.x(x).toFixed(1)} ${this.y(y).toFixed(1)}`;
        pen = true;
      }
    }
    group.append(svg("path", { d: path, class: `line ${each.style}${each.faint ? " faint" : ""}${each.dash ? " dash" : ""}` }));
    const known = finite(each.points);
    const wide = known.length < 2 || this.x(known.at(-1)[0]) - this.x(known[0][0]) > 16 * (known.length - 1);
    if (!each.faint && wide)
      for (const [x, y] of known) group.append(svg("circle", { cx: this.x(x), cy: this.y(y), r: 3, class: `dot ${each.style}` }));
  }

  point(offset) {
    if (!this.places?.length) return;
    let nearest = 0;
    this.places.forEach((place, k) => {
      if (Math.abs(this.x(place) - offset) < Math.abs(this.x(this.places[nearest]) - offset)) nearest = k;
    });
    this.read(this.places[nearest]);
  }

  key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined || !this.places?.length) return;
    event.preventDefault();
    const now = this.at === null ? this.places.length : this.places.indexOf(this.at);
    this.read(this.places[Math.min(this.places.length - 1, Math.max(0, now + step))]);
  }

  // Write the values at a place into the legend; those at which the series rest, else the last ones, where no place is read.
  read(place) {
    this.at = this.places?.includes(place) ? place : null;
    if (!this.cross) return;
    this.cross.replaceChildren();
    if (this.at !== null) {
      const x = this.x(this.at);
      this.cross.append(svg("line", { x1: x, x2: x, y1: TOP, y2: HEIGHT - BOTTOM, class: "cross" }));
    }
    const items = this.content.series.map((each) => {
      const known = finite(each.points);
      const at = this.at ?? each.rest ?? Infinity, found = known.findLast(([x]) => x <= at);
      if (this.at !== null && found && !each.faint) this.cross.append(svg("circle", { cx: this.x(found[0]), cy: this.y(found[1]), r: 4, class: `dot ${each.style}` }));
      const sample = svg("svg", { width: 22, height: 10, "aria-hidden": "true" });
      sample.append(svg("line", { x1: 1, x2: 21, y1: 5, y2: 5, class: `line ${each.style}${each.faint ? " faint" : ""}${each.dash ? " dash" : ""}` }));
      return element("li", {}, sample, element("span", {}, each.name), " ", element("b", {}, this.write(found ? found[1] : null)));
    });
    if (this.at !== null) items.push(element("li", { class: "where" }, `at ${this.content.label} ${plain(this.at)}`));
    const rests = [...new Set(this.content.series.map((each) => each.rest).filter(Boolean))];
    if (this.at === null && rests.length) items.push(element("li", { class: "where" }, rests.length > 1 ? "at the epochs kept" : `at ${this.content.label} ${plain(rests[0])}, which was kept`));
    this.legend.replaceChildren(...items);
  }
}

// A bar for a share between 0 and 1; the number stands beside it.
export function bar(share) {
  const drawing = svg("svg", { class: "share", viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" });
  drawing.append(svg("rect", { width: 100, height: 10 }), svg("rect", { width: 100 * share, height: 10, class: "full" }));
  return drawing;
}

// A small line without axes; `level` is a value to compare with.
export function spark(values, top, level = null) {
  const known = values.filter((value) => value !== null);
  const drawing = svg("svg", { class: "spark", viewBox: "0 0 100 24", preserveAspectRatio: "none", "aria-hidden": "true" });
  if (known.length < 2) return drawing;
  const low = top === null ? Math.min(...known, level) : 0, high = top ?? Math.max(...known, level), span = high - low || 1;
  const y = (value) => 22 - (20 * (value - low)) / span, step = 100 / (values.length - 1);
  let path = "";
  values.forEach((value, k) => {
    if (value !== null) path += `${path ? "L" : "M"}${(k * step).toFixed(1)} ${y(value).toFixed(1)}`;
  });
  if (level !== null) drawing.append(svg("line", { x1: 0, x2: 100, y1: y(level), y2: y(level), class: "grid" }));
  drawing.append(svg("path", { d: path, class: "line" }));
  return drawing;
}
