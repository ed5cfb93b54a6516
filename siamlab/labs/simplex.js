// Points of several speakers on the triangle of distributions over three outputs, moved by
// gradient descent on the KL-hinge loss. Without a softmax they leave it.

const TINY = 1e-30; // keeps logarithms and quotients finite
const [LEARNING_RATE, MAX_STEP] = [3, 0.05]; // as in Python
const TILT = 0.4; // radians; without a softmax, the triangle is seen from above its edge
const COLORS = ["green", "orange", "purple", "sky", "ink"];
const CORNERS = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];

const clip = (x) => clamp(x, 1e-7, 1); // as in the posted program
const isDead = (x) => clip(x) !== x;

// Outputs are lists of three numbers per point, one point after the other.
const rowOf = (outputs, i) => outputs.slice(3 * i, 3 * i + 3);
const normalized = (outputs) => outputs.map((x, i) => x / sum(rowOf(outputs, Math.floor(i / 3))));

// The statistics of some outputs, of `n` points per speaker, and the outputs after one step.
function measured(outputs, n, { margin, directions, softmax }) {
  const p = softmax ? outputs : outputs.map(clip);
  const logs = p.map((x) => Math.log(Math.max(x, TINY)));
  const [asFirst, asSecond] = [new Float64Array(p.length), new Float64Array(p.length)];
  const count = p.length / 3;
  const counts = [count * (n - 1) / 2, count * (count - n) / 2]; // same, different
  const totals = [0, 0];
  let pushed = 0;
  // This loop runs 65,000 times for 150 steps of 30 points.
  for (let i = 0; i < p.length; i += 3) {
    const others = 3 * n * (Math.floor(i / (3 * n)) + 1); // where the next speaker begins
    for (let j = i + 3; j < p.length; j += 3) {
      let forward = 0;
      let backward = 0;
      for (let k = 0; k < 3; k++) {
        const far = logs[i + k] - logs[j + k];
        forward += p[i + k] * far;
        backward -= p[j + k] * far;
      }
      // What is compared with the margin; both are equal unless each direction has a hinge.
      const first = directions === "summed" ? forward + backward : forward;
      const second = directions === "each" ? backward : first;
      const kind = j < others ? 0 : 1;
      const weight = (kind ? -1 : 1) / counts[kind];
      const weight1 = kind && first >= margin ? 0 : weight;
      const weight2 = directions === "one" || (kind && second >= margin) ? 0 : weight;
      totals[kind] += (first + second) / 2;
      if (kind && (weight1 || weight2)) pushed += 1;
      for (let k = 0; k < 3; k++) {
        const far = logs[i + k] - logs[j + k];
        asFirst[i + k] += weight1 * (1 + far);
        asSecond[j + k] += weight1 * p[i + k];
        asFirst[j + k] += weight2 * (1 - far);
        asSecond[i + k] += weight2 * p[j + k];
      }
    }
  }
  const slopes = p.map((x, i) => asFirst[i] - asSecond[i] / Math.max(x, TINY));
  const moved = (softmax ? logs : outputs).slice();
  for (let i = 0; i < p.length; i += 3) {
    const mean = p[i] * slopes[i] + p[i + 1] * slopes[i + 1] + p[i + 2] * slopes[i + 2];
    for (let k = i; k < i + 3; k++) {
      if (softmax) slopes[k] = p[k] * (slopes[k] - mean);
      else if (p[k] !== outputs[k]) slopes[k] = 0;
    }
    const length = Math.hypot(slopes[i], slopes[i + 1], slopes[i + 2]);
    const share = Math.min(LEARNING_RATE, MAX_STEP / (length + TINY));
    for (let k = i; k < i + 3; k++) moved[k] -= share * slopes[k];
  }
  return { outputs, next: softmax ? normalized(moved.map(Math.exp)) : moved,
    same_speaker: totals[0] / counts[0], different_speaker: totals[1] / counts[1],
    active: pushed / counts[1], dead: outputs.filter((x, i) => x !== p[i]).length / p.length };
}

