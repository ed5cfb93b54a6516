// A recording, its spectrogram, and the spectrum of one window that moves over it.

const WINDOWS = { min: 0.004, max: 0.128, step: 0.0005 }; // s
const LEVELS = [-110, 40]; // dB, the axis of the spectrum
const SHADED = [-55, 20]; // dB, of the darkest and the brightest color
const TICKS = [0, 250, 500, 1000, 2000, 4000, 8000, 16000]; // Hz
const STYLE = `.siamlab-spectrogram { container-type: inline-size; }
  @container (min-width: 820px) { .siamlab-spectrogram .siamlab-pictures {
    display: grid; grid-template-columns: 1.7fr 1fr; align-items: end; } }`;
const ms = (seconds) => `${shown(1000 * seconds)}\u00a0ms`;
const decibels = (power) => 10 * Math.log10(power);
// The mel scale of Slaney (1998).
const mel = (f) => (f < 1000 ? (3 * f) / 200 : 15 + (27 * Math.log(f / 1000)) / Math.log(6.4));

// --------------------------------------------------------------------------- numbers

// The radix-2 FFT (Cooley and Tukey, 1965) of `n` complex numbers, in place. Number m of its
// input is at the index `reversed[m]`, whose bits are those of m in reverse.
function planFFT(n) {
  // The angles of the pass that joins transforms of `half` numbers are at half to 2 half - 1.
  const angles = Float64Array.from({ length: n }, (_, i) => (Math.PI * i) / 2 ** Math.floor(Math.log2(i)));
  const [cos, sin] = [angles.map((a) => -Math.cos(a)), angles.map((a) => -Math.sin(a))];
  const reversed = new Uint32Array(n);
  for (let m = 1; m < n; m++) reversed[m] = (reversed[m >> 1] >> 1) | (m & 1 ? n >> 1 : 0);
  const transform = (re, im) => {
    for (let half = 1; half < n; half *= 2) {
      for (let first = 0; first < n; first += 2 * half) {
        for (let k = half, i = first; k < 2 * half; k++, i++) {
          const j = i + half;
          const x = re[j] * cos[k] + im[j] * sin[k];
          const y = im[j] * cos[k] - re[j] * sin[k];
          re[j] = re[i] - x;
          im[j] = im[i] - y;
          re[i] += x;
          im[i] += y;
        }
      }
    }
  };
  return { reversed, transform };
}

// Triangles of unit area: the first bin of each, and its weights.
function melFilters(edges, bins) {
  return edges.slice(2).map((high, b) => {
    const [low, center] = [edges[b], edges[b + 1]];
    const height = 2 / (high - low);
    const weigh = (f) => height * Math.min((f - low) / (center - low), (high - f) / (high - center));
    const inside = bins.filter((f) => f > low && f < high);
    return { first: bins.indexOf(inside[0]), weights: Float32Array.from(inside, weigh) };
  });
}

// What depends on the length of the transform and on the bands; frequencies in hertz.
function plan({ sr, edges }, n, nMels) {
  const bins = Array.from({ length: n / 2 + 1 }, (_, k) => (k * sr) / n);
  const filters = edges[nMels] && melFilters(edges[nMels], bins);
  return { n, bins, filters, centers: edges[nMels]?.slice(1, -1) ?? bins, ...planFFT(n) };
}

