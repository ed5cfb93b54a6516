// A map of utterances, computed in Python; which neighbors it keeps is computed here.

const REACH = 12; // pixels from the pointer to a point that it means, and that a click may move
const MAX_NAMES = 16; // more would cover the points

// --------------------------------------------------------------------------- numbers

function countLabels(labels, n) {
  const counts = new Array(n).fill(0);
  for (const label of labels) counts[label] += 1;
  return counts;
}

function findPurity({ neighbors, speakers }, labels) {
  const [n, k] = neighbors.shape;
  const same = neighbors.reduce((total, j, i) => total + (labels[j] === labels[Math.floor(i / k)]), 0);
  const pairs = sum(countLabels(labels, speakers.length).map((m) => m * (m - 1)));
  return { purity: same / (n * k), chance: pairs / (n * (n - 1)), chanceKept: k / (n - 1) };
}

// The coordinates of some utterances on the map: all x, and all y.
function coordinates({ points }, rows) {
  const n = points.shape[1];
  return [0, n].map((start) => Array.from(rows, (i) => points[start + i]));
}

// The neighbors of an utterance, their ranks on the map, and the nearest ones on the map.
function findNeighbors({ points, neighbors: all }, row) {
  const [n, k] = all.shape;
  const neighbors = Array.from(all.subarray(row * k, (row + 1) * k));
  const squares = Float64Array.from(range(n, (i) => (
    (points[i] - points[row]) ** 2 + (points[n + i] - points[n + row]) ** 2)));
  squares[row] = Infinity;
  const sorted = squares.toSorted();
  return { neighbors, ranks: neighbors.map((j) => 1 + sorted.indexOf(squares[j])),
    nearest: range(n).filter((i) => squares[i] <= sorted[k - 1]) };
}

const listed = (all) => all.slice(0, 4).join(", ") + (all.length > 4 ? ", \u2026" : "");

function explore(data, { utterance, selected, shuffled }) {
  const { speakers, texts, preserved } = data;
  const labels = shuffled ? data.shuffled_labels : data.labels;
  const names = keep(data, "names", [], () => {
    const numbers = speakers.map(() => 0);
    return Array.from(data.labels, (label) => `${speakers[label]} ${(numbers[label] += 1)}`);
  });
  const name = (i) => (shuffled ? `${speakers[labels[i]]} (is ${names[i]})` : names[i]);
  const counted = keep(data, "counts", [labels, selected], () => (
    [...countLabels(selected.map((i) => labels[i]), speakers.length).entries()]
      .filter(([, n]) => n).sort(([, n], [, m]) => m - n)));
  return {
    ...keep(data, "purity", [labels], () => findPurity(data, labels)),
    ...keep(data, "neighbors", [utterance], () => findNeighbors(data, utterance)),
    preserved, labels, name, selected,
    counts: counted.map(([, n]) => n), counted: counted.map(([label, n]) => `${speakers[label]} ${n}`),
    chosen: name(utterance) + (texts[utterance] ? `: \u201c${texts[utterance]}\u201d` : ""),
  };
}

// ------------------------------------------------------------------------------- map

// Give both axes the same scale, so that the points fill the plot; returns their places.
function fit(plot, { points }) {
  const n = points.shape[1];
  const along = [points.subarray(0, n), points.subarray(n)];
  const sides = [plot.right - plot.left, plot.bottom - plot.top];
  const ends = along.map((values) => [Math.min, Math.max].map((end) => values.reduce((a, b) => end(a, b))));
  const scale = Math.max(...ends.map(([low, high], axis) => (high - low || 1) / (sides[axis] - 50)));
  [plot.axisX.domain, plot.axisY.domain] = ends.map(([low, high], axis) => (
    [-0.5, 0.5].map((part) => (low + high) / 2 + part * scale * sides[axis])));
  plot.rescale();
  return [along[0].map((x) => plot.x(x)), along[1].map((y) => plot.y(y))];
}

// The row of the point nearest to a place, within reach, or -1.
function findRow([xs, ys], [x, y]) {
  let [found, least] = [-1, REACH ** 2];
  for (let i = 0; i < xs.length; i++) {
    const square = (xs[i] - x) ** 2 + (ys[i] - y) ** 2;
    if (square < least) [found, least] = [i, square];
  }
  return found;
}

function rowsInside([xs, ys], corners) {
  const path = new Path2D();
  for (const corner of corners) path.lineTo(...corner);
  const pen = node("canvas").getContext("2d");
  return [...xs.keys()].filter((i) => pen.isPointInPath(path, xs[i], ys[i], "evenodd"));
}

