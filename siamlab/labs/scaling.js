// The range of a spectrogram's values that is scaled to -1..1, and the gates of an LSTM on it.

const SATURATION = 4; // a sigmoid is flat beyond it
const NARROWEST = 1; // range that can be chosen, nepers
const SUMS = { most: 24, perUnit: 2 }; // bins of the pre-activations, from -most to most

// The share of a normal distribution beyond 4 / s, on both sides, by Simpson's rule.
function beyond(s, n = 200) {
  const end = Math.min(SATURATION / s, 8);
  const weight = (i) => (i % n === 0 ? 1 : 2 + 2 * (i % 2));
  const inside = sum(range(n + 1, (i) => weight(i) * Math.exp(-0.5 * ((end * i) / n) ** 2)));
  return 1 - (2 * inside * end) / (3 * n * Math.sqrt(2 * Math.PI));
}

function firstStep({ moments, inputs, weights: [sums, bias], bands }, { low, high, per_band }) {
  const k = Number(per_band);
  const [shift, scale] = [(low + high) / 2, (high - low) / 2];
  const [mean, ...middle] = moments[k].slice(0, 3).map((x) => (x - shift) / scale);
  const [square, frames] = moments[k].slice(3).map((x) =>
    Math.max((x - 2 * shift * moments[k][0] + shift ** 2) / scale ** 2, 1e-18));
  const [, nGates, nFrames] = inputs.shape;
  const s = Math.sqrt((2 * bands * square) / (bands + (4 * nGates) / 3));
  const counts = new Array(2 * SUMS.most * SUMS.perUnit).fill(0);
  let saturated = 0;
  const gates = range(nGates, (i) => {
    const offset = bias[i] - (shift / scale) * sums[i];
    const start = (k * nGates + i) * nFrames;
    return Array.from(inputs.subarray(start, start + nFrames), (x) => {
      const z = x / scale + offset;
      if (Math.abs(z) > SATURATION) saturated += 1 / (nGates * nFrames);
      if (Math.abs(z) < SUMS.most) counts[Math.floor((z + SUMS.most) * SUMS.perUnit)] += 1;
      return 1 / (1 + Math.exp(-z));
    });
  });
  return { mean, middle, s, expected: beyond(s), shared: frames / square, counts, saturated, gates,
    change: meanOf(gates.map(deviation)) };
}

const meanOf = (values) => sum(values) / values.length;
const deviation = (values) => Math.sqrt(Math.max(meanOf(values.map((x) => x * x)) - meanOf(values) ** 2, 0));

const signed = (x) => fixed(x, 1);

function valuesPlot(lab) {
  const { edges, shares } = lab.data;
  const [min, max] = [edges[0], edges.at(-1)];
  const most = 1.2 * Math.max(...shares.flat()); // with room for labels
  const plot = lab.plot({ title: "", height: 230, style: "flex-basis: 100%",
    describe: "Histogram of the values of the spectrogram, and the range that is scaled to -1 to 1",
    x: { label: "natural logarithm of the magnitude (nepers)", domain: [min, max] },
    y: { label: "values (%)", domain: [0, most], format: (share) => shown(100 * share) } });
  const end = (name, becomes, limit) => plot.handle({ name, label: `value that becomes ${becomes}`,
    min, max, step: 0.1, text: signed, set: (x) => lab.set({ [name]: limit(x, lab.values) }) });
  end("low", -1, (x, { high }) => Math.min(x, high - NARROWEST));
  end("high", 1, (x, { low }) => Math.max(x, low + NARROWEST));
  return ({ middle }, { low, high, per_band }) => {
    plot.band([low, high]);
    plot.bars(edges, shares[Number(per_band)], { color: "sky", alpha: 0.8 });
    plot.label("\u22121\u00a0", low, 0.94 * most, { align: "right", bold: true });
    plot.label("\u00a01", high, 0.94 * most, { bold: true });
    plot.title.textContent = "Drag the ends of the range that becomes \u22121 to 1; "
      + `90 % of the values become ${middle.map(signed).join(" to ")}`;
  };
}

function sumsPlot(lab) {
  const { most, perUnit } = SUMS;
  const edges = range(2 * most * perUnit + 1, (i) => i / perUnit - most);
  const plot = lab.plot({ title: "", describe: "Histogram of the pre-activations over the sigmoid",
    x: { label: "pre-activation z of a gate", domain: [-most, most], ticks: [-20, -10, -4, 0, 4, 10, 20] },
    y: { label: "\u03c3(z); bars: relative count", domain: [0, 1.12], ticks: [0, 0.5, 1] }, height: 240 });
  return ({ counts, saturated, s }) => {
    const highest = Math.max(...counts, 1);
    const heights = counts.map((count) => count / highest);
    plot.band([-SATURATION, SATURATION]);
    plot.bars(edges, heights, { color: "orange", alpha: 1 });
    plot.bars(edges.map((z) => clamp(z, -SATURATION, SATURATION)), heights, { color: "green", alpha: 1 });
    plot.line(edges, edges.map((z) => 1 / (1 + Math.exp(-z))));
    plot.line(edges, edges.map((z) => Math.exp(-0.5 * (z / s) ** 2)), { color: "purple", dash: "dashed" });
    plot.label("sigmoid", most - 1, 1.06, { align: "right" });
    plot.label(`normal distribution, s = ${fixed(s, 1)}`, 1 - most, 1.06, { color: "purple" });
    plot.title.textContent = `${percent(saturated)} of the gates are saturated: |z| > ${SATURATION}`;
  };
}

function gatesPlot(lab) {
  const [, nGates, nFrames] = lab.data.inputs.shape;
  const units = nGates / 3; // of the input gates, which come first
  const plot = lab.plot({ title: "", describe: "Input gates over time, sorted by the sum of their weights",
    x: { label: "frame", domain: [0, nFrames] },
    y: { label: "input gate (sorted)", domain: [0, units] }, height: 240 });
  return ({ gates, change }) => {
    plot.image(paint(units, nFrames, (row, frame) => gates[units - 1 - row][frame]));
    plot.title.textContent = `Input gates over time (bright: open); all change by ${fixed(change, 2)}`;
  };
}

export default widget({
  title: "Scaling lab",
  compute: firstStep,
  readout: ({ mean, saturated, expected, change, shared }) => [
    ["mean of the scaled values", signed(mean)],
    ["gates beyond \u00b14", `${percent(saturated)}, if normal ${percent(expected)}`],
    ["change of a gate over time", fixed(change, 3)],
    ["part of the first gradient step that is the same for all frequencies", percent(shared, 0)],
  ],
  build(lab) {
    for (const [name, values] of Object.entries(lab.data.settings)) lab.button(name, () => lab.set(values));
    lab.switch("per_band", "give each frequency the same mean and standard deviation");
    return [valuesPlot(lab), sumsPlot(lab), gatesPlot(lab)];
  },
});
