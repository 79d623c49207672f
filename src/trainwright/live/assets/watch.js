// The live page: asks twice a second, while it is looked at, what is new, and shows it. Texts are set as text, never as HTML.

import { Chart, element } from "./chart.js";
import { Watched } from "./watched.js";

const EVERY = 500, SLOW = 2000, SILENT = 60; // milliseconds; milliseconds after a failure; seconds without news that are told
const byId = (id) => document.getElementById(id);
const PHASES = {
  preparing: "preparing",
  training: "training",
  finishing: "training is done, being measured",
  ended: "ended",
  stopped: "stopped",
};

let state = { runs: [], shown: {}, version: "" };
let wanted = location.hash.slice(1).split(",").filter(Boolean); // keys of the runs shown, the one in focus first
let seen = "", offset = 0, timer = 0, chosen = wanted.length > 0, failures = 0;
const charts = ["Loss", "Score", "Learning rate", "Gradient norm"].map((title) => new Chart(byId("charts"), title));
const watched = new Watched(byId("watched"));

function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds)), two = (value) => String(value).padStart(2, "0");
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

const count = (value) => Math.round(value).toLocaleString("en");
const number = (value) => (value === null ? "\u2013" : value !== 0 && Math.abs(value) < 1e-4 ? value.toExponential(2) : String(+value.toPrecision(4)));
const pace = (value) => (value >= 100 ? count(value) : number(value));
const silence = (run) => Date.now() / 1000 + offset - run.news;
const took = (seconds) => (seconds < 60 ? `${seconds.toFixed(1)} s` : clock(seconds));
const last = (list) => list[list.length - 1];

async function ask() {
  clearTimeout(timer);
  if (document.hidden) return;
  try {
    const answer = await fetch(`state?shown=${wanted.join(",")}&seen=${seen}`, { cache: "no-store" });
    if (!answer.ok) throw new Error(String(answer.status));
    const found = await answer.json();
    offset = found.now - Date.now() / 1000;
    seen = found.version;
    failures = 0;
    if (found.runs) {
      state = found;
      choose();
      show();
    }
    tick();
  } catch {
    failures++;
    link();
  }
  timer = setTimeout(ask, failures ? SLOW : EVERY);
}

// Drop runs that are gone; without a choice of the person's, show the newest that trains, else the newest.
function choose() {
  const there = new Set(state.runs.map((run) => run.key));
  wanted = wanted.filter((key) => there.has(key));
  if (!wanted.length) chosen = false;
  if (chosen || !state.runs.length) return;
  const best = state.runs.find((run) => ["training", "finishing"].includes(run.phase)) ?? state.runs[0];
  if (wanted[0] !== best.key) want([best.key], false);
}

function want(keys, byHand = true) {
  wanted = keys;
  chosen = byHand || chosen;
  seen = "";
  if (byHand) history.replaceState(null, "", `#${keys.join(",")}`);
  clearTimeout(timer);
  timer = setTimeout(ask, 0);
}

function show() {
  byId("folder").textContent = state.folder;
  list();
  const run = state.shown[wanted[0]];
  byId("empty").hidden = Boolean(run) || state.runs.length > 0;
  byId("empty").textContent = state.alone ? "The run is gone." : "There is no run here yet. The first one appears as soon as it begins.";
  byId("run").hidden = !run;
  document.title = run ? `${run.phase === "training" && run.done !== null ? `${Math.floor(100 * run.done)} % \u00b7 ` : ""}${run.name}` : "Runs";
  if (!run) return watched.show("", null);
  head(run);
  const shown = wanted.filter((key) => state.shown[key]).map((key) => [key, state.shown[key]]);
  draw(shown);
  compare(shown);
  result(run);
  epochs(run);
  watched.show(wanted[0], run);
}

// The list of runs; an item stays the same element, so that the focus stays where it is.
function list() {
  const place = byId("runs"), items = place.querySelector("ul");
  place.hidden = state.alone || !state.runs.length;
  place.querySelector(".hint").hidden = state.runs.length < 2;
  byId("columns").classList.toggle("alone", place.hidden);
  const old = new Map([...items.children].map((item) => [item.dataset.key, item]));
  const now = state.runs.map((run) => old.get(run.key) ?? item(run.key));
  if (now.length !== items.children.length || now.some((each, k) => each !== items.children[k])) items.replaceChildren(...now);
  state.runs.forEach((run, k) => {
    const [box, button] = now[k].children, rank = wanted.indexOf(run.key);
    box.checked = rank >= 0;
    box.disabled = rank < 0 && wanted.length >= 6;
    box.setAttribute("aria-label", `Compare ${run.name}`);
    now[k].className = rank >= 0 && wanted.length > 1 ? `s${rank} shown` : rank === 0 ? "shown" : "";
    if (rank === 0) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
    const [name, about] = button.children, done = run.phase === "training" && run.done !== null ? `${Math.floor(100 * run.done)} %` : "";
    name.textContent = run.name;
    about.textContent = [run.phase === "ended" ? run.score : PHASES[run.phase], done, run.model].filter(Boolean).join(" \u00b7 ");
    button.dataset.phase = run.phase;
  });
}