// Power of the frames at `starts`, row by row, in bins or in the bands of `filters`. Two
// frames share a transform: one is its real part, the other its imaginary part.
function powers({ n, reversed, transform }, length, samples, starts, filters) {
  const hann = Float32Array.from({ length }, (_, m) => 0.5 - 0.5 * Math.cos((2 * Math.PI * m) / length));
  const size = filters?.length ?? n / 2 + 1;
  const found = new Float64Array((starts.length + 1) * size); // for an odd number of frames
  const [re, im, power] = [n, n, n / 2 + 1].map((count) => new Float64Array(count));
  for (let t = 0; t < starts.length; t += 2) {
    const [one, two] = [starts[t], starts[t + 1] ?? starts[t]];
    re.fill(0);
    im.fill(0);
    for (let m = 0; m < length; m++) {
      re[reversed[m]] = hann[m] * samples[one + m];
      im[reversed[m]] = hann[m] * samples[two + m];
    }
    transform(re, im);
    for (const [i, sign] of [1, -1].entries()) {
      for (let k = 0; k <= n / 2; k++) {
        const mirror = (n - k) & (n - 1);
        power[k] = ((re[k] + sign * re[mirror]) ** 2 + (im[k] - sign * im[mirror]) ** 2) / 4;
      }
      const row = found.subarray((t + i) * size);
      if (!filters) row.set(power);
      else filters.forEach(({ first, weights }, b) => {
        let sum = 0;
        for (let k = 0; k < weights.length; k++) sum += weights[k] * power[first + k];
        row[b] = sum;
      });
    }
  }
  return found.subarray(0, starts.length * size);
}

// The spectrogram as power, and the start of the window that is drawn.
function spectrogram(data, { window, hop, n_mels: nMels, time }) {
  const { samples, sr } = data;
  const length = Math.floor(sr * window + 0.5);
  const n = 2 ** Math.ceil(Math.log2(nMels === "all" ? length : 2 * length));
  const planned = keep(data, "plan", [n, nMels], () => plan(data, n, nMels));
  const step = Math.floor(sr * hop + 0.5);
  const frames = 1 + Math.floor((samples.length - length) / step);
  const starts = Array.from({ length: frames }, (_, t) => t * step);
  const power = keep(data, "power", [planned, length, step], () => (
    powers(planned, length, samples, starts, planned.filters)));
  const start = clamp(Math.round(sr * time - length / 2), 0, samples.length - length);
  return { ...planned, planned, length, frames, size: planned.centers.length, step, power, start };
}

function analyze(data, values) {
  const { length, step, power, frames, size, filters, centers } = spectrogram(data, values);
  const cut = 10 ** ((values.floor_db + 1e-3) / 10); // up to rounding
  const atFloor = keep(data, "floor", [power, cut], () => power.reduce((n, p) => n + (p <= cut), 0));
  return {
    frames, bands: size,
    time_resolution: Math.max(length / 2, step) / data.sr,
    frequency_resolution: Math.max((2 * data.sr) / length, centers[1] - centers[0]),
    at_floor: atFloor / power.length,
    skipped: Math.max(0, 1 - length / step),
    empty_bands: filters?.filter(({ weights }) => !weights.length).length ?? 0,
    levels: [0, Math.floor(frames / 2), frames - 1].map((t) => Array.from(
      power.subarray(t * size, (t + 1) * size), (p) => Math.max(decibels(p), values.floor_db))),
  };
}

// -------------------------------------------------------------------------- pictures

// For each row of pixels, from the top, the first and the last band that it covers.
function rowsOf(plot, centers) {
  const borders = centers.slice(1).map((f, i) => (mel(f) + mel(centers[i])) / 2);
  const band = (y) => borders.filter((border) => border < plot.y.invert(y)).length;
  return Array.from({ length: plot.bottom - plot.top }, (_, r) => [plot.top + r + 1, plot.top + r].map(band));
}

// The highest level of some bands.
function levelOf(power, first, last) {
  let most = power[first];
  for (let i = first + 1; i <= last; i++) most = Math.max(most, power[i]);
  return decibels(most);
}

const COLORS = new Uint32Array( // as bytes of pixels
  Uint8Array.from({ length: 1024 }, (_, i) => 0).buffer);

