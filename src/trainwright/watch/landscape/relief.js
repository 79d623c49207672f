// The relief in perspective; faces are painted from the farthest to the nearest.
function camera(width, height) {
  const [c, s, e, f] = [Math.cos(azimuth), Math.sin(azimuth), Math.cos(elevation), Math.sin(elevation)];
  const scale = Math.min(width, height * 1.15) * 1.34;
  return p => {
    const x = p[0] - 0.5, y = p[1] - 0.5, z = (p[2] - 0.5) * 0.6;
    const right = x * c - y * s, away = x * s + y * c, depth = 2.6 + away * e - z * f, k = scale / depth;
    return [width / 2 + 16 + right * k, height * 0.46 - (z * e + away * f) * k, depth];
  };
}
function drawHill() {
  const [pen, width, height] = prepare(hill, hill.clientWidth - MARGINS + 72);
  const shown = current(), n = shown.columns, m = shown.heights.length / n;
  const at = camera(width, height), light = [-0.45, 0.35, 0.82], faces = [];
  const floor = [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]].map(at);
  pen.beginPath();
  floor.forEach((p, k) => k ? pen.lineTo(p[0], p[1]) : pen.moveTo(p[0], p[1]));
  pen.closePath();
  pen.strokeStyle = line;
  pen.lineWidth = 1;
  pen.stroke();
  const spots = shown.heights.map((h, k) => at([(k % n) / (n - 1), Math.floor(k / n) / (m - 1), Math.max(h, 0)]));
  for (let j = 0; j < m - 1; j++) for (let i = 0; i < n - 1; i++) {
    const q = [j * n + i, j * n + i + 1, (j + 1) * n + i + 1, (j + 1) * n + i], h = q.map(k => shown.heights[k]);
    if (Math.min(...h) < 0) continue;
    const east = (h[1] - h[0] + h[2] - h[3]) * 0.31 * (n - 1), north = (h[3] - h[0] + h[2] - h[1]) * 0.31 * (m - 1);
    const bright = (light[2] - east * light[0] - north * light[1]) / Math.hypot(east, north, 1);
    const shade = color((h[0] + h[1] + h[2] + h[3]) / 4, 0.62 + 0.5 * Math.max(bright, 0));
    faces.push([q.reduce((sum, k) => sum + spots[k][2], 0), q, css(shade)]);
  }
  faces.sort((a, b) => b[0] - a[0]);
  pen.lineWidth = 0.8;
  for (const [, q, style] of faces) {
    pen.beginPath();
    q.forEach((k, place) => place ? pen.lineTo(spots[k][0], spots[k][1]) : pen.moveTo(spots[k][0], spots[k][1]));
    pen.closePath();
    pen.fillStyle = pen.strokeStyle = style;
    pen.fill();
    pen.stroke();
  }
  frame(pen, at, shown);
  paths(pen, {at: p => at([p[0], p[1], (p[2] || 0) + 0.006]), lifted: true});
}
// The two edges of the floor that are nearest, and the height at the corner that is farthest to the left.
function frame(pen, at, shown) {
  const corners = [[0, 0], [1, 0], [1, 1], [0, 1]], spots = corners.map(c => at([...c, 0])), middle = at([0.5, 0.5, 0]);
  const near = spots.reduce((a, p, k) => p[2] < spots[a][2] ? k : a, 0), [cx, cy] = corners[near];
  const out = (p, by) => {
    const d = Math.hypot(p[0] - middle[0], p[1] - middle[1]);
    return p.slice(0, 2).map((v, k) => v + (v - middle[k]) / d * by);
  };
  pen.fillStyle = faint;
  pen.textAlign = 'center';
  for (const [axis, place] of [[0, v => at([v, cy, 0])], [1, v => at([cx, v, 0])]]) {
    for (const [v, text] of shown.ticks[axis]) pen.fillText(text, ...out(place(v), 13));
    const name = shown.axes[axis].split(' (')[0].split(':')[0];
    pen.fillText(name, ...out(place(0.5), 30));
  }
  const left = spots.reduce((a, p, k) => p[0] < spots[a][0] ? k : a, 0), up = v => at([...corners[left], v]);
  stroke(pen, [up(0), up(1)], line, 1);
  pen.textAlign = 'right';
  for (const [v, text] of shown.ticks[2]) pen.fillText(text, up(v)[0] - 6, up(v)[1] + 4);
  pen.textAlign = 'left';
  pen.fillText(shown.scale, 4, Math.max(14, up(1)[1] - 14));
}
function look() {
  // From the lower side, so that the higher one hides little.
  const shown = current(), n = shown.columns, m = shown.heights.length / n;
  let east = 0, north = 0, count = 0;
  shown.heights.forEach((h, k) => {
    if (h >= 0) { east += h * ((k % n) / (n - 1) - 0.5); north += h * (Math.floor(k / n) / (m - 1) - 0.5); count++; }
  });
  const lower = Math.hypot(east, north) > 0.01 * count ? Math.atan2(east, north) : 0.6, quarter = Math.PI / 2;
  azimuth = Math.round((lower - 0.6) / quarter) * quarter + 0.6; // over a corner
}