// All steps up to the present one; those that were computed before are kept.
function descent(data, { step, points, ...loss }) {
  const path = keep(data, "path", [points, ...Object.values(loss)], () => {
    const mine = points.slice(0, data.n_points * loss.n_speakers).flat();
    return [measured(loss.softmax ? normalized(mine.map(clip)) : mine, data.n_points, loss)];
  });
  while (path.length <= step) path.push(measured(path.at(-1).next, data.n_points, loss));
  return path.slice(0, step + 1);
}

// Corners of the triangle are at distance 1 from its center; the sum of a point is its height.
function project(row, tilt) {
  const height = (sum(row) - 1) * Math.SQRT1_2;
  const y = row[2] - (row[0] + row[1]) / 2;
  return [Math.sqrt(0.75) * (row[1] - row[0]), y * Math.cos(tilt) + height * Math.sin(tilt)];
}

// The outputs at another place of the picture, with the same sum.
function shifted(row, [x, y], tilt) {
  const [oldX, oldY] = project(row, tilt);
  const right = (x - oldX) / Math.sqrt(3);
  const up = (y - oldY) / Math.cos(tilt) / 3;
  return [row[0] - right - up, row[1] + right - up, row[2] + 2 * up];
}

function finding({ active }, { softmax, step }) {
  if (!softmax && step) return "Sums are not 1: no distributions; hollow: outside of the clip";
  if (!active) return "All different-speaker pairs are beyond the margin";
  return `${percent(active, 0)} of different-speaker pairs are still too near`;
}

function addPlayer(lab, nSteps) {
  let [timer, last] = [];
  const run = (starts) => {
    clearInterval(timer);
    timer = starts && setInterval(advance, 50);
    play.textContent = starts ? "pause" : "play";
  };
  const advance = () => {
    // Whatever else sets the step, as "reset" does, stops it, too.
    if (last === nSteps || last !== lab.values.step) return run(false);
    last += 1;
    lab.set({ step: last });
  };
  const play = lab.button("play", () => {
    last = lab.values.step % nSteps;
    lab.set({ step: last });
    run(!timer);
  });
}

function trianglePlot(lab, n) {
  const plot = lab.plot({ title: "", axes: false, square: true, height: 340,
    x: { domain: [-1.05, 1.05] }, y: { domain: [-0.8, 1.3] },
    describe: "Three outputs of each point, on the triangle of distributions" });
  let [rows, tilt] = [[], 0];
  const addHandle = (i) => plot.handle({ axis: "xy", min: -1.2, max: 1.5, step: 0.01,
    label: `outputs of point ${i % n + 1} of speaker ${Math.floor(i / n) + 1}`,
    text: () => rows[i].map((x) => fixed(x, 2)).join(", "),
    isShown: () => i < rows.length,
    get: () => project(rows[i], tilt),
    set: (place) => {
      const found = shifted(rows[i], place, tilt).map((x) => clamp(x, tilt ? -0.2 : 0.005, 1.2));
      // The descent starts again, from what is shown.
      const moved = rows.with(i, tilt ? found : normalized(found));
      lab.set({ points: [...moved, ...lab.values.points.slice(rows.length)], step: 0 });
    } });
  const trace = (corners, look) => {
    const places = corners.map((row) => project(row, tilt));
    plot.line(places.map(([x]) => x), places.map(([, y]) => y), look);
  };
  const drawTriangle = () => {
    trace([...CORNERS, CORNERS[0]], { color: "muted" });
    plot.pen.fillStyle = lab.color("faint");
    plot.pen.fill();
    // Without a softmax, the clip keeps outputs in a cube.
    for (let i = 0; tilt && i < 8; i++) {
      for (const bit of [1, 2, 4]) {
        trace([i, i | bit].map((c) => [c & 1, (c >> 1) & 1, c >> 2]), { color: "muted", width: 1 });
      }
    }
    plot.pen.font = "12px system-ui, sans-serif";
    CORNERS.forEach((corner, k) => {
      const [x, y] = project(corner, tilt);
      plot.label(`output ${k + 1}`, x, y + (k === 2 ? 0.12 : -0.14), { align: "center" });
    });
    plot.write("drag the points to start again", plot.left, plot.top + 8, { color: "muted" });
  };
  const drawPoint = (row, i) => {
    const speaker = Math.floor(i / n);
    const colors = [COLORS[speaker], "paper"];
    if (tilt && row.some(isDead)) colors.reverse();
    const [x, y] = project(row, tilt);
    plot.points([x], [y], { size: 7.5, color: colors[0] });
    plot.points([x], [y], { size: 7.5, color: colors[1], hollow: true });
    plot.label(String(speaker + 1), x, y, { align: "center", color: colors[1], bold: true });
  };
  return (found, path, values) => {
    rows = range(n * values.n_speakers, (i) => rowOf(found.outputs, i));
    tilt = values.softmax ? 0 : TILT;
    while (plot.handles.length < rows.length) addHandle(plot.handles.length);
    plot.title.textContent = finding(found, values);
    drawTriangle();
    rows.forEach((_, i) => trace(
      path.map(({ outputs }) => rowOf(outputs, i)), { color: COLORS[Math.floor(i / n)], width: 1 }));
    rows.forEach(drawPoint);
  };
}

