// A map of utterances, computed in Python; which neighbors it keeps is computed here.

const REACH = 12; // pixels from the pointer to a point that it means
const MAX_NAMES = 16; // more would cover the points
const PAUSE = 150; // milliseconds until a chosen recording is played

// Keeps what `make` returned for each name, as long as the keys are the same.
function cache() {
  const kept = {};
  return (name, keys, make) => {
    if (!kept[name]?.keys.every((key, i) => key === keys[i])) kept[name] = { keys, value: make() };
    return kept[name].value;
  };
}

const cached = cache(); // of `explore`, which is called for each frame

// --------------------------------------------------------------------------- numbers

function countLabels(labels, n) {
  const counts = new Array(n).fill(0);
  for (const label of labels) counts[label] += 1;
  return counts;
}

function findPurity({ neighbors, speakers }, labels) {
  const [n, k] = neighbors.shape;
  const same = neighbors.reduce((sum, j, i) => sum + (labels[j] === labels[Math.floor(i / k)]), 0);
  const pairs = countLabels(labels, speakers.length).reduce((sum, m) => sum + m * (m - 1), 0);
  return { purity: same / (n * k), chance: pairs / (n * (n - 1)), chanceKept: k / (n - 1) };
}

// The neighbors of an utterance in the original space, and on the map.
function findNeighbors({ points, neighbors, distances }, row) {
  const [n, k] = neighbors.shape;
  const own = (array) => Array.from(array.subarray(row * k, (row + 1) * k));
  const squares = Float64Array.from({ length: n }, (_, i) => (
    (points[2 * i] - points[2 * row]) ** 2 + (points[2 * i + 1] - points[2 * row + 1]) ** 2));
  squares[row] = Infinity;
  const order = Array.from(squares.keys()).sort((i, j) => squares[i] - squares[j]);
  const ranks = own(neighbors).map((j) => 1 + order.findIndex((i) => squares[i] === squares[j]));
  return { row, neighbors: own(neighbors), distances: own(distances), ranks, nearest: order.slice(0, k) };
}

function explore(data, { utterance, selected, shuffled }) {
  const { speakers, texts, preserved } = data;
  const labels = shuffled ? data.shuffled_labels : data.labels;
  const names = cached("names", [data], () => {
    const numbers = new Array(speakers.length).fill(0);
    return Array.from(data.labels, (label) => `${speakers[label]} ${(numbers[label] += 1)}`);
  });
  const name = (i) => (shuffled ? `${speakers[labels[i]]} (is ${names[i]})` : names[i]);
  const counts = cached("counts", [labels, selected], () => (
    [...countLabels(selected.map((i) => labels[i]), speakers.length).entries()]
      .filter(([, n]) => n).sort(([, n], [, m]) => m - n)));
  return {
    ...cached("purity", [data, labels], () => findPurity(data, labels)),
    ...cached("neighbors", [data, utterance], () => findNeighbors(data, utterance)),
    preserved, labels, name, selected, counts: counts.map(([, n]) => n),
    counted: counts.map(([label, n]) => `${speakers[label]} ${n}`),
    chosen: name(utterance) + (texts[utterance] ? `: \u201c${texts[utterance]}\u201d` : ""),
  };
}

// ------------------------------------------------------------------------------- map

