// Five switches; loss, accuracy and error rate of the program with these fixes.

const FIXES = {
  shape: "distances of shape (B, 1)",
  scaling: "standardized input",
  softmax: "softmax, no clip",
  directions: "a hinge for each direction",
  margin: "margin 3 instead of 1",
};
const FIGURES = {
  loss: { label: "loss (nats)", domain: [0, 4.5], ticks: [0, 1, 2, 3, 4] },
  accuracy: { label: "accuracy of Keras 2", domain: [0, 0.7], ticks: [0, 0.25, 0.5] },
  eer: { label: "equal error rate (%)", domain: [0, 0.55], ticks: range(6, (i) => i / 10),
    format: (share) => fixed(100 * share, 0) },
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
    ["after the training: loss", loss.at(-1).toFixed(2)],
    ["accuracy", accuracy.at(-1).toFixed(2)],
    ["equal error rate", `${(100 * eer.at(-1)).toFixed(1)} %`],
    ["before", `${(100 * eer[0]).toFixed(1)} %`],
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
      Object.keys(FIXES).map((name, i) => [name, (place >> (4 - i)) & 1]))));
    const plots = Object.entries(FIGURES).map(([name, y]) => [name, lab.plot({
      title: "", describe: `${y.label} during the training`, x, y, height: 250 })]);
    plots[0][1].title.textContent = "Blue: with these fixes";
    plots[1][1].title.textContent = "Dashed: as posted";
    plots[2][1].title.textContent = "Gray: all 32 programs";
    return (numbers) => {
      for (const [name, plot] of plots) {
        plot.pen.globalAlpha = 0.35;
        for (const each of all) plot.line(xs, each[name], { color: "muted", width: 1 });
        plot.pen.globalAlpha = 1;
        plot.line(xs, all[0][name], { color: "different", dash: "dashed" });
        plot.line(xs, numbers[name], { color: "same", width: 3 });
      }
    };
  },
});
