  // ---- the curves: drawn once, uncovered as the training goes on
  const last = moments[moments.length - 1].at, wide = 340;
  function chart(spec, number) {
    const room = film.charts.length > 3 ? 0.8 : 1, left = Math.max(44, 12 + 6 * longest(spec.axis)), right = 12;
    const tall = Math.round(room * (spec.leads ? 104 : spec.title === "loss" ? 92 : 46));
    const x = (step) => left + (wide - left - right) * (last ? step / last : 0);
    const y = (value) => 6 + (tall - 12) * (1 - fraction(spec.axis, value));
    const box = make("figure", "chart", get(spec.leads ? "lead" : "charts"));
    const head = make("figcaption", "", box);
    make("b", "", head, spec.title);
    const now = make("span", "latest", head);
    const svg = draw("svg", { viewBox: "0 0 " + wide + " " + tall, "aria-hidden": "true" }, box);
    make("p", "hint", box, spec.hint);
    const clip = draw("clipPath", { id: "clip" + number }, svg);
    const cover = draw("rect", { x: 0, y: -4, width: 0, height: tall + 8 }, clip);
    const named = [];
    const ticks = tall < 60 ? [spec.axis.ticks[0], spec.axis.ticks[spec.axis.ticks.length - 1]] : spec.axis.ticks;
    for (const [tick, words] of ticks) {
      draw("path", { class: "grid", d: "M" + left + " " + y(tick) + "H" + (wide - right) }, svg);
      draw("text", { x: left - 6, y: y(tick) + 3.5, "text-anchor": "end" }, svg, words);
    }
    for (const [value, name] of spec.marks) {
      draw("path", { class: "to-beat", d: "M" + left + " " + y(value) + "H" + (wide - right) }, svg);
      named.push([y(value), name]);
    }
    if (spec.limit) draw("path", { class: "limit", d: "M" + left + " " + y(spec.limit) + "H" + (wide - right) }, svg);
    const held = draw("g", { "clip-path": "url(#clip" + number + ")" }, svg);
    const lines = spec.lines.map((line) => {
      const spot = ([step, value]) => x(step).toFixed(1) + " " + y(value).toFixed(1);
      const path = line.points.map((point, at) => (at ? "L" : "M") + spot(point)).join("");
      draw("path", { class: "curve " + line.part, d: path }, held);
      if (spec.limit) for (const point of line.points) if (point[1] > spec.limit)
        draw("path", { class: "cut", d: "M" + spot(point) + "V" + y(spec.limit).toFixed(1) }, held);
      const by = line.part === "train" || line.part === "valid";
      if (by) for (const [step, value] of line.points) if (line.points.length < 40)
        draw("circle", { class: "curve-dot " + line.part, cx: x(step), cy: y(value), r: 2.6 }, held);
      return line;
    });
    for (const [height, name] of named) // below its line where there is no room above
      draw("text", { class: "named", x: wide - right, y: height < 16 ? height + 11 : height - 4, "text-anchor": "end" }, svg, name);
    const star = draw("text", { class: "star", "text-anchor": "middle" }, svg, "\u2605");
    const judged = lines.find((line) => line.part === "valid");
    const values = lines.filter((line) => line.said.length).map((line) => {
      const item = make("span", line.part, now);
      if (line.part === "train" || line.part === "valid") { make("i", "", item, line.name); item.append(" "); }
      return { line, item, value: make("span", "", item) };
    });
    return (at, moment, told) => {
      cover.setAttribute("width", at >= last ? wide : at ? x(at) + 3 : 0);
      for (const { line, item, value } of values) { // of each line its newest point
        const after = line.points.findIndex(([step]) => step > told), place = (after < 0 ? line.points.length : after) - 1;
        item.hidden = place < 0;
        if (place >= 0) set(value, line.said[place]);
      }
      const best = moments.find((each) => each.epoch === moments[moment].best);
      const point = spec.leads && best && judged && judged.points.find(([step]) => step === best.at);
      star.style.display = point ? "" : "none";
      if (point) { star.setAttribute("x", x(point[0])); star.setAttribute("y", Math.max(y(point[1]) - 5, 11)); }
    };
  }

  // ---- a row from near
  function closer(index) {
    const row = rows[index], body = get("closer-body");
    pause();
    get("closer-title").textContent = kind === "classes" ? film.labels[row.truth] : film.target + " " + number(row.truth);
    get("closer-title").dir = "auto";
    body.textContent = "";
    describe(row, body, true);
    if (row.text !== null) make("p", "soft", body, row.place);
    const table = make("table", "answers", body), head = make("tr", "", make("thead", "", table));
    const lines = make("tbody", "", table);
    for (const name of kind === "classes" ? ["", "answer", "its share", "share of the right one"] : ["", "answer", "off by"])
      make("th", "", head, name).scope = "col";
    moments.forEach((moment) => {
      const said = moment.rows[index], line = make("tr", "", lines);
      make("th", "", line, moment.title).scope = "row";
      if (kind === "classes") {
        const sign = said[0] === row.truth ? "\u2713 " : "\u2717 ";
        make("td", said[0] === row.truth ? "yes" : "no", line, said[0] === null ? "no number" : sign + film.labels[said[0]]);
        make("td", "n", line, percent(said[1] / 10) + " %"); make("td", "n", line, percent(said[2] / 10) + " %");
      } else {
        make("td", "n", line, number(said));
        make("td", "n", line, said === null ? "\u2013" : number(Math.abs(said - row.truth)));
      }
    });
    get("closer").showModal();
  }

  // ---- time
  let place = 0, playing = false, pace = 1, before = 0;
  const seconds = moments.slice(1).map((moment, at) =>
    moment.kind === "kept" ? 1.8 : Math.max(kind === "text" ? 1.2 : 0.3, (kind === "text" ? 3.4 : 2.8) / Math.sqrt(at + 1)));
  const sum = seconds.reduce((all, each) => all + each, 0);
  seconds.forEach((each, at) => { seconds[at] = each * Math.min(1, 50 / sum); });
  if (film.test) seconds.push(4.5);

  const show = { classes, numbers, text }[kind](get("stage"));
  const charts = film.charts.map(chart);
  const scrub = get("scrub"), play = get("play"), test = get("test"), strip = get("last-still");

  function go(to) {
    place = Math.min(Math.max(to, 0), end);
    const ended = moments.length - 1, drawn = still.matches && playing ? Math.floor(place) : place;
    const index = Math.min(Math.floor(drawn), ended), next = Math.min(index + 1, ended);
    const a = moments[index], b = moments[next], u = index === ended ? 0 : drawn - index;
    const moved = Math.min(u / 0.86, 1);
    const count = show(a, b, moved, index);
    const at = lerp(a.at, b.at, moved);
    for (const each of charts) each(at, index, a.kind === "kept" ? a.told : at);
    const tested = drawn > ended + 0.04;
    set(get("title"), tested ? "The test" : u > 0.02 ? b.going : a.title);
    set(get("caption"), a.caption);
    set(get("count"), count);
    scrub.value = place;
    scrub.setAttribute("aria-valuetext", get("title").textContent);
    if (test) {
      test.hidden = !tested;
      test.classList.toggle("open", drawn > ended + 0.55);
      if (place >= end) strip.hidden = false;
    }
    get("film").dataset.place = place.toFixed(3);
  }
  function frame(now) {
    if (!playing) return;
    const at = Math.min(Math.floor(place), seconds.length - 1);
    const passed = Math.min((now - before) / 1000, 0.1) * pace;
    before = now;
    go(place + passed / (still.matches ? Math.max(seconds[at], 1.4) : seconds[at]));
    if (place >= end) pause(); else requestAnimationFrame(frame);
  }
  function start() {
    if (playing) return;
    get("poster").hidden = true;
    playing = true; before = performance.now();
    play.setAttribute("aria-label", "Pause"); play.classList.add("playing");
    get("caption").setAttribute("aria-live", "off");
    if (place >= end) go(0);
    requestAnimationFrame(frame);
  }
  function pause() {
    playing = false;
    play.setAttribute("aria-label", "Play"); play.classList.remove("playing");
    get("caption").setAttribute("aria-live", "polite");
    if (still.matches) go(Math.floor(place));
  }
  function jump(to) { get("poster").hidden = true; pause(); go(to); }
  const on = () => jump(Math.floor(place + 0.001) + 1), back = () => jump(Math.ceil(place - 0.001) - 1);

  play.addEventListener("click", () => (playing ? pause() : start()));
  get("begin").addEventListener("click", () => { start(); play.focus({ preventScroll: true }); });
  get("on").addEventListener("click", on);
  get("back").addEventListener("click", back);
  scrub.addEventListener("input", () => jump(still.matches ? Math.round(scrub.value) : +scrub.value));
  get("pace").addEventListener("change", (event) => { pace = +event.target.value; });
  for (const each of document.querySelectorAll("[data-moment]")) if (each.tagName === "A")
    each.addEventListener("click", () => jump(+each.dataset.moment));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || get("closer").open || event.target.tagName === "SELECT") return;
    const keys = { ArrowRight: on, ArrowLeft: back, Home: () => jump(0), End: () => jump(end) };
    const button = event.target.closest("button, a, [role=button]");
    if (event.key === " " && !button) playing ? pause() : start();
    else if (keys[event.key]) keys[event.key]();
    else return;
    event.preventDefault();
  });
  addEventListener("beforeprint", () => { if (strip) strip.hidden = false; });

  get("controls").hidden = false; get("begin").hidden = false;
  if (strip) strip.hidden = true; // it is told at the end, once
  go(0);
  for (const each of charts) each(last, moments.length - 1, moments[moments.length - 1].told); // as the poster: the whole
  set(get("title"), "From the first step to the last"); set(get("count"), "");
  set(get("caption"), "These are the curves of the whole training; the film shows how they came about.");