// Draw the points once: that would be too slow for each frame. Returns a copy of the plot.
function drawPoints(plot, data, { labels, selected }, places) {
  const { points: { shape: [, n] }, speakers, colors } = data;
  const size = clamp(50 / Math.sqrt(n), 1.3, 4);
  plot.points(...coordinates(data, selected), { color: "grid", size: size + 5 });
  const rows = speakers.map(() => []);
  labels.forEach((label, i) => rows[label].push(i));
  rows.forEach((own, speaker) => {
    const color = colors[speaker % colors.length];
    // Black is not visible on a dark page. Every second use of a color is hollow.
    plot.points(...coordinates(data, own), { color: color === "#000000" ? "ink" : color, size,
      hollow: Math.floor(speaker / colors.length) % 2 === 1 });
  });
  if (labels === data.labels && speakers.length <= MAX_NAMES) drawNames(plot, rows, speakers, places);
  const copy = node("canvas", { width: plot.canvas.width, height: plot.canvas.height });
  copy.getContext("2d").drawImage(plot.canvas, 0, 0);
  return copy;
}

// Write the name of each speaker beside the middle of the points, away from other names.
function drawNames(plot, rows, speakers, places) {
  const { pen } = plot;
  Object.assign(pen, { font: "bold 12px system-ui, sans-serif", strokeStyle: plot.lab.color("paper"),
    lineWidth: 4, textAlign: "center", textBaseline: "middle" });
  const boxes = rows.map((own) => { // of the groups, then also of the names
    const [x, y] = places.map((along) => own.map((i) => along[i]).sort((a, b) => a - b)[own.length >> 1]);
    return { x, y, half: 8 };
  });
  boxes.slice().forEach(({ x, y }, speaker) => {
    const text = speakers[speaker];
    const half = pen.measureText(text).width / 2 + 3;
    const tried = range(80, (i) => { // near places first, each time in eight directions
      const [far, angle] = [15 + 6 * Math.floor(i / 8), ((i - 2) * Math.PI) / 4];
      return { half, x: clamp(x + (far + half) * Math.cos(angle), plot.left + half, plot.right - half),
        y: clamp(y + far * Math.sin(angle), plot.top + 8, plot.bottom - 8) };
    });
    const best = tried.find((at) => boxes.every((box) => (
      Math.abs(box.x - at.x) > box.half + half || Math.abs(box.y - at.y) > 16))) ?? tried[0];
    boxes.push(best);
    pen.strokeText(text, best.x, best.y);
    plot.write(text, best.x, best.y, { align: "center" });
  });
}

// Dashed to another speaker.
function styleOf(isSame) {
  return isSame ? { color: "same", dash: "solid" } : { color: "different", dash: "dashed" };
}

function drawRanks(plot, { neighbors, ranks, labels, name }, row) {
  plot.band([plot.axisX.domain[0], neighbors.length + 0.5]);
  plot.label("kept", neighbors.length + 0.3, 0.35, { color: "muted", align: "right" });
  neighbors.forEach((i, j) => {
    const style = styleOf(labels[i] === labels[row]);
    plot.line([plot.axisX.domain[0], ranks[j]], [j + 1, j + 1], style);
    plot.points([ranks[j]], [j + 1], { ...style, size: 6 });
    plot.write(name(i), plot.left + 6, plot.y(j + 1) - 14);
  });
}

// -------------------------------------------------------------------- sound, pointer

// Returns a function that plays a recording: from the kernel, or from the page.
function player(lab) {
  const audio = new Audio();
  let asked = false; // other views of the same lab get the answer, too
  const start = (address) => {
    audio.src = address;
    audio.play().catch(() => {}); // a browser may refuse before the first click
  };
  lab.model.on("msg:custom", ({ sound }) => {
    if (asked) start(sound);
    asked = false;
  });
  return (row) => {
    audio.pause();
    asked = lab.model.send !== undefined;
    if (asked) lab.model.send({ play: row });
    else if (lab.data.sounds[row]) start(lab.data.sounds[row]);
  };
}

// Returns where the pointer is and what it has encircled so far; `release` gets the lasso.
function follow(lab, { canvas }, release) {
  const now = { at: null, lasso: [] };
  const on = (type, act) => canvas.addEventListener(type, (event) => lab.timed(() => {
    act([event.offsetX, event.offsetY], event);
    lab.schedule();
  }));
  on("pointerdown", (here, { pointerId }) => {
    canvas.setPointerCapture(pointerId);
    now.lasso = [here];
  });
  on("pointermove", (here) => {
    now.at = here;
    if (now.lasso.length) now.lasso.push(here);
  });
  on("pointerleave", () => { now.at = null; });
  on("lostpointercapture", () => now.lasso.length && release(now.lasso.splice(0)));
  return now;
}

