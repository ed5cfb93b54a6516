// Scores of pairs: a threshold on their histogram, and the errors that it makes.

const N_BINS = 60;
const N_STEPS = 400; // of the threshold
const KINDS = ["different", "same"]; // names of data and of colors
const NAME = { different: "different speakers", same: "same speaker" };
const ALPHA = { true: 0.9, false: 0.25 }; // of wrong and of right decisions
const RATES = [0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999]; // ticks of the DET plot
const ENDS = [RATES[0], RATES.at(-1)];

// The number of sorted scores that are below the threshold, by binary search.
function below(sorted, threshold, from = 0, to = sorted.length) {
  if (from === to) return from;
  const middle = (from + to) >> 1;
  if (sorted[middle] < threshold) return below(sorted, threshold, middle + 1, to);
  return below(sorted, threshold, from, middle);
}

// Pairs of kind `one` have label 1 and should be accepted, those of kind `zero` rejected.
function decide(data, { threshold, flipped }) {
  const [one, zero] = flipped ? KINDS : KINDS.toReversed();
  const decisions = [false, true].flatMap((wrong) => KINDS.map((kind) => {
    const isRejected = (kind === one) === wrong;
    const nBelow = below(data[kind], threshold);
    return { kind, wrong, isRejected, count: isRejected ? nBelow : data[kind].length - nBelow };
  }));
  const [total, wrong] = [decisions, decisions.slice(2)].map((some) => some.reduce((n, d) => n + d.count, 0));
  const rate = (kind) => decisions.find((d) => d.wrong && d.kind === kind).count / data[kind].length;
  return { decisions, total, accuracy: 1 - wrong / total, falseAccepts: rate(zero), falseRejects: rate(one),
    positiveShare: data[one].length / total, always: Math.max(data[one].length, data[zero].length) / total };
}

const grid = ([from, to], n) => Array.from({ length: n + 1 }, (_, i) => from + ((to - from) * i) / n);

function histogramPlot(lab) {
  const { domain: [low, high], ...scores } = lab.data;
  const edges = grid([low, high], N_BINS);
  const sharesOf = (sorted) => edges.slice(1).map((edge, i) =>
    (100 * (below(sorted, edge) - below(sorted, edges[i]))) / sorted.length);
  const shares = { same: sharesOf(scores.same), different: sharesOf(scores.different) };
  const plot = lab.plot({ title: "", describe: "Histogram of the scores of both kinds of pairs", height: 300,
    x: { label: "score (cosine similarity)", domain: [low, high] },
    y: { label: "pairs of a kind (%)", domain: [0, 1.2 * Math.max(...shares.same, ...shares.different)] } });
  plot.node.style.flex = "2 1 360px";
  plot.handle({ name: "threshold", label: "threshold", min: low, max: high, step: (high - low) / N_STEPS });
  return ({ decisions }, { threshold }) => {
    plot.title.replaceChildren(`Drag the threshold, ${threshold.toFixed(3)}; filled bars are errors`);
    for (const { kind, wrong, isRejected, count } of decisions) {
      const side = isRejected ? [low, threshold] : [threshold, high];
      plot.bars(edges.map((edge) => clamp(edge, ...side)), shares[kind], { color: kind, alpha: ALPHA[wrong] });
      if (!wrong) continue;
      plot.title.append(node("div", { style: `color: var(--${kind})` }, `\u25a0 ${NAME[kind]}: `
        + `${percent(count / scores[kind].length)} false ${isRejected ? "rejections" : "acceptances"}`));
    }
    const at = plot.x(threshold);
    if (at > plot.left + 76) plot.write("\u2190 rejected", at - 12, plot.top + 8, { align: "right" });
    if (at < plot.right - 76) plot.write("accepted \u2192", at + 12, plot.top + 8);
  };
}

function detPlot(lab) {
  const curves = [false, true].map((flipped) => grid(lab.data.domain, N_STEPS).map((threshold) =>
    decide(lab.data, { threshold, flipped })));
  const axis = { domain: ENDS, kind: "probit", ticks: RATES, format: (rate) => shown(100 * rate) };
  const plot = lab.plot({ title: "DET curve: all thresholds, and yours", height: 300, square: true,
    describe: "Rates of both errors at all thresholds, and at the chosen one",
    x: { label: "false acceptances (%)", ...axis }, y: { label: "false rejections (%)", ...axis } });
  plot.node.style.alignSelf = "flex-end";
  return ({ falseAccepts, falseRejects }, { flipped }) => {
    const curve = curves[Number(flipped)];
    plot.line(ENDS, ENDS.toReversed(), { color: "muted", width: 1, dash: "dashed" });
    plot.label("chance", 0.015, 0.99, { color: "muted" });
    plot.line(curve.map((d) => d.falseAccepts), curve.map((d) => d.falseRejects), { color: "purple" });
    plot.points([clamp(falseAccepts, ...ENDS)], [clamp(falseRejects, ...ENDS)], { marker: "square", size: 5 });
  };
}

// A row for each kind of pairs, and one for all: right decisions first, then the errors.
function confusionPlot(lab) {
  const rows = { same: 2.1, different: 1.1, all: 0.1 };
  const plot = lab.plot({ title: "", describe: "Right and wrong decisions about all pairs", height: 200,
    x: { label: "share of all pairs (%)", domain: [0, 1], format: (share) => shown(100 * share) },
    y: { label: "", domain: [0, 3.8], ticks: [] } });
  plot.node.style.flexBasis = "100%";
  return ({ decisions, total, accuracy, always }) => {
    const filled = { same: 0, different: 0, all: 0 };
    const texts = { ...NAME, all: "all pairs, right decisions first" };
    for (const { kind, wrong, isRejected, count } of decisions) {
      texts[kind] += `, ${count.toLocaleString("en")} ${isRejected ? "rejected" : "accepted"}`;
      plot.pen.globalAlpha = ALPHA[wrong];
      plot.pen.fillStyle = lab.color(kind);
      for (const row of [kind, "all"]) {
        const from = plot.x(filled[row]);
        filled[row] += count / total;
        plot.pen.fillRect(from, plot.y(rows[row] + 0.4), plot.x(filled[row]) - from, plot.y(0) - plot.y(0.4));
      }
    }
    plot.pen.globalAlpha = 1;
    for (const [row, y] of Object.entries(rows)) plot.label(texts[row], 0.01, y + 0.65);
    plot.line([always, always], [0, 4], { width: 1.5, dash: "dashed" });
    plot.label(`always the more frequent label: ${percent(always)}`, always - 0.01, 3.4, { align: "right" });
    plot.title.textContent = `Accuracy ${percent(accuracy)}, with the other labels ${percent(1 - accuracy)}`;
  };
}

export default widget({
  title: "Threshold lab",
  compute: decide,
  readout: ({ falseAccepts, falseRejects, accuracy, always }) => [
    ["false acceptances", falseAccepts], ["false rejections", falseRejects], ["accuracy", accuracy],
    ["always the more frequent label", always]].map(([label, share]) => [label, percent(share)]),
  build(lab) {
    lab.choice("flipped", { label: "label 1 means", options: [[false, NAME.same], [true, NAME.different]] });
    const parts = [histogramPlot, detPlot, confusionPlot].map((make) => make(lab));
    return (numbers, values) => parts.forEach((draw) => draw(numbers, values));
  },
});
