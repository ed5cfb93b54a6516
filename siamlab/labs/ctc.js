// Outputs of a phone recognizer by epoch: the two rules of CTC, and the states that spell
// the spoken phones.

const STAGES = ["best path", "repeats merged", "blanks removed"];
const COLORS = ["green", "orange", "purple", "sky"]; // of symbols, in turn
const written = (symbol) => symbol?.replaceAll(" ", "\u2423") ?? "\u2013";

// What Python computed for a network, epoch and utterance.
const part = (data, name, { network, epoch, utterance }) => data[`${name} ${network} ${epoch} ${utterance}`];

// Frames that remain: all, the first of each run, those of them that are not blank.
const collapse = (path, stage) => [...path.keys()].filter((t) =>
  (stage < 1 || path[t] !== path[t - 1]) && (stage < 2 || path[t] !== null));

function decode(data, values) {
  const text = (symbols) => symbols.map(written).join(" ") || "(nothing)";
  const decoded = (path) => text(collapse(path, 2).map((t) => path[t]));
  const found = part(data, "found", values);
  const { path } = found;
  const kept = collapse(path, values.stage);
  const all = data.names.map((_, utterance) => decoded(part(data, "found", { ...values, utterance }).path));
  return { ...found, kept, text: text(kept.map((t) => path[t])),
    spoken: text(data.times[values.utterance].map(([symbol]) => symbol)),
    different: `${new Set(all).size} of ${all.length} sentences` };
}

function lossPlot(lab) {
  const { networks, names, last } = lab.data;
  const epochs = range(last + 1);
  const losses = (network, utterance) =>
    epochs.map((epoch) => part(lab.data, "found", { network, epoch, utterance }).loss);
  const most = Math.max(...networks.flatMap((network) => names.flatMap((_, i) => losses(network, i))));
  const plot = lab.plot({ title: "Drag the epoch", describe: "Loss of the sentence by epoch for each network",
    x: { label: "epoch", domain: [-0.2, last + 0.2], ticks: last < 6 ? epochs : null },
    y: { label: "loss (nats), thick: chosen", domain: [0, 1.1 * most] }, height: 220 });
  plot.handle({ name: "epoch", label: "epoch", min: 0, max: last, step: 1 });
  lab.controls.append(plot.node);
  return (_, { network, utterance }) => {
    for (const name of networks) plot.line(epochs, losses(name, utterance), { color: "muted", width: 1 });
    plot.line(epochs, losses(network, utterance), { width: 3 });
  };
}

function outputsPlot(lab) {
  const { symbols, times, hop, names, n_frames } = lab.data;
  const plot = lab.plot({ height: 300, style: "flex-basis: 100%",
    x: { label: "time (s)", domain: [0, n_frames * hop] },
    title: "Outputs; filled gray: the blank, dotted: the blank in all sentences",
    describe: "Probability of each symbol over time, with the path and the spoken phones",
    y: { label: "probability", domain: [0, 1.58], ticks: [0, 0.5, 1] } });
  const colorOf = (symbol) => (symbol === null ? "muted" : COLORS[symbols.indexOf(symbol) % COLORS.length]);

  // Draw the probabilities of a symbol, and return them.
  function curve(values, symbol, dash) {
    const bytes = part(lab.data, "outputs", values);
    const n = bytes.shape[1];
    const first = symbols.indexOf(symbol) * n;
    const ys = range(n, (t) => bytes[first + t] / 255);
    plot.line(range(n, (t) => (t + 0.5) * hop), ys, { color: colorOf(symbol), width: 1.5, dash });
    return ys;
  }

  // Symbols with start and end, in a row above the curves; labels where there is room.
  function row(name, at, cells) {
    let free = 0;
    plot.write(name, plot.left - 6, plot.y(at), { align: "right" });
    for (const [symbol, from, to] of cells) {
      plot.pen.globalAlpha = 0.3;
      plot.line([from, to], [at, at], { color: colorOf(symbol), width: 24 });
      plot.pen.globalAlpha = 1;
      const x = plot.x((from + to) / 2);
      const half = plot.pen.measureText(written(symbol)).width / 2 + 1;
      if (x - half < free) continue;
      free = x + half;
      plot.write(written(symbol), x, plot.y(at), { align: "center" });
    }
  }

  return ({ path, kept }, values) => {
    const edges = range(path.length + 1, (t) => t * hop);
    plot.bars(edges, curve(values, null), { color: "muted", alpha: 0.3 });
    for (const utterance of names.keys()) curve({ ...values, utterance }, null, "dotted");
    for (const symbol of symbols) curve(values, symbol);
    const end = (t) => (values.stage && path[t + 1] === path[t] ? end(t + 1) : t + 1);
    row("output", 1.28, kept.map((t) => [path[t], edges[t], edges[end(t)]]));
    row("spoken", 1.48, times[values.utterance]);
  };
}

function trellisPlot(lab) {
  const { times, hop, n_frames } = lab.data;
  const plot = lab.plot({ height: 330, style: "flex-basis: 100%",
    x: { label: "time (s)", domain: [0, n_frames * hop] },
    title: "Spoken phones: probability (blue), best alignment (orange), true times (boxes)",
    describe: "Probability of each state of the spoken phones over time, best path and true times",
    y: { label: "spoken phone", domain: [1, 0], ticks: [] } });
  return ({ alignment }, values) => {
    const { pen, x, y } = plot;
    const lattice = part(lab.data, "lattice", values);
    const n = lattice.shape[1];
    const [width, height] = [x(hop) - x(0), y(1 / n) - y(0)];
    pen.fillStyle = lab.color("sky");
    lattice.forEach((root, i) => {
      pen.globalAlpha = root / 255;
      pen.fillRect(x(Math.floor(i / n) * hop), y((i % n) / n), width, height);
    });
    pen.globalAlpha = 1;
    pen.lineWidth = 1;
    pen.strokeStyle = lab.color("ink");
    pen.font = "11px system-ui, sans-serif";
    const middles = alignment.map((_, i) => (2 * i + 1.5) / n);
    times[values.utterance].forEach(([symbol, from, to], i) => {
      pen.strokeRect(x(from), y(middles[i]) - height, x(to) - x(from), 2 * height);
      // In two columns, so that all have room.
      plot.write(written(symbol), plot.left - 6 - 16 * (i % 2), y(middles[i]), { align: "right" });
    });
    plot.line(alignment.flatMap(([first, last]) => [first * hop, (last + 1) * hop]),
      middles.flatMap((middle) => [middle, middle]), { color: "orange", width: 1.5 });
  };
}

export default widget({
  title: "CTC lab",
  compute: decode,
  readout: (found, { stage }) => [
    ["spoken", found.spoken],
    [STAGES[stage], found.text],
    ["phone error rate", percent(found.error_rate, 0)],
    ["loss", `${fixed(found.loss, 1)} nats`],
    ["frames with the blank", percent(found.blank_share, 0)],
    ["distinct transcriptions", found.different],
  ],
  build(lab) {
    const { networks, names } = lab.data;
    lab.choice("network", { label: "network", options: networks.map((name) => [name, name]) });
    const draws = [lossPlot, outputsPlot, trellisPlot].map((make) => make(lab));
    lab.choice("stage", { label: "decoding", options: [...STAGES.entries()] });
    lab.choice("utterance", { label: "sentence", options: [...names.entries()] });
    return draws;
  },
});