function item(key) {
  const box = element("input", { type: "checkbox" });
  const button = element("button", { type: "button" }, element("span", { class: "run" }), element("span", { class: "about" }));
  box.addEventListener("change", () => want(box.checked ? [...wanted, key] : wanted.filter((each) => each !== key)));
  button.addEventListener("click", () => want(wanted.includes(key) ? [key, ...wanted.filter((each) => each !== key)] : [key]));
  const made = element("li", {}, box, button);
  made.dataset.key = key;
  return made;
}

function head(run) {
  byId("name").textContent = run.name;
  const phase = byId("phase");
  phase.textContent = PHASES[run.phase];
  phase.dataset.phase = run.phase;
  byId("about").textContent = [[run.model, run.source].filter(Boolean).join(" on "), run.report.task, run.note].filter(Boolean).join(" \u00b7 ");
  const links = run.pages.map((name) => element("a", { href: `runs/${wanted[0]}/${name}.html`, target: "_blank", rel: "noopener noreferrer" }, `Open the ${name}`));
  if (byId("pages").children.length !== links.length || byId("pages").firstChild?.href !== links[0]?.href) byId("pages").replaceChildren(...links);
  const bar = byId("bar");
  bar.hidden = run.done === null || ["ended", "preparing"].includes(run.phase);
  bar.value = run.done ?? 0;
  const facts = figures(run).map(([name, value, more]) => element("div", {}, element("dt", {}, name), element("dd", {}, value, element("small", more?.startsWith(" ") ? {} : { class: "below" }, more ?? ""))));
  byId("facts").replaceChildren(...facts);
}

// What stands in large figures: what was reached where it has ended, how it goes where it has not.
function figures(run) {
  const row = (run.phase === "ended" && run.best) || run.table[0], score = row && run.lead ? run.columns.findIndex(([part, name]) => part === "valid" && name === run.lead) : -1;
  const valid = row ? run.columns.findIndex(([part, name]) => part === "valid" && name === "loss") : -1;
  const planned = run.epochs ? ` of ${count(run.epochs)}` : "", unit = run.unit;
  const epoch = run.phase === "training" && run.epochs ? Math.min(run.epochs, Math.max(run.epoch, 1)) : run.epoch;
  const found = [];
  if (run.phase === "ended" && run.report.facts?.length) found.push([run.report.facts[0].name, run.report.facts[0].value, run.report.facts[0].sure]);
  found.push(["epoch", count(epoch), planned]);
  if (run.phase === "ended") found.push(["updates", count(run.step), ""]);
  else found.push(["loss of this update", number(run.loss), `update ${count(run.step)}${run.steps ? ` of ${count(run.steps)}` : ""}`]);
  if (valid >= 0 && row.cells[valid]) found.push(["validation loss", row.cells[valid], `epoch ${row.epoch}`]);
  if (score >= 0 && row.cells[score]) found.push([`validation ${run.columns[score][2]}`, row.cells[score], `epoch ${row.epoch}`]);
  if (run.phase !== "ended" && run.lr !== null) found.push(["learning rate", number(run.lr), ""]);
  if (run.phase !== "ended" && run.norm !== null) found.push(["gradient norm", number(run.norm), "of this update"]);
  if (run.throughput) found.push(["speed", pace(run.throughput), ` ${unit}/s`]);
  if (run.left !== null) found.push(["time left", clock(run.left), ""]);
  if (run.gone) found.push([run.phase === "ended" ? "training took" : "time so far", took(run.gone), ""]);
  if (run.report.parameters) found.push(["parameters", run.report.parameters, ""]);
  return found;
}

// Updates of an epoch; 0 where that is not known yet.
const per = (run) => run.steps_per_epoch || (run.table[0] ? run.table[0].step / run.table[0].epoch : 0);

// Points of the chart of one run and one metric: of one run both parts, of several each in its colour.
function series(shown, name, share) {
  const found = [], several = shown.length > 1;
  shown.forEach(([, run], rank) => {
    const style = (part) => `s${several ? rank : part === "train" ? 0 : 1}`, whose = several ? `${run.name} ` : "";
    if (name === "loss" && per(run) && !(several && run.table.length)) found.push({ name: `${whose}updates`, style: style("train"), faint: true, points: run.bystep.map(([step, y]) => [step / per(run), y]) });
    for (const part of ["train", "valid"]) {
      const column = run.columns.findIndex(([p, n]) => p === part && n === name);
      const points = column < 0 ? [] : run.epochrows.map((row) => [row.epoch, row.values[column]]);
      if (points.some(([, y]) => y !== null)) found.push({ name: `${whose}${part}`, style: style(part), dash: several && part === "train", points });
    }
  });
  return share || found.some((each) => !each.faint) || name === "loss" ? found : [];
}

// Points of what each update has, by its place in a point: the rate (2) and the norm of the gradient (3).
function updates(shown, place) {
  const known = shown.map(([, run], rank) => ({
    name: shown.length > 1 ? run.name : "updates", style: `s${rank}`, points: per(run) ? run.bystep.map((point) => [point[0] / per(run), point[place]]) : [],
  }));
  return known.filter((each) => each.points.some(([, y]) => y !== null));
}

