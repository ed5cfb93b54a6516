// Outputs of a phone recognizer by epoch: the two rules of CTC, and the states that spell
// the spoken phones.

const STAGES = ["best path", "repeats merged", "blanks removed"];
const ROWS = { path: [1.2, 1.36], spoken: [1.4, 1.56] }; // above the probabilities
const COLORS = ["green", "orange", "purple", "sky"]; // of symbols, in turn
const LABELED = 0.15; // the lowest probability of a peak that is labeled
const written = (symbol) => (symbol === null ? "\u2013" : symbol.replaceAll(" ", "\u2423"));

// What Python computed for a network, epoch and utterance.
const part = (data, name, { network, epoch, utterance }) => data[`${name} ${network} ${epoch} ${utterance}`];

// Frames that remain: all, the first of each run, those of them that are not blank.
function collapse(path, stage, blank) {
  return [...path.keys()].filter((t) =>
    (stage < 1 || path[t] !== path[t - 1]) && (stage < 2 || path[t] !== blank));
}

function decode(data, values) {
  const { symbols, truth } = data;
  const blank = symbols.indexOf(null);
  const n = symbols.length;
  const sentences = truth.map((_, utterance) => {
    const own = { ...values, utterance };
    const [shares, largest] = [part(data, "outputs", own), part(data, "largest", own)];
    return {
      p: (t, k) => (shares[t * n + k] / 255) * largest[t], // bytes are shares of the largest output
      path: Array.from(largest, (_p, t) => shares.subarray(t * n, (t + 1) * n).indexOf(255)),
    };
  });
  const { p, path } = sentences[values.utterance];
  const text = (each, frames) => frames.map((t) => written(symbols[each[t]])).join(" ");
  const kept = collapse(path, values.stage, blank);
  return {
    sentences, blank, p, path, kept,
    text: text(path, kept) || "(nothing)",
    spoken: truth[values.utterance].map(written).join(" "),
    ...part(data, "numbers", values),
    blankShare: path.filter((k) => k === blank).length / path.length,
    different: new Set(sentences.map((each) => text(each.path, collapse(each.path, 2, blank)))).size,
  };
}

function lossPlot(lab) {
  const { networks, epochs, truth } = lab.data;
  const last = epochs.at(-1);
  const range = { min: 0, max: last, step: 1 };
  const lossesOf = (network, utterance) =>
    epochs.map((epoch) => part(lab.data, "numbers", { network, epoch, utterance }).loss);
  const most = Math.max(...networks.flatMap((name) => truth.flatMap((_, i) => lossesOf(name, i))));
  const plot = lab.plot({
    title: "Drag the epoch", describe: "Loss of the sentence by epoch, for each network", height: 220,
    x: { label: "epoch", domain: [-0.2, last + 0.2], ticks: last < 6 ? epochs : null },
    y: { label: "loss (nats)", domain: [-0.15 * most, 1.15 * most] } }); // room for the names
  plot.handle({ name: "epoch", label: "epoch, in the plot of the loss", ...range });
  plot.node.style.cssText = "flex: none; width: 100%";
  lab.controls.append(plot.node);
  lab.slider("epoch", { label: "epoch", ...range, text: (n) => (n ? shown(n) : "0, untrained") });
  return ({ loss }, { network, epoch, utterance }) => {
    const ends = networks.map((name) => lossesOf(name, utterance)[last]);
    networks.forEach((name, i) => {
      const style = name === network ? { color: "ink", bold: true } : { color: "muted", width: 1 };
      plot.line(epochs, lossesOf(name, utterance), style);
      const y = plot.y(ends[i]) + (ends[i] === Math.max(...ends) ? -10 : 12);
      plot.write(name, plot.x(last) - 14, y, { ...style, align: "right" });
    });
    plot.points([epoch], [loss], { size: 5 });
  };
}

// A plot over the time of the utterance.
function timePlot(lab, options) {
  const { hop, times } = lab.data;
  const end = ({ utterance, ...values }) => Math.max(times?.[utterance].at(-1)[2] ?? 0,
    hop * part(lab.data, "largest", { utterance, ...values }).length);
  const plot = lab.plot({ ...options,
    x: { label: "time (s)", get domain() { return [0, end(lab.values)]; } } });
  plot.node.style.flexBasis = "100%";
  plot.begin = () => {
    plot.rescale(); // to another utterance
    Plot.prototype.begin.call(plot);
  };
  return plot;
}

function fill({ pen, lab }, color, alpha, ...box) {
  pen.fillStyle = lab.color(color);
  pen.globalAlpha = alpha;
  pen.fillRect(...box);
  pen.globalAlpha = 1;
}

// Write labels where none of those before them is.
function writeApart(plot, labels) {
  const placed = [];
  for (const { text, x, y, color } of labels) {
    const half = plot.pen.measureText(text).width / 2 + 1;
    if (placed.some((each) => Math.abs(each.x - x) < each.half + half && Math.abs(each.y - y) < 12)) continue;
    placed.push({ x, y, half });
    plot.write(text, x, y, { color, align: "center" });
  }
}

