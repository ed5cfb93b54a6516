// Six frames, the blank and two symbols: all paths that spell the labels.

const SYMBOLS = ["\u2013", "a", "b"]; // the blank first
const LEAST = 0.01;

function sums(emitted, skips) {
  const found = [emitted[0].map((p, s) => (s < 2 ? p : 0))];
  for (const row of emitted.slice(1)) {
    const before = found.at(-1);
    found.push(row.map((p, s) => p * (before[s] + (before[s - 1] ?? 0) + (skips[s] ? before[s - 2] : 0))));
  }
  return found;
}

// The labels with a blank before, between and after them.
function statesOf(labels) {
  return [...labels].flatMap((label) => [0, "-ab".indexOf(label)]).concat(0);
}

function trellis({ probabilities, labels }) {
  const names = statesOf(labels);
  const emitted = probabilities.map((row) => names.map((k) => row[k]));
  const skips = names.map((k, s) => s > 1 && k !== 0 && k !== names[s - 2]);
  const forward = sums(emitted, skips);
  const turned = (rows) => rows.map((row) => [...row].reverse()).reverse();
  const back = names.map((_, s) => s > 1 && skips[names.length + 1 - s]);
  const backward = turned(sums(turned(emitted), back));
  const total = forward.at(-1).slice(-2).reduce((a, b) => a + b);
  const posteriors = forward.map((row, t) => row.map((f, s) => (f * backward[t][s]) / emitted[t][s] / total));
  return { names, emitted, skips, forward, backward, posteriors, total, loss: -Math.log(total) };
}

// Probability of each transition, given the labels: the width of its line.
function drawTransitions(plot, { names, skips, emitted, forward, backward, total }) {
  for (let t = 1; t < forward.length; t++) {
    names.forEach((_, s) => [0, 1, 2].forEach((step) => {
      if (s < step || (step === 2 && !skips[s])) return;
      const share = (forward[t - 1][s - step] * backward[t][s]) / total;
      if (share < 1e-6) return;
      plot.line([t, t + 1], [s - step, s], { color: "grid", width: 1 });
      plot.line([t, t + 1], [s - step, s], { color: "sky", width: 14 * share });
    }));
  }
}

export default widget({
  title: "Trellis lab",
  compute: (data, values) => trellis(values),
  readout: ({ total, loss }, { labels }) => [
    [`probability of \u201c${labels}\u201d`, total.toFixed(4)],
    ["loss", `\u2212ln ${total.toFixed(4)} = ${loss.toFixed(3)} nats`],
  ],
  build(lab) {
    lab.choice("labels", { label: "labels", options: [["ab", "ab"], ["aa", "aa"]] });
    lab.choice("shown", { label: "area of a state", options: [
      ["posteriors", "probability, given the labels"],
      ["forward", "forward value"], ["backward", "backward value"]] });
    const outputs = lab.plot({
      title: "Drag the borders: outputs of the network", height: 330,
      describe: "Probability of the blank, a and b at each of six frames",
      x: { label: "frame", domain: [0.4, 6.6], ticks: [1, 2, 3, 4, 5, 6] },
      y: { label: "probability", domain: [0, 1] } });
    for (let t = 0; t < 6; t++) {
      for (const border of [0, 1]) {
        const row = () => lab.values.probabilities[t];
        outputs.handle({ axis: "y", at: () => t + 1, min: LEAST, max: 1 - LEAST, step: 0.01,
          label: `frame ${t + 1}: top of ${["the blank", "a"][border]}`,
          get: () => (border ? row()[0] + row()[1] : row()[0]),
          set: (y) => {
            const [low, high] = [row()[0], row()[0] + row()[1]];
            // A border pushes the other one, so that neither is ever stuck.
            const first = border ? Math.min(low, y - LEAST) : y;
            const second = border ? y : Math.max(high, y + LEAST);
            const changed = [first, second - first, 1 - second].map((p) => Math.max(p, LEAST / 2));
            lab.set({ probabilities: lab.values.probabilities.with(t, changed) });
          } });
      }
    }
    const paths = lab.plot({
      title: "All paths that spell the labels", height: 330,
      describe: "States of the labels at each frame, and the transitions between them",
      x: { label: "frame", domain: [0.6, 6.4], ticks: [1, 2, 3, 4, 5, 6] },
      y: { label: "state (\u2013: blank)", domain: [4.6, -0.6], ticks: [0, 1, 2, 3, 4] } });
    paths.axisY.format = (s) => SYMBOLS[statesOf(lab.values.labels)[s]];
    return (numbers, { probabilities, shown }) => {
      probabilities.forEach((row, t) => {
        let low = 0;
        row.forEach((p, k) => {
          const [left, top] = [outputs.x(t + 0.65), outputs.y(low + p)];
          outputs.pen.globalAlpha = 0.6;
          outputs.pen.fillStyle = lab.color(["muted", "same", "different"][k]);
          outputs.pen.fillRect(left, top, outputs.x(t + 1.35) - left, outputs.y(low) - top);
          outputs.pen.globalAlpha = 1;
          if (p > 0.07) outputs.label(SYMBOLS[k], t + 0.72, low + p / 2);
          low += p;
        });
      });
      drawTransitions(paths, numbers);
      const largest = Math.max(...numbers[shown].flat());
      numbers[shown].forEach((row, t) => row.forEach((value, s) => {
        const color = ["muted", "same", "different"][numbers.names[s]];
        paths.points([t + 1], [s], { color, size: 2 + 15 * Math.sqrt(value / largest) });
      }));
    };
  },
});