// A picture of the levels in rows of pixels. At the floor it is transparent.
function paint(power, size, rows, floor) {
  const columns = power.length / size;
  const pixels = new Uint32Array(rows.length * columns);
  for (let t = 0; t < columns; t++) {
    for (let r = 0; r < rows.length; r++) {
      const level = levelOf(power, t * size + rows[r][0], t * size + rows[r][1]);
      const share = (level - SHADED[0]) / (SHADED[1] - SHADED[0]);
      if (level > floor) pixels[r * columns + t] = COLORS[Math.round(255 * clamp(share, 0, 1))];
    }
  }
  const canvas = node("canvas", { width: columns, height: rows.length });
  canvas.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(pixels.buffer), columns), 0, 0);
  return canvas;
}

// Draw it between two places on the x-axis, on gray.
function drawImage(plot, image, from, to) {
  plot.band([from, to], { color: "grid" });
  plot.pen.imageSmoothingEnabled = false;
  plot.pen.drawImage(image, plot.x(from), plot.top, plot.x(to) - plot.x(from), plot.bottom - plot.top);
}

// The recording, the window, and the next one.
function drawWave({ data }, plot, { start, length, step }) {
  const { samples, sr } = data;
  const n = Math.floor(plot.right - plot.left);
  const part = (i) => samples.subarray((i * samples.length) / n, ((i + 1) * samples.length) / n);
  const ends = keep(data, "wave", [n], () => Array.from({ length: n }, (_, i) => part(i))
    .flatMap((own) => [Math.max(...own), Math.min(...own)]));
  plot.band([start / sr, (start + length) / sr], { color: "grid" });
  plot.line(ends.map((_, i) => ((i >> 1) * samples.length) / n / sr), ends, { color: "muted", width: 1 });
  const u = Array.from({ length: 65 }, (_, i) => i / 64);
  const hann = u.map((x) => 0.98 * plot.axisY.domain[1] * Math.sin(Math.PI * x) ** 2);
  for (const [shift, style] of [[0, { color: "orange" }], [step, { color: "purple", dash: "dashed" }]]) {
    plot.line(u.map((x) => (start + shift + x * length) / sr), hann, style);
  }
}

function drawMap({ data, values }, plot, { start, length, step, power, size, frames }, rows) {
  const floor = values.floor_db;
  const image = keep(data, "image", [power, rows, floor], () => paint(power, size, rows, floor));
  const left = (length - step) / 2; // a frame is at the center of its window
  plot.inside(() => drawImage(plot, image, left / data.sr, (left + frames * step) / data.sr));
  for (const end of [start, start + length]) {
    plot.line(Array(2).fill(end / data.sr), plot.axisY.domain, { color: "paper", width: 1, dash: "dashed" });
  }
}

function drawSpectrum({ data, values }, plot, { planned, length, start, bins, filters, size }, rows) {
  const floor = values.floor_db;
  const [power, own] = [filters, null].map((kind) => powers(planned, length, data.samples, [start], kind));
  plot.band([LEVELS[0], floor], { color: "grid" });
  plot.inside(() => {
    plot.pen.beginPath();
    rows.forEach(([first, last], r) => plot.pen.rect(plot.left, plot.top + r,
      Math.max(0, plot.x(levelOf(power, first, last)) - plot.left), 1));
    plot.pen.clip();
    drawImage(plot, paint(power, size, rows, floor), floor, LEVELS[1]);
  });
  const offset = filters ? decibels(bins[1]) : 0; // power per hertz, as in the bands
  plot.line(Array.from(own, (p) => decibels(Math.max(p, 1e-30)) - offset), bins.map(mel), { width: 1 });
  plot.title.textContent = `Its spectrum${filters ? " (line: all bins)" : ""}; drag the floor`;
}

function play({ samples, sr }) {
  const context = new AudioContext();
  const source = context.createBufferSource();
  source.buffer = context.createBuffer(1, samples.length, sr);
  source.buffer.copyToChannel(samples, 0);
  source.connect(context.destination);
  source.onended = () => context.close();
  source.start();
}