// Give both axes the same scale, so that the points fill the plot.
function fit(plot, points) {
  const sides = [plot.right - plot.left, plot.bottom - plot.top];
  const ends = sides.map((_, axis) => {
    const values = points.filter((_, i) => i % 2 === axis);
    return [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
  });
  const scale = Math.max(...ends.map(([low, high], axis) => (high - low || 1) / (sides[axis] - 50)));
  [plot.axisX.domain, plot.axisY.domain] = ends.map(([low, high], axis) => (
    [-0.5, 0.5].map((part) => (low + high) / 2 + part * scale * sides[axis])));
  plot.rescale();
}

// Returns a function that finds the point nearest to a place, within reach, or -1.
function finder(plot, points) {
  const cells = {};
  const cell = (x, y) => `${Math.floor(x / REACH)} ${Math.floor(y / REACH)}`;
  const at = (i) => [plot.x(points[2 * i]), plot.y(points[2 * i + 1])];
  for (let i = 0; i < points.length / 2; i++) (cells[cell(...at(i))] ??= []).push(i);
  return (x, y) => {
    const steps = [-REACH, 0, REACH];
    const close = steps.flatMap((dx) => steps.flatMap((dy) => cells[cell(x + dx, y + dy)] ?? []));
    const far = close.map((i) => Math.hypot(at(i)[0] - x, at(i)[1] - y));
    const least = Math.min(REACH, ...far);
    return close[far.indexOf(least)] ?? -1;
  };
}

// A point is inside where a ray from it crosses the border an odd number of times.
function isInside(x, y, corners) {
  return corners.reduce((odd, [ax, ay], i) => {
    const [bx, by] = corners.at(i - 1);
    return ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax ? !odd : odd;
  }, false);
}

// Draw on a canvas of its own, once, what would be too slow for each frame.
function layer(plot, draw) {
  const canvas = node("canvas", { width: plot.canvas.width, height: plot.canvas.height });
  const { pen } = plot;
  plot.pen = canvas.getContext("2d");
  plot.pen.setTransform(pen.getTransform());
  draw();
  plot.pen = pen;
  return canvas;
}

// Coordinates of some points, along each axis.
function columns(points, rows) {
  return [0, 1].map((axis) => rows.map((i) => points[2 * i + axis]));
}

function drawPoints(plot, { points, speakers, colors }, { labels, selected }, size) {
  plot.points(...columns(points, selected), { color: "grid", size: size + 5 });
  const rows = speakers.map(() => []);
  labels.forEach((label, i) => rows[label].push(i));
  rows.forEach((own, speaker) => {
    const color = colors[speaker % colors.length];
    // Black is not visible on a dark page. Every second use of a color is hollow.
    plot.points(...columns(points, own), { color: color === "#000000" ? "ink" : color, size,
      hollow: Math.floor(speaker / colors.length) % 2 === 1 });
  });
  return rows;
}

// Write the name of each speaker near the middle of the points, away from other names.
function drawNames(plot, points, rows, speakers) {
  const { pen } = plot;
  Object.assign(pen, { font: "bold 12px system-ui, sans-serif", strokeStyle: plot.lab.color("paper"), lineWidth: 4 });
  const middle = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
  const boxes = rows.map((own) => { // of the groups, then also of the names
    const [x, y] = columns(points, own).map(middle);
    return { x: plot.x(x), y: plot.y(y), half: 8 };
  });
  boxes.slice().forEach(({ x, y }, speaker) => {
    const half = pen.measureText(speakers[speaker]).width / 2 + 3;
    // Eight directions, near ones first.
    const places = Array.from({ length: 80 }, (_, i) => {
      const [far, angle] = [15 + 6 * Math.floor(i / 8), ((i - 2) * Math.PI) / 4];
      return { x: x + (far + half) * Math.cos(angle), y: y + far * Math.sin(angle), half };
    });
    const isFree = (at) => at.x - half > plot.left && at.x + half < plot.right
      && at.y - 8 > plot.top && at.y + 8 < plot.bottom
      && boxes.every((box) => Math.abs(box.x - at.x) > box.half + half || Math.abs(box.y - at.y) > 16);
    const best = places.find(isFree) ?? places[0];
    boxes.push(best);
    Object.assign(pen, { textAlign: "center", textBaseline: "middle" });
    pen.strokeText(speakers[speaker], best.x, best.y);
    plot.write(speakers[speaker], best.x, best.y, { align: "center" });
  });
}

// Lines to the nearest in the original space; dashed to another speaker.
function drawLinks(plot, { points, neighbors }, row, labels, width) {
  const k = neighbors.shape[1];
  for (const i of neighbors.subarray(row * k, (row + 1) * k)) {
    plot.line(...columns(points, [row, i]), { ...styleOf(labels[i] === labels[row]), width });
  }
}

function styleOf(isSame) {
  return isSame ? { color: "same", dash: "solid" } : { color: "different", dash: "dashed" };
}

function drawRanks(plot, { row, neighbors, ranks, distances, labels, name }) {
  plot.label("kept", neighbors.length + 0.3, 0.35, { color: "muted", align: "right" });
  neighbors.forEach((i, j) => {
    const style = styleOf(labels[i] === labels[row]);
    plot.line([plot.axisX.domain[0], ranks[j]], [j + 1, j + 1], style);
    plot.points([ranks[j]], [j + 1], { ...style, size: 6 });
    plot.write(`${name(i)}, distance ${distances[j].toFixed(3)}`, plot.left + 6, plot.y(j + 1) - 14);
  });
}

// -------------------------------------------------------------------- sound, pointer

// Returns a function that plays a recording: from the kernel, or from the page.
function player(lab) {
  const audio = new Audio();
  let asked = false;
  const start = (address) => {
    audio.src = address;
    audio.play().catch(() => {}); // a browser may refuse before the first click
  };
  lab.model.on("msg:custom", ({ sound }) => {
    if (asked && sound) start(sound);
    asked = false;
  });
  return (row) => {
    audio.pause();
    asked = lab.model.send !== undefined;
    if (asked) lab.model.send({ play: row });
    else if (lab.data.sounds[row]) start(lab.data.sounds[row]);
  };
}

// Hover, click and lasso. Returns what the pointer does now.
function follow(lab, { canvas }, find, { choose, select }) {
  const now = { hover: -1, lasso: [] };
  const on = (type, act) => canvas.addEventListener(type, (event) => lab.timed(() => {
    act([event.offsetX, event.offsetY], event);
    lab.schedule();
  }));
  on("pointerdown", (here, event) => {
    canvas.setPointerCapture(event.pointerId);
    now.lasso = [here];
  });
  on("pointermove", (here) => {
    if (now.lasso.length) now.lasso.push(here);
    now.hover = now.lasso.length ? -1 : find(...here);
  });
  on("pointerleave", () => { now.hover = -1; });
  on("pointercancel", () => { now.lasso = []; });
  on("pointerup", (here) => {
    const { lasso } = now;
    now.lasso = [];
    const row = find(...here);
    if (lasso.some(([x, y]) => Math.hypot(x - lasso[0][0], y - lasso[0][1]) > 4)) select(lasso);
    else if (row >= 0) choose(row);
    else select([]);
  });
  return now;
}

function addControls(lab, play) {
  const { settings, choices, labels, sounds } = lab.data;
  const hasKernel = lab.model.send !== undefined; // without it, there are no other maps
  lab.slider("utterance", { label: "utterance", min: 0, max: labels.length - 1, step: 1,
    text: (row) => explore(lab.data, lab.values).name(row) });
  if (hasKernel || Object.keys(sounds).length) lab.button("play", () => play(lab.values.utterance));
  const choose = (name, label, options) => {
    lab.choice(name, { label, options });
    lab.controls.lastChild.style.cssText = "display: flex; flex-wrap: wrap; gap: 0 12px";
  };
  choose("shuffled", "names", [[false, "true"], [true, "shuffled"]]);
  if (!hasKernel) return;
  for (const [name, values] of Object.entries(choices)) {
    choose(name, name.replace("_", " "), values.map((value) => [value, String(value)]));
  }
  lab.button("another seed", () => lab.set({ seed: lab.values.seed + 1 }));
}

export default widget({
  title: "Speaker explorer",
  compute: explore,
  readout: ({ purity, chance, preserved, chanceKept, chosen, selected, counted }) => [
    ["neighbor purity", `${purity.toFixed(2)} (chance ${chance.toFixed(2)})`],
    ["neighbors kept on the map", `${(100 * preserved).toFixed(0)}\u00a0% (chance ${(100 * chanceKept).toFixed(0)}\u00a0%)`],
    ["chosen", chosen],
    ["selected with a lasso", selected.length
      ? `${selected.length}: ${counted.slice(0, 4).join(", ")}${counted.length > 4 ? ", \u2026" : ""}` : "none"],
  ],
  build(lab) {
    const kept = cache();
    const play = player(lab);
    addControls(lab, play);
    const [n, k] = lab.data.neighbors.shape;
    const map = lab.plot({ title: "", height: 340, describe: "A map of all utterances, colored by speaker",
      x: { label: "UMAP 1 (no unit)", domain: [0, 1], ticks: [] },
      y: { label: "UMAP 2 (no unit)", domain: [0, 1], ticks: [] } });
    map.node.style.flexGrow = 1.6;
    const ranks = lab.plot({ title: "Where the map puts these neighbors", height: 340,
      describe: "For each neighbor in the original space, its rank by distance on the map",
      x: { label: "rank on the map (1: nearest)", domain: [0.8, n], kind: "log" },
      y: { label: "rank in the original space", domain: [k + 0.4, 0.1], ticks: Array.from({ length: k }, (_, i) => i + 1) } });
    const size = Math.min(Math.max(50 / Math.sqrt(n), 1.3), 4);
    let find;
    let heard = lab.values.utterance;
    let timer;
    const now = follow(lab, map, (x, y) => find(x, y), {
      choose: (row) => (row === lab.values.utterance ? play(row) : lab.set({ utterance: row })),
      select: (corners) => {
        const { points } = lab.data;
        lab.set({ selected: corners.length ? Array.from({ length: n }, (_, i) => i).filter((i) => (
          isInside(map.x(points[2 * i]), map.y(points[2 * i + 1]), corners))) : [] });
      } });

    return (numbers, { utterance, ...values }) => {
      const { data } = lab;
      const { name, labels, neighbors } = numbers;
      const isOld = Object.entries(data.settings).some(([key, value]) => values[key] !== value);
      const places = [data.points, map.width, map.canvas.width];
      kept("fit", places, () => fit(map, data.points));
      map.rescale();
      find = kept("finder", places, () => finder(map, data.points));
      const picture = kept("picture", [...places, labels, numbers.selected, lab.palette], () => layer(map, () => {
        const rows = drawPoints(map, data, numbers, size);
        if (rows.length <= MAX_NAMES && !values.shuffled) drawNames(map, data.points, rows, data.speakers);
      }));
      map.pen.drawImage(picture, 0, 0, map.width, map.canvas.clientHeight);
      if (now.hover >= 0) drawLinks(map, data, now.hover, labels, 1);
      drawLinks(map, data, utterance, labels, 2);
      map.points(...columns(data.points, numbers.nearest), { size: size + 3, hollow: true });
      for (const extra of [5, 6]) map.points(...columns(data.points, [utterance]), { size: size + extra, hollow: true });
      map.pen.setLineDash(SVG_DASH.dashed);
      map.stroke(now.lasso);
      map.pen.setLineDash([]);
      const shared = neighbors.filter((i) => numbers.nearest.includes(i)).length;
      map.title.textContent = isOld ? "Computing a map \u2026" : `${shared} of ${k} neighbors (lines) are also nearest on the map (rings)`;
      const [x, y] = now.hover < 0 ? [] : [map.x(data.points[2 * now.hover]), map.y(data.points[2 * now.hover + 1])];
      lab.tooltip(map, now.hover >= 0 && name(now.hover), x, y);
      ranks.band([0.8, k + 0.5]);
      drawRanks(ranks, numbers);
      if (utterance !== heard) {
        heard = utterance;
        clearTimeout(timer);
        timer = setTimeout(() => play(utterance), PAUSE);
      }
    };
  },
});
