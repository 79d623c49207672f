// The watched rows: what the model said of each after every epoch. A slider goes back; at its right end it follows the newest.

import { bar, element, spark } from "./chart.js";

const PICTURE = /^data:image\/png;base64,[A-Za-z0-9+/=]+$/;
const number = (value) => (value === null || value === undefined ? "\u2013" : typeof value === "number" ? value.toLocaleString("en", { maximumSignificantDigits: 4 }) : String(value));
const percent = (value) => (value === null ? "\u2013" : `${(100 * value).toFixed(1)} %`);

export class Watched {
  constructor(place) {
    this.place = place;
    [this.title, this.note, this.cards] = ["h2", ":scope > p", "ol"].map((name) => place.querySelector(name));
    [this.slider, this.output] = [place.querySelector("input"), place.querySelector("output")];
    this.slider.addEventListener("input", () => this.paint());
    this.key = "";
    this.seen = -1;
    this.asking = false;
  }

  // Fetch the rows of a run where there are newer ones.
  async show(key, run) {
    if (key !== this.key) {
      [this.key, this.seen, this.found] = [key, -1, null];
      this.place.hidden = true;
    }
    if (!run || run.seen === this.seen || this.asking) return;
    this.asking = true;
    try {
      const answer = await fetch(`runs/${key}/watched`, { cache: "no-store" });
      const found = answer.ok ? await answer.json() : null;
      if (found && key === this.key) this.take(found);
    } catch {
      // The next look asks again.
    } finally {
      this.asking = false;
    }
  }

  take(found) {
    const follows = !this.found || Number(this.slider.value) === Number(this.slider.max);
    [this.found, this.seen] = [found, found.seen];
    this.place.hidden = !found.epochs.length || !(found.rows.length || found.epochs.some((each) => each.text));
    this.slider.max = Math.max(0, found.epochs.length - 1);
    if (follows) this.slider.value = this.slider.max;
    this.slider.parentElement.hidden = found.epochs.length < 2;
    this.paint();
  }

  paint() {
    const found = this.found, at = Number(this.slider.value), now = found?.epochs[at];
    if (!now) return;
    this.output.textContent = `${now.epoch}${now.epoch === 0 ? ", before the first update" : ""}`;
    this.slider.setAttribute("aria-valuetext", `epoch ${now.epoch}`);
    if (!found.rows.length) {
      this.title.textContent = "What it writes";
      this.note.textContent = "The same beginning after every epoch.";
      this.cards.className = "texts";
      this.cards.replaceChildren(element("li", { dir: "auto" }, now.text));
      return;
    }
    this.cards.className = "cards";
    this.title.textContent = "Watched rows";
    const numbers = !found.labels.length, cards = found.rows.map((row, k) => (numbers ? this.measured(row, k, at) : this.classed(row, k, at)));
    this.cards.replaceChildren(...cards.map((card) => card.item));
    const right = cards.filter((card) => card.right).length;
    this.note.textContent = numbers
      ? `${right} of ${cards.length} within ${number(found.near)}, half the RMSE of ${found.against}. The same validation rows after every epoch: what is predicted, what is right, and how the answer came there.`
      : `${right} of ${cards.length} right. The same validation rows after every epoch; the small line is the probability of the right class${found.rows.some((row) => Array.isArray(row.truth)) ? " (of several labels, said from 50 % on, of the surest right one)" : ""} so far.`;
  }

  classed(row, k, at) {
    const { labels, epochs } = this.found, answer = epochs[at].answers[k] ?? [], truths = [].concat(row.truth ?? []).map((each) => labels.indexOf(String(each)));
    const truth = truths.includes(answer[0]?.[0]) ? answer[0][0] : truths[0] ?? -1;  // of several labels the one that is surest
    const told = (Array.isArray(row.truth) ? answer.filter(([, p]) => p >= 0.5) : answer.slice(0, 1)).map(([label]) => label);
    const right = answer.length > 0 && told.length === truths.length && told.every((label) => truths.includes(label));
    const shown = answer.slice(0, 3);
    const sure = answer.find(([label]) => label === truth);
    if (sure && !shown.includes(sure)) shown.splice(2, 1, sure);
    const bars = shown.map(([label, p]) => {
      return element("li", truths.includes(label) ? { class: "truth" } : {}, element("bdi", {}, labels[label] ?? String(label)), bar(p ?? 0), element("span", {}, percent(p)));
    });
    const so = epochs.slice(0, at + 1).map((each) => each.answers[k]?.find?.(([label]) => label === truth)?.[1] ?? null);
    const name = (several) => element("bdi", {}, several.map((label) => labels[label] ?? String(row.truth)).join(", ") || "no label");
    const said = right ? [name(told)] : [answer.length ? name(told) : "no answer", ", it is ", name(truths)];
    const verdict = element("p", { class: "verdict" }, right ? "\u2713 " : "\u2717 ", ...said);
    return { right, item: element("li", { class: right ? "right" : "wrong" }, given(row), verdict, element("ul", {}, ...bars), spark(so, 1)) };
  }

  measured(row, k, at) {
    const { epochs } = this.found, answer = epochs[at].answers[k] ?? null;
    const so = epochs.slice(0, at + 1).map((each) => each.answers[k] ?? null);
    const off = answer === null ? "" : `off by ${number(Math.abs(answer - row.truth))}`;
    const facts = [["predicted", number(answer)], ["right", number(row.truth)]].map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value)));
    const right = answer !== null && Math.abs(answer - row.truth) <= this.found.near;
    const verdict = element("p", { class: "verdict" }, right ? "\u2713 " : "\u2717 ", answer === null ? "no answer" : off);
    return { right, item: element("li", { class: right ? "right" : "wrong" }, given(row), verdict, element("dl", {}, ...facts), spark(so, null, row.truth)) };
  }
}

// The input of a row: a picture, the first columns of a table, or a text.
function given(row) {
  const input = row.input, place = element("div", { class: "given" });
  if (typeof input === "string" && PICTURE.test(input)) place.append(element("img", { src: input, alt: `the picture of row ${row.row ?? row.file}` }));
  else if (input && typeof input === "object") {
    const cells = Object.entries(input).filter(([, value]) => value !== null).slice(0, 8);
    place.append(...cells.map(([name, value]) => element("span", { class: "cell" }, element("i", {}, name), ` ${number(value)}`)));
  } else place.append(element("p", { dir: "auto" }, input === null || input === undefined ? `row ${row.row ?? ""}${row.file ? ` of ${row.file}` : ""}` : String(input)));
  return place;
}
