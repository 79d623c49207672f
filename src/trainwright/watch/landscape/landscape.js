// The page of a loss surface: it draws contours and charts from numbers, and moves the point. What is foreign is text only.
const data = JSON.parse(document.getElementById('surface').textContent);
const find = id => document.getElementById(id);
const hill = find('hill'), map = find('map'), time = find('time'), play = find('play'), now = find('now');
const ink = '#d9d6e6', faint = '#9a95b3', line = '#4a4466', MARGINS = 134;
let plane = 0, t = 1, azimuth = 0, elevation = 0.5, running = 0, images = [];

const ramp = data.ramp.map(c => [1, 3, 5].map(i => parseInt(c.slice(i, i + 2), 16)));
function color(h, light) {
  if (h < 0) return [120, 118, 130];
  const place = Math.min(Math.max(h, 0), 1) * (ramp.length - 1);
  const i = Math.min(Math.floor(place), ramp.length - 2), f = place - i;
  return ramp[i].map((c, k) => Math.min(255, (c * (1 - f) + ramp[i + 1][k] * f) * light));
}
const css = c => 'rgb(' + c.map(Math.round).join(',') + ')';
const current = () => data.planes[plane];
const length = () => Math.max(...current().paths.map(p => p.points.length));

function prepare(canvas, tall) {
  const width = canvas.clientWidth, height = Math.round(tall), dense = window.devicePixelRatio || 1;
  canvas.style.height = height + 'px';
  canvas.width = Math.round(width * dense);
  canvas.height = Math.round(height * dense);
  const pen = canvas.getContext('2d');
  pen.setTransform(dense, 0, 0, dense, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.font = '12px system-ui, sans-serif';
  pen.lineJoin = pen.lineCap = 'round';
  return [pen, width, height];
}

// From above: heights between the points of the grid by cubic interpolation, in bands; a thin line where two bands meet.
function cubic(a, b, c, d, f) {
  return b + 0.5 * f * (c - a + f * (2 * a - 5 * b + 4 * c - d + f * (3 * (b - c) + d - a)));
}
function paint(shown) {
  const n = shown.columns, m = shown.heights.length / n, size = 600, bands = 22;
  const sheet = document.createElement('canvas');
  sheet.width = sheet.height = size;
  const pen = sheet.getContext('2d'), image = pen.createImageData(size, size), level = new Int16Array(size * size);
  const at = (i, j) => shown.heights[Math.min(Math.max(j, 0), m - 1) * n + Math.min(Math.max(i, 0), n - 1)];
  for (let row = 0; row < size; row++) {
    const v = (1 - (row + 0.5) / size) * (m - 1), j = Math.min(Math.floor(v), m - 2), g = v - j;
    for (let column = 0; column < size; column++) {
      const u = (column + 0.5) / size * (n - 1), i = Math.min(Math.floor(u), n - 2), f = u - i;
      let h = -1;
      if (Math.min(at(i, j), at(i + 1, j), at(i, j + 1), at(i + 1, j + 1)) >= 0) {
        const side = k => {
          const q = [at(i - 1, j + k), at(i, j + k), at(i + 1, j + k), at(i + 2, j + k)];
          if (q[0] < 0) q[0] = q[1];
          if (q[3] < 0) q[3] = q[2];
          return cubic(...q, f);
        };
        const edge = k => Math.min(at(i - 1, j + k), at(i, j + k), at(i + 1, j + k), at(i + 2, j + k)) < 0;
        h = cubic(edge(-1) ? side(0) : side(-1), side(0), side(1), edge(2) ? side(1) : side(2), g);
        h = Math.min(Math.max(h, 0), 1);
      }
      const band = h < 0 ? -1 : Math.min(Math.floor(h * bands), bands - 1), place = row * size + column;
      level[place] = band;
      const border = (column && level[place - 1] !== band) || (row && level[place - size] !== band);
      const c = color(band < 0 ? -1 : (band + 0.5) / bands, border ? 0.72 : 1);
      image.data.set([c[0], c[1], c[2], 255], place * 4);
    }
  }
  pen.putImageData(image, 0, 0);
  return sheet;
}

// The path up to now, a fraction of a step included, dashed beyond what was kept; what is still to come is faint.
// Returns where its points stand: red up to what was kept, hollow beyond.
function draw(pen, path, where) {
  const whole = path.points.map(p => p[2] === null && where.lifted ? null : where.at(p)), final = whole.length - 1;
  const end = Math.min(t * (length() - 1), final), last = Math.floor(end), next = Math.min(last + 1, final), f = end - last;
  const mix = whole[last] && whole[next] ? whole[last].map((v, k) => v * (1 - f) + whole[next][k] * f) : whole[last];
  const kept = Math.min(path.kept, final), beyond = end > kept;
  pen.globalAlpha = 0.28;
  stroke(pen, whole.slice(last), path.color, 1.2);
  pen.globalAlpha = 1;
  const past = [...whole.slice(0, Math.min(last, kept) + 1), beyond ? null : mix];
  stroke(pen, past, 'rgba(0,0,0,.6)', path.wide * 1.5 + 1.4);
  stroke(pen, past, path.color, path.wide * 1.5);
  if (!beyond) return [[mix, data.point]];
  const after = [...whole.slice(kept, last + 1), mix];
  stroke(pen, after, 'rgba(0,0,0,.6)', 3);
  pen.setLineDash([5, 4]);
  stroke(pen, after, path.color, 1.4);
  pen.setLineDash([]);
  return [[mix, 'rgba(0,0,0,.5)'], [whole[kept], data.point]];
}
function stroke(pen, points, style, width) {
  pen.beginPath();
  let on = false;
  for (const p of points) { if (p && on) pen.lineTo(p[0], p[1]); else if (p) pen.moveTo(p[0], p[1]); on = !!p; }
  pen.strokeStyle = style;
  pen.lineWidth = width;
  pen.stroke();
}
function dots(pen, spots, edge) {
  for (const [p, fill] of spots) {
    if (!p) continue;
    pen.beginPath();
    pen.arc(p[0], p[1], 5.5, 0, 7);
    pen.fillStyle = fill;
    pen.fill();
    pen.strokeStyle = edge;
    pen.lineWidth = 2;
    pen.stroke();
  }
}
function paths(pen, where) {
  const ends = current().paths.map(path => draw(pen, path, where));
  ends.forEach((spots, k) => dots(pen, spots, current().paths[k].color));
}

function drawMap() {
  const [pen, width] = prepare(map, map.clientWidth - MARGINS + 72), shown = current();
  const left = 62, top = 28, side = width - MARGINS, below = top + side;
  images[plane] = images[plane] || paint(shown);
  pen.imageSmoothingQuality = 'high';
  pen.drawImage(images[plane], left, top, side, side);
  pen.fillStyle = faint;
  pen.textAlign = 'center';
  for (const [place, text] of shown.ticks[0]) pen.fillText(text, left + place * side, below + 16);
  pen.textAlign = 'right';
  for (const [place, text] of shown.ticks[1]) pen.fillText(text, left - 6, below - place * side + 4);
  const bar = left + side + 12;
  for (let k = 0; k < side; k++) {
    pen.fillStyle = css(color(1 - k / side, 1));
    pen.fillRect(bar, top + k, 11, 1.5);
  }
  pen.fillStyle = faint;
  pen.textAlign = 'left';
  for (const [place, text] of shown.ticks[2]) pen.fillText(text, bar + 15, below - place * side + 4);
  pen.textAlign = 'right';
  pen.fillText(shown.scale, bar + 12, top - 12);
  pen.textAlign = 'center';
  pen.fillStyle = ink;
  fit(pen, shown.axes[0], left + side / 2, below + 36, side);
  pen.save();
  pen.translate(14, top + side / 2);
  pen.rotate(-Math.PI / 2);
  fit(pen, shown.axes[1], 0, 0, side);
  pen.restore();
  pen.save();
  pen.beginPath();
  pen.rect(left, top, side, side);
  pen.clip();
  const at = p => [left + p[0] * side, below - p[1] * side];
  paths(pen, {at, lifted: false});
  for (const p of shown.minima) cross(pen, at(p));
  pen.restore();
}
function fit(pen, text, x, y, most) {
  pen.fillText(pen.measureText(text).width > most ? text.split(' (')[0] : text, x, y);
}
function cross(pen, p) {
  for (const [style, width] of [['rgba(0,0,0,.7)', 5], ['#fff', 2.4]]) {
    pen.beginPath();
    pen.moveTo(p[0] - 6, p[1]);
    pen.lineTo(p[0] + 6, p[1]);
    pen.moveTo(p[0], p[1] - 6);
    pen.lineTo(p[0], p[1] + 6);
    pen.strokeStyle = style;
    pen.lineWidth = width;
    pen.stroke();
  }
}

function chart(canvas, found, moving, names) {
  const wide = canvas.clientWidth, share = wide < 420 ? 0.62 : wide < 700 ? 0.42 : 0.26;
  const [pen, width, height] = prepare(canvas, wide * share);
  const left = 58, top = 30, right = width - 16, below = height - 40;
  pen.textAlign = 'right';
  for (const [place, text] of found.y) {
    const y = below - place * (below - top);
    pen.fillStyle = faint;
    pen.fillText(text, left - 8, y + 4);
    pen.strokeStyle = '#332e4d';
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(left, y);
    pen.lineTo(right, y);
    pen.stroke();
  }
  pen.textAlign = 'left';
  pen.fillStyle = faint;
  pen.fillText(found.scale, 4, 14);
  pen.textAlign = 'center';
  for (const [place, text] of found.x) pen.fillText(text, left + place * (right - left), below + 17);
  pen.fillStyle = ink;
  pen.fillText(names, (left + right) / 2, below + 34);
  const at = p => p[1] === null ? null : [left + p[0] * (right - left), below - p[1] * (below - top)];
  for (const [place, name] of found.marks) {
    const y = below - place * (below - top);
    pen.setLineDash([4, 4]);
    stroke(pen, [[left, y], [right, y]], faint, 1.2);
    pen.setLineDash([]);
    pen.fillStyle = faint;
    pen.textAlign = 'right';
    pen.fillText(name, right, y < top + 14 ? y + 14 : y - 5);
  }
  if (!moving) {
    stroke(pen, found.lines[0][1].map(at), found.lines[0][0], 2);
    return at;
  }
  const ends = found.lines.map(([style, points], k) => {
    const {wide, kept} = current().paths[k];
    return draw(pen, {color: style, wide, kept, points: points.map(p => [p[0], p[1], 0])}, {at, lifted: false});
  });
  ends.forEach((spots, k) => dots(pen, spots, found.lines[k][0]));
  return at;
}
function drawLine() {
  if (!data.line) return;
  const at = chart(find('line'), data.line, false, 'share of the way: 0 first, 1 kept');
  const points = data.line.lines[0][1], pen = find('line').getContext('2d');
  const near = share => points.reduce((a, b) => Math.abs(b[0] - share) < Math.abs(a[0] - share) ? b : a);
  [[near(0.25 / 1.5), '#8d88a6'], [near(1.25 / 1.5), '#fff']].forEach(([p, edge], k) => {
    const q = at(p);
    if (!q) return;
    if (k) dots(pen, [[q, data.point]], edge);
    pen.beginPath();
    pen.arc(q[0], q[1], 5, 0, 7);
    if (!k) { pen.fillStyle = '#fff'; pen.fill(); }
    pen.fillStyle = ink;
    pen.textAlign = 'center';
    pen.fillText(k ? 'kept' : 'first', q[0], q[1] + (q[1] < 50 ? 20 : -12));
  });
}

function moved() {
  drawHill();
  drawMap();
  if (find('loss')) chart(find('loss'), current().chart, true, 'step');
  const end = Math.round(t * (length() - 1));
  const several = current().paths.length > 1;
  const says = current().paths.map(p => (several ? p.name + ': ' : '') + p.says[Math.min(end, p.says.length - 1)]);
  now.replaceChildren(...says.map((text, k) => {
    const item = document.createElement('span');
    if (says.length > 1) {
      const key = document.createElement('i');
      key.style.background = current().paths[k].color;
      item.append(key);
    }
    item.append(text);
    return item;
  }));
  time.value = Math.round(t * 1000);
  time.setAttribute('aria-valuetext', says.join('; '));
}
function stop() {
  cancelAnimationFrame(running);
  running = 0;
  play.textContent = 'Play';
}
function start() {
  if (t >= 1) t = 0;
  let before = performance.now();
  const seconds = Math.min(12, 3 + length() / 15);
  play.textContent = 'Pause';
  const tick = clock => {
    t = Math.min(1, t + Math.max(0, clock - before) / 1000 / seconds);
    before = clock;
    moved();
    if (t < 1) running = requestAnimationFrame(tick); else stop();
  };
  running = requestAnimationFrame(tick);
}
play.addEventListener('click', () => running ? stop() : start());
time.addEventListener('input', () => { stop(); t = time.value / 1000; moved(); });
for (const choice of document.querySelectorAll('input[name=plane]')) choice.addEventListener('change', () => {
  stop();
  plane = Number(choice.value);
  for (const text of document.querySelectorAll('[data-plane]')) text.hidden = text.dataset.plane !== choice.value;
  look();
  moved();
});
let held = null;
hill.addEventListener('pointerdown', e => { held = [e.clientX, e.clientY]; hill.setPointerCapture(e.pointerId); });
for (const end of ['pointerup', 'pointercancel']) hill.addEventListener(end, () => { held = null; });
function turn(x, y) {
  azimuth += x;
  elevation = Math.min(1.45, Math.max(0.12, elevation + y));
  drawHill();
}
hill.addEventListener('pointermove', e => {
  if (!held) return;
  turn((held[0] - e.clientX) * 0.009, (e.clientY - held[1]) * 0.006);
  held = [e.clientX, e.clientY];
});
hill.addEventListener('keydown', e => {
  const by = {ArrowLeft: [0.12, 0], ArrowRight: [-0.12, 0], ArrowUp: [0, 0.08], ArrowDown: [0, -0.08]}[e.key];
  if (by) { e.preventDefault(); turn(...by); }
});
new ResizeObserver(() => { moved(); drawLine(); }).observe(find('stage'));
if (length() < 2) find('player').hidden = true;
look();
