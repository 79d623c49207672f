  const film = JSON.parse(document.getElementById("values").textContent);
  const moments = film.moments, rows = film.rows || [], kind = film.kind;
  const end = moments.length - 1 + (film.test ? 1 : 0);
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const get = (id) => document.getElementById(id);
  const lerp = (a, b, u) => a + (b - a) * u;
  const ease = (u) => (u < 0.5 ? 2 * u * u : 1 - 2 * (1 - u) * (1 - u));

  // ---- making elements; what is foreign is only ever text
  function make(tag, classes, parent, text) {
    const element = document.createElement(tag);
    if (classes) element.className = classes;
    if (text !== undefined) { element.textContent = text; element.dir = "auto"; }
    if (parent) parent.append(element);
    return element;
  }
  function draw(tag, attributes, parent, text) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const name in attributes) element.setAttribute(name, attributes[name]);
    if (text !== undefined) element.textContent = text;
    parent.append(element);
    return element;
  }
  function set(element, text) { if (element.textContent !== text) element.textContent = text; }
  function percent(share) { return share > 0 && share < 1 ? "<1" : String(Math.round(share)); }
  function number(value) { return value === null ? "no number" : String(+value.toPrecision(4)); }
  function fraction(axis, value) {
    const low = axis.wide ? Math.log(axis.low) : axis.low, high = axis.wide ? Math.log(axis.high) : axis.high;
    return ((axis.wide ? Math.log(Math.max(value, axis.low)) : value) - low) / (high - low);
  }
  function describe(row, parent, long) {
    if (row.picture) {
      const picture = make("img", "", parent);
      picture.src = row.picture; picture.alt = "";
    } else if (row.cells && long) {
      const table = make("table", "", parent);
      for (const [name, value] of row.cells) {
        const line = make("tr", "", table);
        make("th", "", line, name).scope = "row"; make("td", "", line, value);
      }
      if (row.more) make("p", "soft", parent, "and " + row.more + " more columns");
    } else if (row.cells) {
      const text = make("span", "input", parent);
      row.cells.slice(0, 6).forEach(([name, value]) => {
        make("span", "soft", text, name); text.append(" "); make("b", "", text, value); text.append("  ");
      });
    } else {
      make(long ? "p" : "span", row.text === null ? "input soft" : "input", parent, row.text === null ? row.place : row.text);
    }
  }

  // ---- classes: a card a row
  const labelsOf = (said) => film.sets?.[said] ?? [said]; // of a row with several labels a set of them is said
  function classes(stage) {
    const list = make("ol", "cards", stage);
    const cards = rows.map((row, index) => {
      const card = make("button", row.picture ? "card pictured" : "card", make("li", "", list));
      const mark = make("span", "mark", card), top = make("span", "top", card);
      describe(row, top, false);
      const bars = make("span", "bars", row.picture ? top : card);
      const shown = row.bars.map((label) => film.labels[label]);
      if (row.others) shown.push("");
      const lines = shown.map((name, at) => {
        const line = make("span", at === row.bars.length ? "bar rest" : labelsOf(row.truth).includes(row.bars[at]) ? "bar truth" : "bar", bars);
        const label = make("span", "name", line, name), track = make("span", "track", line);
        return { line, label, fill: make("span", "fill", track), share: make("span", "share", line) };
      });
      card.addEventListener("click", () => closer(index));
      return { row, card, mark, lines };
    });
    return (a, b, u) => {
      let right = 0;
      cards.forEach((each, index) => {
        const from = a.rows[index], to = b.rows[index], bars = each.row.bars, moved = ease(u);
        const shares = bars.map((_, at) => lerp(from[at + 2], to[at + 2], moved) / 10);
        let said = u < 0.5 ? from[0] : to[0];
        const one = bars.indexOf(from[0]), two = bars.indexOf(to[0]);
        if (!film.sets && u > 0 && u < 1 && (one >= 0 || two >= 0)) { // the answer changes where the two bars cross
          const old = one >= 0 ? shares[one] : lerp(from[1], 0, moved) / 10;
          const young = two >= 0 ? shares[two] : lerp(0, to[1], moved) / 10;
          said = young > old ? to[0] : from[0];
        }
        const good = said === each.row.truth;
        right += good;
        if (each.row.others) {
          const other = said !== null && labelsOf(said).some((label) => !bars.includes(label));
          const same = from[0] === to[0];
          const own = same ? lerp(from[1], to[1], moved) : said === from[0] ? lerp(from[1], 0, moved) : lerp(0, to[1], moved);
          const rest = film.sets ? 0 : Math.max(0, 100 - shares.reduce((sum, share) => sum + share, 0));
          shares.push(said === null ? 0 : other ? own / 10 : rest);
          const others = each.row.picture ? "rest" : each.row.others + " others";
          set(each.lines[bars.length].label, other ? film.labels[said] : others);
        }
        each.lines.forEach((line, at) => {
          line.fill.style.transform = "scaleX(" + (shares[at] / 100).toFixed(4) + ")";
          set(line.share, said === null ? "\u2013" : percent(shares[at]) + " %");
          line.line.classList.toggle("said", said !== null && (at < bars.length ? labelsOf(said).includes(bars[at]) : labelsOf(said).some((label) => !bars.includes(label))));
        });
        const state = said === null ? "lost" : good ? "yes" : "no";
        if (each.card.dataset.state !== state) {
          each.card.dataset.state = state;
          each.mark.textContent = state === "yes" ? "\u2713" : state === "no" ? "\u2717" : "\u2013";
          each.mark.setAttribute("aria-label", state === "yes" ? "right" : state === "no" ? "wrong" : "no answer");
          each.mark.setAttribute("role", "img");
        }
      });
      return right + " of " + rows.length + " right";
    };
  }

  function longest(axis) {
    return Math.max(...axis.ticks.map(([, text]) => text.length));
  }

  // ---- numbers: a dot a row, on its way to the line of truth
  function numbers(stage) {
    const size = 560, axis = film.axis, left = Math.max(54, 16 + 11 * longest(axis)), bottom = 44, inner = size - left - 14;
    const x = (value) => left + inner * fraction(axis, value);
    const y = (value) => size - bottom - (size - bottom - 14) * Math.min(Math.max(fraction(axis, value), 0), 1);
    const svg = draw("svg", { viewBox: "0 -12 " + size + " " + (size + 12), class: "scatter", role: "group" }, stage);
    svg.setAttribute("aria-label", "Answers against true values of " + film.target);
    for (const [tick, text] of axis.ticks) {
      const cross = "M" + left + " " + y(tick) + "H" + (size - 14) + "M" + x(tick) + " 14V" + (size - bottom);
      draw("path", { class: "grid", d: cross }, svg);
      draw("text", { x: left - 8, y: y(tick) + 4, "text-anchor": "end" }, svg, text);
      draw("text", { x: x(tick), y: size - bottom + 18, "text-anchor": "middle" }, svg, text);
    }
    draw("path", { class: "truth", d: "M" + x(axis.low) + " " + y(axis.low) + "L" + x(axis.high) + " " + y(axis.high) }, svg);
    const turn = "translate(" + x(axis.high) + " " + y(axis.high) + ") rotate(-45)";
    draw("text", { class: "on-line", x: -14, y: -7, "text-anchor": "end", transform: turn }, svg, "the line of truth");
    draw("text", { class: "axis", x: size - 14, y: size - 6, "text-anchor": "end" }, svg, "true " + film.target + " \u2192");
    draw("text", { class: "axis", x: left, y: 4, "text-anchor": "start" }, svg, "\u2191 answer");
    const dots = rows.map((row, index) => {
      const dot = draw("g", { class: "dot", role: "button", tabindex: "0" }, svg);
      const stem = draw("path", {}, dot), circle = draw("circle", { cx: x(row.truth), r: 7 }, dot);
      dot.addEventListener("click", () => closer(index));
      dot.addEventListener("keydown", (event) => { if (event.key === "Enter") closer(index); });
      return { row, dot, stem, circle };
    });
    make("p", "legend", stage, "Green: off by at most " + film.nearly + ", half of what always answering the mean is off by.");
    return (a, b, u) => {
      let near = 0;
      dots.forEach((each, index) => {
        const from = a.rows[index], to = b.rows[index], none = from === null || to === null;
        const said = none ? (u < 1 ? from : to) : lerp(from, to, u === 1 ? 1 : ease(u));
        each.dot.style.display = said === null ? "none" : "";
        if (said === null) return;
        const good = Math.abs(said - each.row.truth) <= film.near, up = fraction(axis, said), outside = up < 0 || up > 1;
        near += good;
        each.dot.setAttribute("class", (good ? "dot yes" : "dot no") + (outside ? " outside" : ""));
        each.circle.setAttribute("cy", y(said));
        each.stem.setAttribute("d", "M" + x(each.row.truth) + " " + y(said) + "V" + y(each.row.truth));
        const told = "true " + number(each.row.truth) + ", answer " + number(said);
        if (u === 0 || u === 1) each.dot.setAttribute("aria-label", told);
      });
      return near + " of " + rows.length + " within " + film.nearly;
    };
  }

  // ---- running text: what the model takes for the next token of some passages; what it writes, typed
  function passages(sheet) {
    const list = make("ol", "passages", sheet);
    const all = rows.map((row) => {
      const line = make("li", "", list);
      make("span", "before soft", line, "\u2026 " + row.before);
      return row.tokens.map((token) => {
        const box = make("span", "token", line);
        make("span", "word", box, token);
        return { box, fill: make("span", "fill", make("span", "track", box)), guess: make("span", "guess", box, "") };
      });
    });
    if (rows.length) make("p", "legend", sheet, "Passages of the validation text. The bar is the probability of the token above it; below is what the model held for likelier.");
    return (a, b, u) => {
      let right = 0, count = 0;
      all.forEach((tokens, row) => tokens.forEach((each, at) => {
        const from = a.rows[row][at], to = b.rows[row][at], now = u < 0.5 ? from : to;
        each.fill.style.transform = "scaleX(" + (lerp(from[1], to[1], ease(u)) / 1000).toFixed(4) + ")";
        each.box.dataset.state = now[0] ? "yes" : "no";
        set(each.guess, now[0] ? "\u2713" : now[2]);
        right += now[0]; count++;
      }));
      return count ? right + " of " + count + " next tokens right" : "";
    };
  }
  function text(stage) {
    const sheet = make("div", "sheet", stage), ask = passages(sheet);
    const paper = make("p", "typed", sheet, ""), earlier = make("ol", "earlier", sheet);
    let drawn = -1;
    return (a, b, u, index) => {
      const typing = u > 0.12 && u < 1, written = typing || u === 1 ? b.text : a.text;
      const ready = typing ? Math.min((u - 0.12) / 0.7, 1) : 1, now = typing || u === 1 ? index + 1 : index;
      set(paper, written.slice(0, Math.round(written.length * ready)));
      paper.classList.toggle("typing", ready < 1);
      if (drawn !== now) {
        drawn = now; earlier.textContent = "";
        for (let at = now - 1; at >= Math.max(0, now - (rows.length ? 2 : 4)); at--) {
          const line = make("li", "", earlier);
          make("b", "", line, moments[at].title); make("q", "", line, moments[at].text);
        }
      }
      return ask(a, b, u);
    };
  }