function curvesPlot(lab, nSteps) {
  const end = 1.14 * nSteps; // of the line of the margin
  const plot = lab.plot({ title: "Mean divergence of the pairs of points", height: 340,
    describe: "Mean divergence of same-speaker and of different-speaker pairs at each step",
    x: { label: "step", domain: [0, 1.5 * nSteps], ticks: [0, Math.round(nSteps / 2), nSteps] },
    y: { label: "divergence (nats)", domain: [-1, 20], kind: "asinh", ticks: [-1, 0, 1, 3, 10] } });
  plot.handle({ name: "margin", axis: "y", label: "margin in nats", min: 0.1, max: 6, step: 0.1,
    at: () => end });
  plot.handle({ name: "step", label: "step", min: 0, max: nSteps, step: 1 });
  return (found, path, { margin }) => {
    plot.line([0, end], [margin, margin], { width: 1, dash: "dashed" });
    const labels = [[`margin ${margin.toFixed(1)}`, margin, "ink"]];
    for (const name of ["same", "different"]) {
      plot.line(range(path.length), path.map((step) => step[`${name}_speaker`]), { color: name });
      labels.push([name, found[`${name}_speaker`], name]);
    }
    let free = 0; // below the label before
    for (const [text, value, color] of labels.sort((one, other) => other[1] - one[1])) {
      const y = Math.max(plot.y(value), free);
      free = y + 16;
      plot.write(text, plot.x(end) + 14, y, { color, bold: true });
    }
  };
}

export default widget({
  title: "Simplex lab",
  compute: (data, values) => descent(data, values).at(-1),
  readout: ({ outputs, ...found }, { step }) => {
    const sums = range(outputs.length / 3, (i) => sum(rowOf(outputs, i)));
    return [
      ["step", String(step)],
      ["same-speaker pairs", `${fixed(found.same_speaker, 2)} nats`],
      ["different-speaker pairs", `${fixed(found.different_speaker, 2)} nats`],
      ["different-speaker pairs inside the margin", percent(found.active, 0)],
      ["outputs without a gradient", percent(found.dead, 0)],
      ["sums of outputs", `${fixed(Math.min(...sums), 2)} to ${fixed(Math.max(...sums), 2)}`],
    ];
  },
  build(lab) {
    const { n_points: n, n_steps: nSteps } = lab.data;
    addPlayer(lab, nSteps);
    lab.choice("directions", { label: "compared with the margin",
      options: [["one", "one direction"], ["summed", "sum of both"], ["each", "each direction"]] });
    lab.choice("softmax", { label: "outputs", options: [[true, "softmax"], [false, "clipped, no softmax"]] });
    lab.slider("n_speakers", { label: "speakers", min: 2, max: 5, step: 1 });
    const draws = [trianglePlot(lab, n), curvesPlot(lab, nSteps)];
    return (found, values) => {
      const path = descent(lab.data, values);
      for (const draw of draws) draw(found, path, values);
    };
  },
});