function addPlots(lab) {
  const { samples, sr } = lab.data;
  const peak = samples.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-3);
  const x = { label: "time (s)", domain: [0, samples.length / sr] };
  const ticks = TICKS.filter((f) => f <= sr / 2);
  const y = { label: "frequency (kHz)", domain: [0, mel(sr / 2)], ticks: ticks.map(mel),
    format: (m) => shown(ticks.find((f) => mel(f) === m) / 1000) };
  const wave = lab.plot({ title: "Drag the window, or its end; dashed: the next one", height: 220, x,
    y: { label: "amplitude", domain: [-1.1 * peak, 1.1 * peak], ticks: [-peak, 0, peak],
      format: (a) => shown(Number(a.toFixed(2))) }, describe: "The recording, and the window on it" });
  lab.pictures.append(lab.numbers); // beside the recording
  return [wave, lab.plot({ title: "Spectrogram; gray: at the floor", height: 300, x, y,
    describe: "The level over time and frequency" }),
  lab.plot({ title: "", height: 300, x: { label: "level (dB)", domain: LEVELS }, y,
    describe: "The spectrum of the window, and the floor" })];
}

function addHandles(lab, [wave, map, spectrum]) {
  const edge = (share) => {
    const { start, length } = spectrogram(lab.data, lab.values);
    return (start + share * length) / lab.data.sr;
  };
  const along = { min: 0, max: map.axisX.domain[1], step: 0.001 };
  const moves = { ...along, label: "center of the window", text: (s) => `${s.toFixed(3)} s`,
    get: () => edge(0.5), set: (time) => lab.set({ time }) };
  const resizes = { ...along, label: "end of the window", text: () => `window of ${ms(lab.values.window)}`,
    get: () => edge(1), set: (end) => {
      const window = clamp(Math.round(2000 * (end - edge(0))) / 2000, WINDOWS.min, WINDOWS.max);
      lab.set({ window, time: edge(0) + window / 2 });
    } };
  map.handle({ ...moves, label: "center of the window, on the spectrogram" });
  for (const [handle, top] of [[moves, "84px"], [resizes, 0]]) {
    wave.handle(handle); // one above the other, because they may be close
    Object.assign(wave.frame.lastChild.style, { marginTop: top, maxHeight: "84px" });
  }
  const floors = { min: -100, max: 20, step: 1 };
  spectrum.handle({ name: "floor_db", label: "floor", ...floors, text: (level) => `${level} dB` });
}

export default widget({
  title: "Spectrogram lab",
  compute: analyze,
  readout: (found) => [
    ["frames \u00d7 bands", `${found.frames} \u00d7 ${found.bands}`],
    ["resolution in time", ms(found.time_resolution)],
    ["in frequency", `${found.frequency_resolution.toFixed(0)}\u00a0Hz`],
    ["at the floor", percent(found.at_floor)],
    ["samples in no window", percent(found.skipped)],
    ["empty bands", found.empty_bands],
  ],
  build(lab) {
    lab.root.classList.add("siamlab-spectrogram");
    lab.root.append(node("style", {}, STYLE));
    lab.button("play the recording", () => play(lab.data));
    lab.slider("window", { label: "window", ...WINDOWS, text: ms });
    lab.slider("hop", { label: "hop", min: 0.002, max: 0.064, step: 0.001, text: ms });
    lab.choice("n_mels", { label: "frequencies", options: [
      ...Object.keys(lab.data.edges).map((n) => [Number(n), `${n} mel bands`]), ["all", "all bins"]] });
    const plots = addPlots(lab);
    const [wave, map, spectrum] = plots;
    addHandles(lab, plots);
    return (_, values) => {
      const found = spectrogram(lab.data, values);
      const rows = keep(lab.data, "rows", [found.centers, map.bottom], () => rowsOf(map, found.centers));
      drawWave(lab, wave, found);
      drawMap(lab, map, found, rows);
      drawSpectrum(lab, spectrum, found, rows);
    };
  },
});
