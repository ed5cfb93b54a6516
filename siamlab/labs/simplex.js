// Points of several speakers on the triangle of distributions over three outputs, moved by
// gradient descent on the KL-hinge loss. Without a softmax they leave it.

const EPSILON = 1e-7; // lower bound of the clip in the posted program
const TINY = 1e-30; // keeps logarithms and quotients finite
const [LEARNING_RATE, MAX_STEP] = [3, 0.05]; // as in Python
const TILT = 0.4; // radians; without a softmax, the triangle is seen from above its edge
const COLORS = ["green", "orange", "purple", "sky", "ink"];
const REACH = 28; // how near to a point it can be grabbed, in pixels
const KEYS = { ArrowLeft: [-5, 0], ArrowRight: [5, 0], ArrowDown: [0, 5], ArrowUp: [0, -5],
  PageDown: [0, 40], PageUp: [0, -40], Home: [-1e3, 1e3], End: [0, -1e3] }; // pixels
const CORNERS = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];

const clip = (x) => Math.min(Math.max(x, EPSILON), 1);
const isDead = (x) => x < EPSILON || x > 1;

function softmaxOf(logits) {
  const largest = Math.max(...logits);
  const powers = logits.map((x) => Math.exp(x - largest));
  const total = sum(powers);
  return powers.map((x) => x / total);
}

const kl = (p, log, other) =>
  p[0] * (log[0] - other[0]) + p[1] * (log[1] - other[1]) + p[2] * (log[2] - other[2]);

// The statistics of some outputs, of `n` points per speaker, and the outputs after one step.
function measured(outputs, n, { margin, directions, softmax }) {
  const p = softmax ? outputs : outputs.map((row) => row.map(clip));
  const logs = p.map((row) => row.map((x) => Math.log(Math.max(x, TINY))));
  const gradient = p.map(() => [0, 0, 0]);
  const pull = (i, j, weight) => {
    const one = gradient[i];
    const other = gradient[j];
    for (let k = 0; k < 3; k++) {
      one[k] += weight * (logs[i][k] - logs[j][k] + 1);
      other[k] -= weight * p[i][k] / Math.max(p[j][k], TINY);
    }
  };
  const counts = [p.length * (n - 1) / 2, p.length * (p.length - n) / 2]; // same, different
  const totals = [0, 0];
  const pushed = new Array(60).fill(0); // at 24: pairs of speakers 2 and 4 that are pushed apart
  // No arrays are made in this loop: it runs 65,000 times for 150 steps of 30 points.
  for (let i = 0; i < p.length; i++) {
    const a = Math.floor(i / n) + 1;
    for (let j = i + 1; j < p.length; j++) {
      const b = Math.floor(j / n) + 1;
      const kind = a === b ? 0 : 1;
      const forward = kl(p[i], logs[i], logs[j]);
      const backward = kl(p[j], logs[j], logs[i]);
      // What is compared with the margin; both are equal unless each direction has a hinge.
      const first = directions === "summed" ? forward + backward : forward;
      const second = directions === "each" ? backward : first;
      totals[kind] += (first + second) / 2;
      if (kind && (first < margin || second < margin)) pushed[10 * a + b] += 1;
      const weight = (kind ? -1 : 1) / counts[kind];
      if (!kind || first < margin) pull(i, j, weight);
      if (directions !== "one" && (!kind || second < margin)) pull(j, i, weight);
    }
  }
  const next = outputs.map((row, i) => {
    const mean = sum(gradient[i].map((g, k) => g * p[i][k]));
    const slope = gradient[i].map((g, k) => (softmax ? p[i][k] * (g - mean) : isDead(row[k]) ? 0 : g));
    const share = Math.min(LEARNING_RATE, MAX_STEP / (Math.hypot(...slope) + TINY));
    const moved = (softmax ? logs[i] : row).map((x, k) => x - share * slope[k]);
    return softmax ? softmaxOf(moved) : moved;
  });
  const sums = outputs.map(sum);
  return { outputs, next, pushed, active: sum(pushed) / counts[1],
    same_speaker: totals[0] / counts[0], different_speaker: totals[1] / counts[1],
    dead: softmax ? 0 : outputs.flat().filter(isDead).length / (3 * p.length),
    min_sum: Math.min(...sums), max_sum: Math.max(...sums) };
}

// All steps up to the present one; those that were computed before are kept.
let known = { settings: [] };

function descent(data, { step, ...values }) {
  const settings = [data, ...Object.values(values)];
  if (settings.some((value, i) => value !== known.settings[i])) {
    const mine = values.points.slice(0, data.n_points * values.n_speakers);
    const start = values.softmax ? mine.map((row) => softmaxOf(row.map((x) => Math.log(clip(x))))) : mine;
    known = { settings, path: [measured(start, data.n_points, values)] };
  }
  const { path } = known;
  while (path.length <= step) path.push(measured(path.at(-1).next, data.n_points, values));
  return path.slice(0, step + 1);
}

