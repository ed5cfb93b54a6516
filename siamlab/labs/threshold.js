// Scores of pairs: a threshold on their histogram, and the errors that it makes.

const N_BINS = 60;
const KINDS = ["different", "same"]; // names of data and of colors
const NAME = { different: "different speakers", same: "same speaker" };
const ALPHA = { true: 0.9, false: 0.25 }; // of wrong and of right decisions
const MOST = 3.0902; // the normal deviate of 99.9 %
const RATES = { [-MOST]: 0.1, [-2.3263]: 1, [-1.2816]: 10, 0: 50, 1.2816: 90, 2.3263: 99, [MOST]: 99.9 };

const below = (scores, threshold) => scores.filter((score) => score < threshold).length;

// Pairs of kind `one` have label 1 and should be accepted. Right decisions come first.
function decide(data, { threshold, flipped }) {
  const one = flipped ? "different" : "same";
  const total = data.same.length + data.different.length;
  const decisions = [false, true].flatMap((wrong) => KINDS.map((kind) => {
    const isRejected = (kind === one) === wrong;
    const nBelow = below(data[kind], threshold);
    const count = isRejected ? nBelow : data[kind].length - nBelow;
    return { kind, wrong, isRejected, count, ofKind: count / data[kind].length, ofAll: count / total };
  }));
  const [, , ...errors] = decisions;
  const positiveShare = data[one].length / total;
  return { decisions, errors, positiveShare, always: Math.max(positiveShare, 1 - positiveShare),
    accuracy: 1 - sum(errors.map((each) => each.ofAll)),
    falseAccepts: errors.find((each) => !each.isRejected).ofKind,
    falseRejects: errors.find((each) => each.isRejected).ofKind };
}

function histogramPlot(lab) {
  const { domain: [low, high], deviates, ...scores } = lab.data;
  const edges = range(N_BINS + 1, (i) => low + ((high - low) * i) / N_BINS);
  const percentOf = (kind) => range(N_BINS, (i) =>
    (100 * (below(kind, edges[i + 1]) - below(kind, edges[i]))) / kind.length);
  const heights = { same: percentOf(scores.same), different: percentOf(scores.different) };
  const plot = lab.plot({ title: "", describe: "Histogram of the scores of both kinds of pairs", height: 300,
    style: "flex: 2 1 360px",
    x: { label: "score (cosine similarity)", domain: [low, high] },
    y: { label: "pairs per kind (%)", domain: [0, 1.2 * Math.max(...heights.same, ...heights.different)] } });
  const step = (high - low) / (deviates.shape[1] - 1);
  plot.handle({ name: "threshold", label: "threshold", min: low, max: high, step,
    text: (score) => fixed(score, 3) });
  return ({ decisions, errors }, { threshold }) => {
    plot.title.replaceChildren(`Drag: scores of at least ${fixed(threshold, 3)} are accepted; strong color: wrong`);
    for (const { kind, wrong, isRejected } of decisions) {
      const side = isRejected ? [low, threshold] : [threshold, high];
      plot.bars(edges.map((x) => clamp(x, ...side)), heights[kind], { color: kind, alpha: ALPHA[wrong] });
    }
    for (const { kind, isRejected, ofKind } of errors) {
      const text = `■ ${NAME[kind]}: ${percent(ofKind)} false ${isRejected ? "rejections" : "acceptances"}`;
      plot.title.append(node("div", { style: `color: var(--${kind})` }, text));
    }
  };
}

// Error rates of a grid of thresholds, on axes of normal deviates (Martin et al., 1997).
function detPlot(lab) {
  const { domain: [low, high], deviates } = lab.data;
  const n = deviates.shape[1];
  const axis = { domain: [-MOST, MOST], ticks: Object.keys(RATES).map(Number), format: (z) => RATES[z] };
  const plot = lab.plot({ title: "Detection error tradeoff (DET)",
    height: 300, square: true, style: "align-self: flex-end",
    describe: "Rates of both errors at all thresholds, and at the chosen one",
    x: { label: "false acceptances (%)", ...axis }, y: { label: "false rejections (%)", ...axis } });
  const curve = [deviates.subarray(0, n), deviates.subarray(n)];
  // With the other labels, what is accepted falsely was accepted rightly: 1 minus the rates.
  const flippedCurve = curve.toReversed().map((rates) => rates.map((z) => -z));
  return (_, { threshold, flipped }) => {
    const [accepts, rejects] = flipped ? flippedCurve : curve;
    const own = Math.round(((threshold - low) / (high - low)) * (n - 1));
    plot.line([-MOST, MOST], [MOST, -MOST], { color: "muted", width: 1, dash: "dashed" });
    plot.label("chance", 0.7 * -MOST, 0.75 * MOST, { color: "muted" });
    plot.line(accepts, rejects, { color: "purple" });
    plot.points([accepts[own]], [rejects[own]], { marker: "square", size: 5 });
  };
}

// A row for each kind of pairs, and one for all.
function confusionPlot(lab) {
  const rows = { same: 2.3, different: 1.3, all: 0.3 };
  const plot = lab.plot({ title: "", describe: "Right and wrong decisions about all pairs", height: 200,
    style: "flex-basis: 100%",
    x: { label: "share of all pairs (%)", domain: [0, 1], format: (share) => shown(100 * share) },
    y: { label: "", domain: [0, 3.8], ticks: [] } });
  return ({ decisions, accuracy, always }) => {
    const filled = { same: 0, different: 0, all: 0 };
    const texts = { ...NAME, all: "all pairs, right decisions first" };
    for (const { kind, wrong, isRejected, count, ofAll } of decisions) {
      texts[kind] += `, ${count.toLocaleString("en")} ${isRejected ? "rejected" : "accepted"}`;
      plot.pen.globalAlpha = ALPHA[wrong];
      for (const row of [kind, "all"]) {
        plot.line([filled[row], filled[row] + ofAll], [rows[row], rows[row]], { color: kind, width: 16 });
        filled[row] += ofAll;
      }
    }
    plot.pen.globalAlpha = 1;
    for (const [row, y] of Object.entries(rows)) plot.label(texts[row], 0.01, y + 0.45);
    plot.line([always, always], [0, 4], { width: 1.5, dash: "dashed" });
    plot.label(`always the more frequent label: ${percent(always)}`, always - 0.01, 3.4, { align: "right" });
    plot.title.textContent = `Accuracy ${percent(accuracy)}; labels exchanged: ${percent(1 - accuracy)}`;
  };
}

export default widget({
  title: "Threshold lab",
  compute: decide,
  readout: ({ falseAccepts, falseRejects, accuracy, always }) => [
    ["false acceptances", percent(falseAccepts)],
    ["false rejections", percent(falseRejects)],
    ["accuracy", percent(accuracy)],
    ["always the more frequent label", percent(always)],
  ],
  build(lab) {
    lab.choice("flipped", { label: "label 1 means", options: [[false, NAME.same], [true, NAME.different]] });
    return [histogramPlot, detPlot, confusionPlot].map((make) => make(lab));
  },
});
