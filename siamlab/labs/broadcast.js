// Eight pairs: their distances on the left, and the values that the loss averages.

const MARGIN = 1;

const mean = (values) => sum(values) / values.length;

function hingeTable({ labels, distances, shape }) {
  const value = (y, d) => (y ? d : Math.max(MARGIN - d, 0));
  const slope = (y, d) => (y ? 1 : d < MARGIN ? -1 : 0);
  const all = shape === "(B,)";
  const own = (f) => labels.map((y, i) => [f(y, distances[i])]);
  const every = (f) => labels.map((y) => distances.map((d) => f(y, d)));
  const table = (all ? every : own)(value);
  const slopes = (all ? every : own)(slope);
  const gradient = labels.map((_, i) => (all ? mean(slopes.map((row) => row[i])) : slopes[i][0]));
  return { table, loss: mean(table.flat()), gradient };
}

function shuffled(values) {
  const found = [...values];
  for (let i = found.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [found[i], found[j]] = [found[j], found[i]];
  }
  return found;
}

function drawTable(plot, { table }, labels) {
  const { pen } = plot;
  const size = Math.min(plot.right - plot.left, plot.bottom - plot.top) / 9;
  pen.font = "11px system-ui, sans-serif";
  table.forEach((row, i) => row.forEach((value, j) => {
    const [x, y] = [plot.left + j * size, plot.top + i * size];
    pen.globalAlpha = 0.15 + 0.55 * Math.min(value / 2, 1);
    pen.fillStyle = plot.lab.color(labels[i] ? "same" : "different");
    pen.fillRect(x + 1, y + 1, size - 2, size - 2);
    pen.globalAlpha = 1;
    if (i === j || row.length === 1) {
      pen.strokeStyle = plot.lab.color("ink");
      pen.lineWidth = 2;
      pen.strokeRect(x + 2, y + 2, size - 4, size - 4);
    }
    plot.write(value.toFixed(2), x + size / 2, y + size / 2, { align: "center" });
  }));
  const y = plot.top + 8.4 * size;
  table[0].forEach((_, j) => plot.write(mean(table.map((row) => row[j])).toFixed(2),
    plot.left + (j + 0.5) * size, y, { align: "center", bold: true }));
  plot.write("mean", plot.left + (table[0].length + 0.2) * size, y, { bold: true });
}

export default widget({
  title: "Broadcast lab",
  compute: (data, values) => hingeTable(values),
  readout: ({ table, loss, gradient }) => [
    ["values in the mean", `${table.length} \u00d7 ${table[0].length} = ${table.flat().length}`],
    ["loss", loss.toFixed(3)],
    ["pairs with a gradient", `${gradient.filter((g) => g !== 0).length} of ${gradient.length}`],
  ],
  build(lab) {
    lab.choice("shape", { label: "distances (the labels are (B, 1))",
      options: [["(B,)", "(B,), as posted"], ["(B, 1)", "(B, 1), fixed"]] });
    lab.button("shuffle the labels", () => lab.set({ labels: shuffled(lab.values.labels) }));
    lab.button("perfect distances", () => lab.set({
      distances: lab.values.labels.map((y) => (y ? 0.05 : 1.05)) }));
    const pairs = lab.plot({
      title: "", describe: "The distance of each of eight pairs",
      x: { label: "pair", domain: [0.4, 8.6], ticks: [1, 2, 3, 4, 5, 6, 7, 8] },
      y: { label: "distance", domain: [0, 2] }, height: 330 });
    for (let i = 0; i < 8; i++) {
      pairs.handle({ axis: "y", label: `distance of pair ${i + 1}`, min: 0, max: 2, step: 0.05,
        at: () => i + 1, text: (d) => d.toFixed(2), get: () => lab.values.distances[i],
        set: (d) => lab.set({ distances: lab.values.distances.with(i, d) }) });
    }
    const table = lab.plot({ title: "", axes: false, height: 330,
      describe: "The values that the loss averages, a row for each label" });
    table.axisX = table.axisY = { domain: [0, 1] };
    return (numbers, { labels, distances, shape }) => {
      pairs.line([0.4, 8.6], [MARGIN, MARGIN], { dash: "dashed", width: 1 });
      pairs.label("margin", 0.5, MARGIN + 0.07);
      labels.forEach((y, i) => {
        const color = y ? "same" : "different";
        pairs.line([i + 1, i + 1], [0, distances[i]], { color, width: 5 });
        pairs.label(y ? "same" : "diff.", i + 1, 1.93, { color, align: "center" });
        const step = -numbers.gradient[i];
        if (step) pairs.label(step > 0 ? "\u2191" : "\u2193", i + 1, 1.78, { align: "center", bold: true });
      });
      pairs.title.textContent = `Drag the distances; ${
        numbers.gradient.some((g) => g) ? "arrows: a step against the gradient" : "no pair has a gradient"}`;
      table.title.textContent = shape === "(B,)"
        ? "Losses of labels (8, 1) and distances (8,): shape (8, 8); boxed: the pairs"
        : "Losses of labels (8, 1) and distances (8, 1): one for each pair";
      drawTable(table, numbers, labels);
    };
  },
});