function outputsPlot(lab) {
  const { symbols, times, hop } = lab.data;
  const plot = timePlot(lab, {
    title: "Outputs; filled gray: the blank, dotted: the blank in the other sentences", height: 300,
    describe: "Probability of each symbol over time, with the path and the spoken phones",
    y: { label: "probability", domain: [0, 1.58], ticks: [0, 0.5, 1] } });
  const colorOf = (k) => (symbols[k] === null ? "muted" : COLORS[k % COLORS.length]);
  const curve = ({ p, path }, k, dash) => plot.line(path.map((_, t) => (t + 0.5) * hop),
    path.map((_, t) => p(t, k)), { color: colorOf(k), width: 1.5, dash });

  // Fill the time of each symbol in a row above the curves; returns the labels.
  function row([low, high], name, cells) {
    const y = plot.y((low + high) / 2);
    plot.write(name, plot.left - 6, y, { align: "right" });
    return cells.map(([k, from, to]) => {
      const [left, right] = [plot.x(from), plot.x(to)];
      fill(plot, colorOf(k), 0.3, left + 0.5, plot.y(high), right - left - 1, plot.y(low) - plot.y(high));
      return { text: written(symbols[k]), x: (left + right) / 2, y };
    });
  }

  // At an end, the frame beyond is undefined and never higher.
  const isPeak = (p, t, k) => p(t, k) > LABELED && !(p(t, k) <= p(t - 1, k)) && !(p(t, k) < p(t + 1, k));
  const peaks = (p, path, k) => [...path.keys()].filter((t) => isPeak(p, t, k)).map((t) => (
    { text: written(symbols[k]), x: plot.x((t + 0.5) * hop), y: plot.y(p(t, k)) - 8, color: colorOf(k) }));

  return ({ sentences, blank, p, path, kept }, { stage, utterance }) => {
    const edges = range(path.length + 1, (t) => t * hop);
    plot.bars(edges, path.map((_, t) => p(t, blank)), { color: "muted", alpha: 0.3 });
    sentences.forEach((each, i) => i === utterance || curve(each, blank, "dotted"));
    const others = [...symbols.keys()].filter((k) => k !== blank);
    for (const k of others) curve({ p, path }, k);
    const end = (t) => (stage && path[t + 1] === path[t] ? end(t + 1) : t + 1);
    const spoken = (times?.[utterance] ?? []).map(([symbol, ...ends]) => [symbols.indexOf(symbol), ...ends]);
    writeApart(plot, [
      ...row(ROWS.path, "output", kept.map((t) => [path[t], edges[t], edges[end(t)]])),
      ...row(ROWS.spoken, times ? "spoken" : "", spoken),
      ...others.flatMap((k) => peaks(p, path, k)).sort((a, b) => a.y - b.y),
    ]);
  };
}

function trellisPlot(lab) {
  const { truth, times, hop } = lab.data;
  const plot = timePlot(lab, {
    title: "Where the spoken phones may be, according to the network", height: 330,
    describe: "Probability of each state of the spoken phones over time, best path and true times",
    y: { label: "spoken phone", domain: [1, 0], ticks: [] } });
  const { pen } = plot;
  const [sky, orange] = ["probability of a state", "best path of these phones"];
  const names = { sky, orange, ink: times ? "boxes: true times" : "" };
  return (_, values) => {
    const spoken = truth[values.utterance];
    const n = 2 * spoken.length + 1;
    const [width, height] = [plot.x(hop) - plot.left, plot.y(1 / n) - plot.top];
    const middle = (i) => (2 * i + 1.5) / n;
    part(lab.data, "lattice", values).forEach((root, i) => root && fill(plot, "sky", root / 255,
      plot.left + Math.floor(i / n) * width, plot.top + (i % n) * height, width, height));
    Object.assign(pen, { lineWidth: 1, strokeStyle: lab.color("ink") });
    times?.[values.utterance].forEach(([, from, to], i) =>
      pen.strokeRect(plot.x(from), plot.y(middle(i)) - height, plot.x(to) - plot.x(from), 2 * height));
    const best = part(lab.data, "alignment", values);
    plot.line(best.flatMap(([first, last]) => [first * hop, (last + 1) * hop]),
      best.flatMap((_each, i) => [middle(i), middle(i)]), { color: "orange", width: 1.5 });
    Object.entries(names).forEach(([color, text], i) =>
      plot.write(text, plot.right - 6, plot.top + 12 + 18 * i, { color, align: "right" }));
    pen.font = "11px system-ui, sans-serif"; // in two columns, so that all have room
    spoken.forEach((symbol, i) =>
      plot.write(written(symbol), plot.left - 6 - 16 * (i % 2), plot.y(middle(i)), { align: "right" }));
  };
}

export default widget({
  title: "CTC lab",
  compute: decode,
  readout: (found, { stage }) => [
    ["spoken", found.spoken],
    [STAGES[stage], found.text],
    ["phone error rate, both rules", percent(found.errorRate, 0)],
    ["loss", `${found.loss.toFixed(1)} nats`],
    ["frames with the blank", percent(found.blankShare, 0)],
    ["different transcriptions", `${found.different} of ${found.sentences.length} sentences`],
  ],
  build(lab) {
    const { networks, names } = lab.data;
    lab.choice("network", { label: "network", options: networks.map((name) => [name, name]) });
    const parts = [lossPlot, outputsPlot, trellisPlot].map((make) => make(lab));
    lab.choice("stage", { label: "decoding", options: [...STAGES.entries()] });
    lab.choice("utterance", { label: "sentence", options: [...names.entries()] });
    return (numbers, values) => parts.forEach((draw) => draw(numbers, values));
  },
});
