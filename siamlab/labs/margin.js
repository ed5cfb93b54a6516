// Pairs of segments: their loss over the divergence, and one direction against the other.

const COMPARED = { one: ([forward]) => [forward], summed: ([d1, d2]) => [d1 + d2], each: (both) => both };
const [SAME, PUSHED, FREE, MISSED] = [0, 1, 2, 3];
const LOOKS = [ // of these kinds of pairs
  ["\u25b2 same speaker", { color: "same", marker: "triangle" }],
  ["\u25cf pushed apart", { color: "different" }],
  ["\u25cb not pushed", { color: "muted", hollow: true }],
  ["\u25a0 missed", { color: "purple", marker: "square" }],
];
const MOST = 4; // margin, nats
const BINS = 5; // of the histogram, per nat

function hingeStatistics(data, { margin, directions, softmax }) {
  const [both, dead, negative] = ["both", "dead", "negative"].map((name) => data[name][Number(softmax)]);
  const compared = both.map(COMPARED[directions]);
  const losses = compared.map((row, i) => row.map((d) => (data.same[i] ? d : Math.max(margin - d, 0))));
  const isInside = (row) => Math.min(...row) < margin;
  const kind = compared.map((row, i) => {
    if (data.same[i]) return SAME;
    if (isInside(row)) return PUSHED;
    return isInside(both[i]) ? MISSED : FREE;
  });
  const count = LOOKS.map((_, k) => kind.filter((found) => found === k).length);
  const different = kind.length - count[SAME];
  return { both, compared, losses, kind, count, dead, negative, loss: sum(losses.flat()) / kind.length,
    active: count[PUSHED] / different, missed: count[MISSED] / different };
}

// From and to whole nats, beyond all values and the margin.
const span = (values) => [Math.floor(Math.min(-0.1, ...values)), Math.floor(Math.max(MOST, ...values)) + 1];

function shares(values, edges) {
  const counts = edges.slice(1).fill(0);
  for (const d of values) counts[Math.floor(BINS * (d - edges[0]) + 1e-9)] += 1;
  return counts.map((n) => n / values.length);
}

// Draw the pairs at places that are numbers or, for several of a pair, lists.
function drawPairs(plot, kind, xs, ys) {
  LOOKS.forEach(([, look], k) => plot.inside(() => {
    const chosen = (values) => values.filter((_, i) => kind[i] === k).flat();
    plot.pen.globalAlpha = k === SAME ? 0.4 : 0.8;
    plot.points(chosen(xs), chosen(ys), { size: 3, ...look });
  }));
}

// Losses, and below them a histogram: both follow the same margin.
function lossPlot(lab, [low, high]) {
  const [bottom, tallest, top] = [low - 5, low - 1, MOST - low];
  const plot = lab.plot({
    title: "Drag the margin: beyond it the hinge is flat", height: 340,
    describe: "Loss of each pair over its divergence, and a histogram of the divergences",
    x: { label: "divergence compared with the margin (nats)", domain: [low, high] },
    y: { label: "", domain: [bottom, top], ticks: [bottom, 0, 1, 2, 3, 4],
      format: (y) => shown(Math.max(y, 0)) } });
  plot.handle({ name: "margin", label: "margin in nats", min: 0.1, max: MOST, step: 0.05 });
  const edges = range(BINS * (high - low) + 1, (i) => low + i / BINS);
  return ({ kind, compared, losses }, { margin }) => {
    const [together, apart] = [true, false].map((same) => shares(
      compared.filter((_, i) => (kind[i] === SAME) === same).flat(), edges));
    const most = Math.max(...together, ...apart);
    const heights = (found) => found.map((share) => bottom + (share / most) * (tallest - bottom));
    plot.band([low, 0]);
    if (low < -1) plot.label("not divergences", low + 0.1, bottom + 0.3, { color: "muted" });
    plot.bars(edges.map((d) => Math.min(d, margin)), heights(apart), { color: "different" });
    plot.bars(edges.map((d) => Math.max(d, margin)), heights(apart), { color: "muted" });
    plot.line(edges.slice(1).map((edge) => edge - 0.5 / BINS), heights(together), { color: "same" });
    plot.line([low, high], [low, high], { color: "same" });
    plot.line([low, margin, high], [margin - low, 0, 0], { color: "different", dash: "dashed" });
    drawPairs(plot, kind, compared, losses);
    const [x, right] = [plot.x(margin) + 20, { align: "right" }];
    plot.write("same speaker", plot.x(top) + 8, plot.top + 10, { color: "same" });
    plot.write("different speakers", plot.right - 4, plot.y(0) - 12, { color: "different", ...right });
    plot.write(`margin ${margin.toFixed(2)}`, x, plot.y(low - 0.4), { bold: true });
    plot.write("no gradient \u2192", x, plot.y(tallest) + 8, { color: "muted" });
    plot.write(fixed(100 * most, 0), plot.left - 6, plot.y(tallest), right);
    plot.write("loss (nats)", 12, plot.y((low + top) / 2), { align: "center", turn: true });
    plot.write("share (%)", 12, plot.y((bottom + tallest) / 2), { align: "center", turn: true });
  };
}

function planePlot(lab, [low, high]) {
  const plot = lab.plot({
    title: "Shaded: different-speaker pairs are pushed apart", height: 340, square: true,
    describe: "The two divergences of each pair, and where different speakers are pushed apart",
    x: { label: "KL(first \u2016 second), nats", domain: [low, high] },
    y: { label: "KL(second \u2016 first), nats", domain: [low, high] } });
  return ({ kind, both, count }, { directions, margin: m }) => {
    const corners = {
      one: [[low, low], [m, low], [m, high], [low, high]],
      summed: [[low, low], [m - low, low], [low, m - low]],
      each: [[low, low], [high, low], [high, m], [m, m], [m, high], [low, high]],
    }[directions];
    plot.inside(() => {
      plot.pen.fillStyle = lab.color("different");
      plot.pen.globalAlpha = 0.1;
      plot.pen.beginPath();
      for (const [x, y] of corners) plot.pen.lineTo(plot.x(x), plot.y(y));
      plot.pen.fill();
    });
    drawPairs(plot, kind, both.map(([d]) => d), both.map(([, d]) => d));
    // Few pairs differ so much by direction that they are in this corner.
    LOOKS.forEach(([name, { color }], k) => plot.write(
      `${name} ${count[k]}`, plot.left + 6, plot.top + 12 + 17 * k, { color, bold: true }));
  };
}

export default widget({
  title: "Margin lab",
  compute: hingeStatistics,
  readout: ({ active, missed, loss, dead, negative }) => [
    ["different-speaker pairs pushed apart", percent(active)],
    ["missed: one direction is inside the margin", percent(missed)],
    ["mean loss", `${fixed(loss, 3)} nats`],
    ["outputs without a gradient", percent(dead)],
    ["divergences below 0", percent(negative)],
  ],
  build(lab) {
    lab.choice("directions", { label: "compared with the margin",
      options: [["one", "one direction"], ["summed", "sum of both"], ["each", "each direction"]] });
    lab.choice("softmax", { label: "outputs", options: [[true, "softmax"], [false, "clipped, no softmax"]] });
    // The same axes for all settings, so that they can be compared.
    const pairs = lab.data.both.flat();
    const sums = pairs.map(([d1, d2]) => d1 + d2);
    return [lossPlot(lab, span([...pairs.flat(), ...sums])), planePlot(lab, span(pairs.flat()))];
  },
});