// Corners of the triangle are at distance 1 from its center; the sum of a point is its height.
function project(row, tilt) {
  const height = (row[0] + row[1] + row[2] - 1) * Math.SQRT1_2;
  const y = row[2] - (row[0] + row[1]) / 2;
  return [Math.sqrt(0.75) * (row[1] - row[0]), y * Math.cos(tilt) + height * Math.sin(tilt)];
}

// The outputs at a place of the picture, with the sum of `row`.
function unproject([x, up], row, softmax) {
  const [total, tilt] = [sum(row), softmax ? 0 : TILT];
  const y = (up - (total - 1) * Math.SQRT1_2 * Math.sin(tilt)) / Math.cos(tilt);
  const found = [-Math.sqrt(3) * x - y, Math.sqrt(3) * x - y, 2 * y].map((z) => (total + z) / 3);
  if (!softmax) return found.map((z) => Math.min(Math.max(z, -0.2), 1.2));
  const inside = found.map((z) => Math.max(z, 0.005));
  return inside.map((z) => z / sum(inside));
}

function finding(pushed, { softmax, step, n_speakers: n }) {
  const pairs = Object.keys(pushed).filter((pair) => pushed[pair]);
  if (!softmax && step) return "Points leave the triangle; hollow: outside of the clip";
  if (!pairs.length) return "All speakers are farther apart than the margin";
  if (pairs.length === 1) return `Speakers ${[...pairs[0]].join(" and ")} are closer than the margin`;
  return `${pairs.length} of ${n * (n - 1) / 2} pairs of speakers are closer than the margin`;
}

function addButtons(lab, nSteps) {
  let timer;
  const play = lab.button("play", () => run(!timer));
  const advance = () => {
    if (lab.values.step >= nSteps || !lab.root.isConnected) run(false);
    else lab.set({ step: lab.values.step + 1 });
  };
  const run = (starts) => {
    clearInterval(timer);
    timer = starts && setInterval(advance, 50);
    play.textContent = starts ? "pause" : "play";
    if (starts && lab.values.step >= nSteps) lab.set({ step: 0 });
  };
  lab.button("one step", advance);
  lab.controls.addEventListener("click", ({ target }) => target.textContent === "reset" && run(false));
}

// Points are dragged on the canvas; for the keyboard, one slider stands for one of them.
// `move` takes the number of a point and a place; `describe` returns attributes.
function addHandle(plot, { places, move, describe }) {
  let [chosen, isDragged] = [0, false];
  const grip = node("div", { role: "slider", tabindex: 0, "aria-valuemin": 0, "aria-valuemax": 1, style:
    "position:absolute;left:-12px;top:-12px;width:24px;height:24px;border-radius:50%;pointer-events:none" });
  const go = (x, y) => plot.lab.timed(() => move(chosen, [plot.x.invert(x), plot.y.invert(y)]));
  const on = (target, name, react) => target.addEventListener(name, react);
  on(plot.canvas, "pointerdown", (event) => {
    const far = places().map(([x, y]) => Math.hypot(x - event.offsetX, y - event.offsetY));
    if (event.button || Math.min(...far) > REACH) return;
    [chosen, isDragged] = [far.indexOf(Math.min(...far)), true];
    plot.canvas.setPointerCapture(event.pointerId);
    grip.focus({ preventScroll: true });
    event.preventDefault();
  });
  on(plot.canvas, "pointermove", (event) => isDragged && go(event.offsetX, event.offsetY));
  on(plot.canvas, "lostpointercapture", () => { isDragged = false; });
  on(grip, "keydown", (event) => {
    const [x, y] = places()[chosen];
    const [right, down] = KEYS[event.key] ?? [0, 0];
    if (right || down) go(x + right, y + down);
    else if (event.key === "Enter") chosen += 1;
    else return;
    plot.lab.schedule();
    event.preventDefault();
  });
  plot.canvas.style.cursor = "grab";
  plot.frame.append(grip);
  plot.handles.push(() => {
    chosen %= places().length;
    grip.style.transform = `translate(${places()[chosen].map((x) => `${x}px`)})`;
    for (const [name, value] of Object.entries(describe(chosen))) grip.setAttribute(`aria-${name}`, value);
  });
}

