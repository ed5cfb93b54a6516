// Five switches; loss, accuracy and error rate of the program with these fixes.

const FIXES = {
  shape: "distances of shape (B, 1)",
  scaling: "standardized input",
  softmax: "softmax, no clip",
  directions: "a hinge for each direction",
  margin: "margin 3 instead of 1",
};
const FIGURES = {
  loss: { title: "Loss (each margin has its own scale)", domain: [0, 4.5], ticks: [0, 1, 2, 3, 4] },
  accuracy: { title: "Accuracy: no measure of distances", domain: [0, 0.7],
    ticks: [0, 0.25, 0.5] },
  eer: { title: "Equal error rate: lower is better", domain: [0, 0.55], ticks: range(6, (i) => i / 10),
    format: (share) => `${fixed(100 * share, 0)}\u00a0%` },
};

// The three curves of a training; the first fix has the highest place of its number.
function training({ runs }, values) {
  const place = Object.keys(FIXES).reduce((place, name) => 2 * place + Number(values[name]), 0);
  const [, n, length] = runs.shape;
  const curve = (k) => Array.from(runs.subarray((place * n + k) * length, (place * n + k + 1) * length));
  return Object.fromEntries(Object.keys(FIGURES).map((name, k) => [name, curve(k)]));
}

export default widget({
  title: "Switchboard lab",
  compute: training,
  readout: ({ loss, accuracy, eer }) => [
    ["loss after the training", loss.at(-1).toFixed(2)],
    ["accuracy", accuracy.at(-1).toFixed(2)],
    ["equal error rate", percent(eer.at(-1))],
    ["before the training", percent(eer[0])],
  ],
  build(lab) {
    for (const [name, text] of Object.entries(FIXES)) lab.switch(name, text);
    const names = Object.keys(FIXES);
    lab.button("all fixes", () => lab.set(Object.fromEntries(names.map((name) => [name, true]))));
    const { runs, steps } = lab.data;
    const last = steps * (runs.shape[2] - 1);
    const x = { label: "training step", domain: [0, last] };
    const xs = range(runs.shape[2], (i) => i * steps);
    const all = range(32, (place) => training({ runs }, Object.fromEntries(
      names.map((name, i) => [name, (place >> (4 - i)) & 1]))));
    const plots = Object.entries(FIGURES).map(([name, { title, ...y }]) => [name, lab.plot({
      title, describe: `${title}, during the training`, x, y: { label: name.replace("eer", "EER"), ...y }, height: 250 })]);
    const [, eer] = plots.at(-1);
    return (numbers) => {
      for (const [name, plot] of plots) {
        plot.pen.globalAlpha = 0.35;
        for (const each of all) plot.line(xs, each[name], { color: "muted", width: 1 });
        plot.pen.globalAlpha = 1;
        plot.line(xs, all[0][name], { color: "different", dash: "dashed" });
        plot.line(xs, numbers[name], { color: "same", width: 3 });
      }
      eer.label("with these fixes", 0.04 * last, 0.16, { color: "same", bold: true });
      eer.label("dashed: as posted", 0.04 * last, 0.1, { color: "different" });
      eer.label("gray: all 32 programs", 0.04 * last, 0.04, { color: "muted" });
    };
  },
});
