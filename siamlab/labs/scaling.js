// The range of a spectrogram's values that is scaled to -1..1, and the gates of an LSTM on it.

const SATURATION = 4; // a sigmoid is flat beyond it
const NARROWEST = 1; // range that can be chosen, nepers
const SUMS = { most: 24, perUnit: 2 }; // bins of the pre-activations, from -most to most

function firstStep(data, { low, high, per_band }) {
  const k = Number(per_band);
  const [shift, scale] = [(low + high) / 2, (high - low) / 2];
  const [center, p5, p95, ...squares] = data.moments[k];
  const [mean, ...middle] = [center, p5, p95].map((x) => (x - shift) / scale);
  const [square, frames] = squares.map((x) => (x - 2 * shift * center + shift ** 2) / scale ** 2);
  const s = Math.max(data.gain * Math.sqrt(square), 1e-9);
  const shared = square ? frames / square : 0;
  return { ...gateStatistics(data, k, shift, scale), s, mean, middle, shared,
    expected: 2 * normalShare(-SATURATION / s) };
}

function gateStatistics(data, k, shift, scale) {
  const { inputs, weights: [sums, bias] } = data;
  const [, nGates, nFrames] = inputs.shape;
  data.gates ??= new Float64Array(nGates * nFrames); // always the same memory, for speed
  const counts = new Array(2 * SUMS.most * SUMS.perUnit).fill(0);
  let [saturated, change] = [0, 0];
  for (let i = 0; i < nGates; i++) {
    const offset = bias[i] - (shift / scale) * sums[i];
    let [total, squares] = [0, 0];
    for (let t = 0; t < nFrames; t++) {
      const z = inputs[(k * nGates + i) * nFrames + t] / scale + offset;
      const gate = 1 / (1 + Math.exp(-z));
      data.gates[i * nFrames + t] = gate;
      total += gate;
      squares += gate * gate;
      if (Math.abs(z) > SATURATION) saturated += 1;
      if (Math.abs(z) < SUMS.most) counts[Math.floor((z + SUMS.most) * SUMS.perUnit)] += 1;
    }
    change += Math.sqrt(Math.max(squares / nFrames - (total / nFrames) ** 2, 0));
  }
  return { counts, saturated: saturated / (nGates * nFrames), change: change / nGates };
}

const signed = (x) => fixed(x, 1);

function valuesPlot(lab) {
  const { edges, shares, moments } = lab.data;
  const [min, max] = [edges[0], edges.at(-1)];
  const most = 1.4 * Math.max(...shares.flat()); // with room for labels
  const plot = lab.plot({ title: "", height: 230,
    describe: "Histogram of the values of the spectrogram, and the range that is scaled to -1 to 1",
    x: { label: "natural logarithm of the magnitude (nepers)", domain: [min, max] },
    y: { label: "values (%)", domain: [0, most], format: (share) => shown(100 * share) } });
  plot.node.style.flexBasis = "100%";
  const end = (name, becomes, limit) => plot.handle({ name, label: `value that becomes ${becomes}`,
    min, max, step: 0.1, text: signed, set: (x) => lab.set({ [name]: limit(x, lab.values) }) });
  end("low", -1, (x, { high }) => Math.min(x, high - NARROWEST));
  end("high", 1, (x, { low }) => Math.max(x, low + NARROWEST));
  return ({ middle }, { low, high, per_band }) => {
    const [, start, stop] = moments[Number(per_band)];
    plot.band([low, high]);
    plot.bars(edges, shares[Number(per_band)], { color: "sky", alpha: 0.8 });
    plot.label("\u22121\u00a0", low, 0.94 * most, { align: "right", bold: true });
    plot.label("\u00a01", high, 0.94 * most, { bold: true });
    plot.line([start, stop], [0.77 * most, 0.77 * most], { color: "sky", width: 3 });
    plot.label("90 %", (start + stop) / 2, 0.84 * most, { align: "center" });
    plot.title.textContent = `90 % of the values become ${signed(middle[0])} to ${signed(middle[1])}: `
      + "drag the ends of the range that becomes \u22121 to 1";
  };
}

function sumsPlot(lab) {
  const { most, perUnit } = SUMS;
  const edges = Array.from({ length: 2 * most * perUnit + 1 }, (_, i) => i / perUnit - most);
  const sigmoid = edges.map((z) => 1 / (1 + Math.exp(-z)));
  const near = [(most - SATURATION) * perUnit, (most + SATURATION) * perUnit];
  const plot = lab.plot({ title: "", describe: "Histogram of the pre-activations over the sigmoid",
    x: { label: "pre-activation z of a gate", domain: [-most, most], ticks: [-20, -10, -4, 0, 4, 10, 20] },
    y: { label: "\u03c3(z); bars: relative count", domain: [0, 1.12], ticks: [0, 0.5, 1] }, height: 240 });
  return ({ counts, saturated, s }) => {
    const highest = Math.max(...counts, 1);
    const heights = counts.map((count) => count / highest);
    plot.band([-SATURATION, SATURATION]);
    plot.bars(edges, heights, { color: "orange", alpha: 1 });
    plot.bars(edges.slice(near[0], near[1] + 1), heights.slice(...near), { color: "green", alpha: 1 });
    plot.line(edges, sigmoid);
    plot.line(edges, edges.map((z) => Math.exp(-0.5 * (z / s) ** 2)), { color: "purple", dash: "dashed" });
    plot.label("sigmoid", most - 1, 1.06, { align: "right" });
    plot.label(`formula, s = ${s.toFixed(1)}`, 1 - most, 1.06, { color: "purple" });
    plot.title.textContent = `${percent(saturated, 1)} of the gates are saturated: |z| > ${SATURATION}`;
  };
}

function gatesPlot(lab) {
  const [, nGates, nFrames] = lab.data.inputs.shape;
  const plot = lab.plot({ title: "", describe: "Input gates over time, sorted by the sum of their weights",
    x: { label: "frame", domain: [0, nFrames] },
    y: { label: "input gate (sorted)", domain: [0, nGates / 3] }, height: 240 });
  return ({ change }) => {
    // The input gates are the first third.
    plot.image(lab.data.gates, [nGates / 3, nFrames], { low: 0, high: 1 });
    plot.title.textContent = `Gates change by ${change.toFixed(2)} (shown: input; bright: open)`;
  };
}

export default widget({
  title: "Scaling lab",
  compute: firstStep,
  readout: ({ mean, saturated, expected, change, shared }) => [
    ["mean of the scaled values", signed(mean)],
    ["gates beyond \u00b14", `${percent(saturated, 1)}, by the formula ${percent(expected, 1)}`],
    ["change of a gate over time", change.toFixed(3)],
    ["part of the first step that is the same for all frequencies", percent(shared, 0)],
  ],
  build(lab) {
    for (const [name, values] of Object.entries(lab.data.settings)) lab.button(name, () => lab.set(values));
    lab.switch("per_band", "give each frequency the same mean and standard deviation");
    const parts = [valuesPlot(lab), sumsPlot(lab), gatesPlot(lab)];
    return (numbers, values) => parts.forEach((draw) => draw(numbers, values));
  },
});