function addControls(lab, play) {
  const { choices, labels, sounds } = lab.data;
  const hasKernel = lab.model.send !== undefined; // without it, there are no other maps
  const present = () => explore(lab.data, lab.values);
  lab.slider("utterance", { label: "utterance", min: 0, max: labels.length - 1, step: 1,
    text: (row) => present().name(row) });
  lab.controls.lastChild.addEventListener("change", () => play(lab.values.utterance));
  if (hasKernel || Object.values(sounds).some(Boolean)) lab.button("play", () => play(lab.values.utterance));
  lab.button("select this speaker", () => {
    const { labels: all } = present();
    lab.set({ selected: range(all.length).filter((i) => all[i] === all[lab.values.utterance]) });
  });
  lab.button("clear the selection", () => lab.set({ selected: [] }));
  lab.switch("shuffled", "shuffle the names");
  if (!hasKernel) return;
  for (const [name, values] of Object.entries(choices)) {
    const options = values.map((value) => [value, shown(value)]);
    lab.choice(name, { label: name.replace("_", " "), options });
  }
  lab.button("another seed", () => lab.set({ seed: lab.values.seed + 1 }));
}

export default widget({
  title: "Speaker explorer",
  compute: explore,
  readout: ({ purity, chance, preserved, chanceKept, chosen, selected, counted }) => [
    ["neighbors with the same name", `${percent(purity, 0)} (chance ${percent(chance, 0)})`],
    ["neighbors kept on the map", `${percent(preserved, 0)} (chance ${percent(chanceKept, 0)})`],
    ["chosen", chosen],
    ["selected", selected.length ? `${selected.length}: ${listed(counted)}` : "none"],
  ],
  build(lab) {
    const play = player(lab);
    addControls(lab, play);
    const [n, k] = lab.data.neighbors.shape;
    const map = lab.plot({ title: "", height: 420, style: "flex-grow: 1.6",
      describe: "A map of all utterances, colored by speaker",
      x: { label: "UMAP 1 (no unit)", domain: [0, 1], ticks: [] },
      y: { label: "UMAP 2 (no unit)", domain: [0, 1], ticks: [] } });
    const ranks = lab.plot({ title: "Where the map puts these neighbors", height: 420,
      describe: "For each neighbor in the original space, its rank by distance on the map",
      x: { label: "rank on the map (1: nearest)", domain: [0.8, n], kind: "log" },
      y: { label: "rank in the original space", domain: [k + 0.4, 0.1], ticks: range(k, (i) => i + 1) } });
    let places;
    const now = follow(lab, map, (lasso) => {
      const [x, y] = lasso[0];
      const row = findRow(places, [x, y]);
      const isClick = row >= 0 && lasso.every((at) => Math.hypot(at[0] - x, at[1] - y) < REACH);
      lab.set(isClick ? { utterance: row } : { selected: rowsInside(places, lasso) });
      if (isClick) play(row);
    });
    return (numbers, { utterance, ...values }) => {
      const { data } = lab;
      const { labels, selected, ranks: found } = numbers;
      places = keep(data, "places", [map.width, map.canvas.width], () => fit(map, data));
      const picture = keep(data, "picture", [places, labels, selected, lab.palette], () => (
        drawPoints(map, data, numbers, places)));
      map.pen.clearRect(0, 0, map.width, map.canvas.clientHeight);
      map.pen.drawImage(picture, 0, 0, map.width, map.canvas.clientHeight);
      const hover = now.at && !now.lasso.length ? findRow(places, now.at) : -1;
      for (const i of numbers.neighbors) {
        map.line(...coordinates(data, [utterance, i]), styleOf(labels[i] === labels[utterance]));
      }
      map.points(...coordinates(data, numbers.nearest), { size: 6, hollow: true, color: "muted" });
      map.points(...coordinates(data, [utterance]), { size: 9, hollow: true });
      map.write("click a point, or drag around several", map.left + 6, map.bottom - 10, { color: "muted" });
      map.stroke(now.lasso);
      const isOld = Object.entries(data.settings).some(([key, value]) => values[key] !== value);
      const kept = found.filter((rank) => rank <= k).length;
      map.title.textContent = isOld ? "Computing a map \u2026"
        : `${kept} of ${k} neighbors (lines) are also nearest on the map (rings)`;
      lab.tooltip(map, hover >= 0 && numbers.name(hover), places[0][hover], places[1][hover]);
      drawRanks(ranks, numbers, utterance);
    };
  },
});