function drawTriangle(plot, path, tilt, n) {
  const { pen, lab } = plot;
  // One unit has the same length along both axes.
  const half = 1.05 * (plot.right - plot.left) / (plot.bottom - plot.top);
  plot.axisX.domain = [-half, half];
  plot.rescale();
  const at = (row) => {
    const [x, y] = project(row, tilt);
    return [plot.x(x), plot.y(y)];
  };
  const color = (name) => { pen.strokeStyle = pen.fillStyle = lab.color(name); };
  color("faint");
  plot.stroke([...CORNERS, CORNERS[0]].map(at));
  pen.fill();
  color("muted");
  pen.stroke();
  // Without a softmax, the clip keeps outputs in a cube.
  for (let i = 0; tilt && i < 8; i++) {
    for (const bit of [1, 2, 4]) plot.stroke([i, i | bit].map((c) => at([c & 1, (c >> 1) & 1, c >> 2])));
  }
  pen.font = "12px system-ui, sans-serif";
  CORNERS.forEach((corner, k) => {
    const [x, y] = at(corner);
    const [align, dx, dy] = [["left", -30, 22], ["right", 30, 22], ["center", 0, -18]][k];
    plot.write(`output ${k + 1}`, x + dx, y + dy, { align });
  });
  plot.write("drag the points", plot.left, plot.top + 8, { color: "muted" });
  const { outputs } = path.at(-1);
  outputs.forEach((_, i) => {
    color(COLORS[Math.floor(i / n)]);
    plot.stroke(path.map((step) => at(step.outputs[i])));
  });
  outputs.forEach((row, i) => {
    const colors = [COLORS[Math.floor(i / n)], "paper"];
    if (tilt && row.some(isDead)) colors.reverse();
    color(colors[0]);
    pen.beginPath();
    pen.arc(...at(row), 7.5, 0, 2 * Math.PI);
    pen.fill();
    color(colors[1]);
    pen.stroke();
    plot.write(String(Math.floor(i / n) + 1), ...at(row), { align: "center", color: colors[1], bold: true });
  });
  return outputs.map(at);
}

function drawCurves(plot, path, nSteps, margin) {
  const labels = [[`margin ${margin.toFixed(1)}`, margin, "ink"]];
  plot.line([0, 1.07 * nSteps], [margin, margin], { width: 1, dash: "dashed" });
  for (const name of ["same", "different"]) {
    const values = path.map((step) => step[`${name}_speaker`]);
    plot.line([...values.keys()], values, { color: name });
    labels.push([name, values.at(-1), name]);
  }
  let free = 0; // below the label before
  for (const [text, value, color] of labels.sort((one, other) => other[1] - one[1])) {
    const y = Math.max(plot.y(value), free);
    free = y + 16;
    plot.write(text, plot.x(1.07 * nSteps) + 14, y, { color, bold: true });
  }
}

export default widget({
  title: "Simplex lab",
  compute: (data, values) => descent(data, values).at(-1),
  readout: (found, { step }) => [
    ["step", String(step)],
    ["same-speaker pairs", `${found.same_speaker.toFixed(2)} nats`],
    ["different-speaker pairs", `${found.different_speaker.toFixed(2)} nats`],
    ["pushed apart", `${(100 * found.active).toFixed(0)} %`],
    ["outputs without a gradient", `${(100 * found.dead).toFixed(0)} %`],
    ["sums of outputs", `${found.min_sum.toFixed(2)} to ${found.max_sum.toFixed(2)}`],
  ],
  build(lab) {
    const { n_points: n, n_steps: nSteps } = lab.data;
    addButtons(lab, nSteps);
    lab.choice("directions", { label: "compared with the margin",
      options: [["one", "one direction"], ["summed", "sum of both"], ["each", "each direction"]] });
    lab.choice("softmax", { label: "outputs", options: [[true, "softmax"], [false, "clipped, no softmax"]] });
    lab.slider("n_speakers", { label: "speakers", min: 2, max: 5, step: 1 });
    const triangle = lab.plot({ title: "", axes: false, height: 340,
      x: { domain: [-1, 1] }, y: { domain: [-0.8, 1.3] },
      describe: "Three outputs of each point, on the triangle of distributions" });
    const curves = lab.plot({ title: "Mean divergence of the pairs of points", height: 340,
      describe: "Mean divergence of same-speaker and of different-speaker pairs at each step",
      x: { label: "step", domain: [0, 1.5 * nSteps], ticks: [0, Math.round(nSteps / 2), nSteps] },
      y: { label: "divergence (nats)", domain: [-1, 20], kind: "asinh", ticks: [-1, 0, 1, 3, 10] } });
    curves.handle({ name: "margin", axis: "y", label: "margin in nats", min: 0.1, max: 6, step: 0.1,
      at: () => 1.07 * nSteps });
    curves.handle({ name: "step", label: "step", min: 0, max: nSteps, step: 1 });
    let [present, places] = [[], []];
    addHandle(triangle, { places: () => places,
      // The descent starts again, from what is shown.
      move: (i, place) => {
        const { points, softmax } = lab.values;
        const moved = present.with(i, unproject(place, present[i], softmax));
        lab.set({ points: [...moved, ...points.slice(moved.length)], step: 0 });
      },
      describe: (i) => ({ valuenow: present[i][0], valuetext: present[i].map((x) => x.toFixed(2)).join(", "),
        label: `outputs of point ${i % n + 1} of speaker ${Math.floor(i / n) + 1}; Enter: next point` }) });
    return ({ outputs, pushed }, values) => {
      const path = descent(lab.data, values);
      triangle.title.textContent = finding(pushed, values);
      [present, places] = [outputs, drawTriangle(triangle, path, values.softmax ? 0 : TILT, n)];
      drawCurves(curves, path, nSteps, values.margin);
    };
  },
});