function draw(shown) {
  const run = shown[0][1], several = shown.length > 1;
  const score = run.lead || run.columns.map(([, name]) => name).find((name) => name !== "loss") || "";
  const kept = shown.filter(([, each]) => each.best).map(([, each], k) => [each.best.epoch, several ? `s${k}` : ""]);
  const title = (name) => run.columns.find(([, each]) => each === name)?.[2] ?? name;
  ["loss", score].forEach((name, k) => {
    charts[k].figure.hidden = !name;
    if (!name) return;
    const share = run.shares.includes(name), words = title(name);
    charts[k].show({
      id: k, title: words[0].toUpperCase() + words.slice(1), label: "epoch", share, log: name === "perplexity", kept,
      from: 0, to: 1, none: "The first epoch is under way", series: series(shown, name, share),
    });
  });
  [["Learning rate", 2], ["Gradient norm", 3]].forEach(([title, place], k) => {
    const found = updates(shown, place);
    charts[2 + k].figure.hidden = !found.length;
    if (found.length) charts[2 + k].show({ id: 2 + k, title, label: "epoch", log: place === 3, kept: [], from: 0, to: 1, none: "", series: found });
  });
}

function table(place, head, rows) {
  const line = (tag, cells, mark = "") => element("tr", mark ? { class: mark } : {}, ...cells.map((cell, k) => {
    const made = element(k === 0 && tag === "td" ? "th" : tag, k === 0 && tag === "td" ? { scope: "row" } : tag === "th" ? { scope: "col" } : {});
    made.append(cell);
    return made;
  }));
  const parts = rows.map(([cells, mark]) => line("td", cells, mark));
  place.querySelector("table").replaceChildren(...(head.length ? [element("thead", {}, line("th", head))] : []), element("tbody", {}, ...parts));
}

function compare(shown) {
  byId("compare").hidden = shown.length < 2;
  if (shown.length < 2) return;
  const names = [...new Set(shown.flatMap(([, run]) => ["loss", run.lead].filter(Boolean)))];
  const rows = shown.map(([, run], rank) => {
    const best = run.best ?? run.table[0];
    const cells = names.map((name) => {
      const column = run.columns.findIndex(([part, each]) => part === "valid" && each === name);
      return best && column >= 0 ? best.cells[column] : "";
    });
    const test = run.phase === "ended" && run.report.facts?.[0] ? `${run.report.facts[0].value}` : "";
    const speed = run.throughput ? `${pace(run.throughput)} ${run.unit}/s` : "";
    return [[element("span", { class: `swatch s${rank}` }, run.name), PHASES[run.phase], run.model, best ? String(best.epoch) : "", ...cells, test, speed, run.gone ? took(run.gone) : ""], ""];
  });
  const titles = names.map((name) => `validation ${name === "loss" ? "loss" : name.replaceAll("_", " ")}`);
  table(byId("compare"), ["run", "state", "model", "kept epoch", ...titles, "test score", "speed", "time"], rows);
}

function result(run) {
  const facts = run.report.facts ?? [];
  byId("result").hidden = !facts.length;
  byId("result").querySelector("p").textContent = run.report.verdict ?? "";
  table(byId("result"), [], facts.map((fact) => [[fact.name, fact.value, [fact.sure, fact.remark].filter(Boolean).join(", ")], ""]));
}

function epochs(run) {
  const place = byId("epochs"), known = run.columns.map((_, k) => k).filter((k) => run.table.some((row) => row.cells[k]));
  place.hidden = !run.table.length;
  const head = ["epoch", ...known.map((k) => `${run.columns[k][0]} ${run.columns[k][2]}`), "rate", "seconds", "kept"];
  const rows = run.table.map((row) => {
    const kept = run.best?.epoch === row.epoch, tail = row.cells.slice(run.columns.length);
    return [[String(row.epoch), ...known.map((k) => row.cells[k]), ...tail, kept ? "\u2605" : ""], kept ? "kept" : ""];
  });
  table(place, head, rows);
  const older = run.table.length && last(run.table).epoch > 1;
  place.querySelector("p").textContent = older ? `The last ${run.table.length} epochs; the curves show all.` : "";
}

// What changes with the time alone.
function tick() {
  const run = state.shown?.[wanted[0]], phase = byId("phase");
  link();
  if (!run || run.phase === "ended" || run.phase === "stopped") return;
  const quiet = silence(run);
  phase.textContent = PHASES[run.phase] + (quiet > SILENT ? `, no news for ${clock(quiet)}` : "");
  phase.dataset.phase = quiet > SILENT ? "silent" : run.phase;
}

function link() {
  const place = byId("link"), text = failures > 1 ? "the watcher does not answer; what is shown is old" : failures ? "waiting" : "live";
  if (place.textContent !== text) place.textContent = text;
  place.dataset.state = failures > 1 ? "lost" : "live";
}

document.addEventListener("visibilitychange", ask);
ask();
